"""Functions of floats, on scalars and vectors, with the names and meanings of MLIR's `math`. Accuracy in f32: 4 ulp, unless said."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from .ir.attributes import Array
from .ir.definition import operand, result
from .ir.operation import Operation, Value
from .ir.traits import Pure
from .ir.types import FloatType, Type, element_of


class Unary(Operation):
    """Base of functions of one float."""

    a: Value = operand()
    output: Value = result()

    def infer(self) -> Type:
        return self.a.type

    def verify(self) -> Iterable[str]:
        if not isinstance(element_of(self.a.type), FloatType):
            yield f"does not take {self.a.type}"


class AbsF(Unary, name="math.absf", traits=(Pure,)):
    """The magnitude."""

    def evaluate(self, a: Array) -> Array:
        return np.abs(a)


class Exp(Unary, name="math.exp", traits=(Pure,)):
    """e to the power of a."""

    def evaluate(self, a: Array) -> Array:
        return np.exp(a)


class Log(Unary, name="math.log", traits=(Pure,)):
    """The natural logarithm; NaN below zero."""

    def evaluate(self, a: Array) -> Array:
        return np.log(a)


class Log1p(Unary, name="math.log1p", traits=(Pure,)):
    """log(1 + a), exact near zero."""

    def evaluate(self, a: Array) -> Array:
        return np.log1p(a)


class ExpM1(Unary, name="math.expm1", traits=(Pure,)):
    """exp(a) - 1, exact near zero."""

    def evaluate(self, a: Array) -> Array:
        return np.expm1(a)


class Sqrt(Unary, name="math.sqrt", traits=(Pure,)):
    """The square root, correctly rounded; NaN below zero."""

    def evaluate(self, a: Array) -> Array:
        return np.sqrt(a)


class Tanh(Unary, name="math.tanh", traits=(Pure,)):
    """The hyperbolic tangent."""

    def evaluate(self, a: Array) -> Array:
        return np.tanh(a)


class Sin(Unary, name="math.sin", traits=(Pure,)):
    """The sine of radians."""

    def evaluate(self, a: Array) -> Array:
        return np.sin(a)


class Cos(Unary, name="math.cos", traits=(Pure,)):
    """The cosine of radians."""

    def evaluate(self, a: Array) -> Array:
        return np.cos(a)


class Erf(Unary, name="math.erf", traits=(Pure,)):
    """The error function."""

    def evaluate(self, a: Array) -> Array:
        values: Array = np.vectorize(math.erf, otypes=[a.dtype])(a)[()]
        return values


class Floor(Unary, name="math.floor", traits=(Pure,)):
    """The largest integer not above a."""

    def evaluate(self, a: Array) -> Array:
        return np.floor(a)


class Ceil(Unary, name="math.ceil", traits=(Pure,)):
    """The smallest integer not below a."""

    def evaluate(self, a: Array) -> Array:
        return np.ceil(a)


class RoundEven(Unary, name="math.roundeven", traits=(Pure,)):
    """The nearest integer, ties to even."""

    def evaluate(self, a: Array) -> Array:
        return np.rint(a)


class Trunc(Unary, name="math.trunc", traits=(Pure,)):
    """The integer part."""

    def evaluate(self, a: Array) -> Array:
        return np.trunc(a)


class PowF(Operation, name="math.powf", traits=(Pure,)):
    """a to the power of b, with C's special cases."""

    a: Value = operand()
    b: Value = operand()
    output: Value = result()

    def infer(self) -> Type:
        return self.a.type

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.power(a, b)


class Fma(Operation, name="math.fma", traits=(Pure,)):
    """a * b + c, rounded once where the target has the instruction, else twice: the evaluator rounds once in f32."""

    a: Value = operand()
    b: Value = operand()
    c: Value = operand()
    output: Value = result()

    def infer(self) -> Type:
        return self.a.type

    def verify(self) -> Iterable[str]:
        if not self.a.type == self.b.type == self.c.type:
            yield f"operands are {self.a.type}, {self.b.type} and {self.c.type}"

    def evaluate(self, a: Array, b: Array, c: Array) -> Array:
        return (np.multiply(a, b, dtype=np.float64) + c).astype(a.dtype)
