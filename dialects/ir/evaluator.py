"""Runs a program in NumPy, at any stage, by the reference semantics of each operation. The oracle between our own passes.

Tensors and vectors are arrays, scalars NumPy scalars, buffers (strided, shared) array views that are written in place.
Floating-point faults (overflow, NaN) are silent, as in compiled code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .attributes import Array
from .operation import Block, Operation, Region, Value
from .traits import Terminator

Observer = Callable[[Operation, tuple[Any, ...]], None]


class Frame:
    """The values of one function activation; operations with regions get it to evaluate what is inside."""

    def __init__(self, module: Operation | None, observe: Observer | None = None) -> None:
        self.module = module
        self.observe = observe
        self.values: dict[Value, Any] = {}

    def run(self, region: Region, arguments: Sequence[Any]) -> list[Any]:
        """Evaluate a region on arguments; what its terminator is given."""
        return self.run_block(region.block, arguments)

    def run_block(self, block: Block, arguments: Sequence[Any]) -> list[Any]:
        values = self.values
        values.update(zip(block.arguments, arguments, strict=True))
        for op in block:
            if op.has(Terminator):
                return [values[v] for v in op.operands]
            self.step(op)
        return []

    def step(self, op: Operation) -> None:
        """Evaluate one operation on the values of its operands."""
        values = self.values
        if op.definition.is_segmented or any(s.kind != "operand" for s in op.definition.operands):
            given = [_given(field, values) for field in op.field_operands()]
        else:
            given = [values[v] for v in op.operands]
        outcome = op.execute(self, *given)
        outcomes = tuple(outcome) if isinstance(outcome, tuple | list) else (() if outcome is None else (outcome,))
        if self.observe is not None:
            self.observe(op, outcomes)
        for result, value in zip(op.results, outcomes, strict=True):
            values[result] = value

    def call(self, name: str, arguments: Sequence[Any]) -> list[Any]:
        """Evaluate a function of the module in a frame of its own."""
        return Frame(self.module, self.observe).run(find_symbol(self.module, name).regions[0], arguments)


def _given(field: object, values: dict[Value, Any]) -> Any:
    match field:
        case None:
            return None
        case list():
            return [values[v] for v in field]
        case Value():
            return values[field]
    raise TypeError(field)


def find_symbol(module: Operation | None, name: str) -> Operation:
    """The operation of the module with this `sym_name`. Raises KeyError."""
    if module is not None:
        for op in module.body:
            if op.attributes.get("sym_name") == name:
                return op
    raise KeyError(name)


def evaluate(module: Operation, name: str, arguments: Sequence[Array], observe: Observer | None = None) -> list[Any]:
    """Results of the function `name` of `module` for `arguments`; `observe` sees every operation's results."""
    with np.errstate(all="ignore"):
        return Frame(module, observe).call(name, arguments)
