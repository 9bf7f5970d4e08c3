"""Softmax against onnxruntime, at the graph and at the tensor stage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from operators import check, normal


@pytest.mark.parametrize("op_type", ["Softmax", "LogSoftmax"])
@pytest.mark.parametrize("opset", [11, 13])
@pytest.mark.parametrize("axis", [None, 0, 1, 2, -1])
def test_axes(op_type: str, opset: int, axis: int | None) -> None:
    given: dict[str, Any] = {} if axis is None else {"axis": axis}
    check(op_type, normal(3, 4, 5) * 3, opset=opset, **given)


@pytest.mark.parametrize("op_type", ["Softmax", "LogSoftmax"])
def test_large_numbers_do_not_overflow(op_type: str) -> None:
    check(op_type, np.array([[1000, 999, -1000], [-1000, -1000, -1001], [-np.inf, 0, 1]], np.float32))
