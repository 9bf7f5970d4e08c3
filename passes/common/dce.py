"""The pass `dce`: dead code elimination."""

from __future__ import annotations

from dataclasses import dataclass

from ...dialects.func import Module
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Block, Operation, Value
from ...dialects.tensor import Kernel
from ..manager import Pass, Report
from ..rewrite import is_dead


@dataclass(frozen=True)
class RemoveDead(Pass, name="dce"):
    """Remove pure operations whose results are not used, also inside of regions, and what a kernel takes or gives for nothing.

    Before: `%1, %2 = tensor.kernel(%0, %x) { ... yield %a, %b }` with `%2` unused. After: `%1 = tensor.kernel(%0) { ... yield %a }`.

    Runs on: all stages. Needs: nothing. Leaves: arguments and results of functions, which are the caller's.
    """

    def run(self, module: Module, report: Report) -> None:
        _sweep(module.body, report)


def _sweep(block: Block, report: Report) -> None:
    """Backwards: what an operation uses comes before it, so one sweep is enough."""
    for op in reversed(block):
        if is_dead(op):
            op.erase()
            report.count("removed")
            continue
        if isinstance(op, Kernel):
            op = _without_unused_results(op, report)
        for region in op.regions:
            for inner in region.blocks:
                _sweep(inner, report)
        if isinstance(op, Kernel):
            _drop_unused_inputs(op, report)


def _without_unused_results(op: Kernel, report: Report) -> Kernel:
    kept = [result for result in op.results if result.uses]
    if len(kept) == len(op.results):
        return op
    end = op.body.terminator
    values = [end.operands[result.number] for result in kept]
    end.set_operands(values, (len(values),))
    slim = Kernel.create(op.operands, op.segments, op.attributes, op.regions, [result.type for result in kept], op.location)
    Builder(op).add(slim)
    for old, new in zip(kept, slim.results, strict=True):
        old.replace_by(new)
    report.count("results dropped", len(op.results) - len(kept))
    op.regions = ()
    op.erase()
    assert isinstance(slim, Kernel)
    return slim


def _drop_unused_inputs(op: Kernel, report: Report) -> None:
    unused = [argument.number for argument in op.body.arguments if not argument.uses]
    if not unused:
        return
    kept: list[Value] = [value for i, value in enumerate(op.operands) if i not in unused]
    for number in reversed(unused):
        op.body.erase_argument(number)
    op.set_operands(kept, (len(kept),))
    report.count("inputs dropped", len(unused))


def remove_dead(root: Operation) -> None:
    """Remove dead operations inside of `root`, for passes that leave some behind."""
    for region in root.regions:
        for block in region.blocks:
            _sweep(block, Report())
