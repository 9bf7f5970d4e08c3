"""The pass `inline-masked`: masked regions back to dense form, for targets and decisions that skip nothing, and as the reference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...dialects import graph
from ...dialects.func import Module
from ...dialects.graph.elementwise import Unary
from ...dialects.graph.extents import tensor
from ...dialects.graph.masked import inlined
from ...dialects.ir.attributes import Dense
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Operation, Value
from ...dialects.ir.types import i1
from ..manager import Pass, Report
from ..rewrite import constant_of, rebuilt


@dataclass(frozen=True)
class InlineMasked(Pass, name="inline-masked", runs_on=("graph",)):
    """Compute every masked region everywhere, and choose.

    Before: `%y = graph.masked(%x, %m, %b) { %1 = graph.conv(...) yield %1 }`. After: `%1 = graph.conv(%x)`, `%y = graph.where(%m, %1, %b)`.
    An activation on both sides is computed behind the choice.

    Runs on: graph. Needs: static shapes where there are mask groups. Leaves: nothing.
    """

    def run(self, module: Module, report: Report) -> None:
        for op in [op for op in module.walk() if isinstance(op, graph.Masked)]:
            inline_masked(op)
            report.count("inlined")


def inline_masked(op: graph.Masked) -> None:
    """Exchange a region for what it computes, everywhere, and a choice."""
    build = Builder(op)
    made = inlined(op, build)
    op.output.replace_by(_choice(_condition(op, build), made, _background(op, build), build))
    op.erase()


def _choice(condition: Value, made: Value, background: Value, build: Builder) -> Value:
    """`made` or the background; an activation that both have is computed once, behind the choice, if nobody else reads the background."""
    op, other = made.owner, background.owner
    is_alone = len(background.uses) == 1
    if is_alone and isinstance(op, Unary | graph.Clip) and isinstance(other, Operation) and _are_alike(op, other):
        inner = _choice(condition, op.operands[0], other.operands[0], build)
        return build.add(rebuilt(op, [inner, *op.operands[1:]])).results[0]
    return build.add(graph.Where(condition, made, background)).output


def _are_alike(op: Operation, other: Operation) -> bool:
    """Whether two operations are the same function of their first operands."""
    if type(op) is not type(other) or op.attributes != other.attributes or op.segments != other.segments:
        return False
    return all(_are_equal(a, b) for a, b in zip(op.operands[1:], other.operands[1:], strict=True))


def _are_equal(a: Value, b: Value) -> bool:
    elements, others = constant_of(a), constant_of(b)
    return a is b or (elements is not None and others is not None and np.array_equal(elements, others))


def _background(op: graph.Masked, build: Builder) -> Value:
    zero = np.zeros((), tensor(op.output).element.dtype)
    return op.background if op.background is not None else build.add(graph.Constant(value=Dense(zero))).output


def _condition(op: graph.Masked, build: Builder) -> Value:
    """The mask as truth values that broadcast to the output."""
    mask = op.mask if tensor(op.mask).element == i1 else build.add(graph.Cast(op.mask, to=i1)).output
    groups, channels = tensor(mask).shape[1], tensor(op.output).shape[1]
    if groups in (1, channels):
        return mask
    N, g, H, W = tensor(mask).extents
    K = tensor(op.output).extents[1]
    wide = build.add(graph.Expand(build.add(graph.Reshape(mask, shape=(N, g, 1, H, W))).output, shape=(K // g, 1, 1))).output
    return build.add(graph.Reshape(wide, shape=(N, K, H, W))).output
