"""`arith.remf` without a C library: the exact remainder of floats, one subtraction per bit of the quotient.

The scalar function is written once per module, as integer arithmetic on the bits (any core runs it), and called lane by lane: nobody
computes remainders in an inner loop of a net.
"""

from __future__ import annotations

from dataclasses import dataclass

from .emitter import Emitter
from .text import Function, Ref, constant, element, lanes

__all__ = ["float_remainder"]


@dataclass(frozen=True, slots=True)
class _Format:
    """Bits of a float: of all, and of the significand without the hidden one."""

    bits: int
    fraction: int

    @property
    def word(self) -> str:
        return f"i{self.bits}"


_FORMATS = {"float": _Format(32, 23), "double": _Format(64, 52)}


def float_remainder(e: Emitter, a: Ref, b: Ref) -> Ref:
    """What the truncated quotient leaves, with the sign of a; NaN where b is 0 or a infinite."""
    scalar = element(a.type)
    if scalar not in _FORMATS:
        wide = a.type.replace(scalar, "float")
        return e.f.cast("fptrunc", float_remainder(e, e.f.cast("fpext", a, wide), e.f.cast("fpext", b, wide)), a.type)
    callee = _function(e, scalar)
    if lanes(a.type) == 1:
        return e.f.call(callee, scalar, (a, b))
    result = Ref("poison", a.type)
    for lane in range(lanes(a.type)):
        result = e.f.insert(result, e.f.call(callee, scalar, (e.f.extract(a, lane), e.f.extract(b, lane))), lane)
    return result


def _function(e: Emitter, scalar: str) -> Ref:
    key = f"remainder_{scalar}"
    if key not in e.unit.helpers:
        f = e.unit.helper(key, scalar, (scalar, scalar))
        e.unit.helpers[key] = f.ref
        _write(f, _FORMATS[scalar])
    return e.unit.helpers[key]


def _write(f: Function, format_: _Format) -> None:
    """fmod: a = m 2^i and b = n 2^j with whole m, n; i - j times m = 2 (m mod n), then m mod n once more."""
    word, (a, b) = format_.word, f.parameters

    def of(value: int) -> Ref:
        return constant(word, value)

    magnitude = (1 << format_.bits - 1) - 1
    x, y = (f.binary("and", f.cast("bitcast", v, word), of(magnitude)) for v in (a, b))
    infinite = of(((1 << format_.bits - 1 - format_.fraction) - 1) << format_.fraction)
    bad = f.binary("or", f.icmp("uge", x, infinite), f.binary("or", f.icmp("ugt", y, infinite), f.icmp("eq", y, of(0))))
    nan, check, small, start = (f.label(hint) for hint in ("nan", "check", "small", "start"))
    f.cond_br(bad, nan, check)
    f.start(nan)
    zero = constant(a.type, 0.0)
    f.ret(f.binary("fdiv", zero, zero))
    f.start(check)
    f.cond_br(f.icmp("ult", x, y), small, start)
    f.start(small)
    f.ret(a)
    f.start(start)
    i, m = _split(f, x, format_)
    j, n = _split(f, y, format_)
    step, back, done = (f.label(hint) for hint in ("step", "back", "done"))
    before = f.here
    f.br(step)
    f.start(step)
    exponent, rest = f.phi(word), f.phi(word)
    exponent.add(i, before)
    rest.add(m, before)
    left = f.binary("sub", rest.ref, n)
    rest_now = f.select(f.icmp("uge", rest.ref, n), left, rest.ref)
    f.cond_br(f.icmp("sgt", exponent.ref, j), back, done)
    f.start(back)
    exponent.add(f.binary("sub", exponent.ref, of(1)), back)
    rest.add(f.binary("shl", rest_now, of(1)), back)
    f.br(step)
    f.start(done)
    f.ret(_joined(f, rest_now, j, a, format_))


def _split(f: Function, x: Ref, format_: _Format) -> tuple[Ref, Ref]:
    """Exponent and significand as integers; denormals are shifted up, so that every significand has its hidden bit."""
    field = f.binary("lshr", x, constant(x.type, format_.fraction))
    fraction = f.binary("and", x, constant(x.type, (1 << format_.fraction) - 1))
    hidden = f.binary("or", fraction, constant(x.type, 1 << format_.fraction))
    shift = _missing_zeros(f, fraction, format_)
    normal = f.icmp("ne", field, constant(x.type, 0))
    lowered = f.binary("sub", constant(x.type, 1), shift)
    return f.select(normal, field, lowered), f.select(normal, hidden, f.binary("shl", fraction, shift))


def _missing_zeros(f: Function, significand: Ref, format_: _Format) -> Ref:
    """How far the hidden bit is from the first one; for a significand that is not 0."""
    zeros = f.intrinsic("llvm.ctlz", significand.type, (significand, Ref("false", "i1")), (significand.type,))
    return f.binary("sub", zeros, constant(significand.type, format_.bits - 1 - format_.fraction))


def _joined(f: Function, rest: Ref, exponent: Ref, sign: Ref, format_: _Format) -> Ref:
    """rest * 2^exponent with the sign of `sign`: shifted down to exponent 1, which is exact, or up until the hidden bit is reached."""
    one, zero = constant(rest.type, 1), constant(rest.type, 0)
    below = f.icmp("slt", exponent, one)
    rest = f.binary("lshr", rest, f.select(below, f.binary("sub", one, exponent), zero))
    room = f.select(below, zero, f.binary("sub", exponent, one))
    wanted = _missing_zeros(f, rest, format_)
    shift = f.select(f.icmp("ult", wanted, room), wanted, room)
    bits = f.binary("shl", rest, shift)
    # Adding the exponent less one lets the hidden bit carry into the field; a denormal has exponent one and no hidden bit.
    field = f.binary("shl", f.binary("sub", room, shift), constant(rest.type, format_.fraction))
    nothing = f.icmp("eq", rest, constant(rest.type, 0))
    value = f.cast("bitcast", f.select(nothing, rest, f.binary("add", bits, field)), sign.type)
    return f.intrinsic("llvm.copysign", sign.type, (value, sign))
