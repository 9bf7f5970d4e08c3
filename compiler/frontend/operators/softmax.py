"""Softmax, its logarithm and Hardmax, whose axes mean something else before version 13."""

from __future__ import annotations

import math

import numpy as np

from ....dialects import graph
from ....dialects.ir.operation import Value
from .registry import NodeContext, importer


@importer("Softmax")
def softmax(node: NodeContext) -> Value:
    """As it is."""
    return node.add(graph.Softmax(node.input(0), axes=_axes(node))).output


@importer("LogSoftmax")
def log_softmax(node: NodeContext) -> Value:
    """As it is."""
    return node.add(graph.LogSoftmax(node.input(0), axes=_axes(node))).output


@importer("Hardmax")
def hardmax(node: NodeContext) -> Value:
    """1 at the first of the largest, 0 elsewhere: a comparison of places; several axes are one."""
    source = node.type(0)
    if not source.is_static:
        node.fail(f"the input is {source}, with an unknown extent", "bind the free dims of the model")
    axes, x = _axes(node), node.input(0)
    first, count = axes[0], math.prod(source.extents[axis] for axis in axes)
    behind = source.extents[axes[-1] + 1 :]
    if len(axes) > 1:
        x = node.add(graph.Reshape(x, shape=(*source.extents[:first], count))).output
    place = node.add(graph.ArgMax(x, axis=first)).output
    numbers = node.array(np.arange(count).reshape(-1, *(1,) * len(behind)))
    hard = node.add(graph.Cast(node.add(graph.Equal(place, numbers)).output, to=source.element)).output
    return hard if len(axes) == 1 else node.add(graph.Reshape(hard, shape=source.extents)).output


def _axes(node: NodeContext) -> tuple[int, ...]:
    """One axis, by default the last; before version 13 all from one on, by default the second."""
    rank = node.type(0).rank
    if node.version >= 13:
        return (node.axis(node.int("axis", -1), rank),)
    axis = node.int("axis", 1)
    return tuple(range(rank if axis == rank else node.axis(axis, rank), rank))
