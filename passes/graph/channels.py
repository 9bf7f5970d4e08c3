"""Layers that multiply their output channel by channel: a scale and a shift after them go into weights and bias.

Everything is computed in f64 and rounded once, to the element type of the weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...dialects import graph
from ...dialects.graph.extents import tensor
from ...dialects.ir.attributes import Array, Dense
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Value
from ...dialects.ir.types import FloatType
from ..rewrite import constant_of


@dataclass(frozen=True, slots=True)
class Affine:
    """y = x * scale + shift for every channel, in f64; a scale of None is one, a shift of None is nothing."""

    scale: Array | None = None
    shift: Array | None = None


def absorbed(producer: object, after: Affine, build: Builder) -> Value | None:
    """A layer that does what `producer` does with `after` behind it; None where it cannot."""
    match producer:
        case graph.Conv() | graph.ConvTranspose():
            return _convolution(producer, after, build)
        case graph.Gemm():
            return _gemm(producer, after, build)
    return None


def rounded(values: Array, like: Value) -> Array | None:
    """`values` in the element type of `like`; None where they are not finite there, which would hide a fault of the model."""
    narrow = values.astype(tensor(like).element.dtype)
    return narrow if np.isfinite(narrow.astype(np.float64)).all() else None


def constant(elements: Array, build: Builder) -> Value:
    """A constant of these elements."""
    return build.add(graph.Constant(value=Dense(elements))).output


def _convolution(op: graph.Conv | graph.ConvTranspose, after: Affine, build: Builder) -> Value | None:
    channels = op.output_channels()
    bias = _new_bias(op.bias, 1.0, channels, after, op.weights)
    weights = _new_weights(op, after, channels)
    if bias is None or weights is None:
        return None
    operands = [op.input, op.weights if after.scale is None else constant(weights, build), constant(bias, build)]
    return build.add(type(op).create(operands, (1, 1, 1), op.attributes, (), [op.output.type])).results[0]


def _gemm(op: graph.Gemm, after: Affine, build: Builder) -> Value | None:
    columns = tensor(op.output).shape[1]
    if columns is None or not isinstance(tensor(op.a).element, FloatType):
        return None
    bias = _new_bias(op.c, op.beta, columns, after, op.b)
    weights = _new_weights(op, after, columns)
    if bias is None or weights is None:
        return None
    b = op.b if after.scale is None else constant(weights, build)
    new = graph.Gemm(op.a, b, constant(bias, build), alpha=op.alpha, transpose_a=op.transpose_a, transpose_b=op.transpose_b)
    return build.add(new).output


def _new_bias(bias: Value | None, factor: float, channels: int, after: Affine, like: Value) -> Array | None:
    """One number per channel: `bias` times `factor`, then `after`. None where it is no constant, or not one per channel."""
    old = np.zeros(1) if bias is None else constant_of(bias)
    if old is None or old.size not in (1, channels) or (old.size > 1 and old.shape[-1] != channels):
        return None
    wide = old.reshape(-1).astype(np.float64) * factor
    wide = wide if after.scale is None else wide * after.scale
    wide = wide if after.shift is None else wide + after.shift
    return rounded(np.broadcast_to(wide, channels), like)


def _new_weights(op: graph.Conv | graph.ConvTranspose | graph.Gemm, after: Affine, channels: int) -> Array | None:
    """The weights with each output channel scaled; any array where there is nothing to scale."""
    if after.scale is None:
        return np.zeros(0)
    value = op.b if isinstance(op, graph.Gemm) else op.weights
    weights = constant_of(value)
    if weights is None:
        return None
    wide = weights.astype(np.float64)
    scale = np.broadcast_to(after.scale, channels)
    match op:
        case graph.Gemm():
            return rounded(wide * (scale[:, None] if op.transpose_b else scale), value)
        case graph.Conv():  # [K, C / groups, window...]
            return rounded(wide * scale.reshape(-1, *(1,) * (wide.ndim - 1)), value)
    # [C, K / groups, window...]: the channels of a group are those of its rows
    by_group = wide.reshape(op.groups, wide.shape[0] // op.groups, *wide.shape[1:])
    return rounded((by_group * scale.reshape(op.groups, 1, -1, *(1,) * (wide.ndim - 2))).reshape(wide.shape), value)
