"""The frames of the functions in an object, and the deepest chain of calls.

In: an object as `emit_object` writes it, for Thumb or RISC-V. Out: a `Frame` per function, and `deepest` over all of them. The one thing to
know: the answer is an upper bound or None, never a guess. A stack pointer that moves by an amount not known here (an alloca in a loop,
scalable vectors, hand-written code), a call through a pointer, recursion, or a callee nobody knows, all give None.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import InternalError
from .. import elf
from .riscv import RiscV
from .thumb import Thumb
from .walk import Code, Frame, Walk

__all__ = ["Frame", "deepest", "read_frames"]

_READERS: Mapping[int, type[Walk]] = {40: Thumb, 243: RiscV}  # by ELF's number of the machine


def read_frames(data: bytes) -> dict[str, Frame]:
    """The frames of all functions of an object. Raises InternalError for other machines."""
    machine = elf.machine(data) if elf.is_elf(data) else 0
    if machine not in _READERS:
        raise InternalError(f"stack: the object is for neither Thumb nor RISC-V, but for machine {machine}")
    reader = _READERS[machine]
    return {name: reader(code).read() for name, code in _functions(data).items()}


def deepest(frames: Mapping[str, Frame], entry: str, external: Mapping[str, int] = {}) -> int | None:
    """Bytes from the call of `entry` down; `external` are known depths of functions that are not ours (the toolchain's soft float)."""
    depth: dict[str, int | None] = dict(external)
    open_calls: set[str] = set()

    def visit(name: str) -> int | None:
        if name in depth:
            return depth[name]
        frame = frames.get(name)
        if frame is None or frame.own_bytes is None or frame.indirect or name in open_calls:
            return None
        open_calls.add(name)
        below = [visit(callee) for callee in frame.calls]
        open_calls.remove(name)
        known = [bytes_ for bytes_ in below if bytes_ is not None]
        depth[name] = frame.own_bytes + max(known, default=0) if len(known) == len(below) else None
        return depth[name]

    return visit(entry)


def _functions(data: bytes) -> dict[str, Code]:
    """Every function's instructions."""
    symbols = [symbol for symbol in elf.symbols(data) if symbol.section]
    functions = [symbol for symbol in symbols if symbol.is_function]
    relocations: dict[int, dict[int, elf.Relocation]] = {}
    for each in elf.relocations(data):
        relocations.setdefault(each.section, {})[each.offset] = each
    sections = elf.sections(data)
    found = {}
    for function in functions:
        section = sections[function.section]
        start = function.value & ~1  # of a Thumb function it is odd
        found[function.name] = Code(
            content=data[section.offset : section.offset + section.size],
            start=start,
            end=start + function.size,
            wide=elf.is_wide(data),
            marks=_marks(symbols, function.section),
            relocations=relocations.get(function.section, {}),
            functions={other.value & ~1: other.name for other in functions if other.section == function.section},
        )
    return found


def _marks(symbols: list[elf.Symbol], section: int) -> tuple[tuple[int, bool], ...]:
    """Where instructions (True) and constants between them (False) begin."""
    marks = [(s.value & ~1, s.name[1] != "d") for s in symbols if s.section == section and s.name[:2] in ("$t", "$x", "$d")]
    return tuple(sorted(marks))
