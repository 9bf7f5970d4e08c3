"""Pooling: padding becomes numbers, global pooling a reduction."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

from ....dialects import graph
from ....dialects.graph.pooling import Pooling
from ....dialects.ir.operation import Value
from .registry import NodeContext, importer
from .shape import deferred
from .windows import Window, pads_of, spatial, waits_for_extents


class _Fields(TypedDict):
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]
    ceil_mode: bool


def _pooled(node: NodeContext, make: Callable[[_Fields], Pooling]) -> Value:
    """The result of `make` on the window of the node; a stand-in while its padding waits for open extents."""
    kernel = node.ints("kernel_shape")
    if len(kernel) != len(spatial(node)):
        node.fail(f"kernel_shape is {list(kernel)} for the input {node.type(0)}")
    window = Window.of(node, kernel)
    if waits_for_extents(node, window):
        return deferred(node, (*node.type(0).shape[:2], *(None for _ in kernel)))
    fields: _Fields = {
        "kernel": window.kernel,
        "strides": window.strides,
        "dilations": window.dilations,
        "pads": pads_of(node, window),
        "ceil_mode": bool(node.int("ceil_mode", 0)),
    }
    return node.add(make(fields)).output


@importer("MaxPool")
def max_pool(node: NodeContext) -> Value:
    """Without the positions of the largest elements."""
    if node.wants(1):
        node.fail("the indices of the largest elements (output 1) are not supported yet", "remove the output, if nothing needs it")
    return _pooled(node, lambda fields: graph.MaxPool(node.input(0), **fields))


@importer("AveragePool")
def average_pool(node: NodeContext) -> Value:
    """As it is."""
    return _pooled(
        node, lambda fields: graph.AveragePool(node.input(0), **fields, count_include_pad=bool(node.int("count_include_pad", 0)))
    )


@importer("LpPool", since=2)
def lp_pool(node: NodeContext) -> Value:
    """As it is."""
    return _pooled(node, lambda fields: graph.LpPool(node.input(0), **fields, p=node.int("p", 2)))


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
