"""Offsets in one arena: blocks with lifetimes in, a small arena out. NP-hard (dynamic storage allocation), so a bounded search.

A placement is made from a sequence: each block goes into the lowest gap, or the tightest one, that its neighbours in time leave. For
some sequence the lowest gap is optimal: that of the optimal offsets from below. So first come good sequences (by size, by area, by
lifetime, by start), then a search that moves blocks under the top of the arena to the front, until the lower bound is met or the
effort is spent. The search draws from a fixed generator: equal blocks give equal plans.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from .bound import aligned, lower_bound
from .liveness import Block

EFFORT = 500_000  # looks at a neighbour; spent only where the bound is not met. 2000 blocks that do not meet it: 0.17 s


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Where each block lies, how large the arena is, and what it cannot be smaller than."""

    offsets: tuple[int, ...]
    arena_bytes: int
    bound_bytes: int


@dataclass(frozen=True, slots=True)
class _Problem:
    sizes: tuple[int, ...]
    alignment: int
    neighbours: tuple[tuple[int, ...], ...]

    @property
    def cost(self) -> int:
        """Effort of one placement."""
        return len(self.sizes) + sum(map(len, self.neighbours))

    def place(self, sequence: Sequence[int], tightest: bool) -> tuple[int, ...]:
        """Offsets when the blocks are placed one after the other."""
        offsets = [-1] * len(self.sizes)
        for i in sequence:
            taken = sorted((offsets[j], offsets[j] + self.sizes[j]) for j in self.neighbours[i] if offsets[j] >= 0)
            offsets[i] = self._gap(taken, self.sizes[i], tightest)
        return tuple(offsets)

    def _gap(self, taken: Sequence[tuple[int, int]], size: int, tightest: bool) -> int:
        best, slack, end = -1, 0, 0
        for low, high in taken:
            room = low - end - size
            if room >= 0 and (best < 0 or room < slack):
                best, slack = end, room
                if not tightest:
                    return best
            end = max(end, aligned(high, self.alignment))
        return end if best < 0 else best

    def height(self, offsets: Sequence[int]) -> int:
        """Bytes of the arena with these offsets."""
        return max((offset + size for offset, size in zip(offsets, self.sizes, strict=True) if size), default=0)


def plan_arena(blocks: Sequence[Block], alignment: int, effort: int = EFFORT) -> MemoryPlan:
    """Offsets, multiples of `alignment`, at which no two blocks that meet in time overlap."""
    problem = _Problem(tuple(block.size_bytes for block in blocks), alignment, _neighbours(blocks))
    bound = lower_bound(blocks, alignment)
    best: tuple[int, ...] = (0,) * len(blocks)
    height = sum(aligned(block.size_bytes, alignment) for block in blocks) + 1
    for offsets in _placements(problem, blocks, bound, effort):
        if problem.height(offsets) < height:
            best, height = offsets, problem.height(offsets)
        if height == bound:
            break
    return MemoryPlan(best, problem.height(best), bound)


def _neighbours(blocks: Sequence[Block]) -> tuple[tuple[int, ...], ...]:
    """For every block those that it meets in time, by a sweep over the starts."""
    neighbours: list[list[int]] = [[] for _ in blocks]
    live: list[int] = []
    for i in sorted(range(len(blocks)), key=lambda i: blocks[i].first):
        live = [j for j in live if blocks[j].last >= blocks[i].first]
        for j in live:
            if blocks[i].meets(blocks[j]):
                neighbours[i].append(j)
                neighbours[j].append(i)
        live.append(i)
    return tuple(map(tuple, neighbours))


def _placements(problem: _Problem, blocks: Sequence[Block], bound: int, effort: int) -> Iterator[tuple[int, ...]]:
    best: tuple[int, list[int]] | None = None
    for sequence in _sequences(blocks):
        for tightest in (False, True):
            offsets = problem.place(sequence, tightest)
            if best is None or problem.height(offsets) < best[0]:
                best = problem.height(offsets), sequence
            yield offsets
    if best is not None:
        rounds = effort // max(problem.cost, 1) - 8
        yield from _improve(problem, best[1], best[0], rounds)


def _sequences(blocks: Sequence[Block]) -> Iterator[list[int]]:
    """Good first guesses; ties go to the block that begins first."""

    def length(block: Block) -> int:
        return block.last - block.first + 1

    keys: tuple[Callable[[Block], tuple[int, ...]], ...] = (
        lambda block: (-block.size_bytes, block.first),
        lambda block: (-block.size_bytes * length(block), block.first),
        lambda block: (-length(block), -block.size_bytes, block.first),
        lambda block: (block.first, -block.size_bytes),
    )
    for key in keys:
        yield [i for _, i in sorted((key(block), i) for i, block in enumerate(blocks))]


def _improve(problem: _Problem, sequence: list[int], height: int, rounds: int) -> Iterator[tuple[int, ...]]:
    """Move a block that reaches the top, or one of its neighbours, forward in the sequence; keep what is no worse."""
    random = Random(0)
    offsets = problem.place(sequence, tightest=False)
    height = problem.height(offsets)
    for _ in range(rounds):
        top = [i for i in sequence if offsets[i] + problem.sizes[i] == height]
        if not top:
            return
        block = random.choice(top)
        if random.random() < 0.5 and problem.neighbours[block]:
            block = random.choice(problem.neighbours[block])
        position = sequence.index(block)
        candidate = [i for i in sequence if i != block]
        candidate.insert(random.randrange(position + 1), block)
        tried = problem.place(candidate, tightest=False)
        if problem.height(tried) <= height:
            sequence, offsets, height = candidate, tried, problem.height(tried)
            yield offsets
