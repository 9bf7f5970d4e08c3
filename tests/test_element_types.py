"""Every element type goes all the way to code: binary operators, reductions, products, movement, selection. NumPy is the judge."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

import intaglio
from onnx_models import Array, model

FLOATS = ("float16", "float32", "float64")
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


def numbers(dtype: str, shape: tuple[int, ...], seed: int) -> Array:
    """Small whole numbers, of which every sum here is exact; negative ones too where there are."""
    low = 0 if dtype.startswith("u") else -7
    return np.random.default_rng(seed).integers(low, 8, shape).astype(dtype)


def run(folder: Path, op_type: str, inputs: dict[str, Array], weights: dict[str, Array] | None = None, **attributes: Any) -> Array:
    """The result of one node, compiled."""
    node = helper.make_node(op_type, [*inputs, *(weights or {})], ["y"], **attributes)
    path = folder / "one.onnx"
    path.write_bytes(model([node], inputs, ["y"], 18, weights).SerializeToString())
    return intaglio.compile(path, cache=False).run(inputs)["y"]


BINARY: dict[str, Callable[[Array, Array], Array]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Max": np.maximum,
    "Min": np.minimum,
    "Less": np.less,
    "Equal": np.equal,
}


@pytest.mark.parametrize("op_type", BINARY)
@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS])
def test_binary_operators(op_type: str, dtype: str, tmp_path: Path) -> None:
    a, b = numbers(dtype, (3, 37), 0), numbers(dtype, (37,), 1)
    wanted = BINARY[op_type](a, b)
    result = run(tmp_path, op_type, {"a": a, "b": b})
    assert result.dtype == wanted.dtype
    np.testing.assert_array_equal(result, wanted)


REDUCTIONS: dict[str, Callable[..., Array]] = {"ReduceSum": np.sum, "ReduceMax": np.max, "ReduceMin": np.min, "ReduceProd": np.prod}


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("op_type", REDUCTIONS)
@pytest.mark.parametrize("dtype", [*FLOATS, "int32", "int64", "int8", "uint8"])
def test_reductions(op_type: str, dtype: str, axis: int, tmp_path: Path) -> None:
    """Along the contiguous axis lanes are combined at the end, along the other they are results of their own."""
    x = numbers(dtype, (5, 67) if op_type != "ReduceProd" else (3, 11), 2)
    if op_type == "ReduceProd":
        x = np.sign(x).astype(dtype) + (x == 0).astype(dtype)  # products of -1 and 1
    wanted = REDUCTIONS[op_type](x, axis=axis, dtype=dtype) if op_type in ("ReduceSum", "ReduceProd") else REDUCTIONS[op_type](x, axis=axis)
    result = run(tmp_path, op_type, {"x": x}, {"axes": np.array([axis], np.int64)}, keepdims=0)
    assert result.dtype == wanted.dtype
    np.testing.assert_array_equal(result, wanted)


@pytest.mark.parametrize("dtype", [*FLOATS, "int32", "int64", "uint32", "uint64"])
def test_products(dtype: str, tmp_path: Path) -> None:
    a, b = numbers(dtype, (3, 19), 3), numbers(dtype, (19, 21), 4)
    np.testing.assert_array_equal(run(tmp_path, "MatMul", {"a": a}, {"b": b}), (a.astype(np.int64) @ b.astype(np.int64)).astype(dtype))


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS, "bool"])
def test_movement_and_selection(dtype: str, tmp_path: Path) -> None:
    a, b = numbers(dtype, (3, 19), 5), numbers(dtype, (3, 19), 6)
    condition = np.random.default_rng(7).random((3, 19)) < 0.5
    np.testing.assert_array_equal(run(tmp_path, "Where", {"c": condition, "a": a, "b": b}), np.where(condition, a, b))
    np.testing.assert_array_equal(run(tmp_path, "Transpose", {"a": a}), a.T)
    np.testing.assert_array_equal(run(tmp_path, "Concat", {"a": a, "b": b}, axis=1), np.concatenate([a, b], axis=1))
    padded = run(tmp_path, "Pad", {"a": a}, {"pads": np.array([0, 1, 1, 2], np.int64)})
    np.testing.assert_array_equal(padded, np.pad(a, ((0, 1), (1, 2))))


@pytest.mark.parametrize("op_type", ["And", "Or", "Xor"])
def test_truth_values(op_type: str, tmp_path: Path) -> None:
    a, b = (np.random.default_rng(seed).random((3, 19)) < 0.5 for seed in (8, 9))
    wanted = {"And": a & b, "Or": a | b, "Xor": a ^ b}[op_type]
    np.testing.assert_array_equal(run(tmp_path, op_type, {"a": a, "b": b}), wanted)
