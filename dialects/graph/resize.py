"""Resizing by interpolation. Each axis is resampled by itself: output o reads a few input elements with fixed weights.

`Resize.sampling` is ONNX's definition, axis by axis, in single precision as onnxruntime has it (in double precision ties would be broken
differently). The evaluator makes a matrix of it, the lowering index maps or tables.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ..ir.attributes import Array
from ..ir.definition import attribute, operand, result
from ..ir.operation import Operation, Value
from ..ir.traits import Pure
from ..ir.types import Type
from .elementwise import is_float, widened
from .extents import UNKNOWN, Axis, axes, from_axes, tensor

COORDINATES = ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn")
ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil", "simple")
MODES = ("nearest", "linear", "cubic")


class Resize(Operation, name="graph.resize", traits=(Pure,)):
    """Resample a tensor on another grid.

    input [...]: floats; any type if `mode` is nearest. output: extents `sizes`, or (if that is empty) floor(extent * scales[axis]);
    scales that are not given are the ratios of the extents.
    `mode`: nearest, linear or cubic; `coordinates`: where output o lies on the input (ONNX's coordinate_transformation_mode); `rounding`
    of that to the nearest element (ONNX's nearest_mode; `simple`: floor, when shrinking ceil). Positions outside read the border.
    `cubic_a`, `exclude_outside`: the cubic kernel, and whether taps outside lose their weight.

    ONNX: Resize 10, 11, 13, 18, 19; Upsample 7, 9. Not: tf_crop_and_resize, antialias.
    """

    input: Value = operand()
    scales: tuple[float, ...] = attribute(default=())
    sizes: tuple[int, ...] = attribute(default=())
    mode: str = attribute(default="nearest")
    coordinates: str = attribute(default="half_pixel")
    rounding: str = attribute(default="round_prefer_floor")
    cubic_a: float = attribute(default=-0.75)
    exclude_outside: bool = attribute(default=False)
    output: Value = result()

    def infer(self) -> Type:
        x = tensor(self.input)
        if len(self.sizes or self.scales) != x.rank:
            raise ValueError(f"{len(self.sizes or self.scales)} extents or scales for {x}")
        return from_axes([self._axis(i, axis) for i, axis in enumerate(axes(x))], x.element)

    def _axis(self, i: int, axis: Axis) -> Axis:
        if self.sizes:
            return (self.sizes[i], "")
        if self.scales[i] == 1:
            return axis
        return UNKNOWN if axis[0] is None else (math.floor(axis[0] * self.scales[i]), "")

    def verify(self) -> Iterable[str]:
        x = tensor(self.input)
        if self.mode != "nearest" and not is_float(x.element):
            yield f"does not interpolate {x}"
        for name, value, known in (
            ("mode", self.mode, MODES),
            ("coordinates", self.coordinates, COORDINATES),
            ("rounding", self.rounding, ROUNDINGS),
        ):
            if value not in known:
                yield f"{name} is {value!r}, which is none of {', '.join(known)}"
        if any(not scale > 0 for scale in self.scales) or any(size < 0 for size in self.sizes):
            yield f"scales {list(self.scales)} and sizes {list(self.sizes)} are not positive"

    def sampling(self, axis: int, extent: int, out: int) -> tuple[Array, Array]:
        """For an axis of `extent` resized to `out`: which elements each output reads, and with what weights; both [out, taps]."""
        place = self.positions(axis, extent, out)
        if self.mode == "nearest":
            nearest = _rounded(place, "ceil" if self.rounding == "simple" and self._scale(axis, extent, out) < 1 else self.rounding)
            taps = nearest[:, None].astype(np.int64)
            weights = np.ones(taps.shape, np.float32)
        elif self.mode == "linear":
            place = np.clip(place, 0, extent - 1)
            low = np.floor(place).astype(np.int64)
            taps = np.stack([low, low + 1], axis=1)
            weights = np.stack([1 - (place - low), place - low], axis=1).astype(np.float32)
        else:
            low = np.floor(place).astype(np.int64)
            taps = low[:, None] + np.arange(-1, 3)
            weights = _cubic(place - low, self.cubic_a)
            if self.exclude_outside:
                weights = np.where((taps >= 0) & (taps < extent), weights, 0)
                weights = weights / weights.sum(axis=1, keepdims=True)
        return np.clip(taps, 0, max(extent - 1, 0)), weights.astype(np.float32)

    def _scale(self, axis: int, extent: int, out: int) -> np.float32:
        return np.float32(self.scales[axis]) if self.scales else np.float32(out) / np.float32(extent)

    def positions(self, axis: int, extent: int, out: int) -> Array:
        """Where each output element of the axis lies on the input."""
        scale, half = self._scale(axis, extent, out), np.float32(0.5)
        o = np.arange(out, dtype=np.float32)
        if scale == 1 and out == extent:
            return o
        match self.coordinates:
            case "asymmetric":
                return o / scale
            case "align_corners":
                return o * np.float32(extent - 1) / np.float32(out - 1) if out > 1 else o
            case "tf_half_pixel_for_nn":
                return (o + half) / scale
            case "pytorch_half_pixel" if out == 1:
                return o
            case "half_pixel_symmetric":
                adjustment = np.float32(out) / (scale * np.float32(extent))
                return np.float32(extent) * half * (1 - adjustment) + (o + half) / scale - half
        return (o + half) / scale - half

    def evaluate(self, x: Array) -> Array:
        out = x
        for axis, (extent, size) in enumerate(zip(x.shape, self._sizes(x), strict=True)):
            taps, weights = self.sampling(axis, extent, size)
            if self.mode == "nearest":
                out = np.take(out, taps[:, 0], axis=axis)
            elif not (size == extent and np.array_equal(taps[:, 0], np.arange(extent)) and np.all(weights[:, 0] == 1)):
                matrix = np.zeros((size, extent), np.float32)
                np.add.at(matrix, (np.arange(size)[:, None], taps), weights)
                out = np.moveaxis(np.tensordot(matrix.astype(widened(x).dtype), widened(out), (1, axis)), 0, axis)
        return out.astype(x.dtype)

    def _sizes(self, x: Array) -> tuple[int, ...]:
        return self.sizes or tuple(math.floor(n * s) for n, s in zip(x.shape, self.scales, strict=True))


def _rounded(place: Array, rounding: str) -> Array:
    match rounding:
        case "round_prefer_floor":
            return np.ceil(place - np.float32(0.5))
        case "round_prefer_ceil":
            return np.floor(place + np.float32(0.5))
        case "ceil":
            return np.ceil(place)
    return np.floor(place)


def _cubic(t: Array, a: float) -> Array:
    """Weights of the four taps around a fraction `t` (Keys, Cubic convolution interpolation, 1981)."""
    near = [((a + 2) * x - (a + 3)) * x * x + 1 for x in (t, 1 - t)]
    far = [((a * x - 5 * a) * x + 8 * a) * x - 4 * a for x in (t + 1, 2 - t)]
    return np.stack([far[0], near[0], near[1], far[1]], axis=1)
