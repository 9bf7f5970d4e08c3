"""The pass `recognize-hard-swish`: one operator for what exporters spell in four."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...dialects import graph
from ...dialects.func import Module
from ...dialects.graph.extents import element
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Operation, Value
from ...dialects.ir.types import f32
from ..manager import Pass, Report
from ..rewrite import constant_of, pattern, rewrite_greedily


@dataclass(frozen=True)
class RecognizeHardSwish(Pass, name="recognize-hard-swish", runs_on=("graph",), exact=False):
    """Replace `x * clip(x + 3, 0, 6) / 6`, with the factors in any order, by HardSwish.

    Before: `%1 = graph.add(%x, 3)`, `%2 = graph.clip(%1, 0, 6)`, `%3 = graph.mul(%x, %2)`, `%4 = graph.div(%3, 6)`.
    After: `%4 = graph.hard_swish(%x)`.

    The division becomes a multiplication, which is what it is for: a division takes 14 cycles on a Cortex-M4 (its technical reference
    manual, VDIV), a multiplication one. Leaves: other constants, other element types than f32, steps that are used elsewhere too.
    """

    def run(self, module: Module, report: Report) -> None:
        rewrite_greedily(module, (product_into_hard_swish,), report)


@pattern(graph.Div, graph.Mul)
def product_into_hard_swish(op: graph.Div | graph.Mul, build: Builder) -> Value | None:
    """x * clip(x + 3, 0, 6) / 6 -> hard_swish(x)"""
    product = _factors(op.output)
    if len(product.values) != 2 or not np.isclose(product.number, 1 / 6, rtol=1e-6) or element(op.output) != f32:
        return None
    for x, gate in (product.values, product.values[::-1]):
        if _gated(gate) is x:
            return build.add(graph.HardSwish(x)).output
    return None


@dataclass(frozen=True, slots=True)
class _Product:
    """Values and a number that are multiplied."""

    values: tuple[Value, ...]
    number: float = 1.0


def _factors(value: Value, depth: int = 0) -> _Product:
    """What `value` is the product of, through multiplications and divisions by numbers that nobody else uses."""
    number = _number(value)
    op = value.owner
    if number is not None:
        return _Product((), number)
    if not isinstance(op, graph.Mul | graph.Div) or depth > 2 or (depth and len(value.uses) != 1):
        return _Product((value,))
    left, right = _factors(op.a, depth + 1), _factors(op.b, depth + 1)
    if isinstance(op, graph.Mul):
        return _Product((*left.values, *right.values), left.number * right.number)
    divides_by_number = not right.values and right.number != 0
    return _Product(left.values, left.number / right.number) if divides_by_number else _Product((value,))


def _gated(value: Value) -> Value | None:
    """x if `value` is clip(x + 3, 0, 6)."""
    clip = value.owner
    if not isinstance(clip, graph.Clip) or len(value.uses) != 1:
        return None
    bounds = [None if bound is None else _number(bound) for bound in (clip.low, clip.high)]
    add = clip.input.owner
    if bounds != [0.0, 6.0] or not isinstance(add, graph.Add) or len(clip.input.uses) != 1:
        return None
    for x, shift in ((add.a, add.b), (add.b, add.a)):
        if _number(shift) == 3.0 and x.type == add.output.type:
            return x
    return None


def _number(value: Value) -> float | None:
    """The only element of a constant."""
    elements = constant_of(value) if isinstance(value.owner, Operation) else None
    return float(elements.reshape(())) if elements is not None and elements.size == 1 and elements.dtype.kind == "f" else None
