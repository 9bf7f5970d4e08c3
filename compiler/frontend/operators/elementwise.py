"""Elementwise operators: a table of names and classes. Attributes are read by the names and defaults that the class declares."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ....dialects import graph
from ....dialects.graph.elementwise import Binary, Unary
from ....dialects.ir.attributes import Array
from ....dialects.ir.operation import Operation, Value
from ....dialects.ir.types import element_of
from .registry import NodeContext, importer

UNARY: dict[str, tuple[type[Unary], int]] = {
    "Abs": (graph.Abs, 6),
    "Acosh": (graph.Acosh, 9),
    "Asinh": (graph.Asinh, 9),
    "Atanh": (graph.Atanh, 9),
    "BitwiseNot": (graph.BitwiseNot, 18),
    "Ceil": (graph.Ceil, 6),
    "Celu": (graph.Celu, 12),
    "Cos": (graph.Cos, 7),
    "Cosh": (graph.Cosh, 9),
    "Elu": (graph.Elu, 6),
    "Erf": (graph.Erf, 9),
    "Exp": (graph.Exp, 6),
    "Floor": (graph.Floor, 6),
    "HardSigmoid": (graph.HardSigmoid, 6),
    "HardSwish": (graph.HardSwish, 14),
    "IsNaN": (graph.IsNaN, 9),
    "LeakyRelu": (graph.LeakyRelu, 6),
    "Log": (graph.Log, 6),
    "Mish": (graph.Mish, 18),
    "Neg": (graph.Neg, 6),
    "Not": (graph.Not, 1),
    "Reciprocal": (graph.Reciprocal, 6),
    "Relu": (graph.Relu, 6),
    "Round": (graph.Round, 11),
    "Selu": (graph.Selu, 6),
    "Sigmoid": (graph.Sigmoid, 6),
    "Sign": (graph.Sign, 9),
    "Sin": (graph.Sin, 7),
    "Sinh": (graph.Sinh, 9),
    "Softplus": (graph.Softplus, 1),
    "Softsign": (graph.Softsign, 1),
    "Sqrt": (graph.Sqrt, 6),
    "Swish": (graph.Swish, 24),
    "Tan": (graph.Tan, 7),
    "Tanh": (graph.Tanh, 6),
    "ThresholdedRelu": (graph.ThresholdedRelu, 10),
}

# Before version 7 broadcasting was an attribute.
BINARY: dict[str, tuple[type[Binary], int]] = {
    "Add": (graph.Add, 7),
    "And": (graph.And, 7),
    "BitwiseAnd": (graph.And, 18),
    "BitwiseOr": (graph.Or, 18),
    "BitwiseXor": (graph.Xor, 18),
    "Div": (graph.Div, 7),
    "Equal": (graph.Equal, 7),
    "Greater": (graph.Greater, 7),
    "GreaterOrEqual": (graph.GreaterOrEqual, 12),
    "Less": (graph.Less, 7),
    "LessOrEqual": (graph.LessOrEqual, 12),
    "Mul": (graph.Mul, 7),
    "Or": (graph.Or, 7),
    "Pow": (graph.Pow, 7),
    "Sub": (graph.Sub, 7),
    "Xor": (graph.Xor, 7),
}

CHAINS: dict[str, tuple[type[Binary], int]] = {"Max": (graph.Max, 8), "Min": (graph.Min, 8), "Sum": (graph.Add, 8)}


def _rule(class_: type[Operation], inputs: int) -> Callable[[NodeContext], Value]:
    def rule(node: NodeContext) -> Value:
        op = class_(*(node.input(i) for i in range(inputs)))
        for name, spec in class_.definition.attributes.items():
            if isinstance(spec.default, float):
                op.attributes[name] = node.float(name, spec.default)
        return node.add(op).results[0]

    return rule


def _chain_rule(class_: type[Binary]) -> Callable[[NodeContext], Value]:
    def rule(node: NodeContext) -> Value:
        return chain(node, class_)

    return rule


def chain(node: NodeContext, class_: type[Binary]) -> Value:
    """Any number of operands as binary operators from left to right."""
    total, *rest = node.present()
    for value in rest:
        total = node.add(class_(total, value)).output
    return total


for _name, (_class, _since) in UNARY.items():
    importer(_name, _since)(_rule(_class, 1))
for _name, (_operator, _since) in BINARY.items():
    importer(_name, _since)(_rule(_operator, 2))
for _name, (_operator, _since) in CHAINS.items():
    importer(_name, _since)(_chain_rule(_operator))


@importer("Mean", since=8)
def mean(node: NodeContext) -> Value:
    """The sum of the operands, divided by their number."""
    count = np.asarray(len(node.inputs), element_of(node.type(0)).dtype)
    return node.add(graph.Div(chain(node, graph.Add), node.array(count))).output


@importer("Mod", since=10)
def mod(node: NodeContext) -> Value:
    """`fmod` is the truncated remainder."""
    return node.add(graph.Mod(node.input(0), node.input(1), truncated=bool(node.int("fmod", 0)))).output


@importer("PRelu", since=7)
def prelu(node: NodeContext) -> Value:
    """As it is."""
    return node.add(graph.PRelu(node.input(0), node.input(1))).output


@importer("Gelu", since=20)
def gelu(node: NodeContext) -> Value:
    """`approximate` is none or tanh."""
    approximate = node.string("approximate", "none")
    if approximate not in ("none", "tanh"):
        node.fail(f"approximate is {approximate!r}")
    return node.add(graph.Gelu(node.input(0), tanh=approximate == "tanh")).output


@importer("IsInf", since=10)
def is_inf(node: NodeContext) -> Value:
    """Either sign may be left out."""
    positive, negative = bool(node.int("detect_positive", 1)), bool(node.int("detect_negative", 1))
    return node.add(graph.IsInf(node.input(0), positive=positive, negative=negative)).output


@importer("Clip", since=6)
def clip_by_attributes(node: NodeContext) -> Value:
    """Bounds are attributes, in single precision; the largest numbers of that mean that there is none."""
    dtype = element_of(node.type(0)).dtype
    largest = float(np.finfo(np.float32).max)
    low, high = node.float("min", -largest), node.float("max", largest)
    return _clip(node, None if low <= -largest else np.asarray(low, dtype), None if high >= largest else np.asarray(high, dtype))


def _clip(node: NodeContext, low: Array | None, high: Array | None) -> Value:
    bounds = [None if bound is None else node.array(bound) for bound in (low, high)]
    return node.add(graph.Clip(node.input(0), *bounds)).output


@importer("Clip", since=11)
def clip(node: NodeContext) -> Value:
    """Bounds are inputs that may be missing; constant ones that bound nothing are left out."""
    bounds = [node.optional(i) for i in (1, 2)]
    for i, nothing in ((1, -math.inf), (2, math.inf)):
        constant = node.constant(i)
        if constant is not None and constant.dtype.kind == "f" and constant.size == 1 and constant.item() == nothing:
            bounds[i - 1] = None
    return node.add(graph.Clip(node.input(0), *bounds)).output
