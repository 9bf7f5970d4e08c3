"""The pass `absorb-scales`: arithmetic with one constant per channel after a layer goes into its weights and bias."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...dialects import graph
from ...dialects.func import Module
from ...dialects.graph.extents import tensor
from ...dialects.ir.attributes import Array
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Operation, Value
from ..manager import Pass, Report
from ..rewrite import constant_of, pattern, rewrite_greedily
from .channels import Affine, absorbed


@dataclass(frozen=True)
class AbsorbScales(Pass, name="absorb-scales", runs_on=("graph",), exact=False):
    """Fold arithmetic with per-channel constants (+ - * /) into the Conv, ConvTranspose or Gemm before it.

    Before: `%1 = graph.conv(%x, %w)`, `%2 = graph.add(%1, %c)` with a constant `c` [K, 1, 1]. After: `%2 = graph.conv(%x, %w, %c)`.

    Needs: constants folded. Leaves: constants that differ along other axes than the channels; layers that are used elsewhere too, because
    they would be computed twice; layers whose weights are no constants, unless there is only something to add.
    """

    def run(self, module: Module, report: Report) -> None:
        rewrite_greedily(module, (constant_into_layer,), report)


@pattern(graph.Add, graph.Sub, graph.Mul, graph.Div)
def constant_into_layer(op: Operation, build: Builder) -> Value | None:
    """layer(x, w, b) * c -> layer(x, w * c, b * c), and so on for + - /"""
    for layer, other, is_left in ((op.operands[0], op.operands[1], True), (op.operands[1], op.operands[0], False)):
        factor = _per_channel(layer, other)
        if factor is None or len(layer.uses) != 1 or tensor(layer).shape != tensor(op.results[0]).shape:
            continue
        after = _affine(op, factor, is_left)
        made = absorbed(layer.owner, after, build) if after is not None else None
        if made is not None:
            return made
    return None


def _per_channel(layer: Value, other: Value) -> Array | None:
    """The constant `other` as one number per channel (or one for all), in f64."""
    elements = constant_of(other)
    rank = tensor(layer).rank
    if elements is None or elements.ndim > rank or not isinstance(layer.owner, Operation) or elements.dtype.kind != "f":
        return None
    shape = (1,) * (rank - elements.ndim) + elements.shape
    if any(extent != 1 for axis, extent in enumerate(shape) if axis != 1):
        return None
    return elements.reshape(-1).astype(np.float64)


def _affine(op: Operation, c: Array, is_left: bool) -> Affine | None:
    """What `op` does to the layer on its left (or right) side."""
    match op:
        case graph.Add():
            return Affine(shift=c)
        case graph.Sub():
            return Affine(shift=-c) if is_left else Affine(scale=np.full(1, -1.0), shift=c)
        case graph.Mul():
            return Affine(scale=c)
        case graph.Div() if is_left and np.all(c != 0):
            return Affine(scale=1 / c)
    return None
