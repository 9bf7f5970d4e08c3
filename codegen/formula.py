"""Arithmetic of f32 for the formulas of `math`: values with operators, and what some cores lack, written out.

In: a `Function` being written and its values, wrapped as `Num`. Out: `Num`s, one instruction or a few each. The one thing to know: where
the core has no instruction for a rounding or a square root (`Abilities`), the same bits come from plain arithmetic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .llvm.text import Function, Ref, constant, lanes, like

__all__ = [
    "TINY", "WHOLE", "Num", "ceil", "floor", "maximum", "minimum", "relu", "round_away", "round_even", "rsqrt", "sqrt", "trunc",
    "two_product", "two_sum",
]  # fmt: skip

WHOLE = 8388608.0  # 2^23: every f32 from here on is an integer
TINY = 2.0**-126  # the least normal f32


@dataclass(frozen=True, slots=True)
class Num:
    """A value with arithmetic: formulas below read as formulas."""

    f: Function
    ref: Ref

    def of(self, value: float) -> Num:
        return Num(self.f, constant(self.ref.type, value))

    def _wrap(self, other: Num | float) -> Ref:
        return other.ref if isinstance(other, Num) else constant(self.ref.type, other)

    def _binary(self, opcode: str, other: Num | float) -> Num:
        return Num(self.f, self.f.binary(opcode, self.ref, self._wrap(other)))

    def __add__(self, other: Num | float) -> Num:
        return self._binary("fadd", other)

    def __sub__(self, other: Num | float) -> Num:
        return self._binary("fsub", other)

    def __mul__(self, other: Num | float) -> Num:
        return self._binary("fmul", other)

    def __truediv__(self, other: Num | float) -> Num:
        return self._binary("fdiv", other)

    def __neg__(self) -> Num:
        return Num(self.f, self.f.fneg(self.ref))

    def __abs__(self) -> Num:
        return Num(self.f, self.f.intrinsic("llvm.fabs", self.ref.type, [self.ref]))

    def times(self, factor: Num | float, plus: Num | float) -> Num:
        """self * factor + plus, in one instruction where the core has it."""
        return Num(self.f, self.f.muladd(self.ref, self._wrap(factor), self._wrap(plus)))

    def polynomial(self, coefficients: tuple[float, ...]) -> Num:
        """c[0] + c[1] x + c[2] x^2 ..., by Horner's rule."""
        value = self.of(coefficients[-1])
        for c in coefficients[-2::-1]:
            value = value.times(self, c)
        return value

    def is_(self, relation: str, other: Num | float) -> Num:
        """A comparison: `olt`, `une`, ...; the ordered ones are false for NaN."""
        return Num(self.f, self.f.fcmp(relation, self.ref, self._wrap(other)))

    def choose(self, yes: Num | float, no: Num) -> Num:
        """Of two values, where self is a condition."""
        return Num(self.f, self.f.select(self.ref, no._wrap(yes), no.ref))

    def with_sign_of(self, other: Num) -> Num:
        return Num(self.f, self.f.intrinsic("llvm.copysign", self.ref.type, [self.ref, other.ref]))

    def scaled(self, exponent: Num) -> Num:
        """self * 2^exponent, rounded once, by AVX-512; the exponent is a float."""
        count = lanes(self.ref.type)
        mask = constant("i16" if count == 16 else "i8", -1)
        nearest = [constant("i32", 4)] if count == 16 else []
        name = f"llvm.x86.avx512.mask.scalef.ps.{32 * count}"
        return Num(self.f, self.f.intrinsic(name, self.ref.type, [self.ref, exponent.ref, self.ref, mask, *nearest], over=()))

    def clamp(self, low: float | None, high: float | None) -> Num:
        """Into [low, high]; NaN stays."""
        x = self
        if low is not None:
            x = x.is_("olt", low).choose(low, x)
        if high is not None:
            x = x.is_("ogt", high).choose(high, x)
        return x

    # Integers of the same lanes.

    def bits(self) -> Num:
        return Num(self.f, self.f.cast("bitcast", self.ref, like(self.ref.type, "i32")))

    def as_float(self, opcode: str = "bitcast") -> Num:
        return Num(self.f, self.f.cast(opcode, self.ref, like(self.ref.type, "float")))

    def truncated(self) -> Num:
        """The integer part as i32; the value must be in range."""
        return Num(self.f, self.f.cast("fptosi", self.ref, like(self.ref.type, "i32")))

    def integer(self, opcode: str, other: Num | int) -> Num:
        return self._binary(opcode, other)

    def compares(self, relation: str, other: int) -> Num:
        return Num(self.f, self.f.icmp(relation, self.ref, self._wrap(other)))


# Rounding, square root, extremes.


def _nearest(x: Num) -> Num:
    """Half to even, by arithmetic; the sign of zero is x's."""
    a = abs(x)
    return a.is_("olt", WHOLE).choose((a + WHOLE) - WHOLE, a).with_sign_of(x)


def round_even(x: Num) -> Num:
    """The nearest integer, half to even."""
    return _instruction(x, "llvm.roundeven") or _nearest(x)


def _instruction(x: Num, name: str) -> Num | None:
    """The core's own rounding instruction, if it has them."""
    return Num(x.f, x.f.intrinsic(name, x.ref.type, [x.ref])) if x.f.abilities.rounding else None


def floor(x: Num) -> Num:
    """The greatest integer that is not above."""
    return _instruction(x, "llvm.floor") or _floor_by_hand(x)


def _floor_by_hand(x: Num) -> Num:
    near = _nearest(x)
    return (near - near.is_("ogt", x).choose(1.0, near.of(0.0))).with_sign_of(x)


def ceil(x: Num) -> Num:
    """The least integer that is not below."""
    return _instruction(x, "llvm.ceil") or -_floor_by_hand(-x)


def trunc(x: Num) -> Num:
    """The integer part."""
    return _instruction(x, "llvm.trunc") or _floor_by_hand(abs(x)).with_sign_of(x)


def round_away(x: Num) -> Num:
    """Half away from zero, C's round: the largest f32 below 1/2 keeps 0.49999997 from becoming 1."""
    return trunc(abs(x) + 0.49999997).with_sign_of(x)


def sqrt(x: Num) -> Num:
    """The square root, correctly rounded."""
    if x.f.abilities.sqrt:
        return Num(x.f, x.f.intrinsic("llvm.sqrt", x.ref.type, [x.ref]))
    return _sqrt_by_hand(x)


def _sqrt_by_hand(x: Num) -> Num:
    """One bit at a time in integers, correctly rounded: for cores whose floats are calls, where this is cheaper than Newton's steps.

    Of the significand, doubled if the exponent is odd, the root's 24 bits and one for the rounding come out one by one. After a step
    `rest` is what the root found so far leaves over, in units that halve with every step.
    """
    small = x.is_("olt", TINY)
    bits = small.choose(x * 2.0**24, x).bits()
    exponent = bits.integer("lshr", 23).integer("sub", small.choose(127 + 24, bits.of(127)))
    rest = bits.integer("and", 0x7FFFFF).integer("or", 0x800000)
    rest = rest.integer("shl", exponent.integer("and", 1).integer("add", 1))
    root, step = bits.of(0), 1 << 24
    for _ in range(25):
        trial = root.integer("add", root).integer("add", step)
        fits = Num(x.f, x.f.icmp("uge", rest.ref, trial.ref))
        rest = fits.choose(rest.integer("sub", trial), rest)
        root = fits.choose(root.integer("add", step), root)
        rest, step = rest.integer("shl", 1), step >> 1
    root = root.integer("add", root.integer("and", 1)).integer("lshr", 1)
    result = root.integer("add", exponent.integer("ashr", 1).integer("add", 126).integer("shl", 23)).as_float()
    result = x.is_("oeq", math.inf).choose(x, result)
    result = x.is_("oeq", 0.0).choose(x, result)
    return x.is_("uge", 0.0).choose(x.is_("uno", x).choose(x, result), x.of(math.nan))


def rsqrt(x: Num) -> Num:
    """1 / sqrt(x): both correctly rounded."""
    return x.of(1.0) / sqrt(x)


def maximum(a: Num, b: Num) -> Num:
    """The greater; NaN if either is NaN, as ONNX has it."""
    return a.is_("uno", a).choose(a, a.is_("ogt", b).choose(a, b))


def minimum(a: Num, b: Num) -> Num:
    """The lesser; NaN if either is NaN."""
    return a.is_("uno", a).choose(a, a.is_("olt", b).choose(a, b))


def relu(x: Num) -> Num:
    """x, or 0 below it; NaN stays. x86 has this order of operands as its maximum."""
    return x.is_("olt", 0.0).choose(0.0, x)


# Sums and products that keep what rounding loses.


def two_sum(a: Num, b: Num) -> tuple[Num, Num]:
    """a + b, and exactly what its rounding lost (Knuth)."""
    total = a + b
    back = total - a
    return total, (a - (total - back)) + (b - back)


def two_product(a: Num, b: Num) -> tuple[Num, Num]:
    """a * b, and what its rounding lost: by fma, or by halves of twelve bits (Dekker)."""
    product = a * b
    if a.f.abilities.fma:
        return product, a.times(b, -product)
    a_high, b_high = (v.bits().integer("and", -4096).as_float() for v in (a, b))
    a_low, b_low = a - a_high, b - b_high
    return product, (a_high * b_high - product + a_high * b_low + a_low * b_high) + a_low * b_low
