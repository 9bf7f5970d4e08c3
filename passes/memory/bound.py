"""What no plan can do without: the bytes that are live at once, with the padding that alignment forces.

At a step with live blocks b1..bn every block but the topmost is followed by an aligned offset, so the arena holds at least the sum of
the aligned sizes less the padding of one block; the bound takes the largest padding off and is therefore proven for every plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .liveness import Block


def aligned(size_bytes: int, alignment: int) -> int:
    """The size rounded up to a multiple of `alignment`."""
    return -(-size_bytes // alignment) * alignment


def lower_bound(blocks: Sequence[Block], alignment: int) -> int:
    """Bytes that every arena with aligned offsets needs."""
    return max((_needed(live, alignment) for live in _live(blocks)), default=0)


def peak_bytes(blocks: Sequence[Block]) -> int:
    """The most bytes that are live at one step, without any alignment."""
    return max((sum(block.size_bytes for block in live) for live in _live(blocks)), default=0)


def _needed(live: Sequence[Block], alignment: int) -> int:
    padded = [aligned(block.size_bytes, alignment) for block in live]
    return sum(padded) - max((size - block.size_bytes for size, block in zip(padded, live, strict=True)), default=0)


def _live(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """The live blocks at every step where one begins; in between they only get fewer."""
    by_start = sorted((block for block in blocks if block.size_bytes), key=lambda block: block.first)
    live: list[Block] = []
    for i, block in enumerate(by_start):
        live = [*(other for other in live if other.last >= block.first), block]
        if i + 1 == len(by_start) or by_start[i + 1].first != block.first:
            yield live
