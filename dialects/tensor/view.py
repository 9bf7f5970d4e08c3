"""Constants, views and concatenation: values that cost nothing where they are absorbed into the maps of a computation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..ir.affine import AffineMap
from ..ir.attributes import Array, Dense, Number
from ..ir.builder import Builder
from ..ir.definition import attribute, operand, result, variadic
from ..ir.operation import Operation, Value, canonicalize
from ..ir.traits import ConstantLike, Pure
from ..ir.types import TensorType, Type


def tensor_type(value: Value) -> TensorType:
    """The type of a tensor value. Raises TypeError for others."""
    if not isinstance(value.type, TensorType):
        raise TypeError(f"{value.type} is no tensor")
    return value.type


class Constant(Operation, name="tensor.constant", traits=(Pure, ConstantLike)):
    """A tensor known at compile time.

    output [...]: the elements of `value`, laid out by `order` (outermost dim first; empty: row-major).
    """

    value: Dense = attribute()
    order: tuple[int, ...] = attribute(default=())
    output: Value = result()

    def infer(self) -> Type:
        return self.value.type.with_order(self.order or range(self.value.type.rank))

    def evaluate(self) -> Array:
        return self.value.array


class View(Operation, name="tensor.view", traits=(Pure,)):
    """Read another tensor through an index map: slice, pad, transpose, reshape, broadcast and their compositions.

    source [s0, ...]: any element type.
    output [extents]: element i is source[map(i)]; where map(i) lies outside of source it is `padding`, which then must be given.
    Zero extents give an empty tensor.
    `margin`: so many elements at the low ends of the source's dims, then so many at the high ends, are `padding` too, which loops need not
    read; empty for none.
    """

    source: Value = operand()
    extents: tuple[int, ...] = attribute()
    map: AffineMap = attribute()
    padding: Number | None = attribute(default=None)
    margin: tuple[int, ...] = attribute(default=())
    output: Value = result()

    def infer(self) -> Type:
        return TensorType(self.extents, tensor_type(self.source).element)

    def verify(self) -> Iterable[str]:
        source = tensor_type(self.source)
        if self.map.dims != len(self.extents) or len(self.map.results) != source.rank:
            yield f"{self.map} does not lead from rank {len(self.extents)} to rank {source.rank}"
            return
        if self.padding is not None and self.padding.type != source.element:
            yield f"the padding is {self.padding.type}, the source {source.element}"
        if self.padding is None and self.reads_outside():
            yield f"{self.map} leaves {source}, and there is no padding"
        if self.margin and (len(self.margin) != 2 * source.rank or min(self.margin) < 0 or self.padding is None):
            yield f"{self.margin} is no margin of {source}, or of what is not said"

    @property
    def inner(self) -> list[tuple[int, int]]:
        """For each dim of the source the first element that is not in the margin, and how many there are from there on."""
        extents = tensor_type(self.source).extents
        margin = self.margin or (0,) * (2 * len(extents))
        sides = zip(extents, margin[: len(extents)], margin[len(extents) :], strict=True)
        return [(low, extent - low - high) for extent, low, high in sides]

    def reads_outside(self) -> bool:
        """Whether a subscript may lie outside of the source."""
        if 0 in self.extents:
            return False
        ranges = [(0, extent - 1) for extent in self.extents]
        for subscript, extent in zip(self.map.results, tensor_type(self.source).extents, strict=True):
            low, high = subscript.simplify(ranges).range(ranges)
            if low < 0 or high >= extent:
                return True
        return False

    def evaluate(self, source: Array) -> Array:
        if 0 in self.extents:
            return np.empty(self.extents, source.dtype)
        grid: Any = np.ogrid[tuple(slice(0, n) for n in self.extents)] if self.extents else []
        subscripts: list[Any] = [np.asarray(s) for s in self.map.evaluate(list(grid))]
        inside: Any = np.True_
        for subscript, extent in zip(subscripts, source.shape, strict=True):
            inside = inside & (subscript >= 0) & (subscript < extent)
        if self.padding is None or np.all(inside):
            return np.broadcast_to(source[tuple(subscripts)], self.extents).copy()
        clipped = [np.clip(s, 0, max(extent - 1, 0)) for s, extent in zip(subscripts, source.shape, strict=True)]
        picked = source[tuple(clipped)] if source.size else self.padding.scalar()
        return np.broadcast_to(np.where(inside, picked, self.padding.scalar()), self.extents).astype(source.dtype)


class Concat(Operation, name="tensor.concat", traits=(Pure,)):
    """Join tensors along the dim `dim` (MLIR: `tensor.concat`).

    inputs [..., n_i, ...]: at least one, equal off the dim.
    output [..., sum of n_i, ...].
    """

    inputs: list[Value] = variadic()
    dim: int = attribute()
    output: Value = result()

    def infer(self) -> Type:
        types = [tensor_type(value) for value in self.inputs]
        return types[0].with_extent(self.dim, sum(t.extents[self.dim] for t in types))

    def verify(self) -> Iterable[str]:
        first, *rest = (tensor_type(value) for value in self.inputs)
        if not 0 <= self.dim < first.rank:
            yield f"dim {self.dim} is outside 0..{first.rank - 1}"
            return
        for i, other in enumerate(rest, start=1):
            if other.rank != first.rank or other.with_extent(self.dim, 0) != first.with_extent(self.dim, 0):
                yield f"input {i} is {other}, but input 0 is {first}"

    def evaluate(self, inputs: list[Array]) -> Array:
        return np.concatenate(inputs, axis=self.dim)


@canonicalize
def drop_identity_view(op: View, build: Builder) -> Value | None:
    """view(x, identity) -> x"""
    unchanged = op.map.is_identity and op.extents == tensor_type(op.source).shape
    return op.source if unchanged and op.output.type == op.source.type else None


@canonicalize
def compose_views(op: View, build: Builder) -> Value | None:
    """view(view(x, inner), outer) -> view(x, inner after outer), where the outer never leaves the inner."""
    inner = op.source.owner
    if not isinstance(inner, View) or op.reads_outside():
        return None
    ranges = [(0, max(extent - 1, 0)) for extent in op.extents]
    subscripts = tuple(s.simplify(ranges) for s in inner.map.compose(op.map.results))
    map_ = AffineMap(len(op.extents), subscripts)
    return build.add(View(inner.source, extents=op.extents, map=map_, padding=inner.padding)).output
