"""Softmax in three computations: the largest element, the sum of exponentials relative to it, the quotient."""

from __future__ import annotations

import math

from ...dialects import graph
from ...dialects.graph.softmax import Normalised
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Value
from ..conversion import lowering
from .computation import pointwise
from .maps import tensor_type
from .reduction import Reduced
from .scalars import Scalar, exp, log, maximum


@lowering(graph.Softmax)
def lower_softmax(op: graph.Softmax, build: Builder) -> Value:
    """exp(x - m) / sum. The exponential is computed twice rather than stored: fusion may take either."""
    largest, total = _statistics(op, build)

    def quotient(x: Scalar, m: Scalar, s: Scalar) -> Scalar:
        return exp(x - m) / s

    return pointwise(build, [op.input, largest, total], quotient, element=tensor_type(op.input).element)


@lowering(graph.LogSoftmax)
def lower_log_softmax(op: graph.LogSoftmax, build: Builder) -> Value:
    """(x - m) - log(sum)."""
    largest, total = _statistics(op, build)
    logarithm = pointwise(build, [total], log)
    return pointwise(build, [op.input, largest, logarithm], lambda x, m, s: x - m - s, element=tensor_type(op.input).element)


def _statistics(op: Normalised, build: Builder) -> tuple[Value, Value]:
    """The largest element and the sum of exponentials relative to it, with extent 1 along the axes."""
    space = Reduced.of(op.input, op.axes)
    largest = space.fold(build, op.input, maximum, -math.inf)
    total = space.fold(build, op.input, lambda acc, x, m: acc + exp(x - m), 0, space.within(largest))
    return largest, total
