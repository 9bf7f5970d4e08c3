"""Transcendental functions of f32, written out as LLVM arithmetic on scalars or vectors: no C library is ever called.

In: a `Function` being written and values of type `float` or a fixed or scalable vector of it. Out: the value of the function. `FUNCTIONS`
names them all. The one thing to know: what the core cannot do in one instruction (`Abilities`) is written out, and the results then differ
in the last places between a core with fma and one without.

NaN goes through everything; infinities, zeros and denormals give what IEEE 754 and C99 (Annex F) ask for. The coefficients are our own:
least squares in f64, reweighted towards equal ripples (Lawson), with the weight that makes the result's relative error level.
Largest errors in ulp, with fma / without, are asserted in the tests.

    exp, expm1      x = n ln2 + r, |r| <= ln2 / 2; e^r - 1 = r + r^2 P(r); 2^n by adding n to the exponent bits
    log, log1p      x = 2^e (1 + t), sqrt(1/2) <= 1 + t < sqrt 2; log(1 + t) = t - t^2 / 2 + t^3 P(t)
    sin, cos        x = n pi/2 + r by a constant in several pieces; right up to |x| = 1e5, beyond that bounded but not accurate
    erf             x + x E(x^2) below 0.95, else 1 - e^(-x Q(x))
"""

from __future__ import annotations

import math
from collections.abc import Callable

from . import formula
from .formula import TINY, WHOLE, Num, maximum, sqrt, two_product, two_sum
from .llvm.text import Ref, lanes

__all__ = ["FUNCTIONS"]

_EXP = (0.4999999403953552, 0.1666652113199234, 0.04166838899254799, 0.008368730545043945, 0.0013814570847898722)
_LOG = (0.3333333134651184, -0.2500081956386566, 0.20001226663589478, -0.16623356938362122, 0.14201757311820984, -0.13160182535648346,
        0.1276157647371292, -0.07634496688842773)
_SIN = (-0.16666655242443085, 0.00833215843886137, -0.00019514957966748625)
_COS = (0.04166664555668831, -0.0013887312961742282, 2.4432785721728578e-05)
_ATAN = (-0.33333298563957214, 0.19998548924922943, -0.14264242351055145, 0.10952185839414597, -0.0840345025062561, 0.057957593351602554,
         -0.03117784671485424, 0.010914606042206287, -0.0017936218064278364)
_ASIN = (0.16666752099990845, 0.07495297491550446, 0.04547037556767464, 0.02417951449751854, 0.04216630756855011)
_SINH = (1 / 6, 1 / 120, 1 / 5040, 1 / 362880, 1 / 39916800)
_ERF_NEAR = (0.12837913632392883, -0.37612447142601013, 0.11281320452690125, -0.026748863980174065, 0.004967506974935532,
             -0.0005862082471139729)
_ERF_FAR = (1.1285037994384766, 0.6357535123825073, 0.10521593689918518, -0.022860782220959663, 0.0032059240620583296,
            -0.00021289661526679993)
_LN2_HIGH = 0.693359375  # nine bits: times an exponent it is exact
_LN2_LOW = math.log(2) - _LN2_HIGH
_MAGIC = 12582912.0  # 1.5 * 2^23: adding it leaves the nearest integer in the low bits, for |x| < 2^22


# Exponential and its family.


def _reduced(x: Num) -> tuple[Num, Num, Num]:
    """n, n as the low bits of an integer, and r: x = n ln2 + r; |x| must be below 2^20."""
    shifted = x.times(math.log2(math.e), _MAGIC)
    n = shifted - _MAGIC
    return n, shifted.bits(), n.times(-_LN2_LOW, n.times(-_LN2_HIGH, x))


def _exp_tail(r: Num) -> Num:
    """e^r - 1 for |r| <= ln2 / 2."""
    return (r * r).times(r.polynomial(_EXP), r)


def _exp_from(x: Num, low: Num | None = None, positive: bool = True) -> Num:
    """e^(x + low), down to the smallest denormal, inf where it overflows; x is not tested against that unless it can be `positive`.

    2^n comes in two factors, because neither 2^128 nor 2^-150 is a normal float; only the second multiplication can round. Adding n to
    the exponent bits of the result would save nothing and turn some NaNs into numbers.
    """
    bounded = x.clamp(-104.0, 89.0 if positive else None)
    n, bits, r = _reduced(bounded)
    value = _exp_tail(r + low if low else r) + 1.0
    if x.f.abilities.scalef and lanes(x.ref.type) in (4, 8, 16):
        return value.scaled(n)
    small = bounded.is_("olt", -80.0)
    scale = bits.integer("add", small.choose(127 + 64, bits.of(126))).integer("shl", 23).as_float()
    return (value * scale) * small.choose(2.0**-64, x.of(2.0))


def _exp(x: Num) -> Num:
    return _exp_from(x)


def _half_expm1(x: Num) -> Num:
    """(e^x - 1) / 2 for x in [-88, 88.7]; accurate near 0 too, because there n = 0 and nothing is added."""
    _, n, r = _reduced(x)
    scale = n.integer("shl", 23).integer("add", 126 << 23).as_float()  # 2^(n - 1)
    return scale.times(_exp_tail(r), scale - 0.5)


def _expm1(x: Num) -> Num:
    half = _half_expm1(x.clamp(-30.0, 88.8))
    return _keep_zero(x, half + half)


def _keep_zero(x: Num, value: Num) -> Num:
    """Zero is its own value, sign included."""
    return x.is_("oeq", 0.0).choose(x, value)


def _sigmoid(x: Num) -> Num:
    """e = e^-|x|; 1 / (1 + e), or e / (1 + e) on the negative side, where it keeps every digit of a small result."""
    e = _exp_from(-abs(x), positive=False)
    return x.is_("olt", 0.0).choose(e, e.of(1.0)) / (e + 1.0)


def _tanh(x: Num) -> Num:
    """E / (E + 2), E = e^2|x| - 1; from 9.02 on it is 1."""
    a = abs(x).clamp(None, 9.02)
    half = _half_expm1(a + a)
    return (half / (half + 1.0)).with_sign_of(x)


def _sinh(x: Num) -> Num:
    a = abs(x)
    u = x * x
    near = (x * u).times(u.polynomial(_SINH), x)
    e = _exp(a * 0.5)
    far = ((e * 0.5) * e - e.of(0.5) / (e * e)).with_sign_of(x)
    return a.is_("olt", 1.0).choose(near, far)


def _cosh(x: Num) -> Num:
    """Half the argument, squared: e^|x| itself would overflow too early."""
    e = _exp(abs(x) * 0.5)
    return (e * 0.5) * e + e.of(0.5) / (e * e)


def _softplus(x: Num) -> Num:
    return maximum(x, x.of(0.0)) + _log1p(_exp_from(-abs(x), positive=False))


# Logarithm and its family.


def _split(x: Num) -> tuple[Num, Num]:
    """e and t: x = 2^e (1 + t), sqrt(1/2) <= 1 + t < sqrt 2; for x > 0, denormals too."""
    small = x.is_("olt", TINY)
    bits = small.choose(x * WHOLE, x).bits()
    e = bits.integer("sub", 0x3F3504F3).integer("ashr", 23)
    t = bits.integer("sub", e.integer("shl", 23)).as_float() - 1.0
    return e.integer("sub", small.choose(23, e.of(0))).as_float("sitofp"), t


def _log_edges(x: Num, value: Num) -> Num:
    """-inf at 0, inf at inf, NaN below 0; NaN stays."""
    value = x.is_("oeq", 0.0).choose(-math.inf, value)
    value = x.is_("ult", math.inf).choose(value, x)
    return x.is_("oge", 0.0).choose(value, x.of(math.nan))


def _log(x: Num) -> Num:
    e, t = _split(x)
    u = t * t
    tail = (u * t) * t.polynomial(_LOG)
    tail = u.times(-0.5, e.times(_LN2_LOW, tail))
    return _log_edges(x, e.times(_LN2_HIGH, t + tail))


def _log1p(x: Num) -> Num:
    """log(u), u = 1 + x, and what the addition lost, divided by u."""
    u = x + 1.0
    lost = (x - (u - 1.0)) / u
    value = _log(u) + (abs(x).is_("olt", 2.0**24)).choose(lost, x.of(0.0))
    value = u.is_("oeq", 0.0).choose(-math.inf, value)
    return abs(x).is_("olt", 2.0**-24).choose(x, value)


def _asinh(x: Num) -> Num:
    """log1p(a + a^2 / (1 + sqrt(1 + a^2))); beyond 2^12 the root is a itself, and a^2 would overflow."""
    a = abs(x)
    big = a.is_("ogt", 4096.0)
    b = big.choose(4096.0, a)
    u = b * b
    near = _log1p(b + u / (sqrt(u + 1.0) + 1.0))
    return big.choose(_log(a) + math.log(2), near).with_sign_of(x)


def _acosh(x: Num) -> Num:
    """log1p(t + sqrt(2 t + t^2)), t = x - 1."""
    big = x.is_("ogt", 4096.0)
    t = big.choose(4096.0, x) - 1.0
    near = _log1p(t + sqrt(t * (t + 2.0)))
    return x.is_("olt", 1.0).choose(math.nan, big.choose(_log(x) + math.log(2), near))


def _atanh(x: Num) -> Num:
    a = abs(x)
    return (_log1p((a + a) / (a.of(1.0) - a)) * 0.5).with_sign_of(x)


# Power.


def _log_pair(x: Num) -> tuple[Num, Num]:
    """log x as a sum of two floats, good to about 2^-29 absolutely; for 0 < x < inf."""
    e, t = _split(x)
    square, lost = two_product(t, t)
    high, a = two_sum(e * _LN2_HIGH, t)
    high, b = two_sum(high, square * -0.5)
    low = lost.times(-0.5, e.times(_LN2_LOW, (square * t) * t.polynomial(_LOG))) + (a + b)
    total = high + low
    return total, low - (total - high)


def _pow(x: Num, y: Num) -> Num:
    """e^(y log|x|) with the logarithm as a pair; then C99's special cases."""
    a = abs(x)
    high, low = _log_pair(a)
    ordinary = a.is_("ogt", 0.0).choose(a, a.of(math.inf)).is_("olt", math.inf)
    limit = a.is_("oeq", 0.0).choose(-math.inf, a)
    high, low = ordinary.choose(high, limit), ordinary.choose(low, low.of(0.0))
    product, lost = two_product(y, high)
    lost = abs(product).is_("olt", 128.0).choose(y.times(low, lost), lost.of(0.0))
    value = a.is_("oeq", 1.0).choose(1.0, _exp_from(product, lost))

    size = abs(y)
    whole = size.is_("olt", 2.0 * WHOLE).choose(size, size.of(0.0)).truncated()  # from 2^24 on every f32 is even
    back = whole.as_float("sitofp")
    fraction = size.is_("olt", WHOLE).integer("and", back.is_("one", size))
    odd = fraction.choose(0, whole).integer("and", 1).compares("ne", 0)
    value = odd.choose(value.with_sign_of(x), value)
    root_of_negative = fraction.integer("and", x.is_("olt", 0.0)).integer("and", a.is_("olt", math.inf))
    value = root_of_negative.choose(math.nan, value)
    value = x.is_("uno", y).choose(math.nan, value)
    return x.is_("oeq", 1.0).choose(1.0, y.is_("oeq", 0.0).choose(1.0, value))


# Circle functions.


def _pieces(counts: tuple[int, ...]) -> tuple[float, ...]:
    """pi / 2 as a sum of floats with the given numbers of bits; 2^-100 of it is left out."""
    rest, pieces = _HALF_PI, []
    for bits in counts:
        below = rest.bit_length() - bits
        piece = rest >> below << below
        pieces.append(piece / 2**100)
        rest -= piece
    return tuple(pieces)


_HALF_PI = 0x1921FB54442D18469898CC5170  # pi / 2 * 2^100


def _quadrant(x: Num) -> tuple[Num, Num]:
    """n (integer) and r: x = n pi/2 + r, |r| <= pi/4 up to |x| = 1e5; beyond, r is at least kept bounded."""
    shifted = x.times(2 / math.pi, _MAGIC)
    n, r = shifted - _MAGIC, x
    # Without fma each product n * piece must be exact: n has up to 16 bits, so the pieces have 8.
    for piece in _pieces((24, 24, 24) if x.f.abilities.fma else (8, 8, 8, 8, 8, 8, 24)):
        r = n.times(-piece, r)
    return shifted.bits(), r.clamp(-0.8, 0.8)


def _wave(n: Num, r: Num) -> Num:
    """sin(r + n pi/2)."""
    u = r * r
    sine = (u * r).times(u.polynomial(_SIN), r)
    cosine = (u * u).times(u.polynomial(_COS), u.times(-0.5, 1.0))
    value = n.integer("and", 1).compares("ne", 0).choose(cosine, sine)
    return value.bits().integer("xor", n.integer("and", 2).integer("shl", 30)).as_float()


def _sin(x: Num) -> Num:
    n, r = _quadrant(x)
    return _keep_zero(x, _wave(n, r))


def _cos(x: Num) -> Num:
    n, r = _quadrant(x)
    return _wave(n.integer("add", 1), r)


def _tan(x: Num) -> Num:
    n, r = _quadrant(x)
    return _keep_zero(x, _wave(n, r) / _wave(n.integer("add", 1), r))


def _atan(x: Num) -> Num:
    """Beyond 1: pi/2 - atan(1 / x)."""
    a = abs(x)
    far = a.is_("ogt", 1.0)
    t = far.choose(a.of(1.0) / a, a)
    u = t * t
    near = (u * t).times(u.polynomial(_ATAN), t)
    return far.choose(near.of(math.pi / 2) - near, near).with_sign_of(x)


def _asin_parts(x: Num) -> tuple[Num, Num]:
    """Whether |x| > 1/2, and asin of |x|, or there of sqrt((1 - |x|) / 2)."""
    a = abs(x)
    far = a.is_("ogt", 0.5)
    halves = (a.of(1.0) - a) * 0.5
    u = far.choose(halves, a * a)
    t = far.choose(sqrt(halves), a)
    return far, (u * t).times(u.polynomial(_ASIN), t)


def _asin(x: Num) -> Num:
    far, part = _asin_parts(x)
    return far.choose(part.of(math.pi / 2) - (part + part), part).with_sign_of(x)


def _acos(x: Num) -> Num:
    """2 asin(sqrt((1 - x) / 2)) near 1, the same from pi near -1, pi/2 - asin(x) between."""
    far, part = _asin_parts(x)
    twice = part + part
    outer = x.is_("olt", 0.0).choose(part.of(math.pi) - twice, twice)
    return far.choose(outer, part.of(math.pi / 2) - part.with_sign_of(x))


def _erf(x: Num) -> Num:
    a = abs(x)
    u = x * x
    near = x.times(u.polynomial(_ERF_NEAR), x)
    b = a.clamp(None, 4.0)
    far = (a.of(1.0) - _exp_from(-(b * b.polynomial(_ERF_FAR)), positive=False)).with_sign_of(x)
    return a.is_("olt", 0.95).choose(near, far)


def _unary(rule: Callable[[Num], Num]) -> Callable[..., Ref]:
    return lambda f, x: rule(Num(f, x)).ref


def _binary(rule: Callable[[Num, Num], Num]) -> Callable[..., Ref]:
    return lambda f, x, y: rule(Num(f, x), Num(f, y)).ref


_UNARY: dict[str, Callable[[Num], Num]] = {
    "exp": _exp, "expm1": _expm1, "log": _log, "log1p": _log1p, "sigmoid": _sigmoid, "tanh": _tanh, "erf": _erf, "softplus": _softplus,
    "sin": _sin, "cos": _cos, "tan": _tan, "asin": _asin, "acos": _acos, "atan": _atan,
    "sinh": _sinh, "cosh": _cosh, "asinh": _asinh, "acosh": _acosh, "atanh": _atanh,
    "absf": Num.__abs__, "relu": formula.relu, "sqrt": formula.sqrt, "rsqrt": formula.rsqrt, "floor": formula.floor, "ceil": formula.ceil,
    "trunc": formula.trunc, "roundeven": formula.round_even, "round": formula.round_away,
}  # fmt: skip
_BINARY: dict[str, Callable[[Num, Num], Num]] = {"powf": _pow, "maximumf": formula.maximum, "minimumf": formula.minimum}

#: Name, as in the math and arith dialects where they have it -> emitter(function, operand, ...), which returns the result.
FUNCTIONS: dict[str, Callable[..., Ref]] = {
    **{name: _unary(rule) for name, rule in _UNARY.items()},
    **{name: _binary(rule) for name, rule in _BINARY.items()},
}
