"""Bodies of computations, written as formulas: `Scalar` builds the operation of its type for each sign it meets.

    maximum(x * 0.5 + shift, 0)    ->    arith.mulf, arith.addf, arith.maximumf with two arith.constants for floats, and so on

A Python number takes the type of the scalar that it meets. What needs another operation for unsigned integers is chosen here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...dialects import arith, lanes, math
from ...dialects.ir.attributes import Number
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Operation, Value
from ...dialects.ir.types import FloatType, IndexType, IntegerType, Type, element_of, f32, f64, i1, i64, index
from ...dialects.tensor import Index

ARITHMETIC: dict[str, tuple[type[arith.Binary], type[arith.Binary]]] = {
    "add": (arith.AddF, arith.AddI),
    "sub": (arith.SubF, arith.SubI),
    "mul": (arith.MulF, arith.MulI),
    "div": (arith.DivF, arith.DivSI),
    "rem": (arith.RemF, arith.RemSI),
    "max": (arith.MaximumF, arith.MaxSI),
    "min": (arith.MinimumF, arith.MinSI),
}


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """A scalar value in a body that is being built."""

    value: Value
    build: Builder

    @property
    def type(self) -> Type:
        return self.value.type

    @property
    def is_float(self) -> bool:
        return isinstance(self.type, FloatType)

    @property
    def is_unsigned(self) -> bool:
        """Whether a larger bit pattern is the larger number: also of truth values."""
        return isinstance(self.type, IntegerType) and (self.type.unsigned or self.type == i1)

    @property
    def literal(self) -> int | float | bool | None:
        """Its value, if that is known here."""
        owner = self.value.owner
        return owner.value.value if isinstance(owner, arith.Constant) else None

    def number(self, value: Scalar | float | bool) -> Scalar:
        """A constant of this scalar's type; a scalar as it is."""
        return value if isinstance(value, Scalar) else literal(self.build, value, self.type)

    def made(self, op: Operation) -> Scalar:
        """The result of an operation that is inserted here."""
        return Scalar(self.build.add(op).results[0], self.build)

    def binary(self, name: str, other: Scalar | float) -> Scalar:
        """An operation of `ARITHMETIC`."""
        class_ = ARITHMETIC[name][0 if self.is_float else 1]
        return self.made(class_(self.value, self.number(other).value))

    def __add__(self, other: Scalar | float) -> Scalar:
        return self.binary("add", other)

    def __radd__(self, other: float) -> Scalar:
        return self.number(other) + self

    def __sub__(self, other: Scalar | float) -> Scalar:
        return self.binary("sub", other)

    def __rsub__(self, other: float) -> Scalar:
        return self.number(other) - self

    def __mul__(self, other: Scalar | float) -> Scalar:
        return self.binary("mul", other)

    def __rmul__(self, other: float) -> Scalar:
        return self.number(other) * self

    def __truediv__(self, other: Scalar | float) -> Scalar:
        """The quotient; of integers towards zero. Unsigned ones are divided as signed ones of twice the width."""
        if self.is_unsigned:
            return convert(convert(self, i64).binary("div", convert(self.number(other), i64)), self.type)
        return self.binary("div", other)

    def __rtruediv__(self, other: float) -> Scalar:
        return self.number(other) / self

    def __mod__(self, other: Scalar | float) -> Scalar:
        """What the quotient towards zero leaves, with the sign of this scalar."""
        if self.is_unsigned:
            return convert(convert(self, i64).binary("rem", convert(self.number(other), i64)), self.type)
        return self.binary("rem", other)

    def __neg__(self) -> Scalar:
        return self.made(arith.NegF(self.value)) if self.is_float else self.number(0) - self

    def __and__(self, other: Scalar | float) -> Scalar:
        return self.made(arith.AndI(self.value, self.number(other).value))

    def __or__(self, other: Scalar | float) -> Scalar:
        return self.made(arith.OrI(self.value, self.number(other).value))

    def __xor__(self, other: Scalar | float) -> Scalar:
        return self.made(arith.XOrI(self.value, self.number(other).value))

    def __invert__(self) -> Scalar:
        return self ^ (True if self.type == i1 else (1 << self._bits) - 1 if self.is_unsigned else -1)

    @property
    def _bits(self) -> int:
        return self.type.bits if isinstance(self.type, IntegerType) else 64

    def compare(self, which: str, other: Scalar | float) -> Scalar:
        """`which` is eq, ne, lt, le, gt or ge; NaN is not equal to anything, and neither larger nor smaller."""
        right = self.number(other).value
        if self.is_float:
            return self.made(lanes.CmpF.of(f"u{which}" if which == "ne" else f"o{which}", self.value, right))
        prefix = "" if which in ("eq", "ne") else "u" if self.is_unsigned else "s"
        return self.made(lanes.CmpI.of(prefix + which, self.value, right))

    def __lt__(self, other: Scalar | float) -> Scalar:
        return self.compare("lt", other)

    def __le__(self, other: Scalar | float) -> Scalar:
        return self.compare("le", other)

    def __gt__(self, other: Scalar | float) -> Scalar:
        return self.compare("gt", other)

    def __ge__(self, other: Scalar | float) -> Scalar:
        return self.compare("ge", other)

    def equals(self, other: Scalar | float) -> Scalar:
        """Whether both are the same number."""
        return self.compare("eq", other)


def literal(build: Builder, value: float | bool, type_: Type) -> Scalar:
    """A constant."""
    exact = value if isinstance(type_, FloatType) else bool(value) if type_ == i1 else int(value)
    return Scalar(build.add(arith.Constant(value=Number(exact, type_))).output, build)


def position(build: Builder, dim: int) -> Scalar:
    """The value of an iteration dim."""
    return Scalar(build.add(Index(dim=dim)).output, build)


def select(condition: Scalar, a: Scalar | float, b: Scalar | float) -> Scalar:
    """a where the condition holds, else b; one of them may be a number."""
    typed = a if isinstance(a, Scalar) else b
    assert isinstance(typed, Scalar)
    return condition.made(lanes.Select(condition.value, typed.number(a).value, typed.number(b).value))


def maximum(a: Scalar, b: Scalar | float) -> Scalar:
    """The larger, NaN if one is."""
    return select(a > b, a, a.number(b)) if a.is_unsigned else a.binary("max", b)


def minimum(a: Scalar, b: Scalar | float) -> Scalar:
    """The smaller, NaN if one is."""
    return select(a < b, a, a.number(b)) if a.is_unsigned else a.binary("min", b)


def multiply_add(a: Scalar, b: Scalar | float, c: Scalar | float) -> Scalar:
    """a * b + c, of floats rounded once where the target can."""
    if not a.is_float:
        return a * b + c
    return a.made(math.Fma(a.value, a.number(b).value, a.number(c).value))


def absolute(x: Scalar) -> Scalar:
    """The magnitude."""
    if x.is_float:
        return x.made(math.AbsF(x.value))
    return x if x.is_unsigned else maximum(x, -x)


def is_nan(x: Scalar) -> Scalar:
    """Whether x is no number."""
    return x.made(lanes.CmpF.of("uno", x.value, x.value))


def function(class_: type[math.Unary]) -> Callable[[Scalar], Scalar]:
    """The function of one float that `class_` stands for."""
    return lambda x: x.made(class_(x.value))


exp, log, log1p, expm1, sqrt, tanh, erf, sin, cos, floor, ceil, roundeven = map(
    function,
    (
        *(math.Exp, math.Log, math.Log1p, math.ExpM1, math.Sqrt, math.Tanh, math.Erf),
        *(math.Sin, math.Cos, math.Floor, math.Ceil, math.RoundEven),
    ),
)


def power(a: Scalar, b: Scalar) -> Scalar:
    """a to the power of b, of the type of a; small constant exponents are products. Integers are raised in f64."""
    match b.literal:
        case 1:
            return a
        case 2:
            return a * a
        case 3:
            return a * a * a
    if not a.is_float:
        return convert(power(convert(a, f64), b), a.type)
    return a.made(math.PowF(a.value, convert(b, a.type).value))


def convert(x: Scalar, to: Type) -> Scalar:
    """The same number as another type: integers modulo the width, floats to integers towards zero."""
    if x.type == to:
        return x
    if x.literal is not None:
        return literal(x.build, x.literal, to)
    match x.type, to:
        case FloatType() as source, FloatType() as target:
            return x.made((lanes.ExtF if source.bits < target.bits else lanes.TruncF)(x.value, to=to))
        case FloatType(), IntegerType(bits=bits, unsigned=unsigned):
            wide = x.made(lanes.FPToSI(x.value, to=i64 if unsigned or bits < 32 else to))
            return convert(wide, to)
        case ((IntegerType() | IndexType()), FloatType()):
            return x.made((lanes.UIToFP if x.is_unsigned else lanes.SIToFP)(x.value, to=to))
        case IndexType(), IntegerType():
            return convert(x.made(lanes.IndexCast(x.value, to=i64)), to)
        case IntegerType(), IndexType():
            return x.made(lanes.IndexCast(x.value, to=index))
        case IntegerType(bits=source_bits), IntegerType(bits=bits):
            if source_bits == bits:
                return x.made(lanes.Bitcast(x.value, to=to))
            widen = lanes.ExtUI if x.is_unsigned else lanes.ExtSI
            return x.made((lanes.TruncI if bits < source_bits else widen)(x.value, to=to))
    raise TypeError(f"no conversion leads from {x.type} to {to}")


def computing_type(type_: Type) -> Type:
    """The type in which elements are computed: f32 for narrower floats, else their own."""
    element = element_of(type_)
    return f32 if isinstance(element, FloatType) and element.bits < 32 else element
