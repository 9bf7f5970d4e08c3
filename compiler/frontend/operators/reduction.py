"""Reductions: axes are an attribute in old versions and an input in new ones."""

from __future__ import annotations

from collections.abc import Callable

from ....dialects import graph
from ....dialects.graph.reduction import ArgReduction, Reduction
from ....dialects.ir.operation import Value
from .registry import NodeContext, as_ints, importer

REDUCTIONS: dict[str, type[Reduction]] = {
    "ReduceL1": graph.ReduceL1,
    "ReduceL2": graph.ReduceL2,
    "ReduceLogSum": graph.ReduceLogSum,
    "ReduceLogSumExp": graph.ReduceLogSumExp,
    "ReduceMax": graph.ReduceMax,
    "ReduceMean": graph.ReduceMean,
    "ReduceMin": graph.ReduceMin,
    "ReduceProd": graph.ReduceProd,
    "ReduceSum": graph.ReduceSum,
    "ReduceSumSquare": graph.ReduceSumSquare,
}


def _rule(class_: type[Reduction]) -> Callable[[NodeContext], Value]:
    def rule(node: NodeContext) -> Value:
        return node.add(class_(node.input(0), axes=_axes(node), keepdims=bool(node.int("keepdims", 1)))).output

    return rule


def _axes(node: NodeContext) -> tuple[int, ...]:
    """The axes in order: from the attribute, the input, or all of them if none are given (none, with `noop_with_empty_axes`)."""
    given = node.ints("axes", ())
    if node.optional(1) is not None:
        constant = node.constant(1)
        if constant is None:
            node.fail("the axes are computed while the model runs", "export the model with constant axes")
        given = as_ints(constant)
    rank = node.type(0).rank
    if not given and not node.int("noop_with_empty_axes", 0):
        return tuple(range(rank))
    return tuple(sorted(node.axes(given, rank)))


def _arg_rule(class_: type[ArgReduction]) -> Callable[[NodeContext], Value]:
    def rule(node: NodeContext) -> Value:
        axis = node.axis(node.int("axis", 0), node.type(0).rank)
        keepdims, last = bool(node.int("keepdims", 1)), bool(node.int("select_last_index", 0))
        return node.add(class_(node.input(0), axis=axis, keepdims=keepdims, last=last)).output

    return rule


for _name, _class in REDUCTIONS.items():
    importer(_name)(_rule(_class))
importer("ArgMax")(_arg_rule(graph.ArgMax))
importer("ArgMin")(_arg_rule(graph.ArgMin))
