"""Operators that pick elements by position: NonZero, Compress, GatherND, ScatterND.

How many NonZero and Compress pick is known at run time only, so their results have an unknown extent. Compiled code has static shapes:
the pass `spread-selections` turns computations on what was picked into computations on everything, of which some is taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np

from ..ir.attributes import Array
from ..ir.definition import attribute, operand, result
from ..ir.operation import Operation, Value
from ..ir.traits import DataMovement, Pure
from ..ir.types import TensorType, Type, i1, i32, i64
from .extents import UNKNOWN, axes, from_axes, tensor


class NonZero(Operation, name="graph.nonzero", traits=(Pure, DataMovement)):
    """Where the elements are that are not zero, in row-major order.

    input [...] of rank r: any element type. output [r, ?]: i64, column i holds the subscripts of the i-th such element.

    **ONNX:** NonZero 9, 13.
    """

    input: Value = operand()
    output: Value = result()

    def infer(self) -> Type:
        return TensorType((tensor(self.input).rank, None), i64)

    def evaluate(self, input: Array) -> Array:
        return np.array(np.nonzero(input), np.int64).reshape(input.ndim, -1)


class Compress(Operation, name="graph.compress", traits=(Pure, DataMovement)):
    """The slices along `axis` whose condition holds, in order.

    input [..., n, ...]: any element type. condition [m]: i1, m at most n; slices from m on are not taken.
    output [..., ?, ...].

    **ONNX:** Compress 9, 11; without an axis the input is flattened at import.
    """

    input: Value = operand()
    condition: Value = operand()
    axis: int = attribute()
    output: Value = result()

    def infer(self) -> Type:
        parts = axes(tensor(self.input))
        parts[self.axis] = UNKNOWN
        return from_axes(parts, tensor(self.input).element)

    def verify(self) -> Iterable[str]:
        condition = tensor(self.condition)
        if condition.element != i1 or condition.rank != 1:
            yield f"the condition is {condition}"
        if not 0 <= self.axis < tensor(self.input).rank:
            yield f"axis {self.axis} is outside of {self.input.type}"

    def evaluate(self, input: Array, condition: Array) -> Array:
        return np.compress(condition, input, axis=self.axis)


class GatherND(Operation, name="graph.gather_nd", traits=(Pure, DataMovement)):
    """Slices of the input at subscripts of its first dims after `batch_dims` common ones.

    input [b..., s..., t...]: any element type.
    indices [b..., i..., k]: i32 or i64, k subscripts of the s; below 0 they count from the end. One outside takes the nearest element.
    output [b..., i..., t...].

    **ONNX:** GatherND 11, 12, 13.
    """

    input: Value = operand()
    indices: Value = operand()
    batch_dims: int = attribute(default=0)
    output: Value = result()

    @property
    def depth(self) -> int:
        """k, how many dims a row of the indices subscripts. Raises ValueError where it is unknown."""
        (depth,) = TensorType(tensor(self.indices).shape[-1:], i64).extents
        return depth

    def infer(self) -> Type:
        source, places = axes(tensor(self.input)), axes(tensor(self.indices))
        return from_axes([*places[:-1], *source[self.batch_dims + self.depth :]], tensor(self.input).element)

    def verify(self) -> Iterable[str]:
        source, indices = tensor(self.input), tensor(self.indices)
        if indices.element not in (i32, i64) or not 0 <= self.batch_dims < max(indices.rank, 1):
            yield f"the indices are {indices}, with {self.batch_dims} batch dims"
        elif self.batch_dims + self.depth > source.rank:
            yield f"{self.depth} subscripts after {self.batch_dims} batch dims of {source}"

    def evaluate(self, input: Array, indices: Array) -> Array:
        batch = indices.shape[: self.batch_dims]
        lead = [g.reshape(g.shape + (1,) * (indices.ndim - 1 - len(batch))) for g in np.indices(batch)]
        return np.asarray(input[(*lead, *_clamped(indices, input.shape[self.batch_dims :]))])


class ScatterND(Operation, name="graph.scatter_nd", traits=(Pure, DataMovement)):
    """The input with slices replaced; where a place is named twice, the last one stays.

    input [s..., t...]: any element type. indices [i..., k]: i32 or i64, k subscripts of the s; below 0 they count from the end. One
    outside takes the nearest element. updates [i..., t...]. output: of the input's type. With a `reduction` every update is combined with
    what stands there instead.

    **ONNX:** ScatterND 11, 13, 16, 18; ScatterElements at places that are the same for all columns.
    """

    input: Value = operand()
    indices: Value = operand()
    updates: Value = operand()
    reduction: Literal["none", "add", "mul", "max", "min"] = attribute(default="none")
    output: Value = result()

    def infer(self) -> Type:
        return tensor(self.input)

    def verify(self) -> Iterable[str]:
        source, indices, updates = (tensor(value) for value in self.operands)
        if indices.element not in (i32, i64) or not indices.rank:
            yield f"the indices are {indices}"
        if updates.element != source.element:
            yield f"the updates are {updates}, the input {source}"

    def evaluate(self, input: Array, indices: Array, updates: Array) -> Array:
        out = input.copy()
        places = indices.reshape(-1, indices.shape[-1])
        where, slices = _clamped(places, input.shape), updates.reshape(places.shape[0], *input.shape[indices.shape[-1] :])
        if self.reduction == "none":
            out[where] = slices
        else:
            COMBINED[self.reduction].at(out, where, slices)
        return out


COMBINED: dict[str, np.ufunc] = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}


def _clamped(indices: Array, extents: tuple[int, ...]) -> tuple[Array, ...]:
    """One array of subscripts per dim of `extents` that the last dim of `indices` speaks of."""
    columns = np.moveaxis(indices, -1, 0)
    return tuple(np.clip(np.where(s < 0, s + n, s), 0, n - 1) for s, n in zip(columns, extents, strict=False))
