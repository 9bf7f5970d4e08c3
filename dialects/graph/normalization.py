"""Normalisation of activations by their mean and variance: given (batch), or those of the input itself."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..ir.attributes import Array
from ..ir.definition import attribute, operand, optional, result
from ..ir.operation import Operation, Value
from ..ir.traits import Pure
from ..ir.types import Type
from .elementwise import is_float, widened
from .extents import broadcast_faults, tensor


class Normalization(Operation):
    """Base: an input of floats, an output of its type, and `epsilon` added to the variance."""

    input: Value = operand()
    output: Value = result()

    def infer(self) -> Type:
        return tensor(self.input)

    def verify(self) -> Iterable[str]:
        if not is_float(tensor(self.input).element):
            yield f"does not take {self.input.type}"

    def per_channel(self, *values: Value) -> Iterable[str]:
        """Values that are not one number for each extent of axis 1."""
        x = tensor(self.input)
        if x.rank < 2:
            yield f"the input is {x}, without channels"
            return
        for value in values:
            given = tensor(value)
            if given.rank != 1 or (None not in (given.shape[0], x.shape[1]) and given.shape[0] != x.shape[1]):
                yield f"{given} is not one number per channel of {x}"


class BatchNormalization(Normalization, name="graph.batch_normalization", traits=(Pure,)):
    """(input - mean) / sqrt(variance + epsilon) * scale + bias, channel by channel, with given statistics.

    input [N, C, ...]: floats. scale, bias, mean, variance [C]: floats.
    output [N, C, ...].

    ONNX: BatchNormalization 7, 9, 14, 15 for inference.
    """

    input: Value = operand()
    scale: Value = operand()
    bias: Value = operand()
    mean: Value = operand()
    variance: Value = operand()
    epsilon: float = attribute(default=1e-5)
    output: Value = result()

    def verify(self) -> Iterable[str]:
        yield from super().verify()
        yield from self.per_channel(self.scale, self.bias, self.mean, self.variance)

    def evaluate(self, x: Array, *parameters: Array) -> Array:
        scale, bias, mean, variance = (_by_channel(widened(p), x.ndim) for p in parameters)
        return np.asarray((widened(x) - mean) / np.sqrt(variance + self.epsilon) * scale + bias).astype(x.dtype, copy=False)


class InstanceNormalization(Normalization, name="graph.instance_normalization", traits=(Pure,)):
    """As batch normalisation, with mean and variance of each image and channel itself.

    input [N, C, ...]: floats. scale, bias [C]: floats. output [N, C, ...].

    ONNX: InstanceNormalization 1, 6, 22.
    """

    input: Value = operand()
    scale: Value = operand()
    bias: Value = operand()
    epsilon: float = attribute(default=1e-5)
    output: Value = result()

    def verify(self) -> Iterable[str]:
        yield from super().verify()
        yield from self.per_channel(self.scale, self.bias)

    def evaluate(self, x: Array, *parameters: Array) -> Array:
        scale, bias = (_by_channel(widened(p), x.ndim) for p in parameters)
        return (_standardised(widened(x), tuple(range(2, x.ndim)), self.epsilon) * scale + bias).astype(x.dtype, copy=False)


class LayerNormalization(Normalization, name="graph.layer_normalization", traits=(Pure,)):
    """(input - mean) / sqrt(variance + epsilon) * scale + bias, with mean and variance over the axes from `axis` on.

    input [...]: floats. scale, bias: broadcast to the input from behind. output [...].

    ONNX: LayerNormalization 17, its first output.
    """

    input: Value = operand()
    scale: Value = operand()
    bias: Value | None = optional()
    axis: int = attribute()
    epsilon: float = attribute(default=1e-5)
    output: Value = result()

    def verify(self) -> Iterable[str]:
        yield from super().verify()
        x = tensor(self.input)
        if not 0 <= self.axis < x.rank:
            yield f"axis {self.axis} is outside 0..{x.rank - 1}"
        for value in self.operands[1:]:
            if tensor(value).rank > x.rank:
                yield f"{value.type} does not broadcast to {x}"
            yield from broadcast_faults([x, tensor(value)])

    def evaluate(self, *operands: Array | None) -> Array:
        x, scale, bias = operands
        assert x is not None
        assert scale is not None
        out = _standardised(widened(x), tuple(range(self.axis, x.ndim)), self.epsilon) * widened(scale)
        return np.asarray(out if bias is None else out + widened(bias)).astype(x.dtype, copy=False)


class LRN(Normalization, name="graph.lrn", traits=(Pure,)):
    """Local response normalisation over a window of `size` channels, which reaches (size - 1) / 2 to the front, rounded down.

    input [N, C, ...]: floats. output [N, C, ...]: input / (bias + alpha / size * (sum of squares over the window)) ^ beta.

    ONNX: LRN 1, 13.
    """

    input: Value = operand()
    size: int = attribute()
    alpha: float = attribute(default=0.0001)
    beta: float = attribute(default=0.75)
    bias: float = attribute(default=1.0)
    output: Value = result()

    def verify(self) -> Iterable[str]:
        yield from super().verify()
        if tensor(self.input).rank < 2:
            yield f"the input is {self.input.type}, without channels"
        if self.size < 1:
            yield f"a window of {self.size} channels"

    def evaluate(self, x: Array) -> Array:
        wide = widened(x)
        squares = np.zeros_like(wide)
        for c in range(x.shape[1]):
            first = max(c - (self.size - 1) // 2, 0)
            squares[:, c] = (wide[:, first : c + self.size // 2 + 1] ** 2).sum(axis=1)
        return (wide / (self.bias + self.alpha / self.size * squares) ** self.beta).astype(x.dtype, copy=False)


def _by_channel(values: Array, rank: int) -> Array:
    return values.reshape(-1, *(1,) * (rank - 2))


def _standardised(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    centred = x - x.mean(axis=axes, keepdims=True)
    return np.asarray(centred / np.sqrt((centred * centred).mean(axis=axes, keepdims=True) + epsilon))
