"""Operators that pick elements: Gather and GatherElements by subscripts, Where by truth values."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..ir.attributes import Array
from ..ir.definition import attribute, operand, result
from ..ir.operation import Operation, Value
from ..ir.traits import DataMovement, Elementwise, Pure
from ..ir.types import Type, i1, i32, i64
from .extents import axes, broadcast, broadcast_faults, from_axes, tensor


class Gather(Operation, name="graph.gather", traits=(Pure, DataMovement)):
    """Slices of the input along `axis`, one for each subscript.

    input [a..., n, b...]: any element type.
    indices [i...]: i32 or i64; below 0 they count from the end. One outside of -n to n-1 takes the nearest element.
    output [a..., i..., b...].

    **ONNX:** Gather 1, 11, 13.
    """

    input: Value = operand()
    indices: Value = operand()
    axis: int = attribute(default=0)
    output: Value = result()

    def infer(self) -> Type:
        source = axes(tensor(self.input))
        parts = [*source[: self.axis], *axes(tensor(self.indices)), *source[self.axis + 1 :]]
        return from_axes(parts, tensor(self.input).element)

    def verify(self) -> Iterable[str]:
        if tensor(self.indices).element not in (i32, i64):
            yield f"the indices are {self.indices.type}"
        if not 0 <= self.axis < tensor(self.input).rank:
            yield f"axis {self.axis} is outside of {self.input.type}"

    def evaluate(self, input: Array, indices: Array) -> Array:
        extent = input.shape[self.axis]
        return np.take(input, np.clip(np.where(indices < 0, indices + extent, indices), 0, extent - 1), axis=self.axis)


class GatherElements(Operation, name="graph.gather_elements", traits=(Pure, DataMovement)):
    """Elements of the input, each with a subscript of its own along `axis`; its other subscripts are its place.

    input [a..., n, b...]: any element type.
    indices [a'..., i, b'...]: i32 or i64, a' at most a and b' at most b; below 0 they count from the end. One outside of -n to n-1 takes
    the nearest element. output [a'..., i, b'...].

    **ONNX:** GatherElements 11, 13; ScatterElements with more than one update per place.
    """

    input: Value = operand()
    indices: Value = operand()
    axis: int = attribute(default=0)
    output: Value = result()

    def infer(self) -> Type:
        return tensor(self.indices).with_element(tensor(self.input).element)

    def verify(self) -> Iterable[str]:
        source, indices = tensor(self.input), tensor(self.indices)
        if indices.element not in (i32, i64) or indices.rank != source.rank:
            yield f"the indices are {indices}, the input {source}"
        elif not 0 <= self.axis < source.rank:
            yield f"axis {self.axis} is outside of {source}"
        elif any(_is_more(*pair) for i, pair in enumerate(zip(indices.shape, source.shape, strict=True)) if i != self.axis):
            yield f"{indices} reaches over the border of {source}"

    def evaluate(self, input: Array, indices: Array) -> Array:
        rows = input[tuple(slice(None) if axis == self.axis else slice(extent) for axis, extent in enumerate(indices.shape))]
        extent = rows.shape[self.axis]
        return np.take_along_axis(rows, np.clip(np.where(indices < 0, indices + extent, indices), 0, extent - 1), self.axis)


def _is_more(a: int | None, b: int | None) -> bool:
    return a is not None and b is not None and a > b


class Where(Operation, name="graph.where", traits=(Pure, Elementwise)):
    """a where the condition holds, b elsewhere; all three are broadcast to one shape.

    condition [...]: i1. a, b [...]: one element type, any.

    **ONNX:** Where 9, 16.
    """

    condition: Value = operand()
    a: Value = operand()
    b: Value = operand()
    output: Value = result()

    def infer(self) -> Type:
        return from_axes(broadcast([tensor(value) for value in self.operands]), tensor(self.a).element)

    def verify(self) -> Iterable[str]:
        if tensor(self.condition).element != i1:
            yield f"the condition is {self.condition.type}"
        if tensor(self.a).element != tensor(self.b).element:
            yield f"chooses between {self.a.type} and {self.b.type}"
        yield from broadcast_faults([tensor(value) for value in self.operands])

    def evaluate(self, condition: Array, a: Array, b: Array) -> Array:
        return np.where(condition, a, b)
