"""The arguments of a C function, and where they lie in the chip's memory.

`place` gives every buffer whole pages of its own, its last byte at the end of the last page, and a guard page after it: in
Unicorn, where the guard is not mapped, writing past a buffer faults; everywhere the bytes around a buffer are painted
and looked at afterwards. Arrays get the natural alignment of their elements and no more, which is all the ABI promises, so
that code which silently wants more is found out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ...errors import CompileError, error

__all__ = ["PAGE", "PAINT", "Argument", "Array", "Input", "Output", "Placement", "Pointers", "Region", "Scratch", "Word", "place"]

PAGE = 0x1000
PAINT = 0xA5  # fills what nobody has written

Array = NDArray[np.generic]


@dataclass(frozen=True, slots=True, eq=False)
class Input:
    """A pointer to an array that is read."""

    array: Array


@dataclass(frozen=True, slots=True)
class Output:
    """A pointer to an array that is written; it is read back."""

    shape: tuple[int, ...]
    dtype: DTypeLike


@dataclass(frozen=True, slots=True)
class Scratch:
    """A pointer to working memory: the arena. Its size counts as RAM."""

    bytes: int
    alignment: int = 16


@dataclass(frozen=True, slots=True)
class Word:
    """An integer, or a null pointer, passed by value."""

    value: int


@dataclass(frozen=True, slots=True, eq=False)
class Pointers:
    """A pointer to a struct that holds nothing but pointers."""

    to: tuple[Input | Output, ...]


Argument = Input | Output | Scratch | Word | Pointers


@dataclass(frozen=True, slots=True)
class Region:
    """Whole pages of memory from `start`; the buffer itself is at `address`, everything before it is painted."""

    name: str
    start: int
    address: int
    content: bytes
    writable: bool

    @property
    def end(self) -> int:
        """The first address of the guard page."""
        return self.start + -(-(self.address + len(self.content) - self.start) // PAGE) * PAGE

    def image(self) -> bytes:
        """All bytes of the pages."""
        before = self.address - self.start
        after = self.end - self.address - len(self.content)
        return bytes([PAINT]) * before + self.content + bytes([PAINT]) * after


@dataclass(frozen=True, slots=True)
class Placement:
    """Arguments laid out: the words to pass, the memory they point to, and the outputs in order."""

    words: tuple[int, ...]
    regions: tuple[Region, ...]
    outputs: tuple[tuple[Output, Region], ...]
    scratch_bytes: int

    def read(self, memory: Callable[[int, int], bytes], guard: bool = False) -> tuple[Array, ...]:
        """The outputs out of `memory(address, bytes)`, after a look at the paint around every buffer (`guard`: and in the guard pages)."""
        for region in self.regions:
            _check_paint(region, memory, PAGE if guard else 0)
            if not region.writable and memory(region.address, len(region.content)) != region.content:
                raise CompileError(error(f"the code wrote to {region.name}, which is constant"))
        return tuple(
            np.frombuffer(memory(region.address, len(region.content)), output.dtype).reshape(output.shape)
            for output, region in self.outputs
        )


def _check_paint(region: Region, memory: Callable[[int, int], bytes], guard: int) -> None:
    tail = region.address + len(region.content)
    for start, end, side in ((region.start, region.address, "before the start"), (tail, region.end + guard, "past the end")):
        if memory(start, end - start).strip(bytes([PAINT])):
            raise CompileError(error(f"the code wrote {side} of {region.name}"))


def place(arguments: Sequence[Argument], base: int, end: int, pointer_bytes: int) -> Placement:
    """Lay `arguments` out in memory from `base`, a page's address, to `end`."""
    layout = _Layout(base, end, pointer_bytes)
    words = tuple(layout.word(argument, f"argument {number}") for number, argument in enumerate(arguments))
    scratch = sum(a.bytes for a in arguments if isinstance(a, Scratch))
    return Placement(words, tuple(layout.regions), tuple(layout.outputs), scratch)


class _Layout:
    """Regions one after the other, a guard page after each."""

    def __init__(self, base: int, end: int, pointer_bytes: int) -> None:
        self.next = base
        self.end = end
        self.pointer_bytes = pointer_bytes
        self.regions: list[Region] = []
        self.outputs: list[tuple[Output, Region]] = []

    def word(self, argument: Argument, name: str) -> int:
        """The register's value for `argument`, whose memory is laid out here."""
        match argument:
            case Word(value):
                return value % (1 << 8 * self.pointer_bytes)
            case Input(array):
                return self._region(f"{name} (input)", array.nbytes, array.dtype.itemsize, array.tobytes).address
            case Output(shape, dtype):
                width = np.dtype(dtype).itemsize
                region = self._region(f"{name} (output)", prod(shape) * width, width)
                self.outputs.append((argument, region))
                return region.address
            case Scratch(size, alignment):
                return self._region(f"{name} (arena)", size, alignment).address
            case Pointers(to):
                words = [self.word(each, f"{name}, pointer {number}") for number, each in enumerate(to)]
                content = b"".join(word.to_bytes(self.pointer_bytes, "little") for word in words)
                return self._region(f"{name} (struct)", len(content), self.pointer_bytes, lambda: content).address

    def _region(self, name: str, size: int, alignment: int, constant: Callable[[], bytes] | None = None) -> Region:
        """The next region; `constant` makes the bytes of one that is not written to, after the size was checked."""
        extent = max(-(-size // PAGE), 1) * PAGE
        start = -(-self.next // alignment) * alignment if alignment > PAGE else self.next
        if start + extent > self.end:
            raise CompileError(error(f"{name} takes {size} bytes, and the emulated memory ends after {self.end - start}"))
        content = constant() if constant else bytes([PAINT]) * size
        region = Region(name, start, start + (extent - size) // alignment * alignment, content, constant is None)
        self.regions.append(region)
        self.next = region.end + PAGE
        return region
