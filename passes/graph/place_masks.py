"""Masked regions back into the graph, with the tiles that each of their values needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...dialects import graph
from ...dialects.func import Module
from ...dialects.graph.extents import tensor
from ...dialects.ir.attributes import Dense
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Operation, Value
from ...dialects.ir.traits import ConstantLike, Elementwise, Terminator
from ..analysis.mask_reach import HERE, Reach, masked_reaches
from ..manager import Pass, Report, option
from .inline_masked import inline_masked

ROW_TILE = 4
"""Pixels of a row that one tile of an inner value has: short enough to follow a mask, long enough for a register tile."""


@dataclass(frozen=True)
class PlaceMasks(Pass, name="place-masks", runs_on=("graph",)):
    """Write every masked region out, and say for each value that a window reads which of its tiles are needed.

    Before:
        %y = graph.masked(%x, %m) { %1 = graph.conv(%x) (1x1); %2 = graph.conv(%1) (3x3); yield %2 }
    After:
        %1 = graph.conv(%x); %a = graph.reach_mask(%m) {low = -1, high = 1}; %2 = graph.select_tiles(%1, %a)
        %3 = graph.conv(%2); %b = graph.reach_mask(%m); %y = graph.select_tiles(%3, %b, zeros)

    Needs: static shapes. Masks of channels, and regions that are not predicted to gain, become dense selections, with a remark.
    """

    least_granularity: int = option(2, "smallest tiles of a spatial mask that are worth a branch")

    def run(self, module: Module, report: Report) -> None:
        for op in [op for op in module.walk() if isinstance(op, graph.Masked)]:
            refusal = self.refusal(op)
            if refusal:
                report.remark(op, f"stays dense: {refusal}")
                inline_masked(op)
            else:
                _Placement(op).run()
                report.remark(op, f"skips what its {op.kind} mask does not choose, in tiles of {op.granularity} pixels squared")
                report.count("masked regions")

    def refusal(self, op: graph.Masked) -> str:
        """Why nothing is skipped; empty if something is."""
        out = tensor(op.output)
        if not out.is_static or not tensor(op.mask).is_static:
            return "its extents are not known"
        if op.kind == "channel" or op.mask_groups > 1:
            return "channels are not skipped yet"
        if op.kind == "spatial" and op.granularity < self.least_granularity:
            return f"tiles of {op.granularity} x {op.granularity} pixels cost more than they save"
        return ""


class _Placement:
    """One region on its way back into the graph."""

    def __init__(self, op: graph.Masked) -> None:
        self.op = op
        self.build = Builder(op)
        self.reaches = masked_reaches(op) if op.kind == "spatial" else {}
        self.mapping: dict[Value, Value] = dict(zip(op.body.arguments, op.inputs, strict=True))

    def run(self) -> None:
        op = self.op
        for inner in op.body:
            if inner.has(Terminator):
                break
            self.build.add(inner.clone(self.mapping))
            if self.is_read_by_windows(inner):
                made = self.mapping[inner.results[0]]
                self.mapping[inner.results[0]] = self.select(made, self.reaches.get(inner, HERE), None)
        (yielded,) = op.body.terminator.operands
        op.output.replace_by(self.select(self.mapping[yielded], HERE, self.background()))
        op.erase()

    def is_read_by_windows(self, inner: Operation) -> bool:
        """Whether leaving tiles of the result out saves work, and its readers do not follow in the same loops anyway."""
        if inner.has(ConstantLike) or tensor(inner.results[0]).rank != 4:
            return False
        return any(not user.has(Elementwise) and not user.has(Terminator) for user in inner.results[0].users)

    def select(self, value: Value, reach: Reach, background: Value | None) -> Value:
        """`value` where the mask needs it."""
        N, K, H, W = tensor(value).extents
        batch = N // tensor(self.op.mask).extents[0]
        if self.op.kind == "layer":
            return self.build.add(graph.SelectTiles(value, self.op.mask, background, unit=(batch, K, H, W))).output
        S = self.op.granularity
        unit = (S, S) if reach == HERE else (1, min(ROW_TILE, W))
        active = self.build.add(
            graph.ReachMask(self.op.mask, extents=(H, W), unit=unit, scale=reach.scale, low=reach.low, high=reach.high)
        ).output
        return self.build.add(graph.SelectTiles(value, active, background, unit=(batch, K, *unit))).output

    def background(self) -> Value:
        """What stands outside, in the shape of the output."""
        out = tensor(self.op.output)
        source = self.op.background
        if source is None:
            source = self.build.add(graph.Constant(value=Dense(np.zeros((), out.element.dtype)))).output
        return source if source.type == out else self.build.add(graph.Expand(source, shape=out.extents)).output
