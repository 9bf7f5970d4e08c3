"""Every number that a program computes lies in the range that was foretold; what is binary is seen to be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from generate_graph import graph_programs
from intaglio.dialects import graph
from intaglio.dialects.func import Function, Module
from intaglio.dialects.ir.attributes import Dense, Number
from intaglio.dialects.ir.builder import Builder
from intaglio.dialects.ir.evaluator import evaluate
from intaglio.dialects.ir.operation import Operation, Value
from intaglio.dialects.ir.printer import print_operation
from intaglio.dialects.ir.types import FloatType, Scalar, TensorType, f16, f32, f64, i1, i8, i32, i64, ui8
from intaglio.dialects.ir.verifier import verify
from intaglio.passes.analysis.value_lattice import Range, value_ranges
from programs import inputs_of

EXAMPLES = settings(max_examples=150, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate, Phase.shrink))
SHAPES = ((1, 2, 3, 4), (1, 1, 3, 4), (1, 2, 1, 1))
NUMBERS: tuple[Scalar, ...] = (f32, f16, f64, i32, i8, ui8, i64)
ELEMENTS: tuple[Scalar, ...] = (*NUMBERS, i1)


@st.composite
def numeric_programs(draw: DrawFn) -> Module:
    """Arithmetic, comparison and logic on tensors of 1 x (1, 2) x (1, 3) x (1, 4), of many element types."""
    module = Module.empty()
    inputs = [TensorType(draw(st.sampled_from(SHAPES)), draw(st.sampled_from((*NUMBERS, i1)))) for _ in range(2)]
    function = module.add(Function.make("main", inputs, ["a", "b"]))
    values: list[Value] = [*function.arguments]
    for _ in range(draw(st.integers(1, 12))):
        build = Builder.at_end(function.body)
        made = draw(st.sampled_from(STEPS))(draw, build, draw(st.sampled_from(values)), values)
        if made is not None and not tuple(made.verify()):
            values.append(build.add(made).results[0])
    function.close(values[-2:])
    return module


def _type(value: Value) -> TensorType:
    assert isinstance(value.type, TensorType)
    return value.type


def _alike(draw: DrawFn, build: Builder, x: Value, values: Sequence[Value]) -> Value:
    """Another value of the element type, or a constant."""
    others = [value for value in values if _type(value).element == _type(x).element]
    if draw(st.booleans()):
        return draw(st.sampled_from(others))
    number = draw(st.sampled_from((0, 1, 2, 0.5, -1, 100, np.inf, np.nan)))
    element = _type(x).element
    if not isinstance(element, FloatType) and not np.isfinite(number):
        number = 1
    with np.errstate(all="ignore"):
        return build.add(graph.Constant(value=Dense(np.asarray(number).astype(element.dtype)))).output


def unary(draw: DrawFn, build: Builder, x: Value, values: Sequence[Value]) -> Operation | None:
    kinds = (graph.Abs, graph.Neg, graph.Sign, graph.Relu, graph.Floor, graph.Ceil, graph.Round, graph.Sigmoid, graph.Tanh, graph.Not)
    made: Operation = draw(st.sampled_from((*kinds, graph.HardSigmoid, graph.IsNaN, graph.Sqrt, graph.Exp)))(x)
    return made


def binary(draw: DrawFn, build: Builder, x: Value, values: Sequence[Value]) -> Operation | None:
    kinds = (graph.Add, graph.Sub, graph.Mul, graph.Div, graph.Max, graph.Min)
    logic = () if isinstance(_type(x).element, FloatType) else (graph.And, graph.Or, graph.Xor)
    compared = (graph.Equal, graph.Less, graph.Greater, graph.LessOrEqual)
    other = _alike(draw, build, x, values)
    pair = (x, other) if draw(st.booleans()) else (other, x)
    made: Operation = draw(st.sampled_from((*kinds, *logic, *compared)))(*pair)
    return made


def restored(draw: DrawFn, build: Builder, x: Value, values: Sequence[Value]) -> Operation | None:
    """hard - soft + soft, in either order, and with something else than what was taken away."""
    if not isinstance(_type(x).element, FloatType):
        return None
    other = _alike(draw, build, x, values)
    subtraction = graph.Sub(x, other)
    if tuple(subtraction.verify()):
        return None
    difference = build.add(subtraction).output
    pair = (difference, draw(st.sampled_from((other, other, x))))
    return graph.Add(*(pair if draw(st.booleans()) else reversed(pair)))


def power(draw: DrawFn, build: Builder, x: Value, values: Sequence[Value]) -> Operation | None:
    return graph.Pow(x, _alike(draw, build, x, values)) if isinstance(_type(x).element, FloatType) else None


def convolution(draw: DrawFn, build: Builder, x: Value, values: Sequence[Value]) -> Operation | None:
    if not isinstance(_type(x).element, FloatType):
        return None
    numbers = st.sampled_from((0, 1, -1, 2, 0.5, 1000))
    shape = (2, _type(x).extents[1], 2, 1)
    weights = np.array([draw(numbers) for _ in range(np.prod(shape))]).reshape(shape).astype(_type(x).element.dtype)
    bias = np.array([draw(numbers) for _ in range(2)]).astype(_type(x).element.dtype) if draw(st.booleans()) else None
    factors, offset = (None if array is None else build.add(graph.Constant(value=Dense(array))).output for array in (weights, bias))
    assert factors is not None
    pads = (draw(st.integers(0, 1)), 0, 1, draw(st.integers(0, 1)))
    return graph.Conv(x, factors, offset, strides=(1, 1), dilations=(1, 1), pads=pads)


def clip(draw: DrawFn, build: Builder, x: Value, values: Sequence[Value]) -> Operation | None:
    if _type(x).element == i1:
        return None
    low, high = sorted(draw(st.tuples(st.integers(0, 3), st.integers(0, 3))))
    bounds = [build.add(graph.Constant(value=Dense(np.asarray(n).astype(_type(x).element.dtype)))).output for n in (low, high)]
    return graph.Clip(x, *(bound if draw(st.booleans()) else None for bound in bounds))


def cast(draw: DrawFn, build: Builder, x: Value, values: Sequence[Value]) -> Operation | None:
    return graph.Cast(x, to=draw(st.sampled_from(ELEMENTS)))


def where(draw: DrawFn, build: Builder, x: Value, values: Sequence[Value]) -> Operation | None:
    conditions = [value for value in values if _type(value).element == i1]
    return graph.Where(draw(st.sampled_from(conditions)), x, _alike(draw, build, x, values)) if conditions else None


def window(draw: DrawFn, build: Builder, x: Value, values: Sequence[Value]) -> Operation | None:
    if _type(x).element == i1:
        return None
    pads = tuple(draw(st.integers(0, 2)) for _ in range(4))
    return graph.MaxPool(x, kernel=(2, 2), strides=(1, 1), dilations=(draw(st.integers(1, 2)), 1), pads=pads)


def move(draw: DrawFn, build: Builder, x: Value, values: Sequence[Value]) -> Operation | None:
    match draw(st.integers(0, 4)):
        case 0:
            return graph.Resize(x, scales=(1.0, 1.0, 2.0, 1.0), mode="nearest")
        case 1:
            return graph.Expand(x, shape=(1, 2, 1, 1)) if _type(x).shape[1] == 1 else None
        case 2:
            element = _type(x).element
            number = Number(True if element == i1 else element.dtype.type(draw(st.integers(0, 2))).item(), element)
            return graph.Pad(x, pads=(0, 0, 0, 0, 0, 0, 0, 1), value=number)
        case 3:
            return graph.Concat([x, x], axis=1)
    return graph.Slice(x, starts=(0,) * 4, sizes=(1, 1, 1, 1), steps=(1,) * 4)


def reduction(draw: DrawFn, build: Builder, x: Value, values: Sequence[Value]) -> Operation | None:
    if _type(x).element == i1:
        return None
    if draw(st.booleans()):
        return graph.ArgMax(x, axis=draw(st.integers(0, 3)))
    kinds: tuple[Callable[..., Operation], ...] = (graph.ReduceMax, graph.ReduceMin, graph.ReduceSum, graph.ReduceProd)
    made: Operation = draw(st.sampled_from(kinds))(x, axes=(1,), keepdims=True)
    return made


STEPS = (unary, binary, binary, clip, cast, where, window, move, reduction, restored, power, convolution)


def assert_sound(module: Module, seed: int) -> None:
    function = module.function("main")
    ranges = value_ranges(function)

    def look(op: Operation, made: tuple[Any, ...]) -> None:
        for result, array in zip(op.results, made, strict=True):
            for number in np.unique(np.asarray(array).astype(np.float64)):
                assert float(number) in ranges[result], f"{op.name} gives {number}, not in {ranges[result]}"

    evaluate(module, "main", inputs_of(function, seed, special=True), look)


@EXAMPLES
@given(numeric_programs(), st.integers(0, 99))
def test_every_number_lies_in_its_range(module: Module, seed: int) -> None:
    note(print_operation(module))
    verify(module)
    assert_sound(module, seed)


@settings(EXAMPLES, max_examples=40)
@given(graph_programs(), st.integers(0, 99))
def test_every_number_of_a_network_lies_in_its_range(module: Module, seed: int) -> None:
    note(print_operation(module))
    assert_sound(module, seed)


def range_of(make: Callable[[Builder, Value], Operation], type_: TensorType) -> Range:
    function = Module.empty().add(Function.make("main", [type_], ["x"]))
    value = make(Builder.at_end(function.body), function.arguments[0])
    function.body.insert(value)
    function.close([value.results[0]])
    return value_ranges(function)[value.results[0]]


def number(build: Builder, value: float) -> Value:
    return build.add(graph.Constant(value=Dense(np.asarray(value, np.float32)))).output


PICTURE = TensorType((1, 2, 4, 4), f32)
FLAGS = TensorType((1, 1, 4, 4), i1)


def straight_through(build: Builder, x: Value) -> Operation:
    soft = build.add(graph.Sigmoid(x)).output
    hard = build.add(graph.Cast(build.add(graph.Greater(soft, number(build, 0.5))).output, to=f32)).output
    return graph.Add(build.add(graph.Sub(hard, soft)).output, soft)


def test_straight_through_is_exact() -> None:
    """In f32, for every soft value around the ends and the middle, and a sweep: fl(fl(1 - s) + s) is 1."""
    ends = np.arange(1, 5000, dtype=np.uint32).view(np.float32)
    around = [np.nextafter(np.float32(at), np.float32(0)) - np.arange(5000, dtype=np.float32) * np.float32(2**-26) for at in (0.25, 0.5, 1)]
    for soft in (np.zeros(1, np.float32), ends, *around, np.random.default_rng(0).random(1_000_000, np.float32)):
        assert np.all((np.float32(1) - soft) + soft == 1)
        assert np.all((np.float32(0) - soft) + soft == 0)


ALWAYS_BINARY: dict[str, tuple[Callable[[Builder, Value], Operation], TensorType]] = {
    "comparison": (lambda b, x: graph.Greater(x, number(b, 0)), PICTURE),
    "cast": (lambda b, x: graph.Cast(x, to=f32), FLAGS),
    "one minus": (lambda b, x: graph.Sub(number(b, 1), b.add(graph.Cast(x, to=f32)).output), FLAGS),
    "argument of two": (lambda b, x: graph.ArgMax(x, axis=1), PICTURE),
    "relu of sign": (lambda b, x: graph.Relu(b.add(graph.Sign(x)).output), PICTURE),
    "rounded sigmoid": (lambda b, x: graph.Round(b.add(graph.Sigmoid(x)).output), PICTURE),
    "straight through": (straight_through, PICTURE),
    "square": (lambda b, x: graph.Pow(b.add(graph.Cast(x, to=f32)).output, number(b, 2)), FLAGS),
    "pool": (
        lambda b, x: graph.MaxPool(b.add(graph.Cast(x, to=f32)).output, kernel=(3, 3), strides=(1, 1), dilations=(1, 1), pads=(1,) * 4),
        FLAGS,
    ),
}
NEVER_BINARY: dict[str, tuple[Callable[[Builder, Value], Operation], TensorType]] = {
    "sign": (lambda b, x: graph.Sign(x), PICTURE),
    "sigmoid": (lambda b, x: graph.Sigmoid(x), PICTURE),
    "argument of four": (lambda b, x: graph.ArgMax(x, axis=2), PICTURE),
    "half": (lambda b, x: graph.Where(x, number(b, 1), number(b, 0.5)), FLAGS),
    "pool of padding": (
        lambda b, x: graph.MaxPool(b.add(graph.Cast(x, to=f32)).output, kernel=(2, 2), strides=(1, 1), dilations=(1, 1), pads=(2,) * 4),
        FLAGS,
    ),
    "bilinear": (lambda b, x: graph.Resize(b.add(graph.Cast(x, to=f32)).output, scales=(1.0, 1.0, 2.0, 2.0), mode="linear"), FLAGS),
}


@pytest.mark.parametrize("name", ALWAYS_BINARY)
def test_binary(name: str) -> None:
    assert range_of(*ALWAYS_BINARY[name]).is_binary


@pytest.mark.parametrize("name", NEVER_BINARY)
def test_not_binary(name: str) -> None:
    assert not range_of(*NEVER_BINARY[name]).is_binary


def test_a_scaled_mask_has_one_other_number() -> None:
    third = np.float32(1) / np.float32(3)
    scaled = range_of(lambda b, x: graph.Div(b.add(graph.Cast(x, to=f32)).output, number(b, 3)), FLAGS)
    assert (scaled.is_binary, scaled.only) == (False, float(third))
    assert 0 in scaled
    assert 0.25 not in scaled
    assert range_of(lambda b, x: graph.Where(x, number(b, 0), number(b, 0.25)), FLAGS).only == 0.25
    assert range_of(lambda b, x: graph.Where(x, number(b, 0.5), number(b, 0.25)), FLAGS).only is None


def test_nan_is_told_apart() -> None:
    assert range_of(lambda b, x: graph.Relu(b.add(graph.Sign(x)).output), PICTURE).nan
    assert not range_of(lambda b, x: graph.Greater(x, number(b, 0)), PICTURE).nan
