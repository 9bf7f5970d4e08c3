"""Make kernels of what bufferization has no place for, so that everything left outside of kernels costs nothing."""

from __future__ import annotations

from dataclasses import dataclass

from ...dialects.func import Function, Module
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Operation, Value
from ...dialects.tensor import View
from ...dialects.tensor.view import tensor_type
from ..manager import Pass, Report
from .bufferize import Refusal, bufferize
from .copies import copy_kernel, wrap


@dataclass(frozen=True)
class MaterializeCopies(Pass, name="materialize-copies", runs_on=("tensor",)):
    """Wrap views that are not strided, computations outside of kernels, and copies into kernels of their own.

    A copy is needed where one value must lie in two places (returned twice, two concatenations), where a value that has a place must lie
    elsewhere (an input, a constant or a view of one that is returned), and where a layout differs.

    Before: `return %input, %input`. After: `return %0, %1` with `%0 = kernel(%input)`, `%1 = kernel(%input)`, which copy.

    Runs on: `main` at the tensor stage, after fusion and layout; schedules are chosen afterwards, so that the copies get theirs.
    Leaves alone: views that are another look at their source's memory, concatenations whose inputs are written in place.
    """

    def run(self, module: Module, report: Report) -> None:
        materialize(module.function("main"), report)


def materialize(function: Function, report: Report) -> None:
    """Make kernels until bufferization refuses nothing; each round settles refusals for good.

    What has no place at all goes first: the kernel that it becomes may write where a copy of it would have been needed.
    """
    while refusals := bufferize(function).refusals:
        wrapped = [refusal for refusal in refusals if refusal.operand is None]
        for refusal in wrapped or refusals:
            report.remark(refusal.op, _text(refusal))
            report.count("copied" if refusal.operand is not None else "wrapped")
            _settle(refusal)
    function.refresh_type()


def _text(refusal: Refusal) -> str:
    if refusal.operand is None:
        return f"becomes a kernel, because {refusal.reason}"
    return f"operand {refusal.operand} is copied, because {refusal.reason}"


def _settle(refusal: Refusal) -> None:
    op, number = refusal.op, refusal.operand
    if number is None:
        _wrap(op)
        return
    value = op.operands[number]
    wanted = tensor_type(op.results[0]).order if op.results else ()
    location = value.owner.location if isinstance(value.owner, Operation) else op.location
    op.set_operand(number, copy_kernel(Builder(before=op, location=location), value, wanted))


def _wrap(op: Operation) -> None:
    if isinstance(op, View):
        _replace(op, copy_kernel(Builder(before=op), op.output, tensor_type(op.output).order))
        return
    wrap(op)


def _replace(op: View, value: Value) -> None:
    op.output.replace_by(value)
    op.erase()
