"""Shapes as values, and what stands for operators that wait for them.

With every dim bound these are gone after import: extents are numbers, and what is computed from them is constant.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..ir.attributes import Array
from ..ir.definition import attribute, operand, result, results, variadic
from ..ir.operation import Operation, Value
from ..ir.traits import DataMovement, Pure
from ..ir.types import TensorType, Type, i64
from .extents import tensor


class Shape(Operation, name="graph.shape", traits=(Pure, DataMovement)):
    """Extents of the dims `start` to `end` - 1.

    input [...]. output [end - start]: i64.

    **ONNX:** Shape 1, 13, 15, 19, 21, 23, 24, 25.
    """

    input: Value = operand()
    start: int = attribute()
    end: int = attribute()
    output: Value = result()

    def infer(self) -> Type:
        return TensorType((max(self.end - self.start, 0),), i64)

    def evaluate(self, input: Array) -> Array:
        return np.array(input.shape[self.start : self.end], np.int64)


class Size(Operation, name="graph.size", traits=(Pure, DataMovement)):
    """How many elements the input has. output []: i64. **ONNX:** Size, all versions."""

    input: Value = operand()
    output: Value = result()

    def infer(self) -> Type:
        return TensorType((), i64)

    def evaluate(self, input: Array) -> Array:
        return np.array(input.size, np.int64)


class Range(Operation, name="graph.range", traits=(Pure, DataMovement)):
    """Numbers with equal distances: element i is start + i * delta.

    start, delta []: numbers of one type. output [length]. The length is known, so start and delta are constants in practice.

    **ONNX:** Range 11.
    """

    start: Value = operand()
    delta: Value = operand()
    length: int = attribute()
    output: Value = result()

    def infer(self) -> Type:
        return TensorType((self.length,), tensor(self.start).element)

    def evaluate(self, start: Array, delta: Array) -> Array:
        element = tensor(self.start).element.dtype
        return (np.arange(self.length) * delta + start).astype(element)


class Deferred(Operation, name="graph.deferred", traits=(Pure,)):
    """An ONNX node whose meaning hangs on extents or values that are not known at compile time.

    It stands for the node `op_type` in models with free dims, so that everything behind it has a type; importing the model again with
    these dims bound gives the real operations. Cannot be evaluated nor lowered.
    """

    inputs: list[Value] = variadic()
    op_type: str = attribute()
    types: tuple[TensorType, ...] = attribute()
    outputs: list[Value] = results()

    def infer(self) -> Sequence[Type]:
        return self.types
