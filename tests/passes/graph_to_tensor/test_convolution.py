"""Convolutions against onnxruntime, at the graph and at the tensor stage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from intaglio.dialects import tensor
from operators import Array, check, normal

CONVOLUTIONS: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "plain": ((1, 3, 7, 9), (4, 3, 3, 3), {}),
    "pads": ((2, 3, 7, 6), (4, 3, 3, 2), {"pads": [1, 0, 2, 1]}),
    "strides": ((1, 2, 9, 8), (3, 2, 3, 3), {"strides": [2, 3], "pads": [1, 1, 1, 1]}),
    "dilations": ((1, 2, 11, 12), (3, 2, 3, 3), {"dilations": [2, 3], "pads": [2, 2, 2, 2]}),
    "pointwise": ((1, 5, 4, 4), (6, 5, 1, 1), {}),
    "groups": ((1, 6, 6, 5), (8, 3, 3, 3), {"group": 2, "pads": [1, 1, 1, 1]}),
    "depthwise": ((1, 4, 6, 5), (4, 1, 3, 3), {"group": 4, "pads": [1, 1, 1, 1]}),
    "depthwise with a multiplier": ((1, 3, 6, 5), (6, 1, 3, 3), {"group": 3, "strides": [2, 1]}),
    "rank 1": ((2, 3, 10), (4, 3, 3), {"pads": [1, 1], "strides": [2]}),
    "rank 3": ((1, 2, 4, 5, 4), (3, 2, 2, 2, 3), {"pads": [0, 1, 0, 1, 0, 1]}),
    "same upper": ((1, 2, 7, 8), (3, 2, 4, 3), {"auto_pad": "SAME_UPPER", "strides": [2, 3]}),
    "same lower": ((1, 2, 7, 8), (3, 2, 4, 3), {"auto_pad": "SAME_LOWER", "strides": [2, 3]}),
    "valid": ((1, 2, 7, 8), (3, 2, 4, 3), {"auto_pad": "VALID", "strides": [2, 3]}),
}

TRANSPOSED: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "plain": ((1, 3, 4, 5), (3, 4, 3, 3), {}),
    "strides": ((2, 3, 4, 5), (3, 4, 3, 2), {"strides": [2, 3]}),
    "stride beyond the window": ((1, 2, 3, 3), (2, 3, 2, 2), {"strides": [3, 4]}),
    "pads": ((1, 3, 4, 5), (3, 4, 3, 4), {"strides": [2, 2], "pads": [1, 0, 1, 2]}),
    "many pads": ((1, 2, 5, 5), (2, 3, 4, 4), {"strides": [2, 2], "pads": [3, 3, 3, 3]}),
    "output padding": ((1, 3, 4, 5), (3, 4, 3, 3), {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]}),
    "output shape": ((1, 3, 4, 5), (3, 4, 3, 3), {"strides": [2, 2], "output_shape": [8, 10]}),
    "dilations": ((1, 2, 4, 5), (2, 3, 3, 2), {"dilations": [2, 3], "strides": [2, 2]}),
    "dilations that share no factor with strides": (
        (1, 2, 4, 5),
        (2, 3, 3, 3),
        {"dilations": [3, 2], "strides": [2, 3], "pads": [1, 1, 1, 1]},
    ),
    "groups": ((1, 4, 4, 5), (4, 3, 3, 3), {"group": 2, "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    "rank 1": ((2, 3, 6), (3, 2, 4), {"strides": [2], "pads": [1, 1]}),
    "rank 3": ((1, 2, 3, 3, 2), (2, 2, 2, 2, 2), {"strides": [2, 1, 2]}),
    "same upper": ((1, 2, 4, 5), (2, 3, 3, 3), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    "same lower": ((1, 2, 4, 5), (2, 3, 3, 3), {"auto_pad": "SAME_LOWER", "strides": [2, 2]}),
}


@pytest.mark.parametrize("case", CONVOLUTIONS)
@pytest.mark.parametrize("bias", [False, True])
def test_conv(case: str, bias: bool) -> None:
    shape, window, attributes = CONVOLUTIONS[case]
    biases = [normal(window[0], seed=2)] if bias else []
    check("Conv", normal(*shape), normal(*window, seed=1), *biases, **attributes)


@pytest.mark.parametrize("case", TRANSPOSED)
@pytest.mark.parametrize("bias", [False, True])
def test_conv_transpose(case: str, bias: bool) -> None:
    shape, window, attributes = TRANSPOSED[case]
    biases = [normal(window[1] * attributes.get("group", 1), seed=2)] if bias else []
    check("ConvTranspose", normal(*shape), normal(*window, seed=1), *biases, **attributes)


def sliding(x: Array, w: Array) -> Array:
    """The convolution in double precision, by NumPy's windows."""
    windows = np.lib.stride_tricks.sliding_window_view(x.astype(np.float64), w.shape[2:], (2, 3))
    return np.asarray(np.einsum("nchwrs,kcrs->nkhw", windows, w.astype(np.float64)))


def test_conv_in_double_precision() -> None:
    x, w = normal(1, 2, 5, 5, dtype=np.float64), normal(3, 2, 3, 3, seed=1, dtype=np.float64)
    exact = sliding(x, w)  # onnxruntime has no convolution in double precision
    check("Conv", x, w, oracle=[exact], rtol=1e-12, atol=1e-12)


def test_conv_in_half_precision_adds_in_single() -> None:
    x, w = normal(1, 64, 4, 4, dtype=np.float16), normal(2, 64, 3, 3, seed=1, dtype=np.float16)
    # One rounding to half precision: 2^-11 relative.
    check("Conv", x, w, oracle=[sliding(x, w).astype(np.float16)], rtol=1e-3, atol=1e-3)


def test_a_convolution_is_one_reduction_and_its_bias() -> None:
    module = check("Conv", normal(1, 4, 6, 5), normal(4, 1, 3, 3, seed=1), normal(4, seed=2), group=4, constants=(1, 2))
    computes = [op for op in module.walk() if isinstance(op, tensor.Compute)]
    assert [op.has_reduction for op in computes] == [True, False]
    assert len(computes[0].extents) == 6  # no dims for groups and channels
