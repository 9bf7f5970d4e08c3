"""Masks of tiles: reach as a maximum over candidate pixels, selection as `tensor.masked`."""

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
from .scalars import literal, maximum, select


@lowering(graph.ReachMask)
def lower_reach_mask(op: graph.ReachMask, build: Builder) -> Value:
    """For tile t the candidates are pixels (t * unit + unit - 1 - low) floordiv scale - a, a = 0, 1, ...; outside the mask there is none.

    With a scale, some tiles have one candidate less than others, which a table says.
    """
    chosen = pointwise(build, [op.mask], lambda x: select(~x.equals(0), literal(x.build, 1.0, f32), 0), element=f32)
    N, g, *tiles = tensor_type(op.output).extents
    counts = [op.candidates(axis) for axis in range(2)]
    nearest = [_nearest(op, axis, d(2 + axis)) - d(4 + axis) for axis in range(2)]
    padded = build.add(
        tensor.View(
            chosen,
            extents=(N, g, *tiles, *counts),
            map=AffineMap(6, (d(0), d(1), *nearest)),
            padding=Number(0.0, f32),
        )
    ).output
    reads = [read(padded, *map(d, range(6)))]
    for axis in range(2):
        reaches = _reaches(op, axis, tiles[axis])
        if not reaches.all():
            table = build.add(tensor.Constant(value=Dense(reaches.astype(np.float32)))).output
            reads.append(read(table, d(2 + axis), d(4 + axis)))
    return reduce(build, reads, (N, g, *tiles, *counts), 4, lambda most, first, *others: maximum(most, math.prod(others, start=first)), 0.0)


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
