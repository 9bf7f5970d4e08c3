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


@dataclass(frozen=True)
class AbsorbTransposes(Pass, name="absorb-transposes", runs_on=("graph",)):
    """Move transposes behind elementwise operators and concatenations, and merge those that meet.

    Before: `%1 = graph.transpose(%0)`, `%2 = graph.relu(%1)`, `%3 = graph.transpose(%2)`. After: `%3 = graph.relu(%0)`, if the second
    transpose undoes the first, as it does around every layer of a model that was exported from channels-last.

    Leaves: transposes that are used more than once, because their copies would be computed each; operands that are neither constants nor
    transposed alike.
    """

    def run(self, module: Module, report: Report) -> None:
        elementwise = tuple(dict.fromkeys(type(op) for op in module.walk() if op.has(Elementwise) and op.name.startswith("graph.")))
        patterns = (Pattern(elementwise, transposes_behind_elementwise), Pattern((graph.Concat,), transposes_behind_concat))
        rewrite_greedily(module, patterns, report, canonicalize=True)


def transposes_behind_elementwise(op: Operation, build: Builder) -> Value | None:
    """f(transpose(x), c) -> transpose(f(x, c transposed back))"""
    perm = _common_perm(op.operands)
    if perm is None or tensor(op.results[0]).rank != len(perm):
        return None
    sources = [_before(value, perm) for value in op.operands]
    operands: list[Value] = []
    for source in sources:
        if source is None:
            return None
        operands.append(source if isinstance(source, Value) else build.add(graph.Constant(value=source)).output)
    return build.add(graph.Transpose(build.add(rebuilt(op, operands)).results[0], perm=perm)).output


def transposes_behind_concat(op: graph.Concat, build: Builder) -> Value | None:
    """concat(transpose(x), transpose(y)) -> transpose(concat(x, y))"""
    perm = _common_perm(op.inputs)
    transposes = [value.owner for value in op.inputs if isinstance(value.owner, graph.Transpose)]
    if perm is None or len(transposes) < len(op.inputs):
        return None
    joined = build.add(graph.Concat([transpose.input for transpose in transposes], axis=perm[op.axis])).output
    return build.add(graph.Transpose(joined, perm=perm)).output


def _common_perm(values: Sequence[Value]) -> tuple[int, ...] | None:
    """The order of all transposes among what makes `values`, if there is one, and nobody else uses them."""
    transposes = [value.owner for value in values if isinstance(value.owner, graph.Transpose)]
    perms = dict.fromkeys(transpose.perm for transpose in transposes)
    users = dict.fromkeys(user for transpose in transposes for user in transpose.output.users)
    return next(iter(perms)) if len(perms) == 1 and len(users) == 1 else None


def _before(value: Value, perm: tuple[int, ...]) -> Value | Dense | None:
    """What gives `value` when it is transposed by `perm`; None where that would take another transpose."""
    if isinstance(value.owner, graph.Transpose):
        return value.owner.input
    if tensor(value).rank == 0:
        return value
    elements = constant_of(value)
    if elements is None or elements.ndim > len(perm):
        return None
    if elements.size == 1:
        return Dense(elements.reshape(()))
    full = elements.reshape((1,) * (len(perm) - elements.ndim) + elements.shape)
    return Dense(np.array(full.transpose(np.argsort(perm)), order="C"))
