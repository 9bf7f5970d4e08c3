"""The pass `absorb-pads`: padding before a windowed operator becomes the operator's own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...dialects import graph
from ...dialects.func import Module
from ...dialects.graph.extents import tensor
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Value
from ..manager import Pass, Report
from ..rewrite import pattern, rebuilt, rewrite_greedily


@dataclass(frozen=True)
class AbsorbPads(Pass, name="absorb-pads", runs_on=("graph",)):
    """Add constant padding of spatial axes to the pads of the convolution or pooling that reads it.

    Before: `%1 = graph.pad(%x) {pads = [0, 0, 1, 1, 0, 0, 1, 1], value = 0.0}`, `%2 = graph.conv(%1, %w) {pads = [0, 0, 0, 0]}`.
    After: `%2 = graph.conv(%x, %w) {pads = [1, 1, 1, 1]}`.

    Leaves: padding with other values than the operator's own (0, for MaxPool the lowest), of batch or channels, negative padding, other
    modes; average pooling that pads itself without counting that; pooling in `ceil_mode`, whose last window looks at the pads.
    """

    def run(self, module: Module, report: Report) -> None:
        rewrite_greedily(module, (pad_into_window,), report)


@pattern(graph.Conv, graph.AveragePool, graph.MaxPool, graph.LpPool)
def pad_into_window(op: graph.Conv | graph.AveragePool | graph.MaxPool | graph.LpPool, build: Builder) -> Value | None:
    """window(pad(x)) -> window(x) with larger pads"""
    pad = op.input.owner
    if not isinstance(pad, graph.Pad) or not _is_spatial(pad) or not _adds_nothing(op, pad):
        return None
    inner = (*pad.begins[2:], *pad.ends[2:])
    pads = tuple(own + more for own, more in zip(op.pads, inner, strict=True))
    operands = [pad.input, *op.operands[1:]]
    if isinstance(op, graph.AveragePool):
        return build.add(rebuilt(op, operands, pads=pads, count_include_pad=True)).results[0]
    return build.add(rebuilt(op, operands, pads=pads)).results[0]


def _is_spatial(pad: graph.Pad) -> bool:
    return pad.mode == "constant" and min(pad.pads) >= 0 and not any((*pad.begins[:2], *pad.ends[:2]))


def _adds_nothing(op: graph.Conv | graph.AveragePool | graph.MaxPool | graph.LpPool, pad: graph.Pad) -> bool:
    """Whether the operator's own padding means the same as that before it."""
    if pad.value is None or (not isinstance(op, graph.Conv) and op.ceil_mode):
        return False
    value = pad.value.scalar()
    match op:
        case graph.MaxPool():
            dtype = tensor(op.input).element.dtype
            return bool(value == (-np.inf if dtype.kind not in "iu" else np.iinfo(dtype.name).min))
        case graph.AveragePool():
            return bool(value == 0) and (op.count_include_pad or not any(op.pads))
    return bool(value == 0)
