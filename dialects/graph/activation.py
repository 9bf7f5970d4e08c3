"""Activation functions: elementwise operators that networks end their layers with.

Every class is one function of x; NaN gives NaN unless said otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..ir.attributes import Array
from ..ir.definition import attribute, operand, optional, result
from ..ir.operation import Value
from ..ir.traits import Elementwise, Pure
from ..ir.types import Type
from .elementwise import Broadcasting, Unary, erf, widened
from .extents import broadcast, element, tensor


class Relu(Unary, name="graph.relu", traits=(Pure, Elementwise)):
    """max(x, 0) of a number. ONNX: Relu 6, 13, 14."""

    domain = "numbers"

    def formula(self, x: Array) -> Any:
        return np.maximum(x, 0)


class LeakyRelu(Unary, name="graph.leaky_relu", traits=(Pure, Elementwise)):
    """x, times alpha below zero. ONNX: LeakyRelu 6, 16."""

    alpha: float = attribute(default=0.01)

    def formula(self, x: Array) -> Any:
        return np.where(x < 0, x * self.alpha, x)


class ThresholdedRelu(Unary, name="graph.thresholded_relu", traits=(Pure, Elementwise)):
    """x above alpha, else 0 (also for NaN). ONNX: ThresholdedRelu 10, 22."""

    alpha: float = attribute(default=1.0)

    def formula(self, x: Array) -> Any:
        return np.where(x > self.alpha, x, 0)


class Elu(Unary, name="graph.elu", traits=(Pure, Elementwise)):
    """x, below zero alpha * (e^x - 1). ONNX: Elu 6, 22."""

    alpha: float = attribute(default=1.0)

    def formula(self, x: Array) -> Any:
        return np.where(x < 0, np.expm1(x) * self.alpha, x)


class Selu(Unary, name="graph.selu", traits=(Pure, Elementwise)):
    """gamma * x, at and below zero gamma * alpha * (e^x - 1). ONNX: Selu 6, 22."""

    alpha: float = attribute(default=1.67326319217681884765625)
    gamma: float = attribute(default=1.05070102214813232421875)

    def formula(self, x: Array) -> Any:
        return np.where(x > 0, x, np.expm1(x) * self.alpha) * self.gamma


class Celu(Unary, name="graph.celu", traits=(Pure, Elementwise)):
    """max(x, 0) + min(alpha * (e^(x / alpha) - 1), 0). ONNX: Celu 12."""

    alpha: float = attribute(default=1.0)

    def formula(self, x: Array) -> Any:
        return np.where(x > 0, x, np.expm1(x / self.alpha) * self.alpha)


class Sigmoid(Unary, name="graph.sigmoid", traits=(Pure, Elementwise)):
    """1 / (1 + e^-x). ONNX: Sigmoid 6, 13."""

    def formula(self, x: Array) -> Any:
        return 1 / (1 + np.exp(-x))


class HardSigmoid(Unary, name="graph.hard_sigmoid", traits=(Pure, Elementwise)):
    """alpha * x + beta, between 0 and 1. ONNX: HardSigmoid 6, 22."""

    alpha: float = attribute(default=0.2)
    beta: float = attribute(default=0.5)

    def formula(self, x: Array) -> Any:
        return np.clip(x * self.alpha + self.beta, 0, 1)


class HardSwish(Unary, name="graph.hard_swish", traits=(Pure, Elementwise)):
    """x * (x / 6 + 1/2 between 0 and 1). ONNX: HardSwish 14, 22."""

    def formula(self, x: Array) -> Any:
        return x * np.clip(x / 6 + 0.5, 0, 1)


class Swish(Unary, name="graph.swish", traits=(Pure, Elementwise)):
    """x / (1 + e^(-alpha * x)), also called SiLU. ONNX: Swish 24."""

    alpha: float = attribute(default=1.0)

    def formula(self, x: Array) -> Any:
        return x / (1 + np.exp(x * -self.alpha))


class Softplus(Unary, name="graph.softplus", traits=(Pure, Elementwise)):
    """log(1 + e^x). ONNX: Softplus 1, 22."""

    def formula(self, x: Array) -> Any:
        return np.logaddexp(x, np.zeros_like(x))


class Softsign(Unary, name="graph.softsign", traits=(Pure, Elementwise)):
    """x / (1 + |x|). ONNX: Softsign 1, 22."""

    def formula(self, x: Array) -> Any:
        return x / (1 + np.abs(x))


class Mish(Unary, name="graph.mish", traits=(Pure, Elementwise)):
    """x * tanh(log(1 + e^x)). ONNX: Mish 18, 22."""

    def formula(self, x: Array) -> Any:
        return x * np.tanh(np.logaddexp(x, np.zeros_like(x)))


class Gelu(Unary, name="graph.gelu", traits=(Pure, Elementwise)):
    """x / 2 * (1 + erf(x / sqrt 2)); with `tanh` erf(...) is tanh(sqrt(2 / pi) * (x + 0.044715 x^3)). ONNX: Gelu 20."""

    tanh: bool = attribute(default=False)

    def formula(self, x: Array) -> Any:
        inner = np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)) if self.tanh else erf(x / math.sqrt(2))
        return 0.5 * x * (1 + inner)


class PRelu(Broadcasting, name="graph.prelu", traits=(Pure, Elementwise)):
    """x, below zero times slope.

    input [...]: numbers.
    slope [...]: broadcasts to the shape of the input, from behind (ONNX's unidirectional broadcasting).

    ONNX: PRelu 7, 9, 16.
    """

    input: Value = operand()
    slope: Value = operand()
    output: Value = result()

    domain = "numbers"

    def infer(self) -> Type:
        return tensor(self.input)

    def verify(self) -> Iterable[str]:
        yield from super().verify()
        if len(broadcast([tensor(self.input), tensor(self.slope)])) != tensor(self.input).rank:
            yield f"the slope {self.slope.type} does not broadcast to {self.input.type}"

    def formula(self, x: Array, slope: Array) -> Any:
        return np.where(x < 0, x * slope, x)


class Clip(Broadcasting, name="graph.clip", traits=(Pure, Elementwise)):
    """min(max(x, low), high): where the bounds cross it is high.

    input [...]: numbers. low, high []: the bounds, each may be missing.

    ONNX: Clip 6, 11, 12, 13.
    """

    input: Value = operand()
    low: Value | None = optional()
    high: Value | None = optional()
    output: Value = result()

    domain = "numbers"

    def infer(self) -> Type:
        return tensor(self.input)

    def verify(self) -> Iterable[str]:
        yield from super().verify()
        for bound in (self.low, self.high):
            if bound is not None and any(extent not in (None, 1) for extent in tensor(bound).shape):
                yield f"the bound {bound.type} is no single number"

    def evaluate(self, *operands: Array | None) -> Array:
        x, low, high = operands
        assert x is not None
        outcome = widened(x)
        if low is not None:
            outcome = np.maximum(outcome, widened(low).reshape(()))
        if high is not None:
            outcome = np.minimum(outcome, widened(high).reshape(()))
        return np.asarray(outcome).astype(element(self.output).dtype, copy=False)
