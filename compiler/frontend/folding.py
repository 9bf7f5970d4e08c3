"""Constant operations evaluated while the model is read, so that the shapes a file computes become numbers.

In come the operations that a rule inserted; those whose operands are all constants are replaced by what they evaluate to. The
budget is asked before anything is computed: the types say how large a result is, and a file of a hundred bytes may ask for
terabytes. Costly operations on larger constants are left to the passes, which fold them with the whole program in view.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...dialects import graph
from ...dialects.ir.attributes import Array, Dense
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Operation, Value
from ...dialects.ir.traits import DataMovement, Elementwise, Pure
from ...dialects.ir.types import TensorType
from .operators.registry import NodeContext

__all__ = ["Budget", "fold"]

MOST_BYTES = 2**30  # of all constants that are computed in one import
MOST_COSTLY_BYTES = 2**16  # operands and results of an operation that does more than touch each element once


class Budget:
    """How much may still be computed."""

    __slots__ = ("left", "most")

    def __init__(self, most: int = MOST_BYTES) -> None:
        self.most = self.left = most


def fold(context: NodeContext, values: Sequence[Value | None], budget: Budget) -> list[Value | None]:
    """Evaluate what the rule of a node inserted, as far as it is constant; returns `values` with the constants in their places."""
    folded: dict[Value, Value] = {}
    for op in context.builder.inserted:
        for old, new in zip(op.results, _constants(context, op, budget), strict=False):
            old.replace_by(new)
            folded[old] = new
    for op in reversed(context.builder.inserted):
        if any(result in folded for result in op.results):
            op.erase()
    return [folded.get(value, value) if value is not None else None for value in values]


def _constants(context: NodeContext, op: Operation, budget: Budget) -> list[Value]:
    if isinstance(op, graph.Constant) or not op.has(Pure) or not op.results:
        return []
    operands = [value.owner.value.array for value in op.operands if isinstance(value.owner, graph.Constant)]
    types = [result.type for result in op.results if isinstance(result.type, TensorType) and result.type.is_static]
    if len(operands) != len(op.operands) or len(types) != len(op.results) or not _is_worth(op, operands, types):
        return []
    _spend(context, sum(type_.nbytes for type_ in types), budget)
    builder = Builder(op, location=op.location)
    return [builder.add(graph.Constant(value=Dense(array))).output for array in _evaluated(context, op, types)]


def _is_worth(op: Operation, operands: Sequence[Array], types: Sequence[TensorType]) -> bool:
    if op.has(Elementwise) or op.has(DataMovement):
        return True
    return sum(array.nbytes for array in operands) + sum(type_.nbytes for type_ in types) <= MOST_COSTLY_BYTES


def _spend(context: NodeContext, size: int, budget: Budget) -> None:
    if size > budget.left:
        message = f"the constant expression would take {size} bytes, and {budget.left} of {budget.most} are left for such values"
        context.fail(message, "compute the value outside of the model, or make it an input")
    budget.left -= size


def _evaluated(context: NodeContext, op: Operation, types: Sequence[TensorType]) -> list[Array]:
    given: list[object] = [_arrays(field) for field in op.field_operands()]
    try:
        with np.errstate(all="ignore"):
            outcome = op.evaluate(*given)
    except (ValueError, IndexError, OverflowError, ZeroDivisionError) as fault:
        context.fail(f"the constant expression has no value: {fault}")
    arrays = list(outcome) if isinstance(outcome, tuple | list) else [outcome]
    return [np.asarray(array, dtype=type_.element.dtype).reshape(type_.extents) for array, type_ in zip(arrays, types, strict=True)]


def _arrays(operand: object) -> object:
    match operand:
        case list():
            return [_arrays(value) for value in operand]
        case Value(owner=graph.Constant() as constant):
            return constant.value.array
    return None
