"""Pooling over a sliding window of the spatial axes. Global pooling is a reduction, and imported as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np

from ..ir.attributes import Array
from ..ir.definition import attribute, operand, result
from ..ir.operation import Operation, Value
from ..ir.traits import Pure
from ..ir.types import Type
from .elementwise import DOMAINS, widened
from .extents import Axis, axes, from_axes, tensor
from .window import padded, reach, taps, window_extent, window_faults


class Pooling(Operation):
    """Base: one input [N, C, spatial...], one output [N, C, spatial...].

    A window of `kernel` taps, `dilations` apart, moves by `strides` over the input and its `pads` (begins, then ends); with `ceil_mode` a
    last window may hang over the end of both, unless it begins behind the input.
    """

    input: Value = operand()
    output: Value = result()
    kernel: tuple[int, ...] = attribute()
    strides: tuple[int, ...] = attribute()
    dilations: tuple[int, ...] = attribute()
    pads: tuple[int, ...] = attribute()
    ceil_mode: bool = attribute(default=False)

    domain: ClassVar[str] = "floats"

    def infer(self) -> Type:
        faults = [*self._shape_faults()]
        if faults:  # the windows mean nothing then
            raise ValueError(faults[0])
        batch, channels, *space = axes(tensor(self.input))
        return from_axes([batch, channels, *map(self._windows, range(len(space)), space)], tensor(self.input).element)

    def _windows(self, i: int, axis: Axis) -> Axis:
        begin, end = self.pads[i], self.pads[i + len(self.kernel)]
        return window_extent(axis, self.kernel[i], self.strides[i], self.dilations[i], begin + end, self.ceil_mode, begin)

    def _shape_faults(self) -> Iterable[str]:
        x = tensor(self.input)
        if x.rank < 3:
            yield f"the input is {x}, without spatial axes"
            return
        yield from window_faults(x.rank - 2, kernel=self.kernel, strides=self.strides, dilations=self.dilations, pads=self.pads)

    def verify(self) -> Iterable[str]:
        yield from self._shape_faults()
        if not DOMAINS[self.domain](tensor(self.input).element):
            yield f"takes {self.domain}, but the input is {self.input.type}"

    def overhang(self, extents: Sequence[int], windows: Sequence[int]) -> tuple[int, ...]:
        """Padding after each axis (input extent in, number of windows in) so that the last window just fits; negative: unread elements."""
        begins = self.pads[: len(self.kernel)]
        each = zip(extents, windows, self.kernel, self.strides, self.dilations, begins, strict=True)
        return tuple((o - 1) * s + reach(k, d) - n - begin for n, o, k, s, d, begin in each)

    def seen(self, x: Array, fill: float) -> Iterable[Array]:
        """The elements of `x` (its border filled) that each tap meets."""
        windows = [extent for i, n in enumerate(x.shape[2:]) if (extent := self._windows(i, (n, ""))[0]) is not None]
        ends = self.overhang(x.shape[2:], windows)
        return taps(padded(x, self.pads[: len(windows)], ends, fill), self.kernel, self.strides, self.dilations, windows)


class MaxPool(Pooling, name="graph.max_pool", traits=(Pure,)):
    """The largest element of each window; NaN if it holds one. Padding never wins.

    input [N, C, spatial...]: numbers. output [N, C, spatial...].

    ONNX: MaxPool 1, 8, 10, 11, 12, 22, without its second output.
    """

    domain = "numbers"

    def evaluate(self, x: Array) -> Array:
        lowest = -np.inf if x.dtype.kind not in "iu" else np.iinfo(x.dtype).min
        first, *rest = self.seen(x, lowest)
        total = first.copy()
        for seen in rest:
            np.maximum(total, seen, out=total)
        return total


class AveragePool(Pooling, name="graph.average_pool", traits=(Pure,)):
    """The mean of each window.

    input [N, C, spatial...]: floats. output [N, C, spatial...]: the sum of the window's elements inside of the input, divided by their
    number; with `count_include_pad` by the number of taps inside of the input and its padding (not of what hangs over further).

    ONNX: AveragePool 1, 7, 10, 11, 19, 22.
    """

    count_include_pad: bool = attribute(default=False)

    def counts(self, axis: int, extent: int, windows: int) -> tuple[int, ...]:
        """For each window along a spatial axis, of an input of `extent`, the number of its taps that count."""
        begin, end = self.pads[axis], self.pads[axis + len(self.kernel)]
        low, high = (-begin, extent + end) if self.count_include_pad else (0, extent)
        starts = (o * self.strides[axis] - begin for o in range(windows))
        return tuple(sum(low <= start + r * self.dilations[axis] < high for r in range(self.kernel[axis])) for start in starts)

    def evaluate(self, x: Array) -> Array:
        first, *rest = self.seen(widened(x), 0)
        total = first.copy()
        for seen in rest:
            total += seen
        # Counted by pooling ones, not by `counts`: the lowering uses that.
        inside = np.full(x.shape[2:], 1.0)
        rank = len(self.kernel)
        if self.count_include_pad:
            inside = np.pad(inside, list(zip(self.pads[:rank], self.pads[rank:], strict=True)), constant_values=1.0)
            ends = self.overhang(x.shape[2:], total.shape[2:])
            cut = [e - p for e, p in zip(ends, self.pads[rank:], strict=True)]
            inside = padded(inside, [0] * rank, cut, 0)
        else:
            inside = padded(inside, self.pads[:rank], self.overhang(x.shape[2:], total.shape[2:]), 0)
        number = sum(taps(inside, self.kernel, self.strides, self.dilations, total.shape[2:]))
        return np.asarray(total / np.asarray(number, dtype=total.dtype)).astype(x.dtype, copy=False)


class LpPool(Pooling, name="graph.lp_pool", traits=(Pure,)):
    """The p-norm of each window: the p-th root of the sum of |x|^p.

    input [N, C, spatial...]: floats. output [N, C, spatial...].

    ONNX: LpPool 2, 11, 18, 22.
    """

    p: int = attribute(default=2)

    def evaluate(self, x: Array) -> Array:
        total = sum(np.abs(seen) ** self.p for seen in self.seen(widened(x), 0))
        return np.asarray(total ** (1 / self.p)).astype(x.dtype, copy=False)
