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

__all__ = ["Section", "Symbol", "is_elf", "sections", "symbols", "with_content"]

_ALLOC, _EXECUTE, _SYMTAB, _FUNCTION = 2, 4, 2, 2


@dataclass(frozen=True, slots=True)
class Section:
    """One entry of the section table, and where that entry stands in the file."""

    name: str
    kind: int
    flags: int
    offset: int
    size: int
    link: int
    header: int

    @property
    def is_loaded(self) -> bool:
        return bool(self.flags & _ALLOC)

    @property
    def is_code(self) -> bool:
        return bool(self.flags & _EXECUTE)


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol; `section` is 0 if it is not defined here. `entry` is where it stands in the file."""

    name: str
    section: int
    size: int
    is_function: bool
    entry: int


def is_elf(data: bytes) -> bool:
    """Whether it is a little-endian ELF file."""
    return data[:4] == b"\x7fELF" and data[5] == 1


def sections(data: bytes) -> tuple[Section, ...]:
    """The section table, in order: the numbers that symbols use."""
    table, size, count, names = struct.unpack_from("<Q10xHHH", data, 40) if _wide(data) else struct.unpack_from("<I10xHHH", data, 32)
    entries = [(table + i * size, *_section_header(data, table + i * size)) for i in range(count)]
    texts = entries[names][4]
    return tuple(
        Section(_text(data, texts + name), kind, flags, offset, bytes_, link, at) for at, name, kind, flags, offset, bytes_, link in entries
    )


def _section_header(data: bytes, at: int) -> tuple[int, int, int, int, int, int]:
    """Name, kind, flags, offset, size, link."""
    layout = "<IIQ8xQQI" if _wide(data) else "<III4xIII"
    name, kind, flags, offset, size, link = struct.unpack_from(layout, data, at)
    return name, kind, flags, offset, size, link


def symbols(data: bytes) -> Iterator[Symbol]:
    """All symbols with a name."""
    table = sections(data)
    for section in table:
        if section.kind == _SYMTAB:
            step = 24 if _wide(data) else 16
            for at in range(section.offset, section.offset + section.size, step):
                name, info, where, size = _symbol(data, at)
                if name:
                    yield Symbol(_text(data, table[section.link].offset + name), where, size, info & 15 == _FUNCTION, at)


def _symbol(data: bytes, at: int) -> tuple[int, int, int, int]:
    """Name, kind, section, size."""
    if _wide(data):
        name, info, section, size = struct.unpack_from("<IBxH8xQ", data, at)
    else:
        name, size, info, section = struct.unpack_from("<I4xIBxH", data, at)
    return name, info, section, size


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
    struct.pack_into("<QQ" if _wide(data) else "<II", head, found.header + (24 if _wide(data) else 16), len(head), size)
    struct.pack_into("<Q" if _wide(data) else "<I", head, named.entry + (16 if _wide(data) else 8), size)
    return b"".join((head, *content))


def _wide(data: bytes) -> bool:
    return data[4] == 2


def _text(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode("utf-8", "replace")
