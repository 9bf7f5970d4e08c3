"""An order of the steps that needs less memory at its peak.

Search over the sets of finished steps, cheapest peak first (a shortest path whose length is its highest point), so the first complete
order found is optimal; a step that makes nothing grow is taken at once, because waiting cannot help. The number of sets is bounded:
when the bound is hit, a beam of the best sets of each size takes over, which may miss the optimum; large nets stay as they are. The
idea is that of Ahn et al., "Ordering Chaos: Memory-Aware Scheduling of Irregularly Wired Neural Networks for Edge Devices", MLSys 2020,
section 3.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .bound import peak_bytes
from .liveness import Step, lifetimes

MAXIMAL_STEPS = 200
MAXIMAL_STATES = 3_000
BEAM = 16


def cheapest_order(steps: Sequence[Step], sizes_bytes: Sequence[int], maximal_states: int = MAXIMAL_STATES) -> tuple[int, ...]:
    """Numbers of the steps in an order that respects `needs` and whose peak is not above that of the given order."""
    given = tuple(range(len(steps)))
    if len(steps) > MAXIMAL_STEPS:
        return given
    before = peak_bytes(lifetimes(steps, sizes_bytes))
    search = _Search(steps, sizes_bytes)
    try:
        found = search.best(before, maximal_states)
    except OverflowError:
        found = search.beam(before)
    return found or given


@dataclass(frozen=True, slots=True, order=True)
class _State:
    """A set of finished steps: the peak on the way, steps left to do, the set as bits, live bytes behind it."""

    peak: int
    left: int
    done: int
    live: int
    trace: object = field(compare=False)  # (last step, trace before it) or None


class _Search:
    """The steps as bit masks, and the states that have been seen."""

    def __init__(self, steps: Sequence[Step], sizes_bytes: Sequence[int]) -> None:
        self.sizes = sizes_bytes
        self.touches = [step.touches for step in steps]
        self.needs = [sum(1 << n for n in dict.fromkeys(step.needs)) for step in steps]
        self.users = [0] * len(sizes_bytes)
        for i, blocks in enumerate(self.touches):
            for block in blocks:
                self.users[block] |= 1 << i
        self.count = len(steps)

    def best(self, ceiling: int, maximal_states: int) -> tuple[int, ...] | None:
        """The best order if its peak is below `ceiling`. Raises OverflowError after `maximal_states` sets of finished steps."""
        heap = [_State(0, self.count, 0, 0, None)]
        seen: dict[int, None] = {}
        while heap:
            if len(seen) >= maximal_states:
                raise OverflowError
            state = heapq.heappop(heap)
            if state.left == 0:
                return _unwind(state.trace)
            if state.done in seen:
                continue
            seen[state.done] = None
            for following in self.following(state):
                if following.peak < ceiling and following.done not in seen:
                    heapq.heappush(heap, following)
        return None

    def beam(self, ceiling: int) -> tuple[int, ...] | None:
        """An order with a peak below `ceiling`, if one is met when only the best few sets of each size are followed."""
        states = [_State(0, self.count, 0, 0, None)]
        for _ in range(self.count):
            reached = {state.done: state for before in states for state in self.following(before) if state.peak < ceiling}
            states = sorted(reached.values(), key=lambda state: (state.peak, state.live, state.done))[:BEAM]
        return _unwind(min(states).trace) if states else None

    def following(self, state: _State) -> Iterator[_State]:
        """The states after one more step; only the first that costs nothing, if there is one."""
        options = [self.after(state, i) for i in range(self.count) if self.is_ready(state.done, i)]
        for option in options:
            if option.peak == state.peak and option.live <= state.live:
                yield option
                return
        yield from options

    def is_ready(self, done: int, step: int) -> bool:
        return not done >> step & 1 and self.needs[step] & ~done == 0

    def after(self, state: _State, step: int) -> _State:
        done = state.done | 1 << step
        grown = state.live + sum(self.sizes[b] for b in self.touches[step] if not self.users[b] & state.done)
        live = grown - sum(self.sizes[b] for b in self.touches[step] if not self.users[b] & ~done)
        return _State(max(state.peak, grown), state.left - 1, done, live, (step, state.trace))


def _unwind(trace: object) -> tuple[int, ...]:
    order: list[int] = []
    while isinstance(trace, tuple):
        step, trace = trace
        order.append(step)
    return tuple(reversed(order))
