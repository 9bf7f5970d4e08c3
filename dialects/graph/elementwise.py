"""Operators that compute each element of the result from the same element of the operands: arithmetic, comparison, functions of floats.

One class per operator; what is common stands in three bases. `formula` is the operator in NumPy, on operands of equal type; half
precision is computed in f32 and rounded once, as the compiled code does. Activation functions stand in `activation.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np

from ..ir.attributes import Array
from ..ir.definition import attribute, operand, result
from ..ir.operation import Operation, Value
from ..ir.traits import Commutative, Elementwise, Pure
from ..ir.types import FloatType, IntegerType, Scalar, Type, i1
from .extents import broadcast, broadcast_faults, element, from_axes, tensor


def is_float(type_: Scalar) -> bool:
    """Whether the type is a floating-point type."""
    return isinstance(type_, FloatType)


def is_number(type_: Scalar) -> bool:
    """Whether one can calculate with the type: floats and integers, not truth values and texts."""
    return is_float(type_) or is_integer(type_)


def is_integer(type_: Scalar) -> bool:
    """Whether the type is an integer, and not the truth value."""
    return isinstance(type_, IntegerType) and type_.bits > 1


def is_truth(type_: Scalar) -> bool:
    """Whether the type is the truth value."""
    return type_ == i1


def is_any(type_: Scalar) -> bool:
    """Whether the type is a number or the truth value."""
    return is_number(type_) or is_truth(type_)


DOMAINS: dict[str, Callable[[Scalar], bool]] = {
    "floats": is_float,
    "numbers": is_number,
    "integers": is_integer,
    "truth values": is_truth,
    "numbers or truth values": is_any,
}


def widened(x: Array) -> Array:
    """`x` in the type in which it is computed: f32 for narrower floats, else its own."""
    narrow = x.dtype.kind not in "biuO" and x.dtype.itemsize < 4
    return x.astype(np.float32) if narrow else x


class Broadcasting(Operation):
    """Base: operands broadcast to one shape, all of the element type of the first; `to_truth` if the result is a truth value."""

    domain: ClassVar[str] = "floats"
    to_truth: ClassVar[bool] = False
    ufunc: ClassVar[np.ufunc]

    def infer(self) -> Type:
        types = [tensor(value) for value in self.operands]
        return from_axes(broadcast(types), i1 if self.to_truth else types[0].element)

    def verify(self) -> Iterable[str]:
        types = [tensor(value) for value in self.operands]
        if not DOMAINS[self.domain](types[0].element):
            yield f"takes {self.domain}, but operand 0 is {types[0]}"
        yield from self.verify_elements()
        yield from broadcast_faults(types)

    def verify_elements(self) -> Iterable[str]:
        """Operands of another element type than the first."""
        first, *rest = (tensor(value) for value in self.operands)
        for i, other in enumerate(rest, start=1):
            if other.element != first.element:
                yield f"operand {i} is {other}, but operand 0 is {first}"

    def formula(self, *operands: Any, **_: Any) -> Any:
        """The operator on (widened) arrays, `ufunc` unless said; `evaluate` rounds the outcome to the element type of the result."""
        return self.ufunc(*operands)

    def evaluate(self, *operands: Array | None) -> Array:
        outcome = self.formula(*(widened(x) for x in operands if x is not None))
        return np.asarray(outcome).astype(element(self.results[0]).dtype, copy=False)


class Unary(Broadcasting):
    """Base of functions of one tensor [...] of floats, unless said; the result has its shape."""

    input: Value = operand()
    output: Value = result()

    def infer(self) -> Type:
        return tensor(self.input).with_element(i1) if self.to_truth else tensor(self.input)


class Binary(Broadcasting):
    """Base of operators on two numbers; the operands [...] broadcast."""

    a: Value = operand()
    b: Value = operand()
    output: Value = result()

    domain = "numbers"


class Abs(Unary, name="graph.abs", traits=(Pure, Elementwise)):
    """The magnitude of a number; the smallest signed integer stays as it is. ONNX: Abs 6, 13."""

    domain = "numbers"

    ufunc = np.abs


class Neg(Unary, name="graph.neg", traits=(Pure, Elementwise)):
    """-x of a number, modulo the width of integers. ONNX: Neg 6, 13."""

    domain = "numbers"

    ufunc = np.negative


class Sign(Unary, name="graph.sign", traits=(Pure, Elementwise)):
    """-1, 0 or 1; NaN gives NaN. ONNX: Sign 9, 13."""

    domain = "numbers"

    ufunc = np.sign


class Exp(Unary, name="graph.exp", traits=(Pure, Elementwise)):
    """e to the power of x. ONNX: Exp 6, 13."""

    ufunc = np.exp


class Log(Unary, name="graph.log", traits=(Pure, Elementwise)):
    """The natural logarithm; NaN below zero, -infinity at zero. ONNX: Log 6, 13."""

    ufunc = np.log


class Sqrt(Unary, name="graph.sqrt", traits=(Pure, Elementwise)):
    """The square root; NaN below zero. ONNX: Sqrt 6, 13."""

    ufunc = np.sqrt


class Reciprocal(Unary, name="graph.reciprocal", traits=(Pure, Elementwise)):
    """1 / x. ONNX: Reciprocal 6, 13."""

    ufunc = np.reciprocal


class Erf(Unary, name="graph.erf", traits=(Pure, Elementwise)):
    """The error function. ONNX: Erf 9, 13."""

    def formula(self, x: Array) -> Any:
        return erf(x)


class Floor(Unary, name="graph.floor", traits=(Pure, Elementwise)):
    """The largest integer not above x. ONNX: Floor 6, 13."""

    ufunc = np.floor


class Ceil(Unary, name="graph.ceil", traits=(Pure, Elementwise)):
    """The smallest integer not below x. ONNX: Ceil 6, 13."""

    ufunc = np.ceil


class Round(Unary, name="graph.round", traits=(Pure, Elementwise)):
    """The nearest integer, ties to even. ONNX: Round 11, 22."""

    ufunc = np.rint


class Sin(Unary, name="graph.sin", traits=(Pure, Elementwise)):
    """The sine of radians; NaN at infinity. ONNX: Sin 7, 22."""

    ufunc = np.sin


class Cos(Unary, name="graph.cos", traits=(Pure, Elementwise)):
    """The cosine of radians; NaN at infinity. ONNX: Cos 7, 22."""

    ufunc = np.cos


class Tan(Unary, name="graph.tan", traits=(Pure, Elementwise)):
    """The tangent of radians; NaN at infinity. ONNX: Tan 7, 22."""

    ufunc = np.tan


class Sinh(Unary, name="graph.sinh", traits=(Pure, Elementwise)):
    """The hyperbolic sine. ONNX: Sinh 9, 22."""

    ufunc = np.sinh


class Cosh(Unary, name="graph.cosh", traits=(Pure, Elementwise)):
    """The hyperbolic cosine. ONNX: Cosh 9, 22."""

    ufunc = np.cosh


class Tanh(Unary, name="graph.tanh", traits=(Pure, Elementwise)):
    """The hyperbolic tangent. ONNX: Tanh 6, 13."""

    ufunc = np.tanh


class Asinh(Unary, name="graph.asinh", traits=(Pure, Elementwise)):
    """The inverse of sinh. ONNX: Asinh 9, 22."""

    ufunc = np.arcsinh


class Acosh(Unary, name="graph.acosh", traits=(Pure, Elementwise)):
    """The inverse of cosh; NaN below one. ONNX: Acosh 9, 22."""

    ufunc = np.arccosh


class Atanh(Unary, name="graph.atanh", traits=(Pure, Elementwise)):
    """The inverse of tanh; NaN outside of -1 to 1. ONNX: Atanh 9, 22."""

    ufunc = np.arctanh


class Add(Binary, name="graph.add", traits=(Pure, Elementwise, Commutative)):
    """a + b, modulo the width of integers. ONNX: Add 7, 13, 14; Sum becomes a chain of it."""

    ufunc = np.add


class Sub(Binary, name="graph.sub", traits=(Pure, Elementwise)):
    """a - b, modulo the width of integers. ONNX: Sub 7, 13, 14."""

    ufunc = np.subtract


class Mul(Binary, name="graph.mul", traits=(Pure, Elementwise, Commutative)):
    """a * b, modulo the width of integers. ONNX: Mul 7, 13, 14."""

    ufunc = np.multiply


class Div(Binary, name="graph.div", traits=(Pure, Elementwise)):
    """a / b; integers towards zero (b = 0 is undefined, here 0). ONNX: Div 7, 13, 14."""

    def formula(self, a: Array, b: Array) -> Any:
        if a.dtype.kind not in "iu":
            return np.divide(a, b)
        quotient = np.floor_divide(a, np.where(b == 0, 1, b))
        towards_zero = quotient + ((quotient < 0) & (quotient * b != a))
        return np.where(b == 0, 0, towards_zero)


class Mod(Binary, name="graph.mod", traits=(Pure, Elementwise)):
    """The remainder of a / b: with `truncated` with the sign of a (C's fmod), else of integers with the sign of b.

    ONNX: Mod 10, 13 (`fmod`); floats are always truncated.
    """

    truncated: bool = attribute(default=False)

    def verify_elements(self) -> Iterable[str]:
        yield from super().verify_elements()
        if is_float(element(self.a)) and not self.truncated:
            yield "the remainder of floats has the sign of the dividend: `truncated`"

    def formula(self, a: Array, b: Array) -> Any:
        return np.fmod(a, b) if self.truncated else np.mod(a, b)


class Pow(Binary, name="graph.pow", traits=(Pure, Elementwise)):
    """a to the power of b, of the type of a; b may be of another type of number. ONNX: Pow 7, 12, 13, 15."""

    def verify_elements(self) -> Iterable[str]:
        if not is_number(element(self.b)):
            yield f"the exponent is {self.b.type}"

    def formula(self, a: Array, b: Array) -> Any:
        if a.dtype.kind in "iu":
            return np.power(a.astype(np.float64), b.astype(np.float64))
        return np.power(a, b.astype(a.dtype))


class Max(Binary, name="graph.max", traits=(Pure, Elementwise, Commutative)):
    """The larger; NaN if either is NaN. ONNX: Max 8, 12, 13, of more or fewer operands as a chain."""

    ufunc = np.maximum


class Min(Binary, name="graph.min", traits=(Pure, Elementwise, Commutative)):
    """The smaller; NaN if either is NaN. ONNX: Min 8, 12, 13, of more or fewer operands as a chain."""

    ufunc = np.minimum


def erf(x: Array) -> Array:
    """The error function of an array."""
    values: Array = np.vectorize(math.erf, otypes=[x.dtype])(x)
    return values
