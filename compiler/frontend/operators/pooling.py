"""Pooling: padding becomes numbers, global pooling a reduction."""

from __future__ import annotations

from typing import TypedDict

from ....dialects import graph
from ....dialects.ir.operation import Value
from .registry import NodeContext, importer
from .windows import Window, pads_of, spatial


class _Fields(TypedDict):
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]
    ceil_mode: bool


def _fields(node: NodeContext) -> _Fields:
    kernel = node.ints("kernel_shape")
    if len(kernel) != len(spatial(node)):
        node.fail(f"kernel_shape is {list(kernel)} for the input {node.type(0)}")
    window = Window.of(node, kernel)
    return {
        "kernel": window.kernel,
        "strides": window.strides,
        "dilations": window.dilations,
        "pads": pads_of(node, window),
        "ceil_mode": bool(node.int("ceil_mode", 0)),
    }


@importer("MaxPool")
def max_pool(node: NodeContext) -> Value:
    """Without the positions of the largest elements."""
    if node.wants(1):
        node.fail("the indices of the largest elements (output 1) are not supported yet", "remove the output, if nothing needs it")
    return node.add(graph.MaxPool(node.input(0), **_fields(node))).output


@importer("AveragePool")
def average_pool(node: NodeContext) -> Value:
    """As it is."""
    return node.add(graph.AveragePool(node.input(0), **_fields(node), count_include_pad=bool(node.int("count_include_pad", 0)))).output


@importer("LpPool", since=2)
def lp_pool(node: NodeContext) -> Value:
    """As it is."""
    return node.add(graph.LpPool(node.input(0), **_fields(node), p=node.int("p", 2))).output


@importer("GlobalAveragePool")
def global_average_pool(node: NodeContext) -> Value:
    """The mean over the spatial axes."""
    return node.add(graph.ReduceMean(node.input(0), axes=_space(node))).output


@importer("GlobalMaxPool")
def global_max_pool(node: NodeContext) -> Value:
    """The largest over the spatial axes."""
    return node.add(graph.ReduceMax(node.input(0), axes=_space(node))).output


def _space(node: NodeContext) -> tuple[int, ...]:
    return tuple(range(2, 2 + len(spatial(node))))
