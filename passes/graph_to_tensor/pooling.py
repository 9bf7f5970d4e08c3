"""Pooling as reductions over the window, on a view of the input that is padded with what does not matter."""

from __future__ import annotations

import functools
import math

import numpy as np

from ...dialects import graph
from ...dialects.graph.pooling import Pooling
from ...dialects.graph.reduction import lowest
from ...dialects.ir.affine import d
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Argument, Value
from ..conversion import lowering
from .computation import Body, array, compute, extents_of, narrowed, pad, pointwise, read, reduce
from .maps import tensor_type
from .scalars import Scalar, absolute, literal, maximum, power


def _over_windows(op: Pooling, build: Builder, body: Body, fill: float, init: float, join: Body) -> Value:
    """The reduction of each window by `body`, dims (n, c, o... | r...); `join` combines what it makes of two parts of a window."""
    rank, (N, C, *out) = len(op.kernel), extents_of(op.output)
    if _are_in_rows(op):
        return _by_rows(op, build, body, init, join)
    overhang = op.overhang(extents_of(op.input)[2:], out)
    source = pad(build, op.input, op.pads[:rank], [max(end, 0) for end in overhang], fill)
    places = [d(2 + i) * op.strides[i] + d(2 + rank + i) * op.dilations[i] for i in range(rank)]
    return reduce(build, [read(source, d(0), d(1), *places)], (N, C, *out, *op.kernel), 2 + rank, body, init)


def _are_in_rows(op: Pooling) -> bool:
    """Whether windows lie side by side in rows of pixels, which is how inputs of the model lie, and none reaches over the end."""
    is_tiled = op.kernel == op.strides and not any(op.pads) and all(step == 1 for step in op.dilations)
    is_inside = max(op.overhang(extents_of(op.input)[2:], extents_of(op.output)[2:]), default=0) <= 0
    return isinstance(op.input, Argument) and is_tiled and is_inside and min(math.prod(op.kernel[:-1]), op.kernel[-1]) > 1


def _by_rows(op: Pooling, build: Builder, body: Body, init: float, join: Body) -> Value:
    """The rows of each window into one, along whole rows of pixels, and then that: nothing needs to be turned into rows of channels."""
    rank, (N, C, *out) = len(op.kernel), extents_of(op.output)
    *steps, last = op.kernel
    places = [d(2 + i) * step + d(2 + rank + i) for i, step in enumerate(steps)]
    columns = out[-1] * last
    rows = reduce(build, [read(op.input, d(0), d(1), *places, d(1 + rank))], (N, C, *out[:-1], columns, *steps), 2 + rank, body, init)
    outer = [d(i) for i in range(1 + rank)]
    return reduce(build, [read(rows, *outer, d(1 + rank) * last + d(2 + rank))], (N, C, *out, last), 2 + rank, join, init)


@lowering(graph.MaxPool)
def lower_max_pool(op: graph.MaxPool, build: Builder) -> Value:
    """The border holds the smallest number of the type."""
    element = tensor_type(op.input).element
    smallest = lowest(element.dtype)
    return narrowed(build, _over_windows(op, build, maximum, smallest, smallest, maximum), element)


def _sum(acc: Scalar, x: Scalar) -> Scalar:
    return acc + x


@lowering(graph.AveragePool)
def lower_average_pool(op: graph.AveragePool, build: Builder) -> Value:
    """The sum times the reciprocal of the count: one number, or a table over the spatial axes where border windows count fewer."""
    total = _over_windows(op, build, _sum, 0, 0, _sum)
    sizes, windows = extents_of(op.input)[2:], extents_of(op.output)[2:]
    counts = [op.counts(i, n, o) for i, (n, o) in enumerate(zip(sizes, windows, strict=True))]
    element = tensor_type(op.input).element
    if all(len(set(each)) <= 1 for each in counts):
        count = math.prod(each[0] for each in counts if each)
        return pointwise(build, [total], lambda x: x * (1 / count), element=element)
    table = 1 / functools.reduce(np.multiply.outer, [np.array(each, np.float64) for each in counts])
    extents = extents_of(total)
    factors = array(build, np.asarray(table), tensor_type(total).element)
    reads = [read(total, *map(d, range(len(extents)))), read(factors, *map(d, range(2, len(extents))))]
    return compute(build, reads, extents, lambda x, factor: x * factor, element)


@lowering(graph.LpPool)
def lower_lp_pool(op: graph.LpPool, build: Builder) -> Value:
    """The sum of powers, then the root."""

    def add_power(acc: Scalar, x: Scalar) -> Scalar:
        return acc + power(absolute(x), literal(x.build, op.p, x.type))

    def root(x: Scalar) -> Scalar:
        return power(x, literal(x.build, 1 / op.p, x.type))

    return pointwise(build, [_over_windows(op, build, add_power, 0, 0, _sum)], root, element=tensor_type(op.input).element)
