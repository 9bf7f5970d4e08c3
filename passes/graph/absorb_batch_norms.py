"""The pass `absorb-batch-norms`: batch normalisation with constant statistics is a scale and a shift, and those cost nothing in weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...dialects import graph
from ...dialects.func import Module
from ...dialects.graph.extents import tensor
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Value
from ..manager import Pass, Report
from ..rewrite import constant_of, pattern, rewrite_greedily
from .channels import Affine, absorbed, constant, rounded


@dataclass(frozen=True)
class AbsorbBatchNorms(Pass, name="absorb-batch-norms", runs_on=("graph",), exact=False):
    """Fold BatchNormalization with constant parameters into the layer before it, or make it a multiplication and an addition.

    Before: `%1 = graph.conv(%x, %w)`, `%2 = graph.batch_normalization(%1, %scale, %bias, %mean, %variance)`.
    After: `%2 = graph.conv(%x, %scaled, %shift)`, with `scaled = w * scale / sqrt(variance + epsilon)`, computed in f64 and rounded once.

    Needs: constants folded. Leaves: parameters that are no constants; half precision without a layer before it, where two more roundings
    would show; layers that are used elsewhere too keep their weights, and the normalisation becomes a multiplication and an addition.
    """

    def run(self, module: Module, report: Report) -> None:
        rewrite_greedily(module, (batch_norm_into_layer, batch_norm_into_mul_and_add), report)
        for op in module.walk():
            if isinstance(op, graph.BatchNormalization):
                report.remark(op, f"left: {_why_left(op)}")


def _affine(op: graph.BatchNormalization) -> Affine | None:
    given = [constant_of(value) for value in (op.scale, op.bias, op.mean, op.variance)]
    wide = [each.astype(np.float64) for each in given if each is not None]
    if len(wide) < len(given):
        return None
    scale, bias, mean, variance = wide
    with np.errstate(all="ignore"):  # what is not finite is refused later
        factor = scale / np.sqrt(variance + op.epsilon)
        return Affine(factor, bias - mean * factor)


@pattern(graph.BatchNormalization, benefit=2)
def batch_norm_into_layer(op: graph.BatchNormalization, build: Builder) -> Value | None:
    """batch_norm(layer(x, w, b)) -> layer(x, w * scale, b * scale + shift)"""
    after = _affine(op)
    if after is None or len(op.input.uses) != 1:
        return None
    return absorbed(op.input.owner, after, build)


@pattern(graph.BatchNormalization)
def batch_norm_into_mul_and_add(op: graph.BatchNormalization, build: Builder) -> Value | None:
    """batch_norm(x) -> x * scale + shift"""
    after = _affine(op)
    type_ = tensor(op.input)
    if after is None or after.scale is None or after.shift is None or type_.element.dtype.itemsize < 4:
        return None
    by_channel = (-1, *(1,) * (type_.rank - 2))
    scale, shift = rounded(after.scale.reshape(by_channel), op.input), rounded(after.shift.reshape(by_channel), op.input)
    if scale is None or shift is None:
        return None
    scaled = build.add(graph.Mul(op.input, constant(scale, build))).output
    return build.add(graph.Add(scaled, constant(shift, build))).output


def _why_left(op: graph.BatchNormalization) -> str:
    if _affine(op) is None:
        return "its parameters are no constants"
    if tensor(op.input).element.dtype.itemsize < 4:
        return f"in {tensor(op.input).element} two more roundings would show"
    return "its scale or shift is not finite"
