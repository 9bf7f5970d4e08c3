"""Normalisations against onnxruntime, at the graph and at the tensor stage."""

from __future__ import annotations

import numpy as np
import pytest

from operators import check, normal


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 5), (1, 3, 4, 5), (1, 3, 2, 3, 2)])
@pytest.mark.parametrize("opset", [9, 14, 15])
def test_batch_normalization(shape: tuple[int, ...], opset: int) -> None:
    scale, bias, mean = (normal(3, seed=i) for i in (1, 2, 3))
    check("BatchNormalization", normal(*shape), scale, bias, mean, np.abs(normal(3, seed=4)), opset=opset, epsilon=1e-3)


@pytest.mark.parametrize("shape", [(2, 3, 5), (1, 3, 4, 5)])
def test_instance_normalization(shape: tuple[int, ...]) -> None:
    check("InstanceNormalization", normal(*shape) + 10, normal(3, seed=1), normal(3, seed=2), epsilon=1e-3)


@pytest.mark.parametrize("axis", [-1, 1, 2])
@pytest.mark.parametrize("bias", [False, True])
def test_layer_normalization(axis: int, bias: bool) -> None:
    shape = (2, 3, 4, 5)[axis:] if axis > 0 else (5,)
    biases = [normal(*shape, seed=2)] if bias else []
    check("LayerNormalization", normal(2, 3, 4, 5) + 3, normal(*shape, seed=1), *biases, axis=axis)


@pytest.mark.parametrize("size", [1, 3, 5])
def test_lrn(size: int) -> None:
    check("LRN", normal(1, 7, 3, 4), size=size, alpha=0.5, beta=0.6, bias=1.5)
