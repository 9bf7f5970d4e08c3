"""Convolutions: padding becomes numbers."""

from __future__ import annotations

from ....dialects import graph
from ....dialects.graph.window import reach
from ....dialects.ir.operation import Value
from ....dialects.ir.types import Extent
from .registry import NodeContext, importer
from .shape import deferred
from .windows import Window, auto_pad, explicit_pads, pads_of, spatial, split, waits_for_extents


@importer("Conv")
def conv(node: NodeContext) -> Value:
    """As it is."""
    window = _window(node)
    if waits_for_extents(node, window):
        return deferred(node, _open_shape(node, node.type(1).shape[0]))
    pads = pads_of(node, window)
    op = graph.Conv(
        node.input(0),
        node.input(1),
        node.optional(2),
        strides=window.strides,
        dilations=window.dilations,
        pads=pads,
        groups=node.int("group", 1),
    )
    return node.add(op).output


@importer("ConvTranspose")
def conv_transpose(node: NodeContext) -> Value:
    """`output_shape` is a way to say pads, and where they would be negative to append."""
    window = _window(node)
    wants_extents = node.has("output_shape") or auto_pad(node).startswith("SAME")
    if wants_extents and None in spatial(node):
        return deferred(node, _open_shape(node, node.type(1).extents[1] * node.int("group", 1)))
    pads, appended = _transposed_pads(node, window)
    op = graph.ConvTranspose(
        node.input(0),
        node.input(1),
        node.optional(2),
        strides=window.strides,
        dilations=window.dilations,
        pads=pads,
        groups=node.int("group", 1),
        output_padding=appended,
    )
    return node.add(op).output


def _open_shape(node: NodeContext, channels: Extent) -> tuple[Extent, ...]:
    """The shape of a result whose spatial extents wait for those of the input."""
    return (node.type(0).shape[0], channels, *(None for _ in spatial(node)))


def _window(node: NodeContext) -> Window:
    rank, weights = len(spatial(node)), node.type(1)
    if weights.rank != rank + 2 or not weights.is_static:
        node.fail(f"the weights are {weights} for the input {node.type(0)}", "weights need known extents and the rank of the input")
    kernel = weights.extents[2:]
    stated = node.ints("kernel_shape", kernel)
    if stated != kernel:
        node.fail(f"kernel_shape is {list(stated)}, but the weights are {weights}")
    return Window.of(node, kernel)


def _transposed_pads(node: NodeContext, window: Window) -> tuple[tuple[int, ...], tuple[int, ...]]:
    rank, kind = len(window.kernel), auto_pad(node)
    appended = node.ints("output_padding", (0,) * rank)
    if len(appended) != rank or any(extra < 0 for extra in appended):
        node.fail(f"output_padding is {list(appended)}, but should have {rank} entries that are not negative")
    if node.has("output_shape"):
        wanted = node.ints("output_shape")[-rank:]
    elif kind in ("SAME_UPPER", "SAME_LOWER"):
        wanted = tuple(n * s for n, s in zip(_extents(node), window.strides, strict=True))
    else:
        return (explicit_pads(node, rank) if kind == "NOTSET" else (0,) * (2 * rank)), appended
    each = zip(_extents(node), window.strides, appended, window.kernel, window.dilations, wanted, strict=True)
    totals = [(n - 1) * s + extra + reach(k, dilation) - out for n, s, extra, k, dilation, out in each]
    pads = split([max(total, 0) for total in totals], upper=kind == "SAME_UPPER")
    return pads, tuple(extra + max(-total, 0) for extra, total in zip(appended, totals, strict=True))


def _extents(node: NodeContext) -> tuple[int, ...]:
    """The spatial extents, none of them open."""
    return tuple(extent for extent in spatial(node) if extent is not None)
