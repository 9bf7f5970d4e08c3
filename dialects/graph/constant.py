"""Tensors known at compile time: weights and what was computed from them."""

from __future__ import annotations

from ..ir.attributes import Array, Dense
from ..ir.definition import attribute, result
from ..ir.operation import Operation, Value
from ..ir.traits import ConstantLike, Pure
from ..ir.types import Type


class Constant(Operation, name="graph.constant", traits=(Pure, ConstantLike)):
    """A tensor known at compile time.

    output [...]: the elements of `value`.

    **ONNX:** Constant, all versions; initialisers.
    """

    value: Dense = attribute()
    output: Value = result()

    def infer(self) -> Type:
        return self.value.type

    def evaluate(self) -> Array:
        return self.value.array
