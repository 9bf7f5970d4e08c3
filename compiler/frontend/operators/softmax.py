"""Softmax and its logarithm, whose axes mean something else before version 13."""

from __future__ import annotations

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


def _axes(node: NodeContext) -> tuple[int, ...]:
    """One axis, by default the last; before version 13 all from one on, by default the second."""
    rank = node.type(0).rank
    if node.version >= 13:
        return (node.axis(node.int("axis", -1), rank),)
    axis = node.int("axis", 1)
    return tuple(range(rank if axis == rank else node.axis(axis, rank), rank))
