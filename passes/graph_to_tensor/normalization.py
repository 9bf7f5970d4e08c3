"""Normalisations: moments as reductions, then one computation that scales and shifts."""

from __future__ import annotations

from collections.abc import Sequence

from ...dialects import graph
from ...dialects.ir.affine import d
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Value
from ..conversion import lowering
from .computation import Read, broadcast, compute, extents_of, pad, pointwise, read, reduce
from .maps import tensor_type
from .reduction import Reduced, add, add_square
from .scalars import Scalar, computing_type, literal, multiply_add, power, sqrt


@lowering(graph.BatchNormalization)
def lower_batch_normalization(op: graph.BatchNormalization, build: Builder) -> Value:
    """x * factor + shift, where factor and shift are computed per channel (at compile time, when the parameters are constant)."""

    def to_factor(scale: Scalar, variance: Scalar) -> Scalar:
        return scale / sqrt(variance + op.epsilon)

    factor = pointwise(build, [op.scale, op.variance], to_factor)
    shift = pointwise(build, [op.bias, op.mean, factor], lambda bias, mean, factor: bias - mean * factor)
    return _scaled(op.input, build, [_channel(factor), _channel(shift)])


def _channel(value: Value) -> Read:
    return read(value, d(1))


def _scaled(x: Value, build: Builder, reads: Sequence[Read]) -> Value:
    """x * factor + shift."""
    extents = extents_of(x)
    return compute(build, [broadcast(x, extents), *reads], extents, multiply_add, tensor_type(x).element)


def _moments(x: Value, axes: tuple[int, ...], epsilon: float, build: Builder) -> tuple[Value, Value]:
    """Mean and 1 / sqrt(variance + epsilon) over `axes`, with extents 1. In two sweeps: the difference of sums would cancel."""
    space = Reduced.of(x, axes)
    mean = pointwise(build, [space.fold(build, x, add, 0)], lambda total: total / space.count)
    squares = space.fold(build, x, lambda acc, x, mean: add_square(acc, x - mean), 0, space.within(mean))
    return mean, pointwise(build, [squares], lambda total: 1 / sqrt(total / space.count + epsilon))


@lowering(graph.InstanceNormalization)
def lower_instance_normalization(op: graph.InstanceNormalization, build: Builder) -> Value:
    """(x - mean) * (inverse deviation * scale) + bias."""
    x, extents = op.input, extents_of(op.input)
    mean, inverse = _moments(x, tuple(range(2, len(extents))), op.epsilon, build)
    reads = [broadcast(value, extents) for value in (x, mean, inverse)]

    def body(x: Scalar, mean: Scalar, inverse: Scalar, scale: Scalar, bias: Scalar) -> Scalar:
        return multiply_add(x - mean, inverse * scale, bias)

    return compute(build, [*reads, _channel(op.scale), _channel(op.bias)], extents, body, tensor_type(x).element)


@lowering(graph.LayerNormalization)
def lower_layer_normalization(op: graph.LayerNormalization, build: Builder) -> Value:
    """(x - mean) * inverse deviation * scale + bias."""
    x, extents = op.input, extents_of(op.input)
    mean, inverse = _moments(x, tuple(range(op.axis, len(extents))), op.epsilon, build)
    parameters = [op.scale] if op.bias is None else [op.scale, op.bias]

    def body(x: Scalar, mean: Scalar, inverse: Scalar, scale: Scalar, *bias: Scalar) -> Scalar:
        standard = (x - mean) * inverse
        return multiply_add(standard, scale, bias[0]) if bias else standard * scale

    return compute(build, [broadcast(value, extents) for value in (x, mean, inverse, *parameters)], extents, body, tensor_type(x).element)


@lowering(graph.LRN)
def lower_lrn(op: graph.LRN, build: Builder) -> Value:
    """The sum of squares over a window of channels, dims (n, c, ... | r), then the quotient."""
    extents = extents_of(op.input)
    rank = len(extents)
    before, after = (op.size - 1) // 2, op.size // 2
    source = pad(build, op.input, [before, *(0,) * (rank - 2)], [after, *(0,) * (rank - 2)])
    reads = [read(source, d(0), d(1) + d(rank), *map(d, range(2, rank)))]
    squares = reduce(build, reads, (*extents, op.size), rank, add_square)

    def body(x: Scalar, squares: Scalar) -> Scalar:
        base = multiply_add(squares, op.alpha / op.size, op.bias)
        return x / power(base, literal(x.build, op.beta, computing_type(x.type)))

    return pointwise(build, [op.input, squares], body)
