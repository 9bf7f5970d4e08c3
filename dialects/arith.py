"""Arithmetic on scalars and vectors, with the names and meanings of MLIR's `arith`.

Operands of one operation have one type, which is also the result's unless the operation says otherwise. Integers wrap around;
signless integers are read as signed unless the name ends in `ui`. Floats follow IEEE 754.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .ir.attributes import Array, Number
from .ir.definition import attribute, operand, result
from .ir.operation import Operation, Value
from .ir.traits import Commutative, ConstantLike, Pure
from .ir.types import FloatType, IndexType, IntegerType, Type, VectorType, element_of, index


class Constant(Operation, name="arith.constant", traits=(Pure, ConstantLike)):
    """A number, or the same number in every lane of a vector."""

    value: Number = attribute()
    output: Value = result()

    def infer(self) -> Type:
        return self.value.type

    def evaluate(self) -> Any:
        scalar = self.value.scalar()
        return np.full(self.value.type.lanes, scalar) if isinstance(self.value.type, VectorType) else scalar


def index_constant(value: int) -> Constant:
    """An `index` constant."""
    return Constant(value=Number(value, index))


def number(value: float, type_: Type) -> Constant:
    """A constant of `type_`, in every lane if it is a vector."""
    return Constant(value=Number(value, type_))


class Binary(Operation):
    """Base of operations on two operands of one type."""

    a: Value = operand()
    b: Value = operand()
    output: Value = result()

    def infer(self) -> Type:
        return self.a.type

    def verify(self) -> Iterable[str]:
        if self.a.type != self.b.type:
            yield f"operands are {self.a.type} and {self.b.type}"
        if not isinstance(element_of(self.a.type), self.domain):
            yield f"does not take {self.a.type}"

    domain: Any = (FloatType,)


class FloatBinary(Binary):
    """Base of binary operations on floats."""


class IntegerBinary(Binary):
    """Base of binary operations on integers and indices."""

    domain = (IntegerType, IndexType)


class AddF(FloatBinary, name="arith.addf", traits=(Pure, Commutative)):
    """a + b"""

    def evaluate(self, a: Array, b: Array) -> Array:
        return a + b


class SubF(FloatBinary, name="arith.subf", traits=(Pure,)):
    """a - b"""

    def evaluate(self, a: Array, b: Array) -> Array:
        return a - b


class MulF(FloatBinary, name="arith.mulf", traits=(Pure, Commutative)):
    """a * b"""

    def evaluate(self, a: Array, b: Array) -> Array:
        return a * b


class DivF(FloatBinary, name="arith.divf", traits=(Pure,)):
    """a / b"""

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.divide(a, b)


class RemF(FloatBinary, name="arith.remf", traits=(Pure,)):
    """The remainder of the truncated quotient, with the sign of a (C's fmod)."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.fmod(a, b)


class MaximumF(FloatBinary, name="arith.maximumf", traits=(Pure, Commutative)):
    """The larger; NaN if either is NaN."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.maximum(a, b)


class MinimumF(FloatBinary, name="arith.minimumf", traits=(Pure, Commutative)):
    """The smaller; NaN if either is NaN."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.minimum(a, b)


class AddI(IntegerBinary, name="arith.addi", traits=(Pure, Commutative)):
    """a + b, modulo the width."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return a + b


class SubI(IntegerBinary, name="arith.subi", traits=(Pure,)):
    """a - b, modulo the width."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return a - b


class MulI(IntegerBinary, name="arith.muli", traits=(Pure, Commutative)):
    """a * b, modulo the width."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return a * b


class DivSI(IntegerBinary, name="arith.divsi", traits=(Pure,)):
    """The quotient, towards zero. b must not be 0."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.where(b == 0, 0, np.trunc(np.divide(a, np.where(b == 0, 1, b), dtype=np.float64))).astype(a.dtype)[()]


class FloorDivSI(IntegerBinary, name="arith.floordivsi", traits=(Pure,)):
    """The quotient, rounded down. b must not be 0."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.floor_divide(a, b)


class RemSI(IntegerBinary, name="arith.remsi", traits=(Pure,)):
    """What `divsi` leaves, with the sign of a. b must not be 0."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.fmod(a, b)


class MaxSI(IntegerBinary, name="arith.maxsi", traits=(Pure, Commutative)):
    """The larger, signed."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.maximum(a, b)


class MinSI(IntegerBinary, name="arith.minsi", traits=(Pure, Commutative)):
    """The smaller, signed."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.minimum(a, b)


class AndI(IntegerBinary, name="arith.andi", traits=(Pure, Commutative)):
    """Bitwise and; for i1 the logical one."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return a & b


class OrI(IntegerBinary, name="arith.ori", traits=(Pure, Commutative)):
    """Bitwise or."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return a | b


class XOrI(IntegerBinary, name="arith.xori", traits=(Pure, Commutative)):
    """Bitwise exclusive or."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return a ^ b


class ShLI(IntegerBinary, name="arith.shli", traits=(Pure,)):
    """a shifted left by b bits, b below the width."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.left_shift(a, b)


class ShRSI(IntegerBinary, name="arith.shrsi", traits=(Pure,)):
    """a shifted right by b bits, sign bits coming in."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.right_shift(a, b)


class NegF(Operation, name="arith.negf", traits=(Pure,)):
    """-a, also of zero and NaN."""

    a: Value = operand()
    output: Value = result()

    def infer(self) -> Type:
        return self.a.type

    def evaluate(self, a: Array) -> Array:
        return np.negative(a)
