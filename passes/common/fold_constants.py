"""The pass `fold-constants`: what can be computed at compile time is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...dialects.func import Module
from ...dialects.ir.attributes import Array, Attribute, Dense, Number
from ...dialects.ir.builder import Builder
from ...dialects.ir.evaluator import Frame
from ...dialects.ir.operation import Operation
from ...dialects.ir.traits import ConstantLike, Pure
from ...dialects.ir.types import TensorType, Type, VectorType, element_of
from ...dialects.tensor import Compute, Masked, View
from ..manager import Pass, Report, option
from ..rewrite import constant_of, materialise, replace_results


@dataclass(frozen=True)
class FoldConstants(Pass, name="fold-constants"):
    """Replace pure operations on constants by their value.

    Before: `%2 = graph.transpose(%1) {perm = [1, 0]}` of a constant `%1`. After: `%2 = graph.constant()`.

    Runs on: all stages. Needs: nothing. Leaves: results above `max_bytes` that are also larger than their operands, because a broadcast
    constant would bloat the object; constants that are spread for a background alone, whose layout that would fix as well; computations
    of more than `max_points` points, because the evaluator is slow. Each is a remark.
    """

    max_bytes: int = option(1 << 20, "largest result that is materialised, unless the operands were larger still")
    max_points: int = option(1 << 26, "largest iteration space that is evaluated")

    def run(self, module: Module, report: Report) -> None:
        for op in list(module.walk()):
            if not op.has(Pure) or op.has(ConstantLike) or not op.operands or not op.results:
                continue
            constants = [constant_of(value) for value in op.operands]
            known = [each for each in constants if each is not None]
            if len(known) < len(constants) or any(_is_open(result.type) for result in op.results):
                continue
            refusal = next(self.refusals(op, known), None)
            if refusal is not None:
                report.remark(op, f"not folded: {refusal}")
            elif _fold(op):
                report.count("folded")

    def refusals(self, op: Operation, constants: list[Array]) -> Iterator[str]:
        """Why `op` is better computed at run time."""
        nbytes = sum(result.type.nbytes for result in op.results if isinstance(result.type, TensorType))
        if nbytes > max(self.max_bytes, sum(each.nbytes for each in constants)):
            yield f"the result takes {nbytes} bytes, more than {self.max_bytes}"
        if isinstance(op, View) and nbytes > constants[0].nbytes and all(isinstance(user, Masked) for user, _ in op.output.uses):
            yield "it spreads a background, which the kernel reads without a copy"
        if isinstance(op, Compute) and math.prod(op.extents) > self.max_points:
            yield f"it takes {math.prod(op.extents)} steps, more than {self.max_points}"


def _is_open(type_: Type) -> bool:
    """Whether the size of such a value is not known, or is not that of an array."""
    return not (type_.is_static if isinstance(type_, TensorType) else isinstance(type_, VectorType) or hasattr(type_, "dtype"))


def _fold(op: Operation) -> bool:
    frame = Frame(None)
    for value in op.operands:
        frame.values[value] = constant_of(value)
    with np.errstate(all="ignore"):
        frame.step(op)
    attributes = [_attribute(frame.values[result], result.type) for result in op.results]
    if len(op.results) != 1 or attributes[0] is None:
        return False
    constant = materialise(op, attributes[0])
    if constant is None:
        return False
    replace_results(op, Builder(op).add(constant).results, "fold-constants")
    op.erase()
    return True


def _attribute(value: Any, type_: Type) -> Attribute:
    """The constant that `value` is; None for vectors with different lanes, which no constant can say."""
    array = np.asarray(value, dtype=element_of(type_).dtype)
    if isinstance(type_, TensorType):
        return Dense(array)
    lanes = array.reshape(-1)
    if any(lane.tobytes() != lanes[0].tobytes() for lane in lanes):
        return None
    return Number(lanes[0].item(), type_)
