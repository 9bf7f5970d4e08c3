"""Lifetimes: from steps that read and write numbered blocks of memory to blocks with a first and a last step.

A step stands for one call of a kernel. The caller resolves aliases: whoever reads a view names the block that the view lies in, so
that a view keeps its parent alive; a block that several steps write piece by piece (a concatenation) lives from the first of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """What one step touches, as numbers of blocks, and the numbers of the steps that must come before it.

    `in_place` holds pairs (read block, written block) that may be the same memory if the first is not used afterwards.
    """

    reads: tuple[int, ...]
    writes: tuple[int, ...]
    needs: tuple[int, ...] = ()
    in_place: tuple[tuple[int, int], ...] = ()

    @property
    def touches(self) -> tuple[int, ...]:
        """Every block once, in order."""
        return tuple(dict.fromkeys((*self.reads, *self.writes)))


@dataclass(frozen=True, slots=True)
class Block:
    """Memory that is in use from step `first` to step `last`, both included."""

    size_bytes: int
    first: int
    last: int

    def meets(self, other: Block) -> bool:
        """Whether both are in use at some step; an empty block meets nobody."""
        return self.first <= other.last and other.first <= self.last and self.size_bytes > 0 and other.size_bytes > 0


def lifetimes(steps: Sequence[Step], sizes_bytes: Sequence[int], order: Sequence[int] | None = None) -> tuple[Block, ...]:
    """The blocks when the steps run in `order` (as they stand, if there is none). A block that nobody touches is empty."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for time, number in enumerate(range(len(steps)) if order is None else order):
        for block in steps[number].touches:
            first.setdefault(block, time)
            last[block] = time
    return tuple(Block(size if i in first else 0, first.get(i, 0), last.get(i, 0)) for i, size in enumerate(sizes_bytes))


def merge_in_place(steps: Sequence[Step], blocks: Sequence[Block], order: Sequence[int]) -> tuple[int, ...]:
    """For every block the block whose memory it takes over, itself where there is none.

    A written block takes over a read one where the step allows it, the read one is not used afterwards, the written one not before,
    and it fits. `blocks` are the lifetimes in this order.
    """
    holder = list(range(len(blocks)))
    for time, number in enumerate(order):
        for old, new in steps[number].in_place:
            root = holder[old]
            free = blocks[old].last == time == blocks[new].first and holder[new] == new and old != new
            if free and blocks[new].size_bytes <= blocks[root].size_bytes and holder.count(root) == 1 + _heirs(holder, root, blocks, time):
                holder[new] = root
    return tuple(holder)


def _heirs(holder: Sequence[int], root: int, blocks: Sequence[Block], time: int) -> int:
    """Blocks besides `root` that lie in its memory and are not used after `time`."""
    return sum(held == root and i != root and blocks[i].last <= time for i, held in enumerate(holder))


def merged(blocks: Sequence[Block], holder: Sequence[int]) -> tuple[Block, ...]:
    """The blocks with the lifetimes of what they hold; those that lie in another are empty."""
    spans: dict[int, tuple[int, int]] = {}
    for block, root in zip(blocks, holder, strict=True):
        low, high = spans.get(root, (block.first, block.last))
        spans[root] = min(low, block.first), max(high, block.last)
    return tuple(
        Block(block.size_bytes, *spans[i]) if holder[i] == i else Block(0, block.first, block.last) for i, block in enumerate(blocks)
    )
