"""Comparison, selection and conversion of scalars and, lane by lane, of vectors, with MLIR's names and meanings.

They stand in a dialect of their own because other readers of MLIR's text (xDSL) take `arith`'s versions on scalars only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .ir.attributes import Array
from .ir.definition import attribute, operand, result, result_type
from .ir.operation import Operation, Value
from .ir.traits import Pure
from .ir.types import FloatType, IndexType, IntegerType, Type, element_of, i1, lanes_of, vector

_FLOAT_PREDICATES = ("false", "oeq", "ogt", "oge", "olt", "ole", "one", "ord", "ueq", "ugt", "uge", "ult", "ule", "une", "uno", "true")
_INTEGER_PREDICATES = ("eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge")
_COMPARE = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}


class Comparison(Operation):
    """Base of comparisons; `predicate` counts as in MLIR, `which` is its name."""

    a: Value = operand()
    b: Value = operand()
    predicate: int = attribute()
    output: Value = result()

    names: Sequence[str] = ()
    domain: Any = (FloatType,)

    def infer(self) -> Type:
        return vector(lanes_of(self.a.type), i1)

    @property
    def which(self) -> str:
        """LLVM's name of the predicate."""
        return self.names[self.predicate]

    def verify(self) -> Iterable[str]:
        if self.a.type != self.b.type:
            yield f"operands are {self.a.type} and {self.b.type}"
        if not isinstance(element_of(self.a.type), self.domain):
            yield f"does not compare {self.a.type}"
        if not 0 <= self.predicate < len(self.names):
            yield f"there is no predicate {self.predicate}"


class CmpF(Comparison, name="lanes.cmpf", traits=(Pure,)):
    """Compare floats; predicates that begin with `o` are false if either is NaN, those with `u` true."""

    names = _FLOAT_PREDICATES

    @staticmethod
    def of(which: str, a: Value, b: Value) -> CmpF:
        return CmpF(a, b, predicate=_FLOAT_PREDICATES.index(which))

    def evaluate(self, a: Array, b: Array) -> Array:
        nan = np.isnan(a) | np.isnan(b)
        match self.which:
            case "false" | "true":
                return np.full_like(nan, self.which == "true")[()]
            case "ord":
                return np.logical_not(nan)
            case "uno":
                return nan
        compared = _COMPARE[self.which[1:]](a, b)
        return compared | nan if self.which[0] == "u" else compared & ~nan


class CmpI(Comparison, name="lanes.cmpi", traits=(Pure,)):
    """Compare integers; predicates that begin with `s` read them as signed, with `u` as unsigned."""

    names = _INTEGER_PREDICATES
    domain = (IntegerType, IndexType)

    @staticmethod
    def of(which: str, a: Value, b: Value) -> CmpI:
        return CmpI(a, b, predicate=_INTEGER_PREDICATES.index(which))

    def evaluate(self, a: Array, b: Array) -> Array:
        if self.which[0] == "u":
            unsigned = np.dtype(f"u{a.dtype.itemsize}")
            a, b = a.astype(unsigned), b.astype(unsigned)
        return _COMPARE[self.which[-2:]](a, b)


class Select(Operation, name="lanes.select", traits=(Pure,)):
    """a where the condition holds, b elsewhere; lane by lane if the condition is a vector."""

    condition: Value = operand()
    a: Value = operand()
    b: Value = operand()
    output: Value = result()

    def infer(self) -> Type:
        return self.a.type

    def verify(self) -> Iterable[str]:
        if self.a.type != self.b.type:
            yield f"chooses between {self.a.type} and {self.b.type}"
        if element_of(self.condition.type) != i1:
            yield f"the condition is {self.condition.type}"

    def evaluate(self, condition: Array, a: Array, b: Array) -> Array:
        return np.where(condition, a, b)[()]


class Conversion(Operation):
    """Base of conversions to another type `to` of as many lanes."""

    a: Value = operand()
    to: Type = result_type()
    output: Value = result()

    def infer(self) -> Type:
        return self.to

    def verify(self) -> Iterable[str]:
        if lanes_of(self.a.type) != lanes_of(self.to):
            yield f"converts {self.a.type} to {self.to}"

    def evaluate(self, a: Array) -> Array:
        return a.astype(element_of(self.to).dtype)


class SIToFP(Conversion, name="lanes.sitofp", traits=(Pure,)):
    """Signed integer to the nearest float."""


class UIToFP(Conversion, name="lanes.uitofp", traits=(Pure,)):
    """Unsigned integer (also i1) to the nearest float."""


class FPToSI(Conversion, name="lanes.fptosi", traits=(Pure,)):
    """Float to signed integer, towards zero, saturating; NaN gives 0."""

    def evaluate(self, a: Array) -> Array:
        dtype = element_of(self.to).dtype
        limits = np.iinfo(np.dtype(dtype.str).type)
        wide = np.nan_to_num(np.trunc(a.astype(np.float64)), nan=0.0, posinf=np.inf, neginf=-np.inf)
        low, high = wide <= float(limits.min), wide >= float(limits.max)
        inside = np.where(low | high, 0.0, wide).astype(np.int64)
        return np.where(low, limits.min, np.where(high, limits.max, inside)).astype(dtype)[()]


class ExtF(Conversion, name="lanes.extf", traits=(Pure,)):
    """Float to a wider float."""


class TruncF(Conversion, name="lanes.truncf", traits=(Pure,)):
    """Float to a narrower float, nearest, ties to even."""


class ExtSI(Conversion, name="lanes.extsi", traits=(Pure,)):
    """Signed integer to a wider one."""


class ExtUI(Conversion, name="lanes.extui", traits=(Pure,)):
    """Unsigned integer (also i1) to a wider one."""


class TruncI(Conversion, name="lanes.trunci", traits=(Pure,)):
    """The low bits of an integer."""


class IndexCast(Conversion, name="lanes.index_cast", traits=(Pure,)):
    """Between `index` and integers, signed."""


class Bitcast(Conversion, name="lanes.bitcast", traits=(Pure,)):
    """The same bits as another type of the same width."""

    def evaluate(self, a: Array) -> Array:
        return a.view(element_of(self.to).dtype)
