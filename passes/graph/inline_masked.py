"""The pass `inline-masked`: masked regions back to dense form, for targets and decisions that skip nothing, and as the reference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...dialects import graph
from ...dialects.func import Module
from ...dialects.graph.extents import tensor
from ...dialects.graph.masked import inlined
from ...dialects.ir.attributes import Dense
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Value
from ...dialects.ir.types import i1
from ..manager import Pass, Report


@dataclass(frozen=True)
class InlineMasked(Pass, name="inline-masked", runs_on=("graph",)):
    """Compute every masked region everywhere, and choose.

    Before: `%y = graph.masked(%x, %m, %b) { %1 = graph.conv(...) yield %1 }`. After: `%1 = graph.conv(%x)`, `%y = graph.where(%m, %1, %b)`.

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
    op.output.replace_by(build.add(graph.Where(_condition(op, build), made, _background(op, build))).output)
    op.erase()


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
