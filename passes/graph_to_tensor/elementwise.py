"""Elementwise operators: one computation each, its body the formula of the table below.

A new operator is a line here. Formulas stand on scalars of any type that the operator takes; see `scalars`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...dialects import graph
from ...dialects.graph.elementwise import Broadcasting
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Operation, Value
from ...dialects.ir.types import i1
from ..conversion import lowering
from .computation import broadcast, compute, extents_of
from .maps import tensor_type
from .scalars import (
    Scalar,
    absolute,
    ceil,
    convert,
    cos,
    erf,
    exp,
    expm1,
    floor,
    is_nan,
    log,
    log1p,
    maximum,
    minimum,
    multiply_add,
    power,
    roundeven,
    select,
    sin,
    sqrt,
    tanh,
)

LN2 = math.log(2)
LARGE = 1e9  # from here on x * x + 1 is x * x, and squares come near to overflow


def softplus(x: Scalar) -> Scalar:
    """log(1 + e^x) without overflow."""
    return maximum(x, 0) + log1p(exp(-absolute(x)))


def clamp(x: Scalar, low: float, high: float) -> Scalar:
    """x between two numbers."""
    return minimum(maximum(x, low), high)


def signed_like(magnitude: Scalar, x: Scalar) -> Scalar:
    """`magnitude` with the sign of x."""
    return select(x < 0, -magnitude, magnitude)


def sign(x: Scalar) -> Scalar:
    """-1, 0 or 1; x itself where it is neither larger nor smaller than zero."""
    positive = select(x > 0, x.number(1), x)
    return positive if x.is_unsigned else select(x < 0, x.number(-1), positive)


def sinh(x: Scalar) -> Scalar:
    """From expm1(|x|), which is exact near zero."""
    t = expm1(absolute(x))
    rest = select(t > LARGE, x.number(1), t / (t + 1))
    return signed_like((t + rest) * 0.5, x)


def cosh(x: Scalar) -> Scalar:
    """(e^x + e^-x) / 2."""
    e = exp(absolute(x))
    return (e + 1 / e) * 0.5


def asinh(x: Scalar) -> Scalar:
    """log(|x| + sqrt(x^2 + 1)), exact near zero, without overflow."""
    a = absolute(x)
    square = a * a
    near = log1p(a + square / (sqrt(square + 1) + 1))
    return signed_like(select(a > LARGE, log(a) + LN2, near), x)


def acosh(x: Scalar) -> Scalar:
    """log(x + sqrt(x^2 - 1)), exact near one, without overflow."""
    t = x - 1
    return select(x > LARGE, log(x) + LN2, log1p(t + sqrt(t * t + t * 2)))


def atanh(x: Scalar) -> Scalar:
    """log((1 + x) / (1 - x)) / 2, exact near zero."""
    a = absolute(x)
    return signed_like(log1p(a * 2 / (1 - a)) * 0.5, x)


def gelu(op: graph.Gelu, x: Scalar) -> Scalar:
    """Both forms; the polynomial is written so that it needs one multiplication less."""
    slope = math.sqrt(2 / math.pi)
    inner = tanh(x * multiply_add(x * x, 0.044715 * slope, slope)) if op.tanh else erf(x * math.sqrt(0.5))
    return x * 0.5 * (inner + 1)


def modulo(op: graph.Mod, a: Scalar, b: Scalar) -> Scalar:
    """The remainder, with the sign that the operator asks for."""
    remainder = a % b
    if op.truncated or a.is_unsigned:
        return remainder
    wrong = convert((remainder ^ b) < 0, i1) & remainder.compare("ne", 0)
    return select(wrong, remainder + b, remainder)


def is_inf(op: graph.IsInf, x: Scalar) -> Scalar:
    """Of the signs that count."""
    match op.positive, op.negative:
        case True, True:
            return absolute(x).equals(math.inf)
        case False, False:
            return x.compare("ne", x) & False
    return x.equals(math.inf if op.positive else -math.inf)


FORMULAS: dict[type[Operation], Callable[..., Scalar]] = {
    # functions
    graph.Abs: lambda op, x: absolute(x),
    graph.Neg: lambda op, x: -x,
    graph.Sign: lambda op, x: sign(x),
    graph.Exp: lambda op, x: exp(x),
    graph.Log: lambda op, x: log(x),
    graph.Sqrt: lambda op, x: sqrt(x),
    graph.Reciprocal: lambda op, x: 1 / x,
    graph.Erf: lambda op, x: erf(x),
    graph.Floor: lambda op, x: floor(x),
    graph.Ceil: lambda op, x: ceil(x),
    graph.Round: lambda op, x: roundeven(x),
    graph.Sin: lambda op, x: sin(x),
    graph.Cos: lambda op, x: cos(x),
    graph.Tan: lambda op, x: sin(x) / cos(x),
    graph.Sinh: lambda op, x: sinh(x),
    graph.Cosh: lambda op, x: cosh(x),
    graph.Tanh: lambda op, x: tanh(x),
    graph.Asinh: lambda op, x: asinh(x),
    graph.Acosh: lambda op, x: acosh(x),
    graph.Atanh: lambda op, x: atanh(x),
    # arithmetic
    graph.Add: lambda op, a, b: a + b,
    graph.Sub: lambda op, a, b: a - b,
    graph.Mul: lambda op, a, b: a * b,
    graph.Div: lambda op, a, b: a / b,
    graph.Mod: modulo,
    graph.Pow: lambda op, a, b: power(a, b),
    graph.Max: lambda op, a, b: maximum(a, b),
    graph.Min: lambda op, a, b: minimum(a, b),
    # comparison and logic
    graph.Equal: lambda op, a, b: a.equals(b),
    graph.Less: lambda op, a, b: a < b,
    graph.LessOrEqual: lambda op, a, b: a <= b,
    graph.Greater: lambda op, a, b: a > b,
    graph.GreaterOrEqual: lambda op, a, b: a >= b,
    graph.And: lambda op, a, b: a & b,
    graph.Or: lambda op, a, b: a | b,
    graph.Xor: lambda op, a, b: a ^ b,
    graph.Not: lambda op, x: ~x,
    graph.BitwiseNot: lambda op, x: ~x,
    graph.IsNaN: lambda op, x: is_nan(x),
    graph.IsInf: is_inf,
    # activations
    graph.Relu: lambda op, x: maximum(x, 0),
    graph.LeakyRelu: lambda op, x: select(x < 0, x * op.alpha, x),
    graph.ThresholdedRelu: lambda op, x: select(x > op.alpha, x, 0),
    graph.PRelu: lambda op, x, slope: select(x < 0, x * slope, x),
    graph.Elu: lambda op, x: select(x < 0, expm1(x) * op.alpha, x),
    graph.Selu: lambda op, x: select(x > 0, x, expm1(x) * op.alpha) * op.gamma,
    graph.Celu: lambda op, x: select(x > 0, x, expm1(x / op.alpha) * op.alpha),
    graph.Sigmoid: lambda op, x: 1 / (exp(-x) + 1),
    graph.HardSigmoid: lambda op, x: clamp(multiply_add(x, op.alpha, op.beta), 0, 1),
    graph.HardSwish: lambda op, x: x * clamp(multiply_add(x, 1 / 6, 0.5), 0, 1),
    graph.Swish: lambda op, x: x / (exp(x * -op.alpha) + 1),
    graph.Softplus: lambda op, x: softplus(x),
    graph.Softsign: lambda op, x: x / (absolute(x) + 1),
    graph.Mish: lambda op, x: x * tanh(softplus(x)),
    graph.Gelu: gelu,
}


@lowering(*FORMULAS)
def lower_elementwise(op: Broadcasting, build: Builder) -> Value:
    """One computation with the formula of the operator."""
    return _formula(op, build, op.operands, lambda *x: FORMULAS[type(op)](op, *x))


@lowering(graph.Clip)
def lower_clip(op: graph.Clip, build: Builder) -> Value:
    """The bounds that are there; constant ones are numbers in the body."""

    def clip(x: Scalar, *bounds: Scalar) -> Scalar:
        rest = list(bounds)
        x = maximum(x, rest.pop(0)) if op.low is not None else x
        return minimum(x, rest.pop(0)) if op.high is not None else x

    return _formula(op, build, op.operands, clip)


def _formula(op: Operation, build: Builder, operands: Any, body: Callable[..., Scalar]) -> Value:
    out = op.results[0]
    extents = extents_of(out)
    return compute(build, [broadcast(value, extents) for value in operands], extents, body, tensor_type(out).element)
