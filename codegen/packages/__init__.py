"""A C program around a compiled model: what a firmware engineer starts from.

In: the facts of an object and its target. Out: the files of a folder (main.c, startup code, linker script, Makefile) that becomes a program
with the object and the header, by clang, gcc or `zig cc`. The one thing to know: the templates beside this file are C with words between
@ signs; whatever comes from a model passes through the header's rules for names first.
"""

from __future__ import annotations

from importlib.resources import files

from ...errors import CompileError, error
from ...targets.description import Target
from ..header import Facts, Field, c_identifiers

__all__ = ["package_files"]

_FLASH_START = {"arm": 0x0800_0000, "riscv": 0x2000_0000}
_RAM_START = {"arm": 0x2000_0000, "riscv": 0x8000_0000}
_SPARE_STACK_BYTES = 1024  # main's own, and interrupts


def package_files(facts: Facts, target: Target) -> dict[str, str]:
    """Text by file name; NAME.h and NAME.o belong beside them."""
    if target.hosted or target.family not in _FLASH_START:
        raise CompileError(error(f"there is no package for {target.name}").help("packages are for chips; on a host take --emit obj,header"))
    words = _words(facts, target)
    sources = {"main.c": "main.c", "startup.c": f"{target.family}/startup.c", "link.ld": f"{target.family}/link.ld", "Makefile": "Makefile"}
    return {name: _filled(source, words) for name, source in sources.items()}


def _filled(source: str, words: dict[str, str]) -> str:
    text = files(__package__).joinpath(source).read_text(encoding="utf-8")
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text


def _words(facts: Facts, target: Target) -> dict[str, str]:
    upper = facts.name.upper()
    return {
        "NAME": facts.name,
        "UPPER": upper,
        "BUFFERS": "\n".join([*_buffers(facts, "INPUT", facts.inputs), *_buffers(facts, "OUTPUT", facts.outputs)]),
        "INPUTS": _addresses("input", facts.inputs),
        "OUTPUTS": _addresses("output", facts.outputs),
        "FLASH_START": f"{_FLASH_START[target.family]:#x}",
        "RAM_START": f"{_RAM_START[target.family]:#x}",
        "FLASH_LENGTH": str(target.flash_bytes),
        "RAM_LENGTH": str(target.ram_bytes),
        "STACK_LENGTH": str((facts.stack_bytes or 0) + _SPARE_STACK_BYTES),
        "TARGET": target.toolchain.target,
        "CPU": target.toolchain.cpu,
        "HAS_FPU": str(int(target.has_fpu)),
        "WIDE": str(int(target.pointer_bits == 64)),
    }


def _buffers(facts: Facts, role: str, fields: tuple[Field, ...]) -> list[str]:
    """One static array per input or output; an empty one still has an address."""
    upper = facts.name.upper()
    return [
        f"static {field.c_type} {role.lower()}_{identifier}[{upper}_{role}_{identifier.upper()}_ELEMENTS + {int(field.elements == 0)}u];"
        for field, identifier in zip(fields, c_identifiers([f.name for f in fields]), strict=True)
    ]


def _addresses(role: str, fields: tuple[Field, ...]) -> str:
    names = c_identifiers([f.name for f in fields])
    return ", ".join(f".{name} = {role}_{name}" for name in names) or "0"
