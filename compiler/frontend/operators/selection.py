"""NonZero, Compress, GatherND, ScatterND, ScatterElements: elements picked by position."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from ....dialects import graph
from ....dialects.graph.elementwise import Binary
from ....dialects.graph.extents import tensor
from ....dialects.graph.reduction import Reduction, highest, lowest
from ....dialects.ir.attributes import Array, Number
from ....dialects.ir.operation import Value
from .lookup import from_start, repeated_column
from .registry import NodeContext, importer

Reduced: TypeAlias = Literal["none", "add", "mul", "max", "min"]


@importer("NonZero", since=9)
def nonzero(node: NodeContext) -> Value:
    """A scalar counts as a vector of one."""
    source = node.input(0)
    if node.type(0).rank == 0:
        source = node.add(graph.Reshape(source, shape=(1,))).output
    return node.add(graph.NonZero(source)).output


@importer("Compress", since=9)
def compress(node: NodeContext) -> Value:
    """Without an axis the input is flattened."""
    source = node.type(0)
    if not node.has("axis"):
        return node.add(graph.Compress(node.add(graph.Reshape(node.input(0), shape=(-1,))).output, node.input(1), axis=0)).output
    return node.add(graph.Compress(node.input(0), node.input(1), axis=node.axis(node.int("axis"), source.rank))).output


@importer("GatherND", since=11)
def gather_nd(node: NodeContext) -> Value:
    """`batch_dims` came with version 12."""
    return node.add(graph.GatherND(node.input(0), node.input(1), batch_dims=node.int("batch_dims", 0))).output


@importer("ScatterND", since=11)
def scatter_nd(node: NodeContext) -> Value:
    """At constant places every element knows where it comes from: a lookup and a choice."""
    places, source, updates, reduction = node.constant(1), node.type(0), node.type(2), _reduction(node)
    op = graph.ScatterND(node.input(0), node.input(1), node.input(2), reduction=reduction)
    if reduction != "none":
        if places is not None:
            node.fail(f"the reduction {reduction!r} at constant places is not supported yet", "export the model without it")
        return node.add(op).output
    if places is None or not places.ndim or not source.is_static or not updates.is_static:
        return node.add(op).output
    if tuple(op.verify()):
        return node.add(op).output  # which says what is wrong
    origin, rest = _origins(node, places), source.extents[places.shape[-1] :]
    if not updates.elements:
        return node.input(0)
    rows = node.add(graph.Reshape(node.input(2), shape=(places.size // max(places.shape[-1], 1), *rest))).output
    replaced = node.add(graph.Gather(rows, node.array(np.maximum(origin, 0)), axis=0)).output
    chosen = node.array((origin >= 0).reshape(*origin.shape, *(1,) * len(rest)))
    return node.add(graph.Where(chosen, replaced, node.input(0))).output


@importer("Scatter", since=9)
@importer("ScatterElements", since=11)
def scatter_elements(node: NodeContext) -> Value:
    """Every element looks for the updates that name it: comparisons along the axis, and a choice of the last or a reduction of all."""
    source, places, reduction = node.type(0), node.type(1), _reduction(node)
    axis = node.axis(node.int("axis", 0), source.rank)
    rows = repeated_column(node, axis)
    if rows is not None and node.type(2).shape[1:] == source.shape[1:]:
        return node.add(graph.ScatterND(node.input(0), rows, node.input(2), reduction=reduction)).output
    if not source.is_static or not places.is_static:
        node.fail(f"the input is {source} and the indices are {places}, with an unknown extent", "bind the free dims of the model")
    beyond = any(have > want for i, (have, want) in enumerate(zip(places.extents, source.extents, strict=False)) if i != axis)
    if places.rank != source.rank or beyond or node.type(2) != places.with_element(source.element):
        node.fail(f"the indices are {places} and the updates {node.type(2)} for {source}")
    if not places.elements:
        return node.input(0)
    indices, updates = (
        _widened(node, from_start(node, node.input(1), source.extents[axis]), axis, -1),
        _widened(node, node.input(2), axis, 0),
    )
    count, rest = places.extents[axis], source.rank - axis - 1
    if count == 1 and reduction == "none":
        hit = node.add(graph.Equal(indices, _numbers(node, source.extents[axis], rest))).output
        return node.add(graph.Where(hit, updates, node.input(0))).output
    spread = (*source.extents[:axis], 1, count, *source.extents[axis + 1 :])
    hit = node.add(
        graph.Equal(node.add(graph.Reshape(indices, shape=spread)).output, _numbers(node, source.extents[axis], rest + 1))
    ).output
    if reduction != "none":
        reduce, combine, neutral = REDUCTIONS[reduction]
        nothing = node.array(np.asarray(neutral(source.element.dtype), source.element.dtype))
        found = node.add(graph.Where(hit, node.add(graph.Reshape(updates, shape=spread)).output, nothing)).output
        return node.add(combine(node.input(0), node.add(reduce(found, axes=(axis + 1,), keepdims=False)).output)).output
    which = node.add(graph.Where(hit, _numbers(node, count, rest), node.array(np.array(-1)))).output
    last = node.add(graph.ReduceMax(which, axes=(axis + 1,), keepdims=False)).output
    zero = node.array(np.array(0))
    picked = node.add(graph.GatherElements(updates, node.add(graph.Max(last, zero)).output, axis=axis)).output
    return node.add(graph.Where(node.add(graph.GreaterOrEqual(last, zero)).output, picked, node.input(0))).output


def _reduction(node: NodeContext) -> Reduced:
    """How updates are combined with what stands there."""
    given = node.string("reduction", "none")
    found = next((known for known in get_args(Reduced) if known == given), None)
    if found is None:
        node.fail(f"the reduction is {given!r}, which is none of {', '.join(get_args(Reduced))}")
    return found  # type: ignore[no-any-return]


REDUCTIONS: dict[str, tuple[type[Reduction], type[Binary], Callable[[np.dtype[Any]], float]]] = {
    "add": (graph.ReduceSum, graph.Add, lambda dtype: 0),
    "mul": (graph.ReduceProd, graph.Mul, lambda dtype: 1),
    "max": (graph.ReduceMax, graph.Max, lowest),
    "min": (graph.ReduceMin, graph.Min, highest),
}


def _numbers(node: NodeContext, count: int, behind: int) -> Value:
    """0, 1, 2, ... with as many dims of 1 behind."""
    return node.array(np.arange(count).reshape(-1, *(1,) * behind))


def _widened(node: NodeContext, value: Value, axis: int, fill: int) -> Value:
    """`value` with the extents of input 0, save along `axis`."""
    own, whole = tensor(value), node.type(0).extents
    missing = [0 if i == axis else want - have for i, (have, want) in enumerate(zip(own.extents, whole, strict=True))]
    if not any(missing):
        return value
    number = Number(own.element.dtype.type(fill).item(), own.element)
    return node.add(graph.Pad(value, pads=(*[0] * own.rank, *missing), value=number)).output


def _origins(node: NodeContext, places: Array) -> Array:
    """For every place of the first dims of the input the number of the update that it gets, -1 for none; the last one wins."""
    extents = node.type(0).extents[: places.shape[-1]]
    if len(extents) < places.shape[-1]:
        node.fail(f"{places.shape[-1]} subscripts for {node.type(0)}")
    rows = places.reshape(-1, places.shape[-1])
    if np.any((rows < -np.array(extents)) | (rows >= np.array(extents))):
        node.fail(f"an index is outside of {node.type(0)}")
    origin = np.full(extents, -1, np.int64)
    origin[tuple(np.mod(rows, extents).T)] = np.arange(len(rows))
    return origin
