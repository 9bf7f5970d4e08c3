"""Reductions: a line of the table each, saying how it starts, goes on and ends."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ...dialects import graph
from ...dialects.graph.reduction import ArgReduction, Reduction, highest, lowest
from ...dialects.ir.affine import Affine, constant, d
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Operation, Value
from ...dialects.ir.types import Scalar as Element
from ...dialects.ir.types import i64
from ..conversion import lowering
from .computation import Body, Read, broadcast, compute, extents_of, narrowed, pointwise, read, reduce
from .maps import tensor_type, view
from .scalars import Scalar, absolute, convert, exp, is_nan, log, maximum, minimum, multiply_add, position, select, sqrt


@dataclass(frozen=True, slots=True)
class Rule:
    """`step` takes the value so far and an element; `finish` what came out and the number of elements."""

    step: Body
    init: Callable[[Element], float] = lambda element: 0
    finish: Callable[[Scalar, int], Scalar] | None = None


def add(acc: Scalar, x: Scalar) -> Scalar:
    """Sum."""
    return acc + x


def add_square(acc: Scalar, x: Scalar) -> Scalar:
    """Sum of squares."""
    return multiply_add(x, x, acc)


def smallest(element: Element) -> float:
    """Where a maximum starts."""
    return lowest(element.dtype)


RULES: dict[type[Operation], Rule] = {
    graph.ReduceSum: Rule(add),
    graph.ReduceMean: Rule(add, finish=lambda x, count: x / (count or math.nan)),
    graph.ReduceMax: Rule(maximum, smallest),
    graph.ReduceMin: Rule(minimum, lambda element: highest(element.dtype)),
    graph.ReduceProd: Rule(lambda acc, x: acc * x, lambda element: 1),
    graph.ReduceL1: Rule(lambda acc, x: acc + absolute(x)),
    graph.ReduceL2: Rule(add_square, finish=lambda x, count: sqrt(x)),
    graph.ReduceSumSquare: Rule(add_square),
    graph.ReduceLogSum: Rule(add, finish=lambda x, count: log(x)),
}


@dataclass(frozen=True, slots=True)
class Reduced:
    """The iteration space of a reduction that keeps its axes with extent 1: dims of the input (1 where reduced), then the reduced ones."""

    extents: tuple[int, ...]
    rank: int
    at: tuple[Affine, ...]
    count: int

    @staticmethod
    def of(value: Value, axes: tuple[int, ...]) -> Reduced:
        own = extents_of(value)
        kept = [1 if i in axes else n for i, n in enumerate(own)]
        # A reduction over no axes still takes one step over every element.
        reduced = [own[i] for i in axes] or [1]
        at = tuple(d(len(own) + axes.index(i)) if i in axes else d(i) for i in range(len(own)))
        return Reduced((*kept, *reduced), len(own), at, math.prod(reduced))

    def fold(self, build: Builder, value: Value, step: Body, init: float, *others: Read) -> Value:
        """The value reduced, with extents 1 in place of the axes."""
        return reduce(build, [read(value, *self.at), *others], self.extents, self.rank, step, init)

    def within(self, value: Value) -> Read:
        """What was reduced before, read from inside of this reduction."""
        return broadcast(value, self.extents[: self.rank])


@lowering(*RULES)
def lower_reduction(op: Reduction, build: Builder) -> Value:
    """The reduction, then what follows it, then the shape without the axes."""
    rule, element = RULES[type(op)], tensor_type(op.input).element
    space = Reduced.of(op.input, op.axes)
    total = space.fold(build, op.input, rule.step, rule.init(element))
    finish = rule.finish
    if finish is not None:
        total = pointwise(build, [total], lambda x: finish(x, space.count), element=element)
    return _without_axes(op, build, narrowed(build, total, element), op.axes)


@lowering(graph.ReduceLogSumExp)
def lower_log_sum_exp(op: graph.ReduceLogSumExp, build: Builder) -> Value:
    """The largest element is subtracted before and added after; where it is infinite nothing is, because infinities would cancel to NaN."""
    space = Reduced.of(op.input, op.axes)
    largest = space.fold(build, op.input, maximum, -math.inf)

    def finite(m: Scalar) -> Scalar:
        return select(absolute(m) < math.inf, m, 0)

    shift = pointwise(build, [largest], finite)
    total = space.fold(build, op.input, lambda acc, x, m: acc + exp(x - m), 0, space.within(shift))
    out = pointwise(build, [total, shift], lambda x, m: log(x) + m, element=tensor_type(op.input).element)
    return _without_axes(op, build, out, op.axes)


@lowering(graph.ArgMax, graph.ArgMin)
def lower_arg(op: ArgReduction, build: Builder) -> Value:
    """The extreme first, then the smallest (`last`: the largest) index at which it, or NaN, stands."""
    largest = isinstance(op, graph.ArgMax)
    dtype = tensor_type(op.input).element.dtype
    space = Reduced.of(op.input, (op.axis,))
    extreme = space.fold(build, op.input, maximum if largest else minimum, (lowest if largest else highest)(dtype))

    def place(x: Scalar, m: Scalar) -> Scalar:
        found = x.equals(m) | is_nan(x) if x.is_float else x.equals(m)
        return select(found, convert(position(x.build, op.axis), i64), -1 if op.last else space.count)

    own = extents_of(op.input)
    places = compute(build, [read(op.input, *map(d, range(len(own)))), broadcast(extreme, own)], own, place)
    out = space.fold(build, places, maximum if op.last else minimum, -1 if op.last else space.count)
    return _without_axes(op, build, out, (op.axis,))


def _without_axes(op: Reduction | ArgReduction, build: Builder, value: Value, axes: tuple[int, ...]) -> Value:
    """`value`, whose reduced axes have extent 1, without them unless the operator keeps them."""
    if op.keepdims:
        return value
    subscripts = iter(map(d, range(len(extents_of(op.output)))))
    return view(
        build, value, extents_of(op.output), [constant(0) if i in axes else next(subscripts) for i in range(len(extents_of(value)))]
    )
