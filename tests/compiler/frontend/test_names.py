"""Names and order: duplicates, undefined values, cycles, bodies out of order, in graphs, subgraphs and functions."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper

from intaglio.compiler.frontend.names import check_names
from intaglio.compiler.frontend.problems import Problems
from intaglio.errors import CompileError


def node(op_type: str, inputs: str, outputs: str, **attributes: GraphProto) -> NodeProto:
    """A node named after its operator and first output."""
    made = helper.make_node(op_type, inputs.split(), outputs.split(), name=f"{op_type.lower()}_{outputs.split(maxsplit=1)[0]}")
    made.attribute.extend(helper.make_attribute(key, body) for key, body in attributes.items())
    return made


def graph(nodes: list[NodeProto], inputs: str = "", outputs: str = "") -> GraphProto:
    first, last = ([helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names.split()] for names in (inputs, outputs))
    return helper.make_graph(nodes, "g", first, last)


def model(nodes: list[NodeProto], inputs: str = "x", outputs: str = "y") -> ModelProto:
    return helper.make_model(graph(nodes, inputs, outputs), opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def checked(subject: ModelProto) -> list[str]:
    """The nodes' names in the order they are left in."""
    problems = Problems(Path("m.onnx"))
    check_names(subject, problems)
    problems.raise_any()
    return [n.name for n in subject.graph.node]


def refusal(subject: ModelProto) -> str:
    with pytest.raises(CompileError) as caught:
        checked(subject)
    return str(caught.value)


def test_order_is_kept_where_it_can_be_executed() -> None:
    nodes = [node("Relu", "x", "b"), node("Relu", "x", "a"), node("Add", "a b", "y")]
    assert checked(model(nodes)) == ["relu_b", "relu_a", "add_y"]


def test_unsorted_nodes_are_sorted_stably() -> None:
    nodes = [node("Add", "a b", "y"), node("Relu", "x", "b"), node("Relu", "c", "a"), node("Relu", "x", "c")]
    assert checked(model(nodes)) == ["relu_b", "relu_c", "relu_a", "add_y"]


def test_what_a_subgraph_uses_comes_before_its_node() -> None:
    inner = graph([node("Add", "u x", "v"), node("Relu", "late", "u")], outputs="v")  # unsorted inside, too
    nodes = [node("If", "c", "y", then_branch=inner, else_branch=inner), node("Relu", "x", "late")]
    subject = model(nodes, "x c")
    assert checked(subject) == ["relu_late", "if_y"]
    for attribute in subject.graph.node[1].attribute:
        assert [n.name for n in attribute.g.node] == ["relu_u", "add_v"]


def test_captures_reach_through_two_levels() -> None:
    deep = graph([node("Relu", "late", "w")], outputs="w")
    inner = graph([node("If", "c", "v", then_branch=deep, else_branch=deep)], outputs="v")
    nodes = [node("If", "c", "y", then_branch=inner, else_branch=inner), node("Relu", "x", "late")]
    assert checked(model(nodes, "x c")) == ["relu_late", "if_y"]


def test_a_branch_may_return_a_value_from_around_it() -> None:
    inner = graph([], outputs="x")
    assert checked(model([node("If", "c", "y", then_branch=inner, else_branch=inner)], "x c"))


def test_a_cycle_names_its_nodes_in_order() -> None:
    nodes = [node("Relu", "x", "i"), node("Add", "i c", "a"), node("Neg", "a", "b"), node("Abs", "b", "c"), node("Exp", "c", "y")]
    text = refusal(model(nodes))
    assert "a cycle of 3 nodes" in text
    ring = "'add_a' (Add) -> node 'neg_b' (Neg) -> node 'abs_c' (Abs) -> node 'add_a' (Add)"
    turned = ["'neg_b' (Neg) -> node 'abs_c' (Abs) -> node 'add_a'", "'abs_c' (Abs) -> node 'add_a' (Add) -> node 'neg_b'"]
    assert any(part in text for part in [ring, *turned])
    assert "relu_i" not in text
    assert "exp_y" not in text


def test_a_node_that_needs_itself() -> None:
    assert "cycle of 1 nodes" in refusal(model([node("Add", "x y", "y")]))


def test_a_cycle_through_a_subgraph() -> None:
    inner = graph([node("Relu", "y", "v")], outputs="v")
    assert "cycle" in refusal(model([node("If", "c", "y", then_branch=inner, else_branch=inner)], "x c"))


def test_a_long_cycle_is_cut_short() -> None:
    nodes = [node("Relu", f"v{i}", f"v{(i + 1) % 5000}") for i in range(5000)]
    text = refusal(model(nodes, "x", "v0"))
    assert "a cycle of 5000 nodes" in text
    assert "4992 more" in text
    assert len(text) < 1000


def test_undefined_values() -> None:
    inner = graph([node("Relu", "lost", "v")], outputs="v")
    nodes = [node("Add", "x gone", "a"), node("If", "c", "b", then_branch=inner, else_branch=graph([], outputs="nowhere"))]
    text = refusal(model(nodes, "x c", "y"))
    assert "'gone' is used but never made\n  m.onnx, node 'add_a' (Add), input 1" in text
    assert "'lost' is used but never made\n  m.onnx, node 'if_b' (If), attribute 'then_branch', node 'relu_v' (Relu), input 0" in text
    assert "'nowhere' is used but never made\n  m.onnx, node 'if_b' (If), attribute 'else_branch', output 0" in text
    assert "'y' is used but never made\n  m.onnx, output 0" in text


def test_values_inside_are_not_seen_outside() -> None:
    inner = graph([node("Relu", "x", "v")], outputs="v")
    nodes = [node("If", "c", "b", then_branch=inner, else_branch=inner), node("Relu", "v", "y")]
    assert "'v' is used but never made" in refusal(model(nodes, "x c"))


def test_duplicates() -> None:
    subject = model([node("Relu", "x", "x"), node("Relu", "x", "y"), node("Abs", "x", "y")], "x x", "y y")
    text = refusal(subject)
    assert "'x' is made twice" in text
    assert "made before by an input or initialiser" in text
    assert "'y' is made twice\n  m.onnx, node 'abs_y' (Abs)\n  note: it is made before by node 'relu_y' (Relu)" in text
    assert "the input 'x' is listed twice" in text
    assert "the output 'y' is listed twice" in text


def test_an_initialiser_may_be_the_default_of_an_input() -> None:
    subject = model([node("Add", "x w", "y")], "x w")
    weights = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    subject.graph.initializer.append(weights)
    assert checked(subject)
    subject.graph.initializer.append(weights)
    assert "the initialiser 'w' is listed twice" in refusal(subject)


def test_unnamed_nodes_are_counted() -> None:
    unnamed = helper.make_node("Relu", ["gone"], ["y"])
    assert "node number 1 (Relu), input 0" in refusal(model([node("Relu", "x", "a"), unnamed]))


def test_left_out_inputs_and_outputs_are_no_names() -> None:
    clip = helper.make_node("Clip", ["x", "", "m"], ["y"], name="clip")
    drop = helper.make_node("Dropout", ["x"], ["m", ""], name="drop")
    assert checked(model([clip, drop])) == ["drop", "clip"]


def test_functions_see_only_themselves_and_do_not_recurse() -> None:
    imports = [helper.make_opsetid("", 17)]
    subject = model([node("Relu", "x", "y")])
    calls_g = helper.make_function("own", "F", ["a"], ["b"], [helper.make_node("G", ["a"], ["b"], domain="own")], imports)
    calls_f = helper.make_function("own", "G", ["a"], ["b"], [helper.make_node("F", ["a"], ["b"], domain="own")], imports)
    leaks = helper.make_function("own", "H", ["a"], ["b"], [node("Add", "a x", "b")], imports)
    subject.functions.extend([calls_g, calls_f, leaks, leaks])
    text = refusal(subject)
    assert "functions call themselves" in text
    assert "the function 'H' is defined twice" in text
    assert "'x' is used but never made\n  m.onnx, function 'H', node 'add_b' (Add), input 1" in text


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_shuffle_becomes_an_order_that_can_be_executed(data: st.DataObject) -> None:
    nodes = []
    values = ["x"]
    for index in range(data.draw(st.integers(1, 12))):
        inputs = data.draw(st.lists(st.sampled_from(values), min_size=1, max_size=3))
        nodes.append(helper.make_node("Sum", inputs, [f"v{index}"], name=f"n{index}"))
        values.append(f"v{index}")
    subject = model(data.draw(st.permutations(nodes)), "x", values[-1])
    names = checked(subject)
    assert sorted(names) == sorted(n.name for n in nodes)
    seen = {"x"}
    for each in subject.graph.node:
        assert seen.issuperset(each.input)
        seen.update(each.output)
    onnx.checker.check_model(with_shapes(subject))  # ONNX's own checker demands sorted nodes


def with_shapes(subject: ModelProto) -> ModelProto:
    for value in (*subject.graph.input, *subject.graph.output):
        value.type.tensor_type.shape.dim.add().dim_value = 3
    return subject
