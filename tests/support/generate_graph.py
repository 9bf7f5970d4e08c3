"""Random programs of the graph stage, for hypothesis: small layers with the padding, scaling and transposing of exporters around them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from generate_tensor import shape_of
from intaglio.dialects import graph
from intaglio.dialects.func import Function, Module
from intaglio.dialects.ir.attributes import Array, Dense, Number
from intaglio.dialects.ir.builder import Builder
from intaglio.dialects.ir.location import Location, Node
from intaglio.dialects.ir.operation import Operation, Value
from intaglio.dialects.ir.types import TensorType, f32
from programs import elements

extents = st.sampled_from((3, 4, 2, 1, 5))


@st.composite
def graph_programs(draw: DrawFn, max_operations: int = 8) -> Module:
    """A module with one function `main` of f32 tensors; it verifies."""
    module = Module.empty()
    shapes = st.one_of(st.tuples(st.integers(1, 2), st.sampled_from((2, 4, 1)), extents, extents), st.tuples(extents, extents))
    inputs = [TensorType(shape, f32) for shape in draw(st.lists(shapes, min_size=1, max_size=2))]
    function = module.add(Function.make("main", inputs, [f"x{i}" for i in range(len(inputs))]))
    values: list[Value] = [*function.arguments]
    for i in range(draw(st.integers(1, max_operations))):
        # mostly the newest value, so that layers follow each other
        source = values[-1] if draw(st.integers(0, 3)) else draw(st.sampled_from(values))
        step = draw(st.sampled_from(STEPS_ANY if len(shape_of(source)) != 4 else STEPS_IMAGE))
        made = step(draw, Builder.at_end(function.body, Location((Node(f"n{i}", step.__name__),))), source, values)
        values += [made] if made is not None else []
    function.close(draw(st.lists(st.sampled_from(values[::-1]), min_size=1, max_size=2)))
    return module


def _constant(build: Builder, array: Array) -> Value:
    return build.add(graph.Constant(value=Dense(array))).output


def _weights(draw: DrawFn, build: Builder, *shape: int) -> Value:
    return _constant(build, elements(f32, shape, draw(st.integers(0, 9))))


def add_conv(draw: DrawFn, build: Builder, x: Value, values: Sequence[Value]) -> Value | None:
    C = shape_of(x)[1]
    groups = draw(st.sampled_from([g for g in (1, 2, 4) if C % g == 0]))
    K = groups * draw(st.integers(1, 2))
    window = tuple(draw(st.integers(1, 3)) for _ in range(2))
    bias = _weights(draw, build, K) if draw(st.booleans()) else None
    pads = tuple(draw(st.integers(0, 1)) for _ in range(4))
    strides, dilations = tuple(draw(st.integers(1, 2)) for _ in range(2)), tuple(draw(st.integers(1, 2)) for _ in range(2))
    if draw(st.integers(0, 3)) == 3:
        weights = _weights(draw, build, C, K // groups, *window)
        made: Operation = graph.ConvTranspose(x, weights, bias, strides=strides, dilations=dilations, pads=(0,) * 4, groups=groups)
    else:
        weights = _weights(draw, build, K, C // groups, *window)
        made = graph.Conv(x, weights, bias, strides=strides, dilations=dilations, pads=pads, groups=groups)
    return build.add(made).results[0]


def add_batch_norm(draw: DrawFn, build: Builder, x: Value, values: Sequence[Value]) -> Value | None:
    C = shape_of(x)[1]
    scale, bias, mean = (_weights(draw, build, C) for _ in range(3))
    variance = _constant(build, np.abs(elements(f32, (C,), draw(st.integers(0, 9)))) + np.float32(0.5))
    return build.add(graph.BatchNormalization(x, scale, bias, mean, variance, epsilon=1e-3)).output


def add_arithmetic(draw: DrawFn, build: Builder, x: Value, values: Sequence[Value]) -> Value | None:
    """With a constant (per channel, per column, one for all, or any) or another value of the same shape."""
    shape = shape_of(x)
    kind = draw(st.integers(0, 4))
    others = [v for v in values if shape_of(v) == shape]
    match kind:
        case 0 if len(shape) >= 2:
            other = _weights(draw, build, shape[1], *(1,) * (len(shape) - 2))
        case 1:
            other = _weights(draw, build, *shape[-1:])
        case 2:
            other = _weights(draw, build)
        case 3:
            other = _weights(draw, build, *shape)
        case _:
            other = draw(st.sampled_from(others))
    class_ = draw(st.sampled_from((graph.Add, graph.Mul, graph.Sub, graph.Max)))
    return build.add(class_(x, other) if draw(st.booleans()) else class_(other, x)).output


def add_activation(draw: DrawFn, build: Builder, x: Value, values: Sequence[Value]) -> Value | None:
    if draw(st.booleans()):
        return build.add(graph.Relu(x)).output
    return build.add(graph.Clip(x, _weights(draw, build), None)).output


def add_pad(draw: DrawFn, build: Builder, x: Value, values: Sequence[Value]) -> Value | None:
    rank = len(shape_of(x))
    spatial_only = draw(st.booleans())
    begin, end = ([0 if spatial_only and axis < 2 else draw(st.integers(0, 2)) for axis in range(rank)] for _ in range(2))
    value = Number(draw(st.sampled_from((0.0, float("-inf"), 1.0))), f32)
    return build.add(graph.Pad(x, pads=(*begin, *end), value=value)).output


def add_pool(draw: DrawFn, build: Builder, x: Value, values: Sequence[Value]) -> Value | None:
    window = tuple(draw(st.integers(1, max(min(n, 3), 1))) for n in shape_of(x)[2:])
    pads = tuple(draw(st.integers(0, n - 1)) for n in (*window, *window))
    strides = tuple(draw(st.integers(1, 2)) for _ in window)
    ceil_mode = draw(st.booleans())
    if draw(st.booleans()):
        return build.add(graph.MaxPool(x, kernel=window, strides=strides, dilations=(1, 1), pads=pads, ceil_mode=ceil_mode)).output
    count = draw(st.booleans())
    pool = graph.AveragePool(x, kernel=window, strides=strides, dilations=(1, 1), pads=pads, ceil_mode=ceil_mode, count_include_pad=count)
    return build.add(pool).output


def add_transpose(draw: DrawFn, build: Builder, x: Value, values: Sequence[Value]) -> Value | None:
    rank = len(shape_of(x))
    perms = [(0, 2, 3, 1), (0, 3, 1, 2)] if rank == 4 else []
    perm = draw(st.one_of(st.sampled_from(perms), st.permutations(range(rank)))) if perms else draw(st.permutations(range(rank)))
    return build.add(graph.Transpose(x, perm=tuple(perm))).output


def add_reshape(draw: DrawFn, build: Builder, x: Value, values: Sequence[Value]) -> Value | None:
    shape = shape_of(x)
    return build.add(graph.Reshape(x, shape=draw(st.sampled_from(((-1,), (shape[0], -1), shape, (1, *shape)))))).output


def add_concat(draw: DrawFn, build: Builder, x: Value, values: Sequence[Value]) -> Value | None:
    axis = draw(st.integers(0, len(shape_of(x)) - 1))
    fits = [v for v in values if shape_of(v) == shape_of(x)]
    return build.add(graph.Concat([x, draw(st.sampled_from(fits))], axis=axis)).output


def add_gemm(draw: DrawFn, build: Builder, x: Value, values: Sequence[Value]) -> Value | None:
    if len(shape_of(x)) != 2:
        return None
    depth, columns = shape_of(x)[1], draw(st.integers(1, 3))
    turned = draw(st.booleans())
    b = _weights(draw, build, *((columns, depth) if turned else (depth, columns)))
    c = draw(st.sampled_from((None, (columns,), (1,), (1, columns), (), (shape_of(x)[0], 1))))
    bias = None if c is None else _weights(draw, build, *c)
    alpha, beta = draw(st.sampled_from((1.0, 0.5))), draw(st.sampled_from((1.0, 2.0)))
    return build.add(graph.Gemm(x, b, bias, alpha=alpha, beta=beta, transpose_b=turned)).output


STEPS_ANY = (add_arithmetic, add_activation, add_transpose, add_reshape, add_concat, add_gemm, add_pad)
STEPS_IMAGE = (
    add_conv,
    add_batch_norm,
    add_arithmetic,
    add_activation,
    add_pad,
    add_pool,
    add_transpose,
    add_concat,
    add_reshape,
)
