"""Objects into a program for the chip: linked, read back, asked for its functions and sizes.

The layout is larger than any real part's, so that a model that does not fit can still be executed and measured; whether it
fits is the driver's question. Sections are placed by their flags, whatever their names. The one thing to know: everything
stays below 2 GiB, because RISC-V code without an option reaches no further.
"""

from __future__ import annotations

import struct
import tempfile
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import CompileError, error, quote
from ...targets.description import Target
from ...targets.linker import link_image
from .arguments import PAGE

__all__ = ["MAP", "Function", "Image", "Map", "Section", "link"]


@dataclass(frozen=True, slots=True)
class Map:
    """Where the program lies. From `buffers` to `end`, after the RAM, are stack and arguments."""

    flash: int = 0x0800_0000
    ram: int = 0x2000_0000
    buffers: int = 0x3000_0000
    end: int = 0x8000_0000
    flash_bytes: int = 0x0800_0000
    ram_bytes: int = 0x0800_0000


MAP = Map()
_WRITE, _ALLOC, _EXECUTE, _NOBITS, _SYMTAB, _FUNCTION = 1, 2, 4, 8, 2, 2  # ELF's numbers

_SCRIPT = """
ENTRY({start})
MEMORY {{
  FLASH (rx) : ORIGIN = {map.flash:#x}, LENGTH = {map.flash_bytes:#x}
  RAM (rw) : ORIGIN = {map.ram:#x}, LENGTH = {map.ram_bytes:#x}
  {memory}
}}
SECTIONS {{
  /DISCARD/ : {{ *(.ARM.exidx* .ARM.extab* .ARM.attributes .riscv.attributes .eh_frame* .comment .note* .llvm_addrsig) }}
  {sections}
  .text : {{ INPUT_SECTION_FLAGS(SHF_ALLOC & SHF_EXECINSTR) *(*) }} > FLASH
  .rodata : ALIGN({page}) {{ INPUT_SECTION_FLAGS(SHF_ALLOC & !SHF_WRITE & !SHF_EXECINSTR) *(.[!r]* .r[!e]* [!.]*) }} > FLASH
  .data : ALIGN({page}) {{ INPUT_SECTION_FLAGS(SHF_ALLOC & SHF_WRITE) *(.[!bs]* .s[!b]* [!.]*) }} > RAM
  .bss (NOLOAD) : {{ *(.bss .bss.* .sbss .sbss.* COMMON) }} > RAM
}}
__global_pointer$ = {map.ram:#x} + 0x800;
"""


@dataclass(frozen=True, slots=True)
class Section:
    """A piece of the program; `content` is empty if it only takes room."""

    name: str
    address: int
    size: int
    flags: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Function:
    """A function's first address, without Thumb's bit 0, and its bytes."""

    start: int
    size: int
    name: str


@dataclass(frozen=True, slots=True)
class Image:
    """A linked program."""

    target: Target
    elf: bytes
    entry: int
    symbols: dict[str, int]
    sections: tuple[Section, ...]
    functions: tuple[Function, ...]  # by address
    borrowed: tuple[str, ...]  # what compiler-rt had to give

    @property
    def text(self) -> Section:
        """The code."""
        return next(s for s in self.sections if s.flags & _EXECUTE)

    @property
    def flash_bytes(self) -> int:
        """Code, constants, and the first values of variables."""
        return sum(len(s.content) for s in self.sections)

    @property
    def static_ram_bytes(self) -> int:
        """Variables; generated code has none, but the routines it is linked with may."""
        return sum(s.size for s in self.sections if s.flags & _WRITE)

    def function_at(self, pc: int) -> Function | None:
        """The function that holds this address."""
        index = bisect_right(self.functions, pc, key=lambda f: f.start) - 1
        found = self.functions[index] if index >= 0 else None
        return found if found and pc < found.start + max(found.size, 2) else None

    def where(self, pc: int) -> str:
        """An address for people: the function, the offset in it, and the instruction."""
        function = self.function_at(pc)
        name = f"{function.name}+{pc - function.start:#x}" if function else "outside of every function"
        return f"pc {pc:#x}, {name}: {self._instruction(pc)}"

    def by_function(self, executed: NDArray[np.uint64]) -> dict[str, int]:
        """Instructions per function, most first, from instructions per halfword of the text."""
        counts: dict[str, int] = {}
        for index in np.flatnonzero(executed):
            function = self.function_at(self.text.address + 2 * int(index))
            name = function.name if function else "?"
            counts[name] = counts.get(name, 0) + int(executed[index])
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def _instruction(self, pc: int) -> str:
        offset = pc - self.text.address
        code = self.text.content[offset : offset + 4] if offset >= 0 else b""
        if not code:
            return "no code there"
        return _disassemble(self.target, code) or f"instruction {code[::-1].hex()}"


def link(
    objects: Sequence[bytes], target: Target, entry: str, *, start: str = "", where: Map = MAP, memory: str = "", sections: str = ""
) -> Image:
    """Link `objects` for `target`, keeping what `entry` needs; control begins at `start` if that is given."""
    page = PAGE if start else 16  # only an operating system wants pages
    script = _SCRIPT.format(start=start or entry, map=where, memory=memory, sections=sections, page=page)
    with tempfile.TemporaryDirectory(prefix="intaglio-") as folder:
        output = Path(folder) / "image.elf"
        borrowed = link_image(objects, target, entry, script, output)
        return _read(output.read_bytes(), target, entry, borrowed)


def _disassemble(target: Target, code: bytes) -> str:
    """The instruction's text, if the disassembler is installed and knows it."""
    if not find_spec("capstone"):
        return ""
    import capstone

    if target.family == "arm":
        mode = capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS | capstone.CS_MODE_V8
        machine = capstone.Cs(capstone.CS_ARCH_ARM, mode)
    else:
        width = capstone.CS_MODE_RISCV64 if target.pointer_bits == 64 else capstone.CS_MODE_RISCV32
        machine = capstone.Cs(capstone.CS_ARCH_RISCV, width | capstone.CS_MODE_RISCVC)
    return next((f"{i.mnemonic} {i.op_str}".strip() for i in machine.disasm(code, 0, 1)), "")


def _read(elf: bytes, target: Target, entry: str, borrowed: tuple[str, ...]) -> Image:
    """The program out of an ELF file; it comes from our own linker, so its structure is trusted."""
    headers = tuple(_headers(elf))
    names = headers[struct.unpack_from("<H", elf, 62 if target.pointer_bits == 64 else 50)[0]]
    sections = []
    for name, kind, flags, address, offset, size, _ in headers:
        if flags & _ALLOC and size:
            content = b"" if kind == _NOBITS else elf[offset : offset + size]
            sections.append(Section(_text(elf, names[4] + name), address, size, flags, content))
    symbols = {name: (value, size, kind) for name, value, size, kind in _symbols(elf, headers, target)}
    thumb = ~1 if target.family == "arm" else ~0
    functions = (Function(value & thumb, size, name) for name, (value, size, kind) in symbols.items() if kind == _FUNCTION)
    addresses = {name: value & thumb for name, (value, _, _) in symbols.items()}
    if entry not in addresses:
        raise CompileError(error(f"the objects do not define {quote(entry)}"))
    ordered = tuple(sorted(functions, key=lambda f: (f.start, f.name)))
    return Image(target, elf, addresses[entry], addresses, tuple(sections), ordered, borrowed)


_Header = tuple[int, int, int, int, int, int, int]


def _headers(elf: bytes) -> Iterator[_Header]:
    """Name, type, flags, address, offset, size and link of every section."""
    wide = elf[4] == 2
    (table,) = struct.unpack_from("<Q" if wide else "<I", elf, 40 if wide else 32)
    size, count = struct.unpack_from("<HH", elf, 58 if wide else 46)
    layout = "<IIQQQQI" if wide else "<IIIIIII"
    return (struct.unpack_from(layout, elf, table + size * number) for number in range(count))


def _symbols(elf: bytes, headers: Sequence[_Header], target: Target) -> Iterator[tuple[str, int, int, int]]:
    """Name, value, size and kind of every defined symbol."""
    _, _, _, _, offset, size, link = next(h for h in headers if h[1] == _SYMTAB)
    names = headers[link][4]
    if target.pointer_bits == 64:
        for name, kind, _, section, value, extent in struct.iter_unpack("<IBBHQQ", elf[offset : offset + size]):
            if section:
                yield _text(elf, names + name), value, extent, kind & 15
    else:
        for name, value, extent, kind, _, section in struct.iter_unpack("<IIIBBH", elf[offset : offset + size]):
            if section:
                yield _text(elf, names + name), value, extent, kind & 15


def _text(elf: bytes, offset: int) -> str:
    return elf[offset : elf.index(b"\0", offset)].decode("utf-8", "replace")
