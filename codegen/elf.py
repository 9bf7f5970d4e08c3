"""Sections and symbols of ELF objects, read and changed in place of LLVM.

In: the bytes of a relocatable object that LLVM wrote, 32 or 64 bits, little-endian. Out: sizes, symbols, or the object with a section's
content replaced. The one thing to know: `with_content` puts new content at the end of the file and lets section header and symbol point
to it, so the size of the object that LLVM writes does not depend on the content, and neither does the time it takes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import InternalError

__all__ = ["Relocation", "Section", "Symbol", "is_elf", "is_wide", "machine", "relocations", "sections", "symbols", "with_content"]

_ALLOC, _EXECUTE, _SYMTAB, _FUNCTION, _RELA, _REL = 2, 4, 2, 2, 4, 9


@dataclass(frozen=True, slots=True)
class Section:
    """One entry of the section table, and where that entry stands in the file."""

    name: str
    kind: int
    flags: int
    offset: int
    size: int
    link: int
    info: int
    header: int

    @property
    def is_loaded(self) -> bool:
        return bool(self.flags & _ALLOC)

    @property
    def is_code(self) -> bool:
        return bool(self.flags & _EXECUTE)


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol; `section` is 0 if it is not defined here, else `value` is its offset there. `entry` is where it stands in the file."""

    name: str
    section: int
    value: int
    size: int
    is_function: bool
    entry: int


@dataclass(frozen=True, slots=True)
class Relocation:
    """A place in a section, by offset, that waits for the address of a symbol; `kind` is the machine's number."""

    section: int
    offset: int
    kind: int
    symbol: str


def is_elf(data: bytes) -> bool:
    """Whether it is a little-endian ELF file."""
    return data[:4] == b"\x7fELF" and data[5] == 1


def machine(data: bytes) -> int:
    """ELF's number of the machine: 40 for Arm, 243 for RISC-V."""
    return int(struct.unpack_from("<H", data, 18)[0])


def sections(data: bytes) -> tuple[Section, ...]:
    """The section table, in order: the numbers that symbols use."""
    table, size, count, names = struct.unpack_from("<Q10xHHH", data, 40) if is_wide(data) else struct.unpack_from("<I10xHHH", data, 32)
    entries = [(table + i * size, *_section_header(data, table + i * size)) for i in range(count)]
    texts = entries[names][4]
    return tuple(
        Section(_text(data, texts + name), kind, flags, offset, bytes_, link, info, at)
        for at, name, kind, flags, offset, bytes_, link, info in entries
    )


def _section_header(data: bytes, at: int) -> tuple[int, int, int, int, int, int, int]:
    """Name, kind, flags, offset, size, link, info."""
    layout = "<IIQ8xQQII" if is_wide(data) else "<III4xIIII"
    name, kind, flags, offset, size, link, info = struct.unpack_from(layout, data, at)
    return name, kind, flags, offset, size, link, info


def symbols(data: bytes) -> Iterator[Symbol]:
    """All symbols with a name."""
    table = sections(data)
    for section in table:
        if section.kind == _SYMTAB:
            step = 24 if is_wide(data) else 16
            for at in range(section.offset, section.offset + section.size, step):
                name, info, where, value, size = _symbol(data, at)
                if name:
                    yield Symbol(_text(data, table[section.link].offset + name), where, value, size, info & 15 == _FUNCTION, at)


def _symbol(data: bytes, at: int) -> tuple[int, int, int, int, int]:
    """Name, kind, section, value, size."""
    if is_wide(data):
        name, info, section, value, size = struct.unpack_from("<IBxHQQ", data, at)
    else:
        name, value, size, info, section = struct.unpack_from("<IIIBxH", data, at)
    return name, info, section, value, size


def relocations(data: bytes) -> Iterator[Relocation]:
    """All places that wait for a symbol with a name."""
    table = sections(data)
    for section in table:
        if section.kind in (_REL, _RELA):
            names, symbol_bytes = table[section.link], 24 if is_wide(data) else 16
            step = (16 if is_wide(data) else 8) + (section.kind == _RELA) * (8 if is_wide(data) else 4)
            for at in range(section.offset, section.offset + section.size, step):
                offset, info = struct.unpack_from("<QQ" if is_wide(data) else "<II", data, at)
                number, kind = (info >> 32, info & 0xFFFFFFFF) if is_wide(data) else (info >> 8, info & 255)
                name = _symbol(data, names.offset + number * symbol_bytes)[0]
                yield Relocation(section.info, offset, kind, _text(data, table[names.link].offset + name) if name else "")


def with_content(data: bytes, section: str, symbol: str, content: Sequence[bytes | memoryview], alignment: int) -> bytes:
    """The object whose section, which holds nothing but the symbol, has this content, given in parts."""
    if not is_elf(data):
        raise InternalError("codegen: only ELF objects can take weights")
    number, found = next((i, s) for i, s in enumerate(sections(data)) if s.name == section)
    named = next(s for s in symbols(data) if s.name == symbol)
    if named.section != number:
        raise InternalError(f"codegen: {symbol} does not stand in {section}")
    head = bytearray(data)
    size = sum(memoryview(part).nbytes for part in content)
    head += bytes(-len(head) % alignment)
    struct.pack_into("<QQ" if is_wide(data) else "<II", head, found.header + (24 if is_wide(data) else 16), len(head), size)
    struct.pack_into("<Q" if is_wide(data) else "<I", head, named.entry + (16 if is_wide(data) else 8), size)
    return b"".join((head, *content))


def is_wide(data: bytes) -> bool:
    """Whether it is of 64 bits."""
    return data[4] == 2


def _text(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode("utf-8", "replace")
