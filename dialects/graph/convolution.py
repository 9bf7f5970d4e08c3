"""Convolution and its transpose, over any number of spatial axes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..ir.attributes import Array
from ..ir.builder import Builder
from ..ir.definition import attribute, operand, optional, result
from ..ir.operation import Operation, Value, canonicalize
from ..ir.traits import Pure
from ..ir.types import FloatType, TensorType, Type
from .constant import Constant
from .elementwise import widened
from .extents import UNKNOWN, Axis, axes, from_axes, tensor
from .resize import Resize
from .window import padded, reach, taps, window_extent, window_faults

CACHED_ELEMENTS = 1 << 16


class Convolution(Operation):
    """Base: operands and the checks that do not depend on the direction."""

    input: Value = operand()
    weights: Value = operand()
    bias: Value | None = optional()
    strides: tuple[int, ...] = attribute()
    dilations: tuple[int, ...] = attribute()
    pads: tuple[int, ...] = attribute()
    groups: int = attribute(default=1)

    @property
    def kernel(self) -> tuple[int, ...]:
        """Extents of the window. Raises ValueError where they are unknown."""
        return TensorType(tensor(self.weights).shape[2:], tensor(self.weights).element).extents

    def infer(self) -> Type:
        faults = [*self._shape_faults()]
        if faults:  # the windows mean nothing then
            raise ValueError(faults[0])
        batch, _, *space = axes(tensor(self.input))
        out = [self.output_axis(i, axis) for i, axis in enumerate(space)]
        return from_axes([batch, (self.output_channels(), ""), *out], tensor(self.input).element)

    def output_axis(self, i: int, axis: Axis) -> Axis:
        """Spatial axis i of the output, from that of the input."""
        raise NotImplementedError

    def _shape_faults(self) -> Iterable[str]:
        x, w = tensor(self.input), tensor(self.weights)
        if x.rank < 3 or w.rank != x.rank:
            yield f"the input is {x} and the weights are {w}: both need batch, channels and the same spatial axes"
            return
        if None in w.shape:
            yield f"the weights {w} have an unknown extent"
        yield from window_faults(x.rank - 2, strides=self.strides, dilations=self.dilations, pads=self.pads)

    def verify(self) -> Iterable[str]:
        x, w = tensor(self.input), tensor(self.weights)
        yield from self._shape_faults()
        if not isinstance(x.element, FloatType) or w.element != x.element:
            yield f"the element types are {x.element} and {w.element}, but should be one float type"
        yield from self._channel_faults()

    def output_channels(self) -> int:
        """K."""
        raise NotImplementedError

    def input_channels(self) -> int:
        """C, as the weights have it."""
        raise NotImplementedError

    def _channel_faults(self) -> Iterable[str]:
        C, K = self.input_channels(), self.output_channels()
        if tensor(self.input).shape[1] not in (None, C):
            yield f"the input {self.input.type} has {tensor(self.input).shape[1]} channels, but weights {self.weights.type} take {C}"
        if self.groups < 1 or C % self.groups or K % self.groups:
            yield f"{C} channels to {K} do not divide into {self.groups} groups"
        if self.bias is not None and tensor(self.bias).shape not in ((K,), (None,)):
            yield f"the bias is {self.bias.type} for {K} channels"


class Conv(Convolution, name="graph.conv", traits=(Pure,)):
    """Convolution (cross-correlation) with zero padding.

    input [N, C, spatial...], weights [K, C / groups, window...], bias [K]: floats of one type.
    output [N, K, spatial...]: bias[k] + sum over c and taps r of input[n, g * C/groups + c, o * stride + r * dilation - begin]
    * weights[k, c, r], where g is the group of k.
    `pads`: begins of all spatial axes, then ends.

    ONNX: Conv 1, 11, 22; auto_pad is resolved at import.
    """

    output: Value = result()

    def output_channels(self) -> int:
        return tensor(self.weights).shape[0] or 0

    def input_channels(self) -> int:
        return (tensor(self.weights).shape[1] or 0) * self.groups

    def output_axis(self, i: int, axis: Axis) -> Axis:
        pads = self.pads[i] + self.pads[i + len(self.strides)]
        return window_extent(axis, self.kernel[i], self.strides[i], self.dilations[i], pads)

    def evaluate(self, *operands: Array | None) -> Array:
        x, w, bias = operands
        assert x is not None
        assert w is not None
        rank = len(self.strides)
        source = padded(widened(x), self.pads[:rank], self.pads[rank:], 0)
        axes_ = zip(source.shape[2:], w.shape[2:], self.strides, self.dilations, strict=True)
        extents = [max((n - reach(k, d)) // s + 1, 0) for n, k, s, d in axes_]
        source = source.reshape(x.shape[0], self.groups, w.shape[1], *source.shape[2:])
        filters = widened(w).reshape(self.groups, w.shape[0] // self.groups, w.shape[1], math.prod(w.shape[2:]))
        total = np.zeros((x.shape[0], self.groups, filters.shape[1], math.prod(extents)), source.dtype)
        # As many groups at a time as stay in the cache.
        step = max(CACHED_ELEMENTS // max(total[:, 0].size, 1), 1)
        for first in range(0, self.groups, step):
            some = slice(first, first + step)
            for t, seen in enumerate(taps(source[:, some], w.shape[2:], self.strides, self.dilations, extents)):
                columns = seen.reshape(*seen.shape[:3], math.prod(extents))
                factors = filters[some, ..., t]
                total[:, some] += columns * factors if factors.shape[2] == 1 else factors @ columns
        out = total.reshape(x.shape[0], w.shape[0], *extents)
        return with_bias(out, bias).astype(x.dtype, copy=False)


class ConvTranspose(Convolution, name="graph.conv_transpose", traits=(Pure,)):
    """Transposed convolution: the gradient of a convolution with respect to its input.

    input [N, C, spatial...], weights [C, K / groups, window...], bias [K]: floats of one type.
    output [N, K, spatial...] of extents (n - 1) * stride + reach of the window - begin - end + output_padding: every input element
    adds weights[c, k, r] times itself at i * stride + r * dilation - begin, in its group; then the bias is added.

    ONNX: ConvTranspose 1, 11, 22; auto_pad and output_shape are resolved to pads and output_padding at import.
    """

    output_padding: tuple[int, ...] = attribute(default=())
    output: Value = result()

    def output_channels(self) -> int:
        return (tensor(self.weights).shape[1] or 0) * self.groups

    def input_channels(self) -> int:
        return tensor(self.weights).shape[0] or 0

    @property
    def extra(self) -> tuple[int, ...]:
        """`output_padding`, one per axis."""
        return self.output_padding or (0,) * len(self.strides)

    def _shape_faults(self) -> Iterable[str]:
        yield from super()._shape_faults()
        yield from window_faults(len(self.strides), output_padding=self.extra)

    def output_axis(self, i: int, axis: Axis) -> Axis:
        if axis[0] is None:
            return UNKNOWN
        cut = self.pads[i] + self.pads[i + len(self.strides)]
        return (max((axis[0] - 1) * self.strides[i] + reach(self.kernel[i], self.dilations[i]) - cut + self.extra[i], 0), "")

    def evaluate(self, *operands: Array | None) -> Array:
        x, w, bias = operands
        assert x is not None
        assert w is not None
        N, rank, K = x.shape[0], len(self.strides), w.shape[1] * self.groups
        window = list(zip(x.shape[2:], w.shape[2:], self.strides, self.dilations, self.extra, strict=True))
        total = np.zeros((N, K, *((n - 1) * s + reach(k, d) + e for n, k, s, d, e in window)), widened(x).dtype)
        columns = widened(x).reshape(N, self.groups, x.shape[1] // self.groups, math.prod(x.shape[2:]))
        filters = widened(w).reshape(self.groups, x.shape[1] // self.groups, w.shape[1], *w.shape[2:])
        for offsets in itertools.product(*map(range, w.shape[2:])):
            tap: tuple[Any, ...] = (..., *offsets)
            seen = np.swapaxes(filters[tap], 1, 2) @ columns
            places: tuple[Any, ...] = (
                ...,
                *(slice(o * d, o * d + (n - 1) * s + 1, s) for o, (n, _, s, d, _) in zip(offsets, window, strict=True)),
            )
            total[places] += seen.reshape(N, K, *x.shape[2:])
        # What the padding cuts off at the end may be more than what output_padding appended there.
        cut = padded(total, [-p for p in self.pads[:rank]], [-p for p in self.pads[rank:]], 0)
        return with_bias(cut, bias).astype(x.dtype, copy=False)


@canonicalize
def conv_transpose_by_ones(op: ConvTranspose, build: Builder) -> Value | None:
    """conv_transpose(x, ones), channel by channel with a stride of the window -> resize(x): every element is repeated"""
    weights = op.weights.owner
    if not isinstance(weights, Constant) or op.bias is not None or any(op.pads) or any(op.extra) or op.kernel != op.strides:
        return None
    if weights.value.array.shape[:2] != (op.groups, 1) or max(op.dilations) > 1 or not np.all(weights.value.array == 1):
        return None
    scales = (1.0, 1.0, *map(float, op.strides))
    return build.add(Resize(op.input, scales=scales, coordinates="asymmetric", rounding="floor")).output


def with_bias(x: Array, bias: Array | None) -> Array:
    """`x` plus the bias along axis 1."""
    return x if bias is None else x + widened(bias).reshape(-1, *(1,) * (x.ndim - 2))
