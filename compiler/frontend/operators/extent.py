"""Shapes as values: Shape, Size, ConstantOfShape, Range. With every dim bound they are constants."""

from __future__ import annotations

import math

import numpy as np

from ....dialects import graph
from ....dialects.ir.operation import Value
from ....dialects.ir.types import TensorType
from .registry import NodeContext, as_ints, importer


@importer("Shape", since=1)
def shape(node: NodeContext) -> Value:
    """A number where the extents are known; `start` and `end` came with version 15."""
    source = node.type(0)
    start, end = (_clamped(node.int(name, default), source.rank) for name, default in (("start", 0), ("end", source.rank)))
    extents = source.shape[start:end]
    if None not in extents:
        return node.array(np.array(extents, np.int64))
    return node.add(graph.Shape(node.input(0), start=start, end=end)).output


def _clamped(axis: int, rank: int) -> int:
    return min(max(axis + rank if axis < 0 else axis, 0), rank)


@importer("Size", since=1)
def size(node: NodeContext) -> Value:
    """A number where the shape is known."""
    if node.type(0).is_static:
        return node.array(np.array(node.type(0).elements, np.int64))
    return node.add(graph.Size(node.input(0))).output


@importer("ConstantOfShape", since=9)
def constant_of_shape(node: NodeContext) -> Value:
    """One number, expanded."""
    given = node.tensor("value")
    value = node.array((np.zeros(1, np.float32) if given is None else given).reshape(()))
    shape = node.constant(0)
    if shape is not None:
        return node.add(graph.Expand(value, shape=_extents(node, as_ints(shape)))).output
    (rank,) = node.type(0).shape
    if rank is None:
        node.fail("how many dims the result has is not known", "bind the free dims of the model")
    assert isinstance(value.type, TensorType)
    types = (TensorType((None,) * rank, value.type.element),)
    return node.add(graph.Deferred(node.present(), op_type=node.op_type, types=types)).outputs[0]


def _extents(node: NodeContext, shape: tuple[int, ...]) -> tuple[int, ...]:
    if min(shape, default=0) < 0:
        node.fail(f"the shape {list(shape)} has an extent below 0")
    return shape


@importer("Range", since=11)
def range_(node: NodeContext) -> Value:
    """The length is the quotient, rounded up."""
    start, limit, delta = (node.constant(i) for i in range(3))
    if start is None or limit is None or delta is None:
        types = (TensorType((None,), node.type(0).element),)
        return node.add(graph.Deferred(node.present(), op_type=node.op_type, types=types)).outputs[0]
    step = delta.item()
    if not step:
        node.fail("the delta is 0")
    exact = isinstance(step, int)
    length = -((start.item() - limit.item()) // step) if exact else math.ceil((limit.item() - start.item()) / step)
    return node.add(graph.Range(node.input(0), node.input(2), length=max(length, 0))).output
