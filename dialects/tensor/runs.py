"""`tensor.list_runs`: where the active elements of a mask are, as a list that loops can walk."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

import numpy as np

from ..ir.attributes import Array
from ..ir.definition import attribute, operand, result
from ..ir.operation import Operation, Value
from ..ir.traits import Pure
from ..ir.types import TensorType, Type, i32
from .view import tensor_type


class ListRuns(Operation, name="tensor.list_runs", traits=(Pure,)):
    """Runs of `length` neighbours along the last dim that together hold every active element.

    active [..., n]: an element is active where this is not zero; n >= length.
    output [1 + m]: i32. The number of runs, then the row-major number of the first element of each, ascending; what follows is
    unspecified (the evaluator shows -1). In every row a run begins at the first active element that no run holds yet, or so far before
    it that it ends with the row. So where stretches of active elements begin and end at multiples of `length`, runs hold nothing else, and
    no element twice. m: as many runs as there can be.
    """

    active: Value = operand()
    length: int = attribute()
    output: Value = result()

    def infer(self) -> Type:
        *rows, extent = tensor_type(self.active).extents
        return TensorType((1 + prod(rows) * -(-extent // self.length),), i32)

    def verify(self) -> Iterable[str]:
        active = tensor_type(self.active)
        if not active.rank or not 1 <= self.length <= active.extents[-1]:
            yield f"runs of {self.length} elements in rows of {active}"

    def evaluate(self, active: Array) -> Array:
        rows = active.reshape(-1, active.shape[-1]) != 0
        found: list[int] = []
        for number, row in enumerate(rows):
            start = 0
            while row[start:].any():
                first = start + int(np.argmax(row[start:]))
                found.append(number * row.size + min(first, row.size - self.length))
                start = first + self.length
        (extent,) = tensor_type(self.output).extents
        return np.array([len(found), *found] + [-1] * (extent - 1 - len(found)), np.int32)
