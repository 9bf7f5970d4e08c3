"""Gather, GatherElements, OneHot, Where; Cast and CastLike."""

from __future__ import annotations

import numpy as np

from ....dialects import graph
from ....dialects.graph.extents import tensor
from ....dialects.ir.operation import Operation, Value
from ....dialects.ir.types import FloatType, Scalar, i64
from ..bindings import scalar_of
from .registry import NodeContext, importer

NARROW = 16  # bits, below which the rounding of floats is a matter of its own


@importer("Gather", since=1)
def gather(node: NodeContext) -> Value:
    """Constant subscripts are checked and counted from 0; others take the nearest element."""
    source = node.type(0)
    axis = node.axis(node.int("axis", 0), source.rank)
    return node.add(graph.Gather(node.input(0), _subscripts(node, axis), axis=axis)).output


@importer("GatherElements", since=11)
def gather_elements(node: NodeContext) -> Value:
    """Subscripts as those of Gather."""
    axis = node.axis(node.int("axis", 0), node.type(0).rank)
    rows = repeated_column(node, axis)
    if rows is not None and node.type(1).shape[1:] == node.type(0).shape[1:]:
        return node.add(graph.GatherND(node.input(0), rows)).output
    return node.add(graph.GatherElements(node.input(0), _subscripts(node, axis), axis=axis)).output


def _subscripts(node: NodeContext, axis: int) -> Value:
    """Input 1, subscripts along `axis` of input 0."""
    known, extent = node.constant(1), node.type(0).shape[axis]
    if known is None or extent is None or not known.size:
        return node.input(1)
    if known.min() < -extent or known.max() >= extent:
        node.fail(f"the indices run from {known.min()} to {known.max()}, outside of axis {axis} of {node.type(0)}")
    return node.input(1) if known.min() >= 0 else node.array(np.where(known < 0, known + extent, known).astype(known.dtype))


@importer("OneHot", since=9)
def one_hot(node: NodeContext) -> Value:
    """A comparison with 0, 1, 2, ... along a new axis, and a choice; a place outside of -depth to depth-1 is nowhere."""
    given, depth = node.type(0), node.constant(1)
    if depth is None or depth.size != 1:
        node.fail("the depth is not one constant number", "make it constant")
    if not given.is_static:
        node.fail(f"the indices are {given}, with an unknown extent", "bind the free dims of the model")
    count = int(depth.reshape(()).item())
    axis = node.axis(node.int("axis", -1), given.rank + 1)
    shape = (*given.extents[:axis], 1, *given.extents[axis:])
    places = node.add(graph.Reshape(from_start(node, node.input(0), count), shape=shape)).output
    numbers = node.array(np.arange(count).reshape(-1, *(1,) * (given.rank - axis)))
    hit = node.add(graph.Equal(places, numbers)).output
    off, on = (node.add(graph.Slice(node.input(2), starts=(i,), sizes=(1,), steps=(1,))).output for i in range(2))
    return node.add(graph.Where(hit, on, off)).output


def repeated_column(node: NodeContext, axis: int) -> Value | None:
    """The subscripts [?, 1] of whole rows, how many of which is not known, that input 1 repeats for every column of a matrix; or None."""
    op = node.input(1).owner
    expands = isinstance(op, graph.Expand) or (isinstance(op, graph.Deferred) and op.op_type == "Expand")
    if axis != 0 or node.type(0).rank != 2 or not expands or not isinstance(op, Operation):
        return None
    return op.operands[0] if tensor(op.operands[0]).shape == (None, 1) else None


def from_start(node: NodeContext, subscripts: Value, extent: int) -> Value:
    """Subscripts below 0 count from the end of `extent`; those of an extreme never do. The result is i64."""
    if isinstance(subscripts.owner, graph.ArgMax | graph.ArgMin):
        return subscripts
    if tensor(subscripts).element != i64:
        subscripts = node.add(graph.Cast(subscripts, to=i64)).output
    below = node.add(graph.Less(subscripts, node.array(np.array(0)))).output
    return node.add(graph.Where(below, node.add(graph.Add(subscripts, node.array(np.array(extent)))).output, subscripts)).output


@importer("Where", since=9)
def where(node: NodeContext) -> Value:
    """As it stands."""
    return node.add(graph.Where(node.input(0), node.input(1), node.input(2))).output


@importer("Cast", since=6)
def cast(node: NodeContext) -> Value:
    """The type by its number."""
    to = scalar_of(node.int("to"))
    if to is None:
        node.fail(f"the element type number {node.int('to')} is not supported yet", "use another element type")
    return _cast(node, to)


@importer("CastLike", since=15)
def cast_like(node: NodeContext) -> Value:
    """The type of the other input."""
    return _cast(node, node.type(1).element)


def _cast(node: NodeContext, to: Scalar) -> Value:
    source = node.type(0).element
    if source == to:
        return node.input(0)
    for type_ in (source, to):
        if isinstance(type_, FloatType) and type_.bits < NARROW:
            node.fail(f"conversion between {source} and {to} is not supported yet", "use another element type")
    return node.add(graph.Cast(node.input(0), to=to)).output
