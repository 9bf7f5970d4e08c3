"""NonZero, Compress, GatherND, ScatterND: elements picked by position."""

from __future__ import annotations

import numpy as np

from ....dialects import graph
from ....dialects.ir.attributes import Array
from ....dialects.ir.operation import Value
from .registry import NodeContext, importer


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
    if node.string("reduction", "none") != "none":
        node.fail("a reduction is not supported yet", "export the model without it")
    places, source, updates = node.constant(1), node.type(0), node.type(2)
    op = graph.ScatterND(*(node.input(i) for i in range(3)))
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
