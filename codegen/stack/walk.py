"""What reading a function's instructions has in common, whatever the machine.

In: the `Code` of a function. Out: its `Frame`. The one thing to know: a machine's reader need not know every instruction. It must know
those that move the stack pointer, that call, and that make the constants which the stack pointer is moved by; of all others only which
registers they may write, and naming too many is harmless.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from ..elf import Relocation

__all__ = ["Code", "Frame", "Walk", "signed"]


@dataclass(frozen=True, slots=True)
class Frame:
    """What one function takes: its own bytes (None: unbounded or unknown) and the names it calls; `indirect` if also by pointer."""

    own_bytes: int | None
    calls: tuple[str, ...]
    indirect: bool


@dataclass(frozen=True, slots=True)
class Code:
    """A function in the `content` of its section, from `start` to `end`; `wide` for 64 bits. `functions` stand in the same section."""

    content: bytes
    start: int
    end: int
    wide: bool
    marks: tuple[tuple[int, bool], ...]  # offset, and whether instructions begin there (or constants)
    relocations: Mapping[int, Relocation]
    functions: Mapping[int, str]

    def number(self, at: int, size: int) -> int:
        """The unsigned number of `size` bytes at an offset of the section."""
        return int.from_bytes(self.content[at : at + size], "little")


class Walk:
    """One function, read once from top to bottom.

    `frame` is what the prologue takes: everything up to the first branch or release. What is taken later (arguments of a call beside a
    large frame) is given back; `passing` is the most that is open of it at a time.
    """

    def __init__(self, code: Code) -> None:
        self.code = code
        self.frame = 0
        self.open = 0
        self.passing = 0
        self.prologue = True
        self.unknown = False
        self.indirect = False
        self.calls: dict[str, None] = {}
        self.constants: dict[int, int] = {}

    def read(self) -> Frame:
        """The frame of the function."""
        at = self.code.start
        while at < self.code.end:
            at = self._after_constants(at) if not self._is_code(at) else at + self.step(at)
        return Frame(None if self.unknown else self.frame + self.passing, tuple(self.calls), self.indirect)

    def step(self, at: int) -> int:
        """Take in the instruction at an offset; its size."""
        raise NotImplementedError

    def _is_code(self, at: int) -> bool:
        mark = bisect_right(self.code.marks, (at, True)) - 1
        return mark < 0 or self.code.marks[mark][1]

    def _after_constants(self, at: int) -> int:
        mark = bisect_right(self.code.marks, (at, True))
        return self.code.marks[mark][0] if mark < len(self.code.marks) else self.code.end

    def take(self, amount: int | None) -> None:
        """The stack pointer falls by so many bytes, or by nobody knows how many."""
        if amount is None:
            self.unknown = True
        elif amount < 0:
            self.give(-amount)
        elif self.prologue:
            self.frame += amount
        else:
            self.open += amount
            self.passing = max(self.passing, self.open)

    def give(self, amount: int) -> None:
        """It rises: after the arguments of a call, or at the function's end."""
        self.open = max(0, self.open - amount)
        self.end_block()

    def end_block(self) -> None:
        """Control may come from elsewhere now. A prologue stands in one block, and so do a constant and its use for the stack pointer."""
        self.prologue &= not self.frame
        self.constants.clear()

    def jump(self, at: int, target: int) -> None:
        """A branch, which is a call in last position where it leaves the function."""
        if at in self.code.relocations or not self.code.start <= target < self.code.end:
            self.call(at, target)
        self.end_block()

    def call(self, at: int, target: int) -> None:
        """A call of what the relocation names; without one, of a function in the same section, or a branch too far for a branch."""
        relocation = self.code.relocations.get(at)
        name = relocation.symbol if relocation else self.code.functions.get(target, "")
        if name:
            self.calls[name] = None
        else:
            self.indirect |= relocation is not None or not self.code.start <= target < self.code.end
        self.end_block()

    def set(self, register: int, value: int | None) -> None:
        """What a register holds now, where it is a constant."""
        self.constants.pop(register, None)
        if value is not None:
            self.constants[register] = value


def signed(value: int, bits: int) -> int:
    """The lowest bits of a number in two's complement."""
    half = 1 << bits - 1
    return (value & (2 * half - 1) ^ half) - half
