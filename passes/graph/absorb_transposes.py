"""The pass `absorb-transposes`: transposes move towards the results until they meet their inverse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...dialects import graph
from ...dialects.func import Module
from ...dialects.graph.extents import tensor
from ...dialects.ir.attributes import Dense
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Operation, Value
from ...dialects.ir.traits import Elementwise
from ..manager import Pass, Report
from ..rewrite import Pattern, constant_of, rebuilt, rewrite_greedily

TO_CHANNELS_LAST = (0, 2, 3, 1)


@dataclass(frozen=True)
class AbsorbTransposes(Pass, name="absorb-transposes", runs_on=("graph",), exact=False):
    """Move transposes behind elementwise operators, concatenations and products of channels, and merge those that meet.

    Before: `%1 = graph.transpose(%0)`, `%2 = graph.relu(%1)`, `%3 = graph.transpose(%2)`. After: `%3 = graph.relu(%0)`, if the second
    transpose undoes the first, as it does around every layer of a model that was exported from channels-last. A product of the channels
    of every pixel with a constant becomes the convolution that it is, which masks reach through.

    Leaves: transposes that are used more than once, because their copies would be computed each; operands that are neither constants nor
    transposed alike, nor the same in either order because of extents of 1.
    """

    def run(self, module: Module, report: Report) -> None:
        elementwise = tuple(dict.fromkeys(type(op) for op in module.walk() if op.has(Elementwise) and op.name.startswith("graph.")))
        patterns = (
            Pattern(elementwise, transposes_behind_elementwise),
            Pattern((graph.Concat,), transposes_behind_concat),
            Pattern((graph.MatMul,), transposes_behind_product),
        )
        rewrite_greedily(module, patterns, report, canonicalize=True)


def transposes_behind_elementwise(op: Operation, build: Builder) -> Value | None:
    """f(transpose(x), c) -> transpose(f(x, c transposed back))"""
    perm = _common_perm(op.operands)
    if perm is None or tensor(op.results[0]).rank != len(perm):
        return None
    sources = [_before(value, perm) for value in op.operands]
    if None in sources:
        return None
    operands: list[Value] = []
    for value, source in zip(op.operands, sources, strict=True):
        match source:
            case Value():
                operands.append(source)
            case Dense():
                operands.append(build.add(graph.Constant(value=source)).output)
            case tuple():
                operands.append(build.add(graph.Reshape(value, shape=source)).output)
    return build.add(graph.Transpose(build.add(rebuilt(op, operands)).results[0], perm=perm)).output


def transposes_behind_concat(op: graph.Concat, build: Builder) -> Value | None:
    """concat(transpose(x), transpose(y)) -> transpose(concat(x, y))"""
    perm = _common_perm(op.inputs)
    transposes = [value.owner for value in op.inputs if isinstance(value.owner, graph.Transpose)]
    if perm is None or len(transposes) < len(op.inputs):
        return None
    joined = build.add(graph.Concat([transpose.input for transpose in transposes], axis=perm[op.axis])).output
    return build.add(graph.Transpose(joined, perm=perm)).output


def transposes_behind_product(op: graph.MatMul, build: Builder) -> Value | None:
    """matmul(transpose(x) as N x H x W x C, c) -> transpose(conv(x, c transposed)) with a window of one pixel"""
    weights = constant_of(op.b)
    if weights is None or weights.ndim != 2 or weights.dtype.kind != "f" or _common_perm([op.a]) != TO_CHANNELS_LAST:
        return None
    source = _before(op.a, TO_CHANNELS_LAST)
    assert isinstance(source, Value)
    filters = build.add(graph.Constant(value=Dense(np.ascontiguousarray(weights.T)[:, :, None, None]))).output
    product = build.add(graph.Conv(source, filters, None, strides=(1, 1), dilations=(1, 1), pads=(0, 0, 0, 0))).output
    return build.add(graph.Transpose(product, perm=TO_CHANNELS_LAST)).output


def _common_perm(values: Sequence[Value]) -> tuple[int, ...] | None:
    """The order of all transposes among what makes `values`, if there is one, and nobody else uses them."""
    transposes = [value.owner for value in values if isinstance(value.owner, graph.Transpose)]
    perms = dict.fromkeys(transpose.perm for transpose in transposes)
    users = dict.fromkeys(user for transpose in transposes for user in transpose.output.users)
    return next(iter(perms)) if len(perms) == 1 and len(users) == 1 else None


def _before(value: Value, perm: tuple[int, ...]) -> Value | Dense | tuple[int, ...] | None:
    """What gives `value` when it is transposed by `perm`: another value, a constant, or the extents under which `value` itself does,
    because only extents of 1 change places. None where that would take another transpose."""
    if isinstance(value.owner, graph.Transpose):
        return value.owner.input
    type_ = tensor(value)
    if type_.rank == 0:
        return value
    if type_.rank > len(perm):
        return None
    lead, back = (1,) * (len(perm) - type_.rank), [int(axis) for axis in np.argsort(perm)]
    elements = constant_of(value)
    if elements is not None:
        full = elements.reshape(lead + elements.shape)
        return Dense(elements.reshape(())) if elements.size == 1 else Dense(np.array(full.transpose(back), order="C"))
    if not type_.is_static:
        return None
    extents = lead + type_.extents
    long = [axis for axis in back if extents[axis] != 1]
    return tuple(extents[axis] for axis in back) if long == sorted(long) else None
