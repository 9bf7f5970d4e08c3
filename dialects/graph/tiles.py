"""Which tiles of a value a mask needs, and a value of which only those are made: how masked regions reach the tensor dialect."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np

from ..ir.attributes import Array
from ..ir.definition import attribute, operand, optional, result
from ..ir.operation import Operation, Value
from ..ir.traits import Pure
from ..ir.types import TensorType, Type, f32
from .extents import tensor

Pair: TypeAlias = tuple[int, int]


class ReachMask(Operation, name="graph.reach_mask", traits=(Pure,)):
    """The tiles of a value that hold a pixel which some chosen pixel of a mask needs.

    mask [N, g, H, W]: chosen where not zero.
    output [N, g, ceil(extents[0] / unit[0]), ceil(extents[1] / unit[1])]: f32, 1 or 0. A chosen pixel o needs pixels o * scale + low
    to o * scale + high of the value, along each of its two axes, which are `extents` long. Never too small; a tile may be counted
    whose pixels lie between those of a dilated window.
    """

    mask: Value = operand()
    extents: tuple[int, int] = attribute()
    unit: tuple[int, int] = attribute()
    scale: tuple[int, int] = attribute(default=(1, 1))
    low: tuple[int, int] = attribute(default=(0, 0))
    high: tuple[int, int] = attribute(default=(0, 0))
    output: Value = result()

    def infer(self) -> Type:
        N, g = tensor(self.mask).shape[:2]
        tiles = (-(-extent // unit) for extent, unit in zip(self.extents, self.unit, strict=True))
        return TensorType((N, g, *tiles), f32)

    def verify(self) -> Iterable[str]:
        if tensor(self.mask).rank != 4:
            yield f"the mask is {self.mask.type}, not N x g x H x W"
        if min(*self.unit, *self.scale) < 1 or any(low > high for low, high in zip(self.low, self.high, strict=True)):
            yield f"tiles of {self.unit}, pixels {self.low} to {self.high} at a scale of {self.scale}"

    def candidates(self, axis: int) -> int:
        """At most how many mask pixels along an axis need one tile."""
        return (self.unit[axis] - 1 - self.low[axis] + self.high[axis]) // self.scale[axis] + 1

    def evaluate(self, mask: Array) -> Array:
        return np.asarray(needed_tiles(mask, self.extents, self.unit, self.scale, self.low, self.high), np.float32)


def needed_tiles(mask: Array, extents: Pair, unit: Pair, scale: Pair, low: Pair, high: Pair) -> Array:
    """What `graph.reach_mask` says, as truth values."""
    chosen: Any = mask != 0
    for axis in range(2):
        chosen = _needed_along(chosen, axis, extents[axis], unit[axis], scale[axis], (low[axis], high[axis]))
    return np.asarray(chosen)


def _needed_along(chosen: Array, axis: int, extent: int, unit: int, scale: int, reach: Pair) -> Array:
    shape = list(chosen.shape)
    shape[2 + axis] = -(-extent // unit)
    needed = np.zeros(shape, bool)
    for pixel in range(chosen.shape[2 + axis]):
        first, last = ((pixel * scale + bound) // unit for bound in reach)
        tiles = slice(max(first, 0), max(last + 1, 0))
        row = chosen.take([pixel], axis=2 + axis)
        if axis == 0:
            needed[:, :, tiles] |= row
        else:
            needed[:, :, :, tiles] |= row
    return needed


class SelectTiles(Operation, name="graph.select_tiles", traits=(Pure,)):
    """A value in its active tiles, the background in the others.

    value [N, K, H, W]; active [ceil(N / unit0), ceil(K / unit1), ...]: a tile is active where this is not zero; background: as the
    value, or missing where nobody reads inactive tiles (the evaluator then shows NaN there).
    `length`: where tiles are single pixels, how many neighbours in a row are computed together (0: everything is computed, and chosen from
    element by element); `switches`: whether everything may be computed where most tiles are active.
    """

    value: Value = operand()
    active: Value = operand()
    background: Value | None = optional()
    unit: tuple[int, ...] = attribute()
    length: int = attribute(default=0)
    switches: bool = attribute(default=False)
    output: Value = result()

    def infer(self) -> Type:
        return self.value.type

    def verify(self) -> Iterable[str]:
        value, active = tensor(self.value), tensor(self.active)
        if value.is_static and active.is_static:
            expected = tuple(-(-extent // unit) for extent, unit in zip(value.extents, self.unit, strict=True))
            if active.extents != expected:
                yield f"activity of shape {active.extents} for {expected} tiles"
        if self.background is not None and self.background.type != self.value.type:
            yield f"background {self.background.type} for {value}"

    def evaluate(self, value: Array, active: Array, background: Array | None) -> Array:
        tiles: Any = active != 0
        for axis, (unit, extent) in enumerate(zip(self.unit, value.shape, strict=True)):
            tiles = np.repeat(tiles, unit, axis=axis).take(range(extent), axis=axis)
        missing = np.nan if value.dtype.kind == "f" else 0
        return np.where(tiles, value, missing if background is None else background).astype(value.dtype)
