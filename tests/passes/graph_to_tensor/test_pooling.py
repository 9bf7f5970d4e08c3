"""Pooling against onnxruntime, at the graph and at the tensor stage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from operators import check, normal

WINDOWS: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "plain": ((1, 2, 6, 7), {"kernel_shape": [2, 3]}),
    "strides": ((2, 2, 7, 7), {"kernel_shape": [3, 3], "strides": [2, 2]}),
    "pads": ((1, 2, 6, 7), {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 0, 1, 2]}),
    "ceil": ((1, 2, 7, 8), {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
    "ceil and pads": ((1, 2, 7, 8), {"kernel_shape": [3, 3], "strides": [3, 2], "pads": [1, 1, 1, 1], "ceil_mode": 1}),
    "ceil behind the end": ((1, 1, 4, 4), {"kernel_shape": [1, 1], "strides": [2, 3], "ceil_mode": 1}),
    "same upper": ((1, 2, 7, 8), {"kernel_shape": [2, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    "same lower": ((1, 2, 7, 8), {"kernel_shape": [2, 3], "strides": [2, 2], "auto_pad": "SAME_LOWER"}),
    "side by side": ((2, 3, 8, 12), {"kernel_shape": [4, 4], "strides": [4, 4]}),
    "side by side with a rest": ((1, 2, 7, 11), {"kernel_shape": [3, 2], "strides": [3, 2]}),
    "side by side over the end": ((1, 2, 7, 11), {"kernel_shape": [3, 2], "strides": [3, 2], "ceil_mode": 1}),
    "side by side, rank 3": ((1, 2, 4, 6, 8), {"kernel_shape": [2, 3, 4], "strides": [2, 3, 4]}),
    "rank 1": ((2, 3, 9), {"kernel_shape": [3], "strides": [2], "pads": [1, 1]}),
    "rank 3": ((1, 2, 4, 5, 4), {"kernel_shape": [2, 2, 2], "strides": [1, 2, 2]}),
}


@pytest.mark.parametrize("case", WINDOWS)
def test_max_pool(case: str) -> None:
    shape, attributes = WINDOWS[case]
    check("MaxPool", normal(*shape) - 3, **attributes)


def test_max_pool_dilated() -> None:
    check("MaxPool", normal(1, 2, 9, 9), kernel_shape=[3, 2], dilations=[2, 3], pads=[1, 1, 1, 1])


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.float64])
def test_max_pool_of_other_types(dtype: Any) -> None:
    x = (normal(1, 2, 6, 6) * 100).astype(np.int64).astype(dtype)
    check("MaxPool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1])


@pytest.mark.parametrize("include", [0, 1])
@pytest.mark.parametrize("case", WINDOWS)
def test_average_pool(case: str, include: int) -> None:
    shape, attributes = WINDOWS[case]
    check("AveragePool", normal(*shape), opset=22, count_include_pad=include, **attributes)


@pytest.mark.parametrize("include", [0, 1])
def test_average_pool_dilated(include: int) -> None:
    attributes: dict[str, Any] = {"kernel_shape": [3, 2], "dilations": [2, 3], "pads": [2, 1, 2, 1]}
    check("AveragePool", normal(1, 2, 9, 9), opset=22, count_include_pad=include, **attributes)


@pytest.mark.parametrize("p", [1, 2, 3])
def test_lp_pool(p: int) -> None:
    check("LpPool", normal(1, 2, 7, 7), opset=18, p=p, kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 0])


def test_lp_pool_side_by_side() -> None:
    check("LpPool", normal(1, 2, 6, 8), opset=18, p=2, kernel_shape=[3, 2], strides=[3, 2])


@pytest.mark.parametrize("op_type", ["GlobalAveragePool", "GlobalMaxPool"])
@pytest.mark.parametrize("shape", [(2, 3, 5), (1, 3, 4, 5), (1, 2, 3, 2, 2)])
def test_global_pooling(op_type: str, shape: tuple[int, ...]) -> None:
    check(op_type, normal(*shape))
