"""Attributes that convolution and pooling share: windows, and padding in the forms that ONNX knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....dialects.graph.window import reach
from ....dialects.ir.types import Extent
from .registry import NodeContext


@dataclass(frozen=True, slots=True)
class Window:
    """One entry per spatial axis: extents of the window, steps, distances of taps."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]

    @staticmethod
    def of(node: NodeContext, kernel: Sequence[int]) -> Window:
        """The window of a node; steps and distances are 1 where they are left out."""
        ones = (1,) * len(kernel)
        strides, dilations = node.ints("strides", ones), node.ints("dilations", ones)
        for name, values in (("kernel_shape", tuple(kernel)), ("strides", strides), ("dilations", dilations)):
            if len(values) != len(kernel) or any(value < 1 for value in values):
                node.fail(f"{name} is {list(values)}, but should have {len(kernel)} positive entries")
        return Window(tuple(kernel), strides, dilations)


def spatial(node: NodeContext) -> tuple[Extent, ...]:
    """Extents of the spatial axes of input 0."""
    type_ = node.type(0)
    if type_.rank < 3:
        node.fail(f"the input is {type_}, without spatial axes")
    return type_.shape[2:]


def auto_pad(node: NodeContext) -> str:
    """The kind of padding."""
    kind = node.string("auto_pad", "NOTSET") or "NOTSET"
    if kind not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        node.fail(f"auto_pad is {kind!r}")
    return kind


def explicit_pads(node: NodeContext, rank: int) -> tuple[int, ...]:
    """The attribute `pads`: begins, then ends."""
    pads = node.ints("pads", (0,) * (2 * rank))
    if len(pads) != 2 * rank or any(pad < 0 for pad in pads):
        node.fail(f"pads is {list(pads)}, but should have {2 * rank} entries that are not negative")
    return pads


def pads_of(node: NodeContext, window: Window) -> tuple[int, ...]:
    """The padding of a window that reads the input: begins, then ends."""
    kind, rank = auto_pad(node), len(window.kernel)
    if kind == "NOTSET":
        return explicit_pads(node, rank)
    if kind == "VALID":
        return (0,) * (2 * rank)
    totals = [_same(window, i, extent) for i, extent in enumerate(spatial(node))]
    return split(totals, upper=kind == "SAME_UPPER")


def waits_for_extents(node: NodeContext, window: Window) -> bool:
    """Whether the padding hangs on an extent that is still open."""
    steps = zip(spatial(node), window.strides, strict=True)
    return auto_pad(node).startswith("SAME") and any(extent is None and stride != 1 for extent, stride in steps)


def _same(window: Window, i: int, extent: Extent) -> int:
    """Padding with which there is one window per `stride` elements; with steps of 1 it does not hang on the extent."""
    stride, taken = window.strides[i], reach(window.kernel[i], window.dilations[i])
    if extent is None:
        assert stride == 1
        return taken - 1
    return max((-(-extent // stride) - 1) * stride + taken - extent, 0)


def split(totals: Sequence[int], upper: bool) -> tuple[int, ...]:
    """Begins and ends that make up `totals`; of an odd number the larger part goes to the end (`upper`) or to the beginning."""
    smaller, larger = [total // 2 for total in totals], [total - total // 2 for total in totals]
    return tuple([*smaller, *larger] if upper else [*larger, *smaller])
