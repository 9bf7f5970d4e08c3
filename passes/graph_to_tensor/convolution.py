"""Convolutions as reductions: over channels and the window, on a padded view of the input.

Iteration dims come in the order (n, k, output..., | c, window...), with (g, k of the group) in place of k where there are groups.
Depthwise convolutions have no dim for groups and none for channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...dialects import graph
from ...dialects.graph.convolution import Convolution
from ...dialects.ir.affine import Affine, constant, d
from ...dialects.ir.attributes import Number
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Value
from ..conversion import lowering
from .computation import array, compute, extents_of, narrowed, pad, read, reduce
from .maps import tensor_type, view
from .scalars import Scalar, multiply_add


@lowering(graph.Conv)
def lower_conv(op: graph.Conv, build: Builder) -> Value:
    """out[n, k, o] = sum over c, r of x[n, c, o * stride + r * dilation] * w[k, c, r], then + bias[k]."""
    rank, out = len(op.strides), extents_of(op.output)
    source = pad(build, op.input, op.pads[:rank], op.pads[rank:])
    K, depth = extents_of(op.weights)[:2]
    k_extents, k, channel, reduced = _channels(op.groups, K, depth)
    parallel = (out[0], *k_extents, *out[2:])
    extents = (*parallel, *reduced, *op.kernel)
    c = d(len(parallel)) if reduced else constant(0)
    o, r = _dims(1 + len(k_extents), rank), _dims(len(parallel) + len(reduced), rank)
    places = [o[i] * op.strides[i] + r[i] * op.dilations[i] for i in range(rank)]
    reads = [read(source, d(0), channel + c, *places), read(op.weights, k, c, *r)]
    total = reduce(build, reads, extents, len(parallel), _multiply_accumulate)
    return _merged(op, build, _with_bias(op, build, total, k), k_extents)


def _channels(groups: int, K: int, depth: int) -> tuple[tuple[int, ...], Affine, Affine, tuple[int, ...]]:
    """Extents of the dims that make up k, k itself, the first input channel that it reads, the extent of the channels' dim (or none)."""
    per_group = K // groups
    if groups == 1:
        return (K,), d(1), constant(0), (depth,)
    if depth == 1:
        return (K,), d(1), d(1) // per_group, ()
    return (groups, per_group), d(1) * per_group + d(2), d(1) * depth, (depth,)


def _dims(first: int, count: int) -> list[Affine]:
    return [d(first + i) for i in range(count)]


def _with_bias(op: Convolution, build: Builder, total: Value, k: Affine) -> Value:
    """The sum plus the bias, rounded to the element type of the result."""
    element = tensor_type(op.input).element
    if op.bias is None:
        return narrowed(build, total, element)
    extents = extents_of(total)
    reads = [read(total, *_dims(0, len(extents))), read(op.bias, k)]
    return compute(build, reads, extents, lambda x, bias: x + bias, element)


def _merged(op: graph.Conv, build: Builder, total: Value, k_extents: Sequence[int]) -> Value:
    """(n, g, k of the group, o...) as (n, k, o...)."""
    if len(k_extents) == 1:
        return total
    out = extents_of(op.output)
    per_group = k_extents[1]
    return view(build, total, out, [d(0), d(1) // per_group, d(1) % per_group, *_dims(2, len(out) - 2)])


@dataclass(frozen=True, slots=True)
class Phases:
    """One spatial axis of a transposed convolution, taken apart by phases.

    Output o (counted with the padding that is cut off) is `stride * q + p`. The taps that meet it are r with r * dilation = stride * t + p,
    each reading the input at q - t. q runs over `quotients` numbers from `first` on, p over `stride`, t over `taps`.
    """

    stride: int
    dilation: int
    window: int
    begin: int
    out: int

    @property
    def taps(self) -> int:
        return -(-((self.window - 1) * self.dilation + 1) // self.stride)

    @property
    def first(self) -> int:
        return self.begin // self.stride

    @property
    def quotients(self) -> int:
        return (self.out - 1 + self.begin) // self.stride + 1 - self.first

    def tap(self, t: Affine, p: Affine) -> Affine:
        """Subscript into the window, outside of it where no tap meets this phase."""
        place = t * self.stride + p
        return place // self.dilation + place % self.dilation * self.window


@lowering(graph.ConvTranspose)
def lower_conv_transpose(op: graph.ConvTranspose, build: Builder) -> Value:
    """A convolution for each phase of the output, all in one computation over weights rearranged by phase; then the phases interleave."""
    rank, out = len(op.strides), extents_of(op.output)
    window = zip(op.strides, op.dilations, op.kernel, op.pads[:rank], out[2:], strict=True)
    axes = [Phases(*each) for each in window]
    if 0 in out:
        return array(build, np.zeros(out), tensor_type(op.output).element)
    total = _by_phase(op, build, axes)
    per_group = out[1] // op.groups
    places = [d(2 + i) + axis.begin - axis.first * axis.stride for i, axis in enumerate(axes)]
    quotients = [place // axis.stride for place, axis in zip(places, axes, strict=True)]
    phases = [place % axis.stride for place, axis in zip(places, axes, strict=True)]
    return view(build, total, out, [d(0), d(1) // per_group, d(1) % per_group, *quotients, *phases])


def _by_phase(op: graph.ConvTranspose, build: Builder, axes: Sequence[Phases]) -> Value:
    """Dims (n, g, k of the group, q..., p... | c, t...)."""
    rank, G = len(axes), op.groups
    N, C = extents_of(op.input)[:2]
    per_group = extents_of(op.weights)[1]
    weights = _weights_by_phase(op, build, axes)
    before = [axis.taps - 1 - axis.first for axis in axes]
    after = [axis.first + axis.quotients - n for axis, n in zip(axes, extents_of(op.input)[2:], strict=True)]
    source = pad(build, op.input, before, after)
    parallel = (N, G, per_group, *(axis.quotients for axis in axes), *(axis.stride for axis in axes))
    extents = (*parallel, C // G, *(axis.taps for axis in axes))
    q, p = _dims(3, rank), _dims(3 + rank, rank)
    c, t = d(len(parallel)), _dims(len(parallel) + 1, rank)
    channel = d(1) * (C // G) + c
    places = [q[i] - t[i] + (axes[i].taps - 1) for i in range(rank)]
    reads = [read(source, d(0), channel, *places), read(weights, channel, d(2), *t, *p)]
    total = reduce(build, reads, extents, len(parallel), _multiply_accumulate)
    return _with_bias(op, build, total, d(1) * per_group + d(2))


def _multiply_accumulate(acc: Scalar, x: Scalar, w: Scalar) -> Scalar:
    return multiply_add(x, w, acc)


def _weights_by_phase(op: graph.ConvTranspose, build: Builder, axes: Sequence[Phases]) -> Value:
    """The weights as [C, K / groups, t..., p...], zero where no tap meets the phase; computed at compile time when they are constant."""
    rank = len(axes)
    C, K = extents_of(op.weights)[:2]
    extents = (C, K, *(axis.taps for axis in axes), *(axis.stride for axis in axes))
    window = [axis.tap(d(2 + i), d(2 + rank + i)) for i, axis in enumerate(axes)]
    return view(build, op.weights, extents, [d(0), d(1), *window], Number(0.0, tensor_type(op.weights).element))
