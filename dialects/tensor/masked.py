"""`tensor.masked`: a value of which only some tiles are needed, and what stands in the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..ir.affine import Affine, AffineMap, d
from ..ir.attributes import Array
from ..ir.definition import attribute, operand, optional, result
from ..ir.operation import Operation, Value
from ..ir.traits import Pure
from ..ir.types import Type
from .view import tensor_type


class Masked(Operation, name="tensor.masked", traits=(Pure,)):
    """`value` in the tiles that are active, `background` in the others.

    value [e0, e1, ...]: any element type.
    active [ceil(e0 / unit0), ceil(e1 / unit1), ...]: a tile is active where this is not zero.
    background [e0, e1, ...]: missing where nobody reads inactive tiles; the evaluator then fills them with NaN (integers: the largest
    value), so that a read of what was not computed shows.
    `unit`: extents of a tile.
    runs [...]: `tensor.list_runs` of `active`, in runs of `length`, where tiles are single elements along some dims and whole along the
    others. Without background, what a run holds beyond active elements is computed too; with one, runs hold nothing else.

    With runs, lowering computes `value` where they are, or, with `switches`, everywhere if so much is active that this is faster.
    """

    value: Value = operand()
    active: Value = operand()
    background: Value | None = optional()
    runs: Value | None = optional()
    unit: tuple[int, ...] = attribute()
    length: int = attribute(default=0)
    switches: bool = attribute(default=False)
    output: Value = result()

    def infer(self) -> Type:
        return tensor_type(self.value).with_order(())

    def verify(self) -> Iterable[str]:
        value, active = tensor_type(self.value), tensor_type(self.active)
        if len(self.unit) != value.rank or any(extent < 1 for extent in self.unit):
            yield f"{self.unit} are no tiles of {value}"
            return
        expected = tuple(-(-extent // unit) for extent, unit in zip(value.extents, self.unit, strict=True))
        if active.extents != expected:
            yield f"activity of shape {active.extents} for {expected} tiles"
        if (self.runs is None) != (self.length == 0):
            yield "a list of runs goes with their length"
        if self.runs is not None and any(unit not in (1, extent) for unit, extent in zip(self.unit, value.extents, strict=True)):
            yield f"runs of {self.unit}, not of single elements"
        if self.background is not None and tensor_type(self.background).with_order(()) != value.with_order(()):
            yield f"background {self.background.type} for {value}"

    @property
    def extents(self) -> tuple[int, ...]:
        """The iteration space, as of a computation."""
        return tensor_type(self.value).extents

    @property
    def parallel(self) -> int:
        """Every dim is one of the result's, as of a computation without reduction."""
        return len(self.extents)

    @property
    def inputs(self) -> list[Value]:
        """What it reads element by element, as of a computation."""
        return [self.value, self.active, *([self.background] if self.background is not None else [])]

    @property
    def maps(self) -> tuple[AffineMap, ...]:
        """How it reads its inputs, as of a computation."""
        rank = len(self.unit)
        same = AffineMap.identity(rank)
        tiles = (Affine() if unit >= self.extents[i] else d(i) // unit for i, unit in enumerate(self.unit))
        return (same, AffineMap(rank, tuple(tiles)), same)[: len(self.inputs)]

    @property
    def is_by_pixels(self) -> bool:
        """Whether tiles are single elements along all but the first two dims."""
        return all(unit == 1 for unit in self.unit[2:]) and any(extent > 1 for extent in self.extents[2:])

    has_reduction = False

    @property
    def captured(self) -> list[Value]:
        """What it looks up as a whole, as a computation does."""
        return [] if self.runs is None else [self.runs]

    def evaluate(self, value: Array, active: Array, background: Array | None, runs: Array | None) -> Array:
        tiles: Any = active != 0
        for axis, (unit, extent) in enumerate(zip(self.unit, value.shape, strict=True)):
            tiles = np.repeat(tiles, unit, axis=axis).take(range(extent), axis=axis)
        return np.where(tiles, value, _unspecified(value) if background is None else background).astype(value.dtype)


def _unspecified(value: Array) -> Any:
    return np.iinfo(value.dtype).max if value.dtype.kind in "iu" else value.dtype.type(np.nan if value.dtype.kind == "f" else True)
