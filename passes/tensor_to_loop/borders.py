"""The padding around results: what windows find beyond the ends, stored once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ...dialects.ir.affine import Affine, d
from ...dialects.ir.attributes import Number
from ...dialects.ir.operation import Value
from ...dialects.ir.types import BufferType, element_of, vector
from ...dialects.tensor.view import tensor_type
from ..analysis.domain import Domain, Output
from .emit import LANE, Emitter

__all__ = ["Slab", "store_borders"]


@dataclass(frozen=True, slots=True)
class Slab:
    """A part of the work: `size` elements from `base` along the dim `dim` of the loops, which has `extent`."""

    dim: int
    base: Affine
    size: int
    extent: int


def store_borders(domain: Domain, results: Sequence[tuple[Value, BufferType]], emit: Emitter, lanes: int, slab: Slab | None = None) -> None:
    """Store the padding around every output that has one; with `slab`, what lies beside that part of the work."""
    for output, (flat, type_) in zip(domain.outputs, results, strict=True):
        if output.border is not None:
            _Border(output, flat, type_, emit, lanes, slab).store()
    emit.lanes, emit.valid = 1, 0


@dataclass(slots=True)
class _Border:
    """One output with its padding: `inner[axis]` is where the output lies in what is stored, first and end."""

    output: Output
    flat: Value
    type_: BufferType
    emit: Emitter
    lanes: int
    slab: Slab | None

    def store(self) -> None:
        extents = tensor_type(self.output.value).extents
        shape = self.type_.shape
        along = self.slab_axis()
        box = [(Affine(), size) for size in shape]
        if along is not None and self.slab is not None:
            box[along] = (self.slab.base + self.output.low[along], self.slab.size)
        for axis, (low, extent, size) in enumerate(zip(self.output.low, extents, shape, strict=True)):
            for start, count in ((0, low), (low + extent, size - low - extent)):
                if count:
                    part = [(Affine((), start), count) if i == axis else place for i, place in enumerate(box)]
                    self.where(axis, start == 0, partial(self.fill, part))

    def slab_axis(self) -> int | None:
        """The axis that the slab is a part of; None if there is none, or if the dim shares its axis with others."""
        if self.slab is None:
            return None
        axes = [axis for axis, subscript in enumerate(self.output.map.results) if subscript == d(self.slab.dim)]
        return axes[0] if len(axes) == 1 and self.slab.extent == tensor_type(self.output.value).extents[axes[0]] else None

    def where(self, axis: int, is_low: bool, make: Callable[[], None]) -> None:
        """Emit what stores the padding at one end of `axis`: in every slab if it lies beside all of them, else in the first or last."""
        slab, along = self.slab, self.slab_axis()
        if slab is None or along not in (None, axis):
            make()
            return
        at_end = along == axis and not is_low
        distance = (slab.base - (slab.extent - slab.size if at_end else 0)).simplify(self.emit.all_ranges())
        if distance.is_constant:
            if distance.constant == 0:
                make()
            return
        self.emit.only_if(self.emit.compare("eq", self.emit.affine(distance), 0), make)

    def fill(self, box: Sequence[tuple[Affine, int]]) -> None:
        """Store the padding in a box, neighbours in memory last."""
        axes = sorted(range(len(box)), key=lambda axis: -self.type_.strides[axis])
        self.level(axes, list(box))

    def level(self, axes: Sequence[int], box: list[tuple[Affine, int]]) -> None:
        axis, *others = axes
        start, count = box[axis]
        if not others:
            self.line(axis, [place for place, _ in box], count)
            return
        if count == 1:
            self.level(others, box)
            return
        with self.emit.loop(self.emit.index(0), self.emit.index(count), 0, count - 1) as counter:
            box[axis] = (start + counter, 1)
            self.level(others, box)
        box[axis] = (start, count)

    def line(self, axis: int, at: list[Affine], count: int) -> None:
        """Neighbours along the innermost axis, by vectors where they are neighbours in memory."""
        emit = self.emit
        lanes = self.lanes if self.type_.strides[axis] == 1 else 1
        full, rest = divmod(count, lanes)
        if full > 1:
            with emit.loop(emit.index(0), emit.index(full), 0, full - 1) as counter:
                self.put(axis, at, counter * lanes, lanes, 0)
        elif full:
            self.put(axis, at, Affine(), lanes, 0)
        if rest:
            self.put(axis, at, Affine((), full * lanes), lanes, rest)

    def put(self, axis: int, at: list[Affine], offset: Affine, lanes: int, valid: int) -> None:
        emit, border = self.emit, self.output.border
        assert border is not None
        assert border.padding is not None
        emit.lanes, emit.valid = lanes, valid
        place = [subscript + offset + (d(LANE) if lanes > 1 else 0) if i == axis else subscript for i, subscript in enumerate(at)]
        emit.store(
            emit.constant(Number(border.padding.value, vector(lanes, element_of(border.padding.type)))), self.flat, self.type_, place
        )
