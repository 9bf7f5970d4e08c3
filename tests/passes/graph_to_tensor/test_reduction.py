"""Reductions against onnxruntime, at the graph and at the tensor stage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from intaglio.compiler.frontend.operators.reduction import REDUCTIONS
from operators import check, normal

POSITIVE = ("ReduceLogSum",)


@pytest.mark.parametrize("op_type", REDUCTIONS)
@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("axes", [(1,), (0, 2), (-1,), (2, -3, 1), None])
def test_axes_as_attribute(op_type: str, keepdims: int, axes: tuple[int, ...] | None) -> None:
    x = normal(3, 4, 5)
    given: dict[str, Any] = {} if axes is None else {"axes": list(axes)}
    check(op_type, np.abs(x) if op_type in POSITIVE else x, opset=12, keepdims=keepdims, **given)


@pytest.mark.parametrize("op_type", REDUCTIONS)
def test_axes_as_input(op_type: str) -> None:
    x = np.abs(normal(3, 4, 5))
    check(op_type, x, np.array([0, -1], np.int64), opset=18, constants=(1,))
    check(op_type, x, opset=18)
    check(op_type, x, np.array([], np.int64), opset=18, constants=(1,), keepdims=0)


@pytest.mark.parametrize("op_type", ["ReduceSum", "ReduceMax", "ReduceMean"])
def test_no_axes_on_purpose(op_type: str) -> None:
    check(op_type, normal(3, 4), np.array([], np.int64), opset=18, constants=(1,), noop_with_empty_axes=1)


@pytest.mark.parametrize("op_type", ["ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceMean"])
@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float64])
def test_other_types(op_type: str, dtype: Any) -> None:
    x = (normal(3, 4, 5) * 5).astype(np.int64).astype(dtype)
    if not (op_type == "ReduceProd" and dtype == np.float64):
        check(op_type, x, opset=12, axes=[1])


def test_extremes_of_bytes() -> None:
    for dtype in (np.int8, np.uint8):
        x = (normal(4, 5) * 100).astype(np.int64).astype(dtype)
        check("ReduceMax", x, opset=12, axes=[1], rtol=0, atol=0)
        check("ReduceMin", x, opset=12, axes=[0], rtol=0, atol=0)


def test_over_no_elements() -> None:
    x = np.zeros((2, 0), np.float32)
    for op_type, value in (("ReduceSum", 0), ("ReduceProd", 1), ("ReduceMax", -np.inf), ("ReduceMin", np.inf), ("ReduceL2", 0)):
        check(op_type, x, opset=12, axes=[1], oracle=[np.full((2, 1), value, np.float32)])


def test_of_a_scalar() -> None:
    for op_type in ("ReduceSum", "ReduceL1", "ReduceSumSquare"):
        check(
            op_type,
            np.array(-3, np.float32),
            oracle=[np.array({"ReduceSum": -3, "ReduceL1": 3, "ReduceSumSquare": 9}[op_type], np.float32)],
        )


def test_nan_wins() -> None:
    x = np.array([[1, np.nan, 3], [1, 2, 3]], np.float32)
    check("ReduceMax", x, opset=12, axes=[1], oracle=[np.array([[np.nan], [3]], np.float32)])
    check("ReduceMin", x, opset=12, axes=[1], oracle=[np.array([[np.nan], [1]], np.float32)])
    check("ArgMax", x, axis=1, oracle=[np.array([[1], [2]], np.int64)])


def test_log_sum_exp_does_not_overflow() -> None:
    x = np.array([[1000, 1000], [-1000, -1000], [-np.inf, -np.inf], [np.inf, 0]], np.float32)
    wanted = np.array([1000 + np.log(2), -1000 + np.log(2), -np.inf, np.inf], np.float32)
    check("ReduceLogSumExp", x, opset=12, axes=[1], keepdims=0, oracle=[wanted])


@pytest.mark.parametrize("op_type", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("last", [0, 1])
def test_where_the_extreme_stands(op_type: str, axis: int, keepdims: int, last: int) -> None:
    x = np.round(normal(4, 5, 3))  # many equal ones
    check(op_type, x, axis=axis, keepdims=keepdims, select_last_index=last, rtol=0, atol=0)


def test_half_precision_adds_in_single() -> None:
    x = np.full((1, 5000), 0.1, np.float16)
    check("ReduceSum", x, opset=12, axes=[1], oracle=[x.astype(np.float64).sum(axis=1, keepdims=True).astype(np.float16)], rtol=1e-3)
