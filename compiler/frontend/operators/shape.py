"""Reshape and its spellings, Transpose, Expand, Tile, and blocks of channels and space."""

from __future__ import annotations

import numpy as np

from ....dialects import graph
from ....dialects.ir.operation import Value
from ....dialects.ir.types import Extent, TensorType
from .registry import NodeContext, as_ints, importer


@importer("Reshape", since=1)
def reshape(node: NodeContext) -> Value:
    """The shape by value; 0 copies an extent, unless `allowzero`."""
    shape = node.constant(1)
    if shape is None:
        return deferred(node, (None,) * _length(node, 1))
    source = node.type(0)
    target = list(as_ints(shape))
    copied: list[tuple[int, int]] = []
    for axis, extent in enumerate(target):
        if extent == 0 and not node.int("allowzero", 0):
            if axis >= source.rank:
                node.fail(f"the shape {target} copies axis {axis} of {source}, which has none")
            known = source.shape[axis]
            target[axis] = -1 if known is None else known
            copied += [(axis, axis)] if known is None else []
    return reshaped(node, node.input(0), target, copied)


def reshaped(node: NodeContext, value: Value, shape: list[int], copied: list[tuple[int, int]]) -> Value:
    """The reshape with -1 as a number, where the type of `value` tells it."""
    assert isinstance(value.type, TensorType)
    open_ = [axis for axis, extent in enumerate(shape) if extent == -1]
    rest = int(np.prod([extent for extent in shape if extent != -1], dtype=np.float64))
    if value.type.is_static and len(open_) == 1 and rest and value.type.elements % rest == 0:
        shape = [value.type.elements // rest if extent == -1 else extent for extent in shape]
    op = graph.Reshape(value, shape=tuple(shape), copied=tuple(copied))
    if op.output.type == value.type and value.type.is_static:
        return value
    return node.add(op).output


@importer("Flatten", since=1)
def flatten(node: NodeContext) -> Value:
    """Dims before the axis as one, and from it as another."""
    source = node.type(0)
    axis = node.int("axis", 1)
    axis = axis if axis == source.rank else node.axis(axis, source.rank)
    before, after = _product(source.shape[:axis]), _product(source.shape[axis:])
    if before is None and after is None:
        if axis != 1:
            return deferred(node, (None, None))
        return reshaped(node, node.input(0), [-1, -1], [(0, 0)])
    return reshaped(node, node.input(0), [-1 if extent is None else extent for extent in (before, after)], [])


def _product(shape: tuple[Extent, ...]) -> int | None:
    """How many elements such a shape has; None where it does not say."""
    product = 1
    for extent in shape:
        if extent is None:
            return None
        product *= extent
    return product


@importer("Squeeze", since=1)
def squeeze(node: NodeContext) -> Value:
    """Without axes every dim of extent 1 goes."""
    source = node.type(0)
    given = _axes(node)
    if given is None:
        if not source.is_static:
            node.fail(f"which dims of {source} are 1 is not known", "bind its free dims")
        axes = tuple(i for i, extent in enumerate(source.shape) if extent == 1)
    else:
        axes = node.axes(given, source.rank)
    for axis in axes:
        if source.shape[axis] not in (1, None):
            node.fail(f"axis {axis} of {source} is not 1")
    kept = [i for i in range(source.rank) if i not in axes]
    return _renumbered(node, source, kept)


@importer("Unsqueeze", since=1)
def unsqueeze(node: NodeContext) -> Value:
    """The axes count in the result."""
    source = node.type(0)
    given = _axes(node)
    if given is None:
        node.fail("the axes are missing")
    rank = source.rank + len(given)
    axes = node.axes(given, rank)
    inner = iter(range(source.rank))
    return _renumbered(node, source, [-1 if i in axes else next(inner) for i in range(rank)])


def _renumbered(node: NodeContext, source: TensorType, kept: list[int]) -> Value:
    """The reshape whose dim i is dim kept[i] of the input, or 1 for -1."""
    extents: list[Extent] = [1 if from_ < 0 else source.shape[from_] for from_ in kept]
    shape = [-1 if extent is None else extent for extent in extents]
    copied = [(axis, from_) for axis, from_ in enumerate(kept) if extents[axis] is None]
    return reshaped(node, node.input(0), shape, copied)


def _axes(node: NodeContext) -> tuple[int, ...] | None:
    """The axes of Squeeze and Unsqueeze: an attribute before version 13, then an input."""
    if node.version < 13:
        return node.ints("axes") if node.has("axes") else None
    if node.optional(1) is None:
        return None
    axes = node.constant(1)
    if axes is None:
        node.fail("the axes are computed from the inputs of the model, which is not supported yet", "make them constant")
    return as_ints(axes)


@importer("Transpose", since=1)
def transpose(node: NodeContext) -> Value:
    """Without an order the dims are reversed."""
    rank = node.type(0).rank
    perm = node.ints("perm", range(rank)[::-1])
    if sorted(perm) != list(range(rank)):
        node.fail(f"perm {list(perm)} is no order of the dims of {node.type(0)}")
    if perm == tuple(range(rank)):
        return node.input(0)
    return node.add(graph.Transpose(node.input(0), perm=perm)).output


@importer("Expand", since=8)
def expand(node: NodeContext) -> Value:
    """The shape by value."""
    shape = node.constant(1)
    if shape is None:
        return deferred(node, (None,) * max(node.type(0).rank, _length(node, 1)))
    return node.add(graph.Expand(node.input(0), shape=as_ints(shape))).output


@importer("Tile", since=6)
def tile(node: NodeContext) -> Value:
    """The repeats by value."""
    source = node.type(0)
    repeats = node.constant(1)
    if repeats is None:
        return deferred(node, (None,) * source.rank)
    if repeats.size != source.rank:
        node.fail(f"{repeats.size} repeats for {source}")
    return node.add(graph.Tile(node.input(0), repeats=as_ints(repeats))).output


@importer("DepthToSpace", since=1)
def depth_to_space(node: NodeContext) -> Value:
    """The mode came with version 11."""
    mode = node.string("mode", "DCR")
    if mode not in ("DCR", "CRD"):
        node.fail(f"the mode is {mode!r}, not 'DCR' or 'CRD'")
    _check_rank(node)
    return node.add(graph.DepthToSpace(node.input(0), blocksize=_blocksize(node), mode="CRD" if mode == "CRD" else "DCR")).output


@importer("SpaceToDepth", since=1)
def space_to_depth(node: NodeContext) -> Value:
    """As it stands."""
    _check_rank(node)
    return node.add(graph.SpaceToDepth(node.input(0), blocksize=_blocksize(node))).output


def _blocksize(node: NodeContext) -> int:
    if node.int("blocksize") < 1:
        node.fail(f"the blocksize is {node.int('blocksize')}")
    return node.int("blocksize")


def _check_rank(node: NodeContext) -> None:
    if node.type(0).rank != 4:
        node.fail(f"takes N x C x H x W, not {node.type(0)}")


def deferred(node: NodeContext, *shapes: tuple[Extent, ...]) -> Value:
    """A stand-in with a result of the input's element type, for a node that waits for dims to be bound."""
    types = tuple(TensorType(shape, node.type(0).element) for shape in shapes)
    read = [value for value in node.inputs if value is not None]
    return node.add(graph.Deferred(read, op_type=node.op_type, types=types)).outputs[0]


def _length(node: NodeContext, i: int) -> int:
    """How many numbers input i holds, which is the rank of the result."""
    (length,) = node.type(i).shape if node.type(i).rank == 1 else (None,)
    if length is None:
        node.fail("how many dims the result has is not known", "bind the free dims of the model")
    return length
