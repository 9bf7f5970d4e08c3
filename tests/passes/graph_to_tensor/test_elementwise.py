"""Elementwise operators against onnxruntime or NumPy, at the graph and at the tensor stage."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from intaglio.compiler.frontend.operators.elementwise import BINARY, UNARY
from intaglio.dialects import arith, tensor
from intaglio.dialects.graph.elementwise import Broadcasting
from intaglio.dialects.ir.operation import all_operations
from intaglio.passes.conversion import has_lowering
from operators import check, normal

Array = npt.NDArray[Any]

SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, 3e-5, -3e-5, 20.0, -20.0, 90.0, -90.0, np.inf, -np.inf, np.nan], np.float32)
# What onnxruntime computes otherwise than the specification (an exact value, or NaN) says, or not at all.
NO_ORACLE = ("Not", "BitwiseNot", "Swish")
FLOATS = [name for name in UNARY if name not in NO_ORACLE]


@pytest.mark.parametrize("op_type", FLOATS)
def test_functions(op_type: str) -> None:
    x = np.concatenate([normal(40) * 3, np.clip(normal(20, seed=1), -0.9, 0.9)])
    check(op_type, np.abs(x) + 1 if op_type == "Acosh" else x, opset=22, atol=2e-6)


EXACT = {
    "Abs": np.abs,
    "Ceil": np.ceil,
    "Exp": np.exp,
    "Floor": np.floor,
    "IsNaN": np.isnan,
    "Log": np.log,
    "Neg": np.negative,
    "Reciprocal": np.reciprocal,
    "Relu": lambda x: np.where(np.isnan(x), x, np.maximum(x, 0)),
    "Round": np.rint,
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "Sinh": np.sinh,
    "Cosh": np.cosh,
    "Asinh": np.arcsinh,
    "Acosh": np.arccosh,
    "Atanh": np.arctanh,
    "Softplus": lambda x: np.logaddexp(x, 0),
    "Softsign": lambda x: np.where(np.isinf(x), np.nan, x / (1 + np.abs(x))),
    "Sqrt": np.sqrt,
    "Tanh": np.tanh,
    "Sign": np.sign,
    "Elu": lambda x: np.where(x < 0, np.expm1(x), x),
    "Celu": lambda x: np.where(x < 0, np.expm1(x), x),
    "Swish": lambda x: x / (1 + np.exp(-x)),
    "LeakyRelu": lambda x: np.where(x < 0, 0.01 * x, x),
    "HardSigmoid": lambda x: np.clip(np.float32(0.2) * x + 0.5, 0, 1),
    "HardSwish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "ThresholdedRelu": lambda x: np.where(x > 1, x, 0),
}


@pytest.mark.parametrize("op_type", EXACT)
def test_functions_of_special_numbers(op_type: str) -> None:
    """NaN, infinities, zeros and the ends of the range, against double precision."""
    with np.errstate(all="ignore"):
        wanted = np.asarray(EXACT[op_type](SPECIAL.astype(np.float64)))  # type: ignore[operator]
        wanted = wanted.astype(bool if op_type == "IsNaN" else np.float32)
    check(op_type, SPECIAL, opset=24, oracle=[wanted], rtol=2e-6, atol=1e-30)


def test_attributes_are_read() -> None:
    x = normal(50) * 3
    check("Elu", x, alpha=0.5)
    check("LeakyRelu", x, alpha=0.3)
    check("Selu", x, alpha=1.5, gamma=2.0)
    check("Celu", x, alpha=0.7)
    check("ThresholdedRelu", x, alpha=0.2)
    check("HardSigmoid", x, alpha=0.4, beta=0.1)
    check("Gelu", x, opset=20)
    check("Gelu", x, opset=20, approximate="tanh")
    for positive, negative in ((1, 0), (0, 1), (1, 1)):
        check("IsInf", SPECIAL, opset=20, detect_positive=positive, detect_negative=negative)


SHAPES = [((3, 4), (3, 4)), ((2, 3, 4), (4,)), ((1, 4), (3, 1)), ((), (2, 2)), ((2, 3), ()), ((1,), (5,)), ((0, 3), (1, 3))]


@pytest.mark.parametrize("op_type", ["Add", "Sub", "Mul", "Div", "Less", "GreaterOrEqual", "Max"])
@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("constants", [(), (1,)])
def test_broadcasting(op_type: str, shapes: tuple[tuple[int, ...], tuple[int, ...]], constants: tuple[int, ...]) -> None:
    a, b = (np.asarray(normal(*shape, seed=i), np.float32) for i, shape in enumerate(shapes))
    check(op_type, a, b, constants=constants)


ARITHMETIC = ["Add", "Sub", "Mul", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Max", "Min", "Mod"]


@pytest.mark.parametrize("op_type", ARITHMETIC)
@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64, np.uint8, np.uint32])
def test_integers(op_type: str, dtype: Any) -> None:
    """Division is towards zero, unsigned numbers compare as such. onnxruntime has no 8-bit arithmetic: NumPy says what wraps around."""
    a = (normal(60) * 100).astype(np.int64).astype(dtype)
    b = np.where((normal(60, seed=1) * 20).astype(np.int64) == 0, 3, (normal(60, seed=1) * 20).astype(np.int64)).astype(dtype)
    wide_a, wide_b = a.astype(np.int64), b.astype(np.int64)
    exact = {
        "Add": wide_a + wide_b,
        "Sub": wide_a - wide_b,
        "Mul": wide_a * wide_b,
        "Div": np.trunc(wide_a / wide_b),
        "Mod": wide_a - wide_b * np.floor(wide_a / wide_b).astype(np.int64),
        "Max": np.maximum(a, b),
        "Min": np.minimum(a, b),
        "Equal": a == b,
        "Greater": a > b,
        "GreaterOrEqual": a >= b,
        "Less": a < b,
        "LessOrEqual": a <= b,
    }[op_type]
    check(op_type, a, b, oracle=[exact.astype(np.int64).astype(dtype) if exact.dtype != bool else exact], rtol=0, atol=0)


def test_truncated_remainders() -> None:
    a, b = np.array([-7, 7, -7, 7], np.int32), np.array([3, 3, -3, -3], np.int32)
    check("Mod", a, b, fmod=1)
    check("Mod", a, b, fmod=0)
    check("Mod", a.astype(np.float32) + 0.25, b.astype(np.float32), fmod=1)


def test_powers() -> None:
    base = np.abs(normal(20)) + 0.1
    check("Pow", base, normal(20, seed=1))
    for exponent in (1.0, 2.0, 3.0, 0.5, -1.5):
        check("Pow", base, np.array(exponent, np.float32), constants=(1,))
    check("Pow", normal(20), np.array([2], np.int64), constants=(1,))
    check("Pow", normal(5), np.array([0, 1, 2, 3, 4], np.int32))
    check("Pow", np.array([2, -3, 5], np.int32), np.array([3, 2, 0], np.int32))


def test_maximum_and_minimum_keep_nan() -> None:
    a, b = np.array([1, np.nan, 3, np.nan], np.float32), np.array([np.nan, 2, 1, np.nan], np.float32)
    for op_type, function in (("Max", np.maximum), ("Min", np.minimum)):
        check(op_type, a, b, oracle=[function(a, b)])


def test_any_number_of_operands() -> None:
    a, b, c = normal(2, 3), normal(3, seed=1), normal(2, 1, seed=2)
    for op_type in ("Max", "Min", "Sum", "Mean"):
        check(op_type, a, b, c)
        check(op_type, a)


@pytest.mark.parametrize("op_type", ["And", "Or", "Xor", "Equal"])
def test_logic(op_type: str) -> None:
    check(op_type, np.array([[True], [False]]), np.array([True, False]), rtol=0, atol=0)


def test_negation() -> None:
    check("Not", np.array([True, False]), rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint16])
def test_bits(dtype: Any) -> None:
    a, b = (np.arange(10) * 37).astype(dtype), (np.arange(10) * 91 + 5).astype(dtype)
    for op_type in ("BitwiseAnd", "BitwiseOr", "BitwiseXor"):
        check(op_type, a, b, opset=18, rtol=0, atol=0)
    check("BitwiseNot", a, opset=18, rtol=0, atol=0)


def test_prelu() -> None:
    check("PRelu", normal(2, 3, 4), normal(3, 1, seed=1))
    check("PRelu", normal(2, 3, 4), np.array([0.25], np.float32), constants=(1,))


LOW, HIGH = np.array(-0.5, np.float32), np.array(0.75, np.float32)


@pytest.mark.parametrize("bounds", [(LOW, HIGH), (LOW, None), (None, HIGH), (None, None)])
@pytest.mark.parametrize("constants", [(), (1, 2)])
def test_clip(bounds: tuple[Array | None, Array | None], constants: tuple[int, ...]) -> None:
    check("Clip", normal(20), *bounds, constants=constants)


def test_clip_of_integers_by_attributes_and_of_nan() -> None:
    check("Clip", np.arange(-5, 5, dtype=np.int32), np.array(-2, np.int32), np.array(3, np.int32))
    check("Clip", normal(20), opset=10, min=-0.5, max=0.75)
    check("Clip", normal(20), opset=10)
    check("Clip", SPECIAL, LOW, HIGH, oracle=[np.clip(SPECIAL, LOW, HIGH)])


def test_constant_bounds_are_numbers_in_one_body() -> None:
    module = check("Clip", normal(20), LOW, HIGH, constants=(1, 2))
    (compute,) = (op for op in module.walk() if isinstance(op, tensor.Compute))
    assert len(compute.inputs) == 1
    assert sum(isinstance(op, arith.Constant) for op in compute.walk()) == 2


def test_half_precision_is_rounded_once() -> None:
    x = normal(64, dtype=np.float16) * np.float16(4)
    # Half a unit in the last place is 2^-11; the oracle is rounded too.
    wide = x.astype(np.float64)
    check("Sigmoid", x, oracle=[(1 / (1 + np.exp(-wide))).astype(np.float16)], rtol=1e-3, atol=1e-7)
    check("HardSwish", x, oracle=[(wide * np.clip(wide / 6 + 0.5, 0, 1)).astype(np.float16)], rtol=1e-3, atol=1e-7)
    check("Mul", x, x, oracle=[(x.astype(np.float64) ** 2).astype(np.float16)], rtol=0, atol=0)


def test_every_class_has_a_rule_and_a_lowering() -> None:
    classes = [class_ for class_ in all_operations() if issubclass(class_, Broadcasting)]
    assert [class_.name for class_ in classes if not has_lowering(class_)] == []
    assert {class_ for class_, _ in [*UNARY.values(), *BINARY.values()]} <= set(classes)
