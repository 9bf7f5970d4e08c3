"""Constant, operators that are no more than another name for their input, and If."""

from __future__ import annotations

import numpy as np

from ....dialects import graph
from ....dialects.ir.attributes import Array
from ....dialects.ir.operation import Value
from ....dialects.ir.types import TensorType
from .registry import NodeContext, importer


@importer("Constant")
def constant(node: NodeContext) -> Value:
    """Its value in whichever of the forms."""
    return node.array(_constant_value(node))


def _constant_value(node: NodeContext) -> Array:
    form = next((attribute.name for attribute in node.node.attribute if attribute.name.startswith(("value", "sparse_value"))), "")
    match form:
        case "value_float":
            return np.array(node.float(form), np.float32)
        case "value_floats":
            return np.array(node.floats(form), np.float32)
        case "value_int":
            return np.array(node.int(form), np.int64)
        case "value_ints":
            return np.array(node.ints(form), np.int64)
    value = node.tensor("value")
    if value is None:
        node.fail(
            f"a value in the form {form!r} is not supported yet" if form else "it has no value", "give the elements as a dense tensor"
        )
    return value


@importer("Identity")
def identity(node: NodeContext) -> Value:
    """Nothing is left of it."""
    return node.input(0)


@importer("Dropout", since=7)
def dropout(node: NodeContext) -> list[Value]:
    """Nothing is dropped at inference; the mask, if somebody asks for it, keeps everything."""
    training = node.constant(2)
    if node.optional(2) is not None and (training is None or training.any()):
        node.fail("training is not supported", "export the model for inference")
    if not node.wants(1):
        return [node.input(0)]
    if not node.type(0).is_static:
        node.fail(f"the mask of {node.type(0)} has no known shape", "bind the free dims of the model")
    kept = node.array(np.array(True))
    return [node.input(0), node.add(graph.Expand(kept, shape=node.type(0).extents)).output]


@importer("If")
def if_(node: NodeContext) -> list[Value | None]:
    """A branch that is chosen by a constant; the other one need not even have a meaning. Else both are computed, and one is taken: every
    operator is without effects. `recognize-masks` finds the choice, and then only the branch that is taken is computed."""
    condition = node.constant(0)
    if condition is not None:
        if condition.size != 1:
            node.fail(f"the condition has {condition.size} elements")
        return list(node.inline(node.graph("then_branch" if condition.item() else "else_branch")))
    branches = [node.inline(node.graph(name)) for name in ("then_branch", "else_branch")]
    chosen = node.input(0)
    if node.type(0).rank:
        chosen = node.add(graph.Reshape(chosen, shape=())).output
        chosen.name = node.input(0).name
    return [_choice(node, chosen, i, *pair) for i, pair in enumerate(zip(*branches, strict=True))]


def _choice(node: NodeContext, condition: Value, i: int, a: Value | None, b: Value | None) -> Value:
    if a is None or b is None:
        node.fail(f"a branch leaves out output {i}")
    types = [value.type for value in (a, b)]
    if any(not isinstance(type_, TensorType) or not type_.is_static for type_ in types) or types[0] != types[1]:
        message = f"output {i} is {types[0]} in one branch and {types[1]} in the other, and the condition is computed while the model runs"
        node.fail(message, "bind the dims of the model, or give both branches results of one shape")
    return a if a is b else node.add(graph.Where(condition, a, b)).output
