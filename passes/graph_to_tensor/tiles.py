"""Masks of tiles: reach as a count of chosen candidates, selection as `tensor.masked`."""

from __future__ import annotations

import math

import numpy as np

from ...dialects import graph, tensor
from ...dialects.ir.affine import Affine, AffineMap, d
from ...dialects.ir.attributes import Array, Dense, Number
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Value
from ...dialects.ir.types import f32
from ..conversion import lowering
from .computation import pointwise, read, reduce
from .maps import tensor_type
from .scalars import Scalar, literal, select


@lowering(graph.ReachMask)
def lower_reach_mask(op: graph.ReachMask, build: Builder) -> Value:
    """One axis after the other: how many candidates of a tile are chosen, along the rows of the mask and then along the columns of that."""
    chosen = pointwise(build, [op.mask], _is_any, element=f32)
    both = _counted(op, 0, _counted(op, 1, chosen, build), build)
    if op.candidates(0) == op.candidates(1) == 1:
        return both
    return pointwise(build, [both], _is_any)


def _is_any(x: Scalar) -> Scalar:
    """1 where a number is not 0, else 0."""
    return select(~x.equals(0), literal(x.build, 1.0, f32), 0)


def _counted(op: graph.ReachMask, axis: int, chosen: Value, build: Builder) -> Value:
    """For every tile along an axis how many of its candidates are chosen; other axes stay.

    Those of tile t are pixels (t * unit + unit - 1 - low) floordiv scale - a, a = 0, 1, ...; outside the mask there is none. With a scale,
    some tiles have one candidate less than others, which a table says.
    """
    tiles, count, own = tensor_type(op.output).extents[2 + axis], op.candidates(axis), tensor_type(chosen).extents
    extents = (*own[: 2 + axis], tiles, *own[3 + axis :], count)
    map_ = AffineMap(5, tuple(_nearest(op, axis, d(i)) - d(4) if i == 2 + axis else d(i) for i in range(4)))
    padded = build.add(tensor.View(chosen, extents=extents, map=map_, padding=Number(0.0, f32))).output
    reads = [read(padded, *map(d, range(5)))]
    reaches = _reaches(op, axis, tiles)
    if not reaches.all():
        table = build.add(tensor.Constant(value=Dense(reaches.astype(np.float32)))).output
        reads.append(read(table, d(2 + axis), d(4)))
    return reduce(build, reads, extents, 4, lambda number, first, *others: number + math.prod(others, start=first))


def _reaches(op: graph.ReachMask, axis: int, tiles: int) -> Array:
    """For each tile and candidate whether the candidate needs the tile."""
    unit, scale = op.unit[axis], op.scale[axis]
    tile, a = np.ogrid[:tiles, : op.candidates(axis)]
    pixel = (tile * unit + unit - 1 - op.low[axis]) // scale - a
    return np.asarray(pixel * scale + op.high[axis] >= tile * unit)


def _nearest(op: graph.ReachMask, axis: int, tile: Affine) -> Affine:
    """The last mask pixel that needs a tile."""
    return (tile * op.unit[axis] + (op.unit[axis] - 1 - op.low[axis])) // op.scale[axis]


@lowering(graph.SelectTiles)
def lower_select_tiles(op: graph.SelectTiles, build: Builder) -> Value:
    """One to one; with the list of runs that loops walk."""
    runs = build.add(tensor.ListRuns(op.active, length=op.length)).output if op.length else None
    return build.add(tensor.Masked(op.value, op.active, op.background, runs, unit=op.unit, length=op.length, switches=op.switches)).output
