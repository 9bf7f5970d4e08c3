"""Weights on their way while others are at work: during one block of channels, those of the next come into the second cache.

Weights of a whole model rarely stay in a cache from one run to the next. Where blocks of channels stand around the pixels, each is read
once from further away, and by the first of its register tiles alone, faster than memory can give it. So every turn of a reduction asks
for a line of the next block, and all tiles of this one together for the whole of it. Behind the last block lie the weights of the
kernel that follows, as a rule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...dialects import arith, loop
from ...dialects.ir.affine import Affine
from ...dialects.ir.operation import Value
from ..analysis.domain import Access, Domain, reads
from ..schedule.space import Schedule
from .emit import Emitter

__all__ = ["Ahead", "next_block"]

FAR = 1 << 40
"""More elements than anything is away."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """What is fetched: elements of `buffer` from `begin` on, `step` further at every turn.

    The tile that is computed begins with turn `first`; `dims` are the reduction dims whose turns are counted, with their extents.
    """

    buffer: Value
    begin: Affine
    step: Value
    first: Affine
    dims: tuple[tuple[int, int], ...]

    def fetch(self, emit: Emitter, point: tuple[Affine, ...]) -> None:
        """This turn's line; `point`: subscripts of all dims, of which those of the reduction count."""
        turn, count = self.first, 1
        for dim, extent in reversed(self.dims):
            turn, count = turn + point[dim] * count, count * extent
        distance = emit.add(arith.MulI(emit.affine(turn), self.step)).output
        dims, map_ = emit.operands([self.begin + emit.symbol(distance, 0, FAR)])
        emit.add(loop.Prefetch(self.buffer, dims, map=map_))


def next_block(domain: Domain, schedule: Schedule, emit: Emitter, end: Affine, size: int, number: Affine, tiles: Value) -> Ahead | None:
    """While tile `number` of `tiles` (at least one) of a block of channels is computed: its part of the weights behind the block.

    end, size: the channel behind the block, and how many the block has. None where there is no such block, or no weights or turns.
    """
    weights, parallel = _weights(domain, schedule.vector), len(domain.parallel)
    dims = [dim for dim in schedule.reduction if schedule.extents[dim] > 1]
    while dims and dims[-1] in schedule.unroll:
        dims.pop()
    if weights is None or not dims or size >= schedule.extents[schedule.vector]:
        return None
    buffer, type_ = emit.storage[weights.argument]
    point = [end if dim == schedule.vector else Affine() for dim in range(len(schedule.extents))]
    elements = math.ceil(size / schedule.lanes) * schedule.lanes * math.prod(schedule.extents[parallel:])
    turns = math.prod(schedule.extents[dim] for dim in dims)
    all_turns = emit.add(arith.MulI(tiles, emit.index(turns))).output
    rounded = emit.add(arith.AddI(all_turns, emit.index(elements - 1))).output
    step = emit.add(arith.DivSI(rounded, all_turns)).output
    begin = weights.offset(type_.strides).substitute(point).simplify(emit.all_ranges())
    return Ahead(buffer, begin, step, number * turns, tuple((dim, schedule.extents[dim]) for dim in dims))


def _weights(domain: Domain, vector: int) -> Access | None:
    """What is reduced, lies along the lanes, and is the same for all pixels."""
    for access in reads(domain).accesses:
        dims = {dim for subscript in access.subscripts for dim in subscript.dims() if dim < len(domain.parallel)}
        if access.of_root and dims == {vector}:
            return access
    return None
