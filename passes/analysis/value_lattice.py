"""What is known of the numbers in a tensor before anything runs: an interval, whether they are whole, whether one may be NaN.

In comes a function of the graph dialect, out comes a `Range` per value. Every number that a value can hold lies in its range; a range
that is wide is never wrong. `is_binary` is what masks ask for. Integers and truth values have ranges as well; texts have none.

The one thing to know: a float tensor from outside may hold NaN, and so may nearly everything computed from it. The interval then speaks
of the elements that are numbers, and `nan` says that there may be others.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from ...dialects import graph
from ...dialects.func import Function
from ...dialects.graph.extents import tensor
from ...dialects.graph.pooling import Pooling
from ...dialects.ir.operation import Operation, Value
from ...dialects.ir.types import FloatType, IntegerType, Scalar, TensorType, f32, i1
from .value_range import Range

__all__ = ["BINARY", "Range", "Ranges", "known", "value_ranges"]


ANYTHING = Range(-math.inf, math.inf, nan=True)
BINARY = Range(0, 1, whole=True)
MOST_EXACT = 2.0**24
"""Sums of whole numbers up to here are exact in f32, in any order; `_rounded` looks at narrower types."""
Ranges: TypeAlias = Mapping[Value, Range]
Transfer: TypeAlias = Callable[[Any, Sequence[Range]], Range]


def value_ranges(function: Function) -> dict[Value, Range]:
    """The ranges of all values of `function` outside of regions."""
    ranges: dict[Value, Range] = {argument: of_type(argument) for argument in function.arguments}
    for op in function.body:
        for result in op.results:
            ranges[result] = _transferred(op, result, ranges) if isinstance(result.type, TensorType) else ANYTHING
    return ranges


def known(ranges: Ranges, value: Value) -> Range:
    """The range of a value that may be newer than the analysis."""
    return ranges.get(value, ANYTHING)


def of_type(value: Value) -> Range:
    """All numbers of the element type of a tensor."""
    if not isinstance(value.type, TensorType):
        return ANYTHING
    return _of_element(value.type.element)


def _of_element(element: Scalar) -> Range:
    match element:
        case IntegerType(bits=1):
            return BINARY
        case IntegerType(bits=bits, unsigned=True):
            return Range(0, 2.0**bits - 1, whole=True)
        case IntegerType(bits=bits):
            return Range(-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1, whole=True)
    return ANYTHING


def _transferred(op: Operation, result: Value, ranges: Ranges) -> Range:
    rule = _RULES.get(type(op))
    if rule is None or len(op.results) != 1:
        return of_type(result)
    assert isinstance(result.type, TensorType)
    given = [ranges[value] for value in op.operands]
    if isinstance(op, graph.Add) and (restored := _restored(op, ranges)) is not None:
        return restored
    exact = _rounded(rule(op, given), result.type.element)
    return exact.of_one(_scaled(op, given)) if isinstance(op, graph.Mul | graph.Div) else exact


def _scaled(op: graph.Mul | graph.Div, given: Sequence[Range]) -> float | None:
    """The product of a mask and a constant, or their quotient, as the elements round it."""
    a, b = given
    type_ = tensor(op.output)
    units = (a.only, b.only) if isinstance(op, graph.Mul) else (a.only, b.low if b.is_constant and b.low else None)
    if None in units or not all(map(math.isfinite, map(float, filter(None, units)))) or not isinstance(type_.element, FloatType):
        return None
    x, y = (np.asarray(unit).astype(type_.element.dtype) for unit in units)
    with np.errstate(all="ignore"):
        unit = float(x * y if isinstance(op, graph.Mul) else x / y)
    return unit if math.isfinite(unit) else None


def _rounded(exact: Range, element: Scalar) -> Range:
    """What an element type makes of a range whose ends were computed in double precision.

    Whole numbers that the type holds exactly stay; other ends move by one step outwards, for the rounding of the ends themselves, and are
    then rounded as the elements are, which keeps order. Integers that would wrap may be anything.
    """
    if not isinstance(element, FloatType):
        full = _of_element(element)
        precise = exact.whole and not exact.nan and max(abs(exact.low), abs(exact.high)) <= 2.0**53
        return exact if precise and full.low <= exact.low and exact.high <= full.high else full
    limit = {"f64": 2.0**53, "f32": 2.0**24, "f16": 2.0**11, "bf16": 2.0**8}.get(element.name, 0.0)
    if exact.whole and max(abs(exact.low), abs(exact.high)) <= limit:
        return exact
    with np.errstate(over="ignore"):
        low = float(np.float64(np.nextafter(exact.low, -math.inf)).astype(element.dtype))
        high = float(np.float64(np.nextafter(exact.high, math.inf)).astype(element.dtype))
    if math.isnan(low) or math.isnan(high):  # a type without infinities
        return ANYTHING
    unit = None if exact.unit is None else float(np.asarray(exact.unit).astype(element.dtype))
    return replace(exact, low=min(low, exact.low), high=max(high, exact.high), unit=unit)


# Rules. Each gets the operation and the ranges of its operands.


def _constant(op: graph.Constant, _: Sequence[Range]) -> Range:
    elements = op.value.array
    if elements.dtype == object or not elements.size:
        return ANYTHING if elements.dtype == object else Range(0, 0, whole=True)
    wide = elements.astype(np.float64)
    numbers = wide[~np.isnan(wide)]
    if not numbers.size:
        return Range(0, 0, whole=True, nan=True)
    # in steps, because an integer beyond 2^53 is rounded
    low, high = float(numbers.min()), float(numbers.max())
    if max(abs(low), abs(high)) > 2.0**53:
        low, high = float(np.nextafter(low, -math.inf)), float(np.nextafter(high, math.inf))
    exact = Range(low, high, bool(np.all(numbers == np.floor(numbers))), numbers.size < wide.size)
    others = np.unique(numbers[numbers != 0])
    return exact.of_one(float(others[0]) if len(others) == 1 and abs(others[0]) <= 2.0**53 else None)


def _same(op: Operation, given: Sequence[Range]) -> Range:
    """The elements are those of the first operand."""
    return given[0]


def _either(op: Operation, given: Sequence[Range]) -> Range:
    """The elements are those of any operand."""
    first, *rest = given
    for each in rest:
        first = first | each
    return first


def _truth(op: Operation, given: Sequence[Range]) -> Range:
    return BINARY


def _cast(op: graph.Cast, given: Sequence[Range]) -> Range:
    (x,) = given
    if op.to == i1:
        return BINARY
    if isinstance(op.to, FloatType):
        return x
    full, cut = _of_element(op.to), Range(_truncated(x.low), _truncated(x.high), whole=True)
    if cut.low < full.low or cut.high > full.high:
        return full
    return cut | Range(0, 0, whole=True) if x.nan else cut


def _truncated(x: float) -> float:
    return x if math.isinf(x) else float(math.trunc(x))


def _add(op: Operation, given: Sequence[Range]) -> Range:
    a, b = given
    opposed = (a.high == math.inf and b.low == -math.inf) or (a.low == -math.inf and b.high == math.inf)
    nan = a.nan or b.nan or opposed
    return Range(_sum(a.low, b.low, -math.inf), _sum(a.high, b.high, math.inf), a.whole and b.whole, nan)


def _restored(op: graph.Add, ranges: Ranges) -> Range | None:
    """(a - b) + b is a again where a is binary and b lies between 0 and 1, as straight-through estimators are exported.

    0 - b + b is exact. 1 - b is exact for b from 1/2 on; below, it is wrong by at most half of the distance between 1 and the next number
    below, and the sum, which is as far from 1, is rounded to 1 (ties to even). Both steps are rounded by themselves in f32 and f64 only.
    """
    for difference, b in ((op.a, op.b), (op.b, op.a)):
        sub = difference.owner
        if not isinstance(sub, graph.Sub) or sub.b is not b or _of_precision(op.output) < f32.bits:
            continue
        hard, soft = ranges[sub.a], ranges[b]
        if hard.is_binary and soft.low >= 0 and soft.high <= 1:
            return replace(hard, nan=hard.nan or soft.nan)
    return None


def _of_precision(value: Value) -> int:
    """The bits of a float element; 0 for others."""
    type_ = value.type
    return type_.element.bits if isinstance(type_, TensorType) and isinstance(type_.element, FloatType) else 0


def _sum(a: float, b: float, otherwise: float) -> float:
    return otherwise if math.isnan(a + b) else a + b


def _negated(x: Range) -> Range:
    return replace(x, low=-x.high, high=-x.low, unit=None if x.unit is None else -x.unit)


def _neg(op: Operation, given: Sequence[Range]) -> Range:
    return _negated(given[0])


def _sub(op: Operation, given: Sequence[Range]) -> Range:
    return _add(op, [given[0], _negated(given[1])])


def _mul(op: Operation, given: Sequence[Range]) -> Range:
    a, b = given
    nan = a.nan or b.nan or (not a.is_finite and 0 in b) or (not b.is_finite and 0 in a)
    ends = [0.0 if 0 in (m, n) else m * n for m, n in itertools.product((a.low, a.high), (b.low, b.high))]
    return Range(min(ends), max(ends), a.whole and b.whole, nan)


def _div(op: graph.Div, given: Sequence[Range]) -> Range:
    a, b = given
    type_ = op.output.type
    if not isinstance(type_, TensorType) or not isinstance(type_.element, FloatType) or b.low <= 0 <= b.high:
        return of_type(op.output)
    if not (a.is_finite and b.is_finite):
        return ANYTHING
    ends = [m / n for m, n in itertools.product((a.low, a.high), (b.low, b.high))]
    return Range(min(ends), max(ends), a.whole and b.low == b.high and abs(b.low) == 1, a.nan or b.nan)


def _pow(op: graph.Pow, given: Sequence[Range]) -> Range:
    """0 and 1 stay what they are."""
    base, power = given
    return base if base.is_binary and power.low > 0 and not power.nan else of_type(op.output)


def _conv(op: graph.Conv, given: Sequence[Range]) -> Range:
    """Sums of whole numbers with constant whole weights; neighbours are counted so."""
    x, weights, *bias = given
    owner = op.weights.owner
    if not isinstance(owner, graph.Constant) or not (x.whole and x.is_finite and weights.whole) or any(not b.whole or b.nan for b in bias):
        return of_type(op.output)
    factors = owner.value.array.astype(np.float64)
    factors = factors.reshape(len(factors), -1)
    up, down = (float(part.sum(axis=1).max(initial=0)) for part in (np.maximum(factors, 0), np.maximum(-factors, 0)))
    # padding is a zero, and so is no element at all
    high, low = up * max(x.high, 0) + down * max(-x.low, 0), -up * max(-x.low, 0) - down * max(x.high, 0)
    offset = bias[0] if bias else Range(0, 0, whole=True)
    exact = max(abs(low), abs(high)) + max(abs(offset.low), abs(offset.high)) <= MOST_EXACT
    return Range(low + offset.low, high + offset.high, whole=True, nan=x.nan or weights.nan) if exact else of_type(op.output)


def _max(op: Operation, given: Sequence[Range]) -> Range:
    a, b = given
    return Range(max(a.low, b.low), max(a.high, b.high), a.whole and b.whole, a.nan or b.nan)


def _min(op: Operation, given: Sequence[Range]) -> Range:
    return _negated(_max(op, [_negated(each) for each in given]))


def _clip(op: graph.Clip, given: Sequence[Range]) -> Range:
    x, *bounds = given
    if op.low is not None:
        x = _max(op, [x, bounds.pop(0)])
    return _min(op, [x, bounds[0]]) if op.high is not None else x


def _relu(op: graph.Relu, given: Sequence[Range]) -> Range:
    return _max(op, [given[0], Range(0, 0, whole=True)])


def _abs(op: graph.Abs, given: Sequence[Range]) -> Range:
    (x,) = given
    low = 0.0 if x.low <= 0 <= x.high else min(abs(x.low), abs(x.high))
    return replace(x, low=low, high=max(abs(x.low), abs(x.high)), unit=None if x.unit is None else abs(x.unit))


def _monotone(function: Callable[[float], float], whole: bool) -> Transfer:
    def rule(op: Operation, given: Sequence[Range]) -> Range:
        (x,) = given
        return Range(function(x.low), function(x.high), whole or x.whole, x.nan)

    return rule


def _sign(x: float) -> float:
    return float(np.sign(x))


def _within(low: float, high: float) -> Transfer:
    """A function of floats into an interval."""

    def rule(op: Operation, given: Sequence[Range]) -> Range:
        return Range(low, high, nan=given[0].nan)

    return rule


def _softmax(op: graph.Softmax, given: Sequence[Range]) -> Range:
    return Range(0, 1, nan=True)  # infinities give NaN


def _hard_sigmoid(op: graph.HardSigmoid, given: Sequence[Range]) -> Range:
    return Range(0, 1, nan=given[0].nan or not given[0].is_finite)


def _bits(op: Operation, given: Sequence[Range]) -> Range:
    """Bit by bit of numbers from 0 to 1 gives such numbers."""
    return BINARY if all(x.is_binary for x in given) else of_type(op.results[0])


def _not(op: Operation, given: Sequence[Range]) -> Range:
    return Range(1 - given[0].high, 1 - given[0].low, whole=True)


def _where(op: graph.Where, given: Sequence[Range]) -> Range:
    condition, a, b = given
    if condition.is_constant:
        return a if condition.low else b
    return a | b


def _pad(op: graph.Pad, given: Sequence[Range]) -> Range:
    if op.value is None:
        return given[0]
    number = float(op.value.scalar())
    if math.isnan(number):
        return replace(given[0], nan=True)
    return given[0] | Range(number, number, math.isinf(number) or number == math.floor(number))


def _max_pool(op: graph.MaxPool, given: Sequence[Range]) -> Range:
    return given[0] if _windows_see_something(op) else of_type(op.output)


def _windows_see_something(op: Pooling) -> bool:
    """Whether every window meets an element that is not padding."""
    source, out = op.input.type, op.output.type
    if not isinstance(source, TensorType) or not isinstance(out, TensorType) or not (source.is_static and out.is_static):
        return False
    for axis, (extent, windows) in enumerate(zip(source.extents[2:], out.extents[2:], strict=True)):
        first = np.arange(windows)[:, None] * op.strides[axis] - op.pads[axis]
        taps = first + np.arange(op.kernel[axis]) * op.dilations[axis]
        if not np.all(np.any((taps >= 0) & (taps < extent), axis=1)):
            return False
    return True


def _resize(op: graph.Resize, given: Sequence[Range]) -> Range:
    return given[0] if op.mode == "nearest" else of_type(op.output)


def _arg(op: graph.ArgMax | graph.ArgMin, given: Sequence[Range]) -> Range:
    type_ = op.input.type
    extent = type_.shape[op.axis] if isinstance(type_, TensorType) else None
    return of_type(op.output) if extent is None else Range(0, max(extent - 1, 0), whole=True)


def _extreme(op: graph.ReduceMax | graph.ReduceMin, given: Sequence[Range]) -> Range:
    return given[0] if _reduced(op) else of_type(op.output)


def _reduced(op: Operation) -> int:
    """How many elements each result is made of; 0 where it is not known or may be none."""
    type_, axes = op.operands[0].type, op.attributes["axes"]
    assert isinstance(type_, TensorType)
    assert isinstance(axes, tuple)
    extents = [type_.shape[axis] for axis in axes if isinstance(axis, int)]
    return 0 if None in extents else math.prod(extent for extent in extents if extent is not None)


def _reduce_sum(op: graph.ReduceSum, given: Sequence[Range]) -> Range:
    """A sum of few whole numbers is exact, in any order."""
    (x,), count = given, _reduced(op)
    largest = count * max(abs(x.low), abs(x.high)) if count else math.inf
    exact = x.whole and largest <= MOST_EXACT
    return Range(count * x.low, count * x.high, whole=True, nan=x.nan) if exact else of_type(op.output)


def _reduce_prod(op: graph.ReduceProd, given: Sequence[Range]) -> Range:
    return given[0] | Range(1, 1, whole=True) if given[0].is_binary else of_type(op.output)


_MOVES = (graph.Reshape, graph.Transpose, graph.Expand, graph.Tile, graph.Slice, graph.DepthToSpace, graph.SpaceToDepth)
_PICKS = (graph.Gather, graph.GatherElements, graph.GatherND, graph.Compress)
_COMPARES = (graph.Equal, graph.Less, graph.LessOrEqual, graph.Greater, graph.GreaterOrEqual, graph.IsNaN, graph.IsInf)
_RULES: dict[type[Operation], Transfer] = {
    **dict.fromkeys((*_MOVES, *_PICKS), _same),
    **dict.fromkeys(_COMPARES, _truth),
    **dict.fromkeys((graph.And, graph.Or, graph.Xor), _bits),
    graph.Constant: _constant,
    graph.Concat: _either,
    graph.ScatterND: lambda op, given: given[0] | given[2] if op.reduction == "none" else of_type(op.output),
    graph.Cast: _cast,
    graph.Add: _add,
    graph.Sub: _sub,
    graph.Mul: _mul,
    graph.Div: _div,
    graph.Pow: _pow,
    graph.Conv: _conv,
    graph.Neg: _neg,
    graph.Max: _max,
    graph.Min: _min,
    graph.Clip: _clip,
    graph.Relu: _relu,
    graph.Abs: _abs,
    graph.Sign: _monotone(_sign, whole=True),
    graph.Floor: _monotone(lambda x: x if math.isinf(x) else float(math.floor(x)), whole=True),
    graph.Ceil: _monotone(lambda x: x if math.isinf(x) else float(math.ceil(x)), whole=True),
    graph.Round: _monotone(lambda x: float(np.rint(x)), whole=True),
    graph.Not: _not,
    graph.Sigmoid: _within(0, 1),
    graph.Tanh: _within(-1, 1),
    graph.HardSigmoid: _hard_sigmoid,
    graph.Softmax: _softmax,
    graph.Where: _where,
    graph.Pad: _pad,
    graph.MaxPool: _max_pool,
    graph.Resize: _resize,
    graph.ArgMax: _arg,
    graph.ArgMin: _arg,
    graph.ReduceMax: _extreme,
    graph.ReduceMin: _extreme,
    graph.ReduceSum: _reduce_sum,
    graph.ReduceProd: _reduce_prod,
}
