"""Lowerings of the operators that only move elements: each is one view."""

from __future__ import annotations

from ...dialects import graph
from ...dialects.ir.affine import constant, d
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Value
from ..conversion import lowering
from .maps import broadcast_map, reshape_map, tensor_type, view


@lowering(graph.Reshape)
def lower_reshape(op: graph.Reshape, build: Builder) -> Value:
    """Linearise over the new shape, delinearise over the old."""
    extents = tensor_type(op.output).extents
    return view(build, op.input, extents, reshape_map(tensor_type(op.input).extents, extents))


@lowering(graph.Transpose)
def lower_transpose(op: graph.Transpose, build: Builder) -> Value:
    """Subscripts in another order."""
    subscripts = [d(op.perm.index(axis)) for axis in range(len(op.perm))]
    return view(build, op.input, tensor_type(op.output).extents, subscripts)


@lowering(graph.Expand)
def lower_expand(op: graph.Expand, build: Builder) -> Value:
    """Dims that are repeated do not occur in the map."""
    extents = tensor_type(op.output).extents
    return view(build, op.input, extents, broadcast_map(tensor_type(op.input), extents).results)


@lowering(graph.Tile)
def lower_tile(op: graph.Tile, build: Builder) -> Value:
    """Subscripts modulo the extent."""
    source = tensor_type(op.input).extents
    subscripts = [d(i) % n if repeat > 1 and n else d(i) for i, (n, repeat) in enumerate(zip(source, op.repeats, strict=True))]
    return view(build, op.input, tensor_type(op.output).extents, subscripts)


@lowering(graph.DepthToSpace)
def lower_depth_to_space(op: graph.DepthToSpace, build: Builder) -> Value:
    """The channel is put together from the places in the block."""
    extents = tensor_type(op.output).extents
    n, c, h, w = map(d, range(4))
    b = op.blocksize
    place = (h % b) * b + w % b
    channel = place * extents[1] + c if op.mode == "DCR" else c * (b * b) + place
    return view(build, op.input, extents, (n, channel, h // b, w // b))


@lowering(graph.SpaceToDepth)
def lower_space_to_depth(op: graph.SpaceToDepth, build: Builder) -> Value:
    """The channel is taken apart into the place in the block and the rest."""
    channels = tensor_type(op.input).extents[1]
    n, k, h, w = map(d, range(4))
    b = op.blocksize
    c, place = (k % channels, k // channels) if channels else (constant(0), constant(0))
    return view(build, op.input, tensor_type(op.output).extents, (n, c, h * b + place // b, w * b + place % b))
