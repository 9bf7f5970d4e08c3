"""`arith` and `lanes`: arithmetic, comparison, selection and conversion, alike on scalars and vectors.

Integer division never traps: what has no quotient gives 0, as in the reference, and the least integer divided by -1 wraps around. The one
thing to know: `maximumf` and `minimumf` keep NaN. Against a constant that is one comparison and one choice in the one order in which
x86's `maxps` is both; aarch64 has an instruction; otherwise a third instruction puts the NaN back.
"""

from __future__ import annotations

import math

from ...dialects import arith, lanes
from ...dialects.ir.affine import constant as affine
from ...dialects.ir.attributes import Number
from ...dialects.ir.operation import Value
from ...dialects.ir.types import IndexType
from ..formula import Num, maximum, minimum, remainder
from .emitter import Emitter, translation
from .text import Ref, constant, element, like
from .types import is_float, is_signed, register_type

__all__ = ["extreme_float"]


@translation(arith.Constant)
def _constant(op: arith.Constant, e: Emitter) -> Ref | None:
    if isinstance(op.value.type, IndexType):
        e.bind_index(op.output, affine(int(op.value.value)))
        return None
    return number(op.value, e)


def number(value: Number, e: Emitter) -> Ref:
    """A typed number as a constant."""
    scalar = value.scalar()
    return constant(register_type(value.type, e.unit.target.pointer_bits), float(scalar) if is_float(value.type) else int(scalar))


# Floats.


_FLOAT_OPCODES = {arith.AddF: "fadd", arith.SubF: "fsub", arith.MulF: "fmul", arith.DivF: "fdiv"}


@translation(arith.AddF, arith.SubF, arith.MulF, arith.DivF)
def _float_binary(op: arith.FloatBinary, e: Emitter) -> Ref:
    return e.f.binary(_FLOAT_OPCODES[type(op)], e.ref(op.a), e.ref(op.b))


@translation(arith.NegF)
def _negf(op: arith.NegF, e: Emitter) -> Ref:
    return e.f.fneg(e.ref(op.a))


@translation(arith.RemF)
def _remf(op: arith.RemF, e: Emitter) -> Ref:
    """In f32 (exact there too) for the narrower formats."""
    a, b = e.ref(op.a), e.ref(op.b)
    if element(a.type) in ("float", "double"):
        return remainder(Num(e.f, a), Num(e.f, b)).ref
    wide = [Num(e.f, e.f.cast("fpext", v, like(a.type, "float"))) for v in (a, b)]
    return e.f.cast("fptrunc", remainder(*wide).ref, a.type)


@translation(arith.MaximumF, arith.MinimumF)
def _extreme(op: arith.FloatBinary, e: Emitter) -> Ref:
    a, b = (op.b, op.a) if _plain_number(op.a) else (op.a, op.b)
    return extreme_float(e, "max" if isinstance(op, arith.MaximumF) else "min", e.ref(a), e.ref(b), _plain_number(b))


def _plain_number(value: Value) -> bool:
    """Whether a value is a constant and no NaN."""
    made = value.owner
    return isinstance(made, arith.Constant) and not math.isnan(float(made.value.scalar()))


def extreme_float(e: Emitter, kind: str, a: Ref, b: Ref, b_is_number: bool = False) -> Ref:
    """The larger ("max") or smaller of two; NaN if either is."""
    if b_is_number:
        return e.f.select(e.f.fcmp("olt" if kind == "max" else "ogt", a, b), b, a)
    if e.unit.target.family == "aarch64" and element(a.type) in ("float", "double"):
        return e.f.intrinsic(f"llvm.{kind}imum", a.type, (a, b))
    return (maximum if kind == "max" else minimum)(Num(e.f, a), Num(e.f, b)).ref


# Integers and indices.


@translation(arith.AddI, arith.SubI)
def _add(op: arith.IntegerBinary, e: Emitter) -> Ref | None:
    subtract = isinstance(op, arith.SubI)
    if isinstance(op.output.type, IndexType):
        a, b = e.index(op.a), e.index(op.b)
        e.bind_index(op.output, a - b if subtract else a + b)
        return None
    return e.f.binary("sub" if subtract else "add", e.ref(op.a), e.ref(op.b))


@translation(arith.MulI)
def _multiply(op: arith.MulI, e: Emitter) -> Ref | None:
    if isinstance(op.output.type, IndexType):
        a, b = e.index(op.a), e.index(op.b)
        if a.is_constant or b.is_constant:
            e.bind_index(op.output, b * a.constant if a.is_constant else a * b.constant)
            return None
    return e.f.binary("mul", e.ref(op.a), e.ref(op.b))


@translation(arith.MaxSI, arith.MinSI)
def _integer_extreme(op: arith.IntegerBinary, e: Emitter) -> Ref | None:
    kind = "max" if isinstance(op, arith.MaxSI) else "min"
    if isinstance(op.output.type, IndexType):
        _index_extreme(op, e, kind == "max")
        return None
    return e.f.intrinsic(f"llvm.{'s' if is_signed(op.a.type) else 'u'}{kind}", e.type(op.a), (e.ref(op.a), e.ref(op.b)))


def _index_extreme(op: arith.IntegerBinary, e: Emitter, largest: bool) -> None:
    """Bounds of clamped loops: their ranges are kept, and where they decide, no instruction is made."""
    a, b = e.index(op.a), e.index(op.b)
    low, high = e.range(a - b)
    if low >= 0 or high <= 0:
        e.bind_index(op.output, a if (low >= 0) == largest else b)
        return
    (a_low, a_high), (b_low, b_high) = e.range(a), e.range(b)
    range_ = (max(a_low, b_low), max(a_high, b_high)) if largest else (min(a_low, b_low), min(a_high, b_high))
    e.bind(op.output, e.f.intrinsic("llvm.smax" if largest else "llvm.smin", e.word, (e.integer(a), e.integer(b))), range_)


@translation(arith.AndI, arith.OrI, arith.XOrI, arith.ShLI, arith.ShRSI)
def _bits(op: arith.IntegerBinary, e: Emitter) -> Ref:
    opcode = {"andi": "and", "ori": "or", "xori": "xor", "shli": "shl", "shrsi": "ashr" if is_signed(op.a.type) else "lshr"}
    return e.f.binary(opcode[op.name.removeprefix("arith.")], e.ref(op.a), e.ref(op.b))


@translation(arith.DivSI)
def _divsi(op: arith.DivSI, e: Emitter) -> Ref:
    if _counts_positive(op, e):
        return e.f.binary("sdiv", e.ref(op.a), e.ref(op.b))
    return _Division(e, op).quotient()


@translation(arith.RemSI)
def _remsi(op: arith.RemSI, e: Emitter) -> Ref:
    if _counts_positive(op, e):
        return e.f.binary("srem", e.ref(op.a), e.ref(op.b))
    return _Division(e, op).remainder()


def _counts_positive(op: arith.IntegerBinary, e: Emitter) -> bool:
    """Whether an index is divided by a number that is known, and harmless."""
    return isinstance(op.b.type, IndexType) and e.index(op.b).is_constant and e.index(op.b).constant > 0


@translation(arith.FloorDivSI)
def _floordivsi(op: arith.FloorDivSI, e: Emitter) -> Ref | None:
    if isinstance(op.output.type, IndexType) and e.index(op.b).is_constant and e.index(op.b).constant > 0:
        e.bind_index(op.output, e.index(op.a) // e.index(op.b).constant)
        return None
    return _Division(e, op).floor()


class _Division:
    """A division whose divisor is made harmless first: 0 and -1 are replaced by 1 and the result is set right."""

    def __init__(self, e: Emitter, op: arith.IntegerBinary) -> None:
        self.f, self.a, self.b = e.f, e.ref(op.a), e.ref(op.b)
        self.signed = is_signed(op.a.type)
        self.sign = "s" if self.signed else "u"
        self.none = self.f.icmp("eq", self.b, self.of(0))
        self.minus = self.f.icmp("eq", self.b, self.of(-1)) if self.signed else None
        harmless = self.f.select(self.none, self.of(1), self.b)
        self.divisor = harmless if self.minus is None else self.f.select(self.minus, self.of(1), harmless)

    def of(self, value: int) -> Ref:
        return constant(self.a.type, value)

    def quotient(self) -> Ref:
        q = self.f.binary(f"{self.sign}div", self.a, self.divisor)
        if self.minus is not None:
            q = self.f.select(self.minus, self.f.binary("sub", self.of(0), self.a), q)
        return self.f.select(self.none, self.of(0), q)

    def remainder(self) -> Ref:
        return self.f.select(self.none, self.of(0), self.f.binary(f"{self.sign}rem", self.a, self.divisor))

    def floor(self) -> Ref:
        """One less than the truncated quotient where a remainder has the other sign."""
        q = self.quotient()
        if not self.signed:
            return q
        rest = self.remainder()
        opposite = self.f.icmp("slt", self.f.binary("xor", rest, self.b), self.of(0))
        below = self.f.binary("and", opposite, self.f.icmp("ne", rest, self.of(0)))
        return self.f.binary("add", q, self.f.cast("sext", below, q.type))


# Comparison and selection.


@translation(lanes.CmpF)
def _cmpf(op: lanes.CmpF, e: Emitter) -> Ref:
    return e.f.fcmp(op.which, e.ref(op.a), e.ref(op.b))


@translation(lanes.CmpI)
def _cmpi(op: lanes.CmpI, e: Emitter) -> Ref:
    which = op.which if is_signed(op.a.type) or op.which[0] != "s" else f"u{op.which[1:]}"
    return e.f.icmp(which, e.ref(op.a), e.ref(op.b))


@translation(lanes.Select)
def _select(op: lanes.Select, e: Emitter) -> Ref:
    return e.f.select(e.ref(op.condition), e.ref(op.a), e.ref(op.b))


# Conversion.


@translation(lanes.SIToFP, lanes.UIToFP)
def _to_float(op: lanes.Conversion, e: Emitter) -> Ref:
    signed = is_signed(op.a.type) and isinstance(op, lanes.SIToFP)
    return e.f.cast("sitofp" if signed else "uitofp", e.ref(op.a), e.type(op.output))


@translation(lanes.FPToSI)
def _to_integer(op: lanes.FPToSI, e: Emitter) -> Ref:
    name = "llvm.fptosi.sat" if is_signed(op.to) else "llvm.fptoui.sat"
    a, to = e.ref(op.a), e.type(op.output)
    return e.f.intrinsic(name, to, (a,), (to, a.type))


@translation(lanes.ExtF)
def _extf(op: lanes.ExtF, e: Emitter) -> Ref:
    return _cast(e, "fpext", e.ref(op.a), e.type(op.output))


@translation(lanes.TruncF)
def _truncf(op: lanes.TruncF, e: Emitter) -> Ref:
    return _cast(e, "fptrunc", e.ref(op.a), e.type(op.output))


@translation(lanes.ExtSI, lanes.ExtUI)
def _extend(op: lanes.Conversion, e: Emitter) -> Ref:
    signed = isinstance(op, lanes.ExtSI) and is_signed(op.a.type)
    return _cast(e, "sext" if signed else "zext", e.ref(op.a), e.type(op.output))


@translation(lanes.TruncI)
def _trunci(op: lanes.TruncI, e: Emitter) -> Ref:
    return _cast(e, "trunc", e.ref(op.a), e.type(op.output))


@translation(lanes.IndexCast)
def _index_cast(op: lanes.IndexCast, e: Emitter) -> Ref:
    a, to = e.ref(op.a), e.type(op.output)
    narrower = _bits_of(to) < _bits_of(a.type)
    return _cast(e, "trunc" if narrower else "sext" if is_signed(op.a.type) else "zext", a, to)


@translation(lanes.Bitcast)
def _bitcast(op: lanes.Bitcast, e: Emitter) -> Ref:
    return _cast(e, "bitcast", e.ref(op.a), e.type(op.output))


def _bits_of(type_: str) -> int:
    return int(element(type_)[1:])


def _cast(e: Emitter, opcode: str, a: Ref, to: str) -> Ref:
    return a if a.type == to else e.f.cast(opcode, a, to)
