"""Resizing against onnxruntime, at the graph and at the tensor stage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from intaglio.dialects import tensor
from operators import check, normal

NOTHING = np.array([], np.float32)
MODES = ["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"]
# Of the symmetric mode the centre of an odd output is a tie, which rounding in single precision decides: outputs are even.
SCALES = [(1.0, 1.0, 2.0, 2.0), (1.0, 1.0, 4.0, 0.7), (1.0, 1.0, 1.7, 2.4), (1.0, 1.0, 0.4, 0.7)]


def resize(x: Any, scales: Any = None, sizes: Any = None, opset: int = 19, **attributes: Any) -> Any:
    targets = [np.array(scales, np.float32)] if scales is not None else [None, np.array(sizes, np.int64)]
    return check("Resize", x, None, *targets, opset=opset, constants=(2, 3), **attributes)


@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("rounding", ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
@pytest.mark.parametrize("coordinates", MODES)
def test_nearest(scales: tuple[float, ...], rounding: str, coordinates: str) -> None:
    attributes: dict[str, Any] = {"coordinate_transformation_mode": coordinates, "nearest_mode": rounding}
    resize(normal(1, 2, 5, 6), scales, mode="nearest", **attributes)


@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("coordinates", MODES)
def test_linear(scales: tuple[float, ...], coordinates: str) -> None:
    resize(normal(1, 2, 5, 6), scales, mode="linear", coordinate_transformation_mode=coordinates)


@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("coordinates", MODES)
@pytest.mark.parametrize("exclude", [0, 1])
def test_cubic(scales: tuple[float, ...], coordinates: str, exclude: int) -> None:
    attributes: dict[str, Any] = {"coordinate_transformation_mode": coordinates, "exclude_outside": exclude, "cubic_coeff_a": -0.5}
    resize(normal(1, 2, 5, 6), scales, mode="cubic", atol=1e-4, **attributes)


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_sizes(mode: str) -> None:
    resize(normal(1, 2, 5, 6), sizes=(1, 2, 8, 3), mode=mode, atol=1e-4)
    resize(normal(1, 2, 5, 6), sizes=(8, 3), mode=mode, axes=[2, 3], opset=18, atol=1e-4)


@pytest.mark.parametrize("policy", ["not_larger", "not_smaller"])
def test_aspect_ratio(policy: str) -> None:
    resize(normal(1, 2, 5, 6), sizes=(9, 9), mode="linear", axes=[2, 3], keep_aspect_ratio_policy=policy)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("scales", [(1, 1, 2, 2), (1, 1, 3, 1.5)])
def test_upsample(mode: str, scales: tuple[float, ...]) -> None:
    check("Upsample", normal(1, 2, 4, 5), opset=8, mode=mode, scales=[float(scale) for scale in scales])
    check("Upsample", normal(1, 2, 4, 5), np.array(scales, np.float32), opset=9, mode=mode, constants=(1,))
    check("Resize", normal(1, 2, 4, 5), np.array(scales, np.float32), opset=10, mode=mode, constants=(1,))


def test_whole_factors_are_one_view_each() -> None:
    module = resize(normal(1, 2, 5, 6), (1, 1, 2, 3), mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    assert not any(isinstance(op, tensor.Compute) for op in module.walk())
    module = resize(normal(1, 2, 4, 6), (1, 1, 0.5, 2), mode="nearest")
    assert not any(isinstance(op, tensor.Compute) for op in module.walk())


def test_integers_by_nearest() -> None:
    resize((normal(1, 2, 4, 4) * 100).astype(np.uint8), (1, 1, 1.5, 2.0), mode="nearest", rtol=0, atol=0)
