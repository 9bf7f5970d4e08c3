"""Import: dims are bound, shape arithmetic is folded within a budget, functions and branches are expanded, the rest is refused."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from intaglio.compiler.frontend import importer
from intaglio.compiler.frontend.folding import Budget
from intaglio.compiler.frontend.versions import OLDEST, newest
from intaglio.dialects import graph
from intaglio.dialects.func import Module
from intaglio.dialects.ir.parser import parse_operation
from intaglio.dialects.ir.printer import print_operation
from intaglio.dialects.ir.types import TensorType, f32
from intaglio.errors import CompileError
from onnx_models import Array, compare, imported, model

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
node = helper.make_node


def refusal(proto: onnx.ModelProto, **bound: dict[str, object]) -> CompileError:
    with pytest.raises(CompileError) as caught:
        imported(proto, **bound)  # type: ignore[arg-type]
    return caught.value


def names(module: Module) -> list[str]:
    """The operations of `main`, in order."""
    return [op.name for op in module.function("main").body]


def declared(*inputs: tuple[str, Sequence[str | int]], nodes: list[onnx.NodeProto] | None = None) -> onnx.ModelProto:
    """A model with these f32 inputs, dims as given; transposes the first one."""
    values = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in inputs]
    nodes = nodes or [node("Transpose", [inputs[0][0]], ["y"])]
    built = helper.make_graph(nodes, "g", values, [onnx.ValueInfoProto(name="y")])
    return helper.make_model(built, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


# Dims


def test_dims_stay_open_with_their_names() -> None:
    module = imported(declared(("x", ["batch", 3, "?", -1])))
    assert module.function("main").arguments[0].type == TensorType((None, 3, None, None), f32, ("batch", "", "", ""))
    assert module.function("main").returned[0].type == TensorType((None, None, 3, None), f32, ("", "", "", "batch"))


def test_dims_are_bound_by_name_and_by_shape() -> None:
    proto = declared(("x", ["batch", 3]), ("z", ["batch", "?"]))
    first, second = imported(proto, {"batch": 4}).function("main").arguments
    assert (str(first.type), str(second.type)) == ("tensor<4x3xf32>", "tensor<4x?xf32>")
    first, second = imported(proto, shapes={"x": [2, 3], "z": [5, 7]}).function("main").arguments  # one name for two sizes
    assert (str(first.type), str(second.type)) == ("tensor<2x3xf32>", "tensor<5x7xf32>")
    first, second = imported(proto, shapes={"x": [2, 3]}).function("main").arguments
    assert second.type == TensorType((None, None), f32, ("batch", ""))


def test_a_dim_called_question_mark_can_be_bound() -> None:
    assert str(imported(declared(("x", ["?", "?"])), {"?": 6}).function("main").arguments[0].type) == "tensor<6x6xf32>"


def test_bindings_that_do_not_fit_are_refused_all_at_once() -> None:
    proto = declared(("image", ["batch", 3]), ("scale", [1]))
    found = refusal(proto, dims={"bach": 1, "batch": -2}, shapes={"imag": [1, 3], "scale": [2]})
    text = str(found)
    assert len(found.diagnostics) == 4
    assert "no dim 'bach'" in text
    assert "its dims are 'batch'" in text
    assert "no input 'imag'" in text
    assert "its inputs are 'image', 'scale', nearest first" in text
    assert "cannot have the extent -2" in text
    assert "the shape 2 does not fit the input, which is 1" in text
    assert "the shape 1 x 4 does not fit the input, which is batch x 3" in str(refusal(proto, shapes={"image": [1, 4]}))
    assert "the shape 5 x 3 does not fit the input, which is 2 x 3" in str(refusal(proto, dims={"batch": 2}, shapes={"image": [5, 3]}))


def test_an_input_without_a_rank_needs_its_shape() -> None:
    proto = declared(("x", [1]))
    proto.graph.input[0].type.tensor_type.ClearField("shape")
    assert "how many dims" in str(refusal(proto))
    assert str(imported(proto, shapes={"x": [2, 2]}).function("main").arguments[0].type) == "tensor<2x2xf32>"


@pytest.mark.parametrize("kind", [onnx.TensorProto.STRING, onnx.TensorProto.COMPLEX64, onnx.TensorProto.INT2])
def test_unsupported_element_types_are_refused(kind: int) -> None:
    proto = declared(("x", [1]))
    proto.graph.input[0].type.tensor_type.elem_type = kind
    assert "is not supported yet\n" in str(refusal(proto))
    assert "input 'x'" in str(refusal(proto))


def test_sequences_are_refused() -> None:
    proto = declared(("x", [1]))
    proto.graph.input[0].type.sequence_type.elem_type.tensor_type.elem_type = 1
    assert "sequence_type" in str(refusal(proto))


def test_initializers_listed_as_inputs_are_constants() -> None:
    proto = model([node("Reshape", ["x", "shape"], ["y"])], {"x": X}, ["y"], 9, {"shape": np.array([6, 4])})
    proto.ir_version = 3
    proto.graph.input.append(helper.make_tensor_value_info("shape", onnx.TensorProto.INT64, [2]))
    module = imported(proto)
    assert module.function("main").argument_names == ("x",)
    assert names(module) == ["graph.reshape", "func.return"]


@pytest.mark.parametrize("kind", ["sparse", "complex"])
def test_initializers_that_are_not_supported(kind: str) -> None:
    proto = model([node("Concat", ["x", "w"], ["y"], axis=0)], {"x": X[0, 0]}, ["y"], 13)
    if kind == "sparse":
        values = numpy_helper.from_array(np.ones(1, np.float32), "w")
        proto.graph.sparse_initializer.append(helper.make_sparse_tensor(values, numpy_helper.from_array(np.array([2])), [4]))
    else:
        proto.graph.initializer.append(numpy_helper.from_array(np.ones(4, np.complex64), "w"))
    text = str(refusal(proto))
    assert f"initialiser 'w' {'is sparse' if kind == 'sparse' else 'holds elements of type complex64'}, which is not supported yet" in text
    assert "help: " in text


# Versions


@pytest.mark.parametrize("version", [OLDEST - 1, newest() + 1])
def test_versions_that_are_not_read(version: int) -> None:
    text = str(refusal(model([node("Identity", ["x"], ["y"])], {"x": X}, ["y"], version)))
    assert f"opset {version} of ONNX, and opsets 7 to {newest()} are read" in text
    assert "help: " in text


def test_every_version_between_is_read() -> None:
    for version in range(OLDEST, newest() + 1):
        imported(model([node("Identity", ["x"], ["y"])], {"x": X}, ["y"], version))


def test_other_domains_may_be_named() -> None:
    proto = model([node("Identity", ["x"], ["y"])], {"x": X}, ["y"], 13, domains={"ai.onnx.ml": 2, "com.example": 1})
    assert names(imported(proto)) == ["func.return"]


# Folding


def flattened() -> onnx.ModelProto:
    """What exporters write for x.flatten(1): shape arithmetic around a reshape."""
    nodes = [
        node("Shape", ["x"], ["shape"]),
        node("Gather", ["shape", "zero"], ["batch"], axis=0),
        node("Unsqueeze", ["batch", "axes"], ["row"]),
        node("Concat", ["row", "rest"], ["target"], axis=0),
        node("Reshape", ["x", "target"], ["y"]),
    ]
    weights: dict[str, Array] = {"zero": np.array(0), "axes": np.array([0]), "rest": np.array([-1])}
    return model(nodes, {"x": X}, ["y"], 13, weights, free=True)


def test_shape_arithmetic_is_folded() -> None:
    module = imported(flattened(), shapes={"x": X.shape})
    assert names(module) == ["graph.reshape", "func.return"]
    compare(flattened(), {"x": X})


def test_what_hangs_on_free_dims_is_deferred() -> None:
    module = imported(flattened())
    assert names(module)[-2:] == ["graph.deferred", "func.return"]
    assert module.function("main").returned[0].type == TensorType((None, None), f32)


def test_a_deferred_node_may_leave_inputs_out() -> None:
    resized = declared(("x", [1, 1, 4, 4]), ("scales", [4]), nodes=[node("Resize", ["x", "", "scales"], ["y"])])
    assert names(imported(resized)) == ["graph.deferred", "func.return"]


@pytest.mark.parametrize(
    "build",
    [
        lambda: [node("ConstantOfShape", ["huge"], ["c"])],
        lambda: [node("Expand", ["one", "huge"], ["c"])],
        lambda: [node("Tile", ["pair", "huge"], ["c"])],
        lambda: [node("Range", ["from", "to", "by"], ["c"])],
    ],
)
def test_constants_of_gigabytes_are_refused_before_they_are_allocated(build: Callable[[], list[onnx.NodeProto]]) -> None:
    weights: dict[str, Array] = {
        "huge": np.array([2**20, 2**20]),
        "one": np.ones((), np.float32),
        "pair": np.ones((1, 1), np.float32),
        **{name: np.array(value) for name, value in (("from", 0), ("to", 2**40), ("by", 1))},
    }
    nodes = [*build(), node("Identity", ["x"], ["y"])]
    nodes[0].name = "greedy"
    proto = model(nodes, {"x": X}, ["y", "c"], 13, weights)
    tracemalloc.start()
    text = str(refusal(proto))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "the constant expression would take" in text
    assert "node 'greedy'" in text
    assert peak < 10_000_000


def test_the_budget_is_for_all_constants_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer, "Budget", lambda: Budget(4000))
    nodes = [node("Expand", ["one", "large"], [f"c{i}"]) for i in range(5)]
    weights: dict[str, Array] = {"one": np.zeros((), np.int8), "large": np.array([1000])}
    with pytest.raises(CompileError, match="1000 bytes, and 0 of 4000 are left"):
        imported(model(nodes, {"x": X}, ["c0"], 13, weights))


# Functions and branches


def rows(name: str, *nodes: onnx.NodeProto, attributes: list[str] | None = None) -> onnx.FunctionProto:
    """A function a -> b."""
    return helper.make_function("local", name, ["a"], ["b"], list(nodes), [helper.make_opsetid("", 13)], attributes or [])


def test_functions_of_the_model_are_expanded() -> None:
    inner = node("Transpose", ["a"], ["b"])
    reference = onnx.AttributeProto(name="perm", ref_attr_name="order", type=onnx.AttributeProto.INTS)
    inner.attribute.append(reference)
    outer = rows("Twice", node("Turn", ["a"], ["t"], domain="local", order=[0, 2, 1]), node("Transpose", ["t"], ["b"], perm=[2, 0, 1]))
    functions = [rows("Turn", inner, attributes=["order"]), outer]
    functions[1].opset_import.append(helper.make_opsetid("local", 1))
    calls = [node("Twice", ["x"], ["y"], "call", domain="local")]
    proto = model(calls, {"x": X}, ["y"], 13, functions=functions, domains={"local": 1})
    module = compare(proto, {"x": X})
    assert {str(n) for op in module.function("main").body for n in op.location.nodes} == {"Twice:call"}


def test_functions_that_multiply_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer, "MOST_NODES", 500)
    functions = [rows("F0", node("Transpose", ["a"], ["b"]))]
    for i in range(1, 30):
        calls = [node(f"F{i - 1}", ["a"], ["t"], domain="local"), node(f"F{i - 1}", ["t"], ["b"], domain="local")]
        functions.append(rows(f"F{i}", *calls))
        functions[-1].opset_import.append(helper.make_opsetid("local", 1))
    deep = [*functions[:1]]
    for i in range(1, 100):
        deep.append(rows(f"F{i}", node(f"F{i - 1}", ["a"], ["b"], domain="local")))
        deep[-1].opset_import.append(helper.make_opsetid("local", 1))
    for chosen, message in ((functions, "more than 500 nodes"), (deep, "more than 64 deep")):
        call = node(f"F{len(chosen) - 1}", ["x"], ["y"], domain="local")
        assert message in str(refusal(model([call], {"x": X}, ["y"], 13, functions=chosen, domains={"local": 1})))


def branch(*nodes: onnx.NodeProto) -> onnx.GraphProto:
    return helper.make_graph(list(nodes), "branch", [], [onnx.ValueInfoProto(name=nodes[-1].output[0])])


@pytest.mark.parametrize("condition", [True, False])
def test_a_branch_is_taken_by_a_constant(condition: bool) -> None:
    good = branch(node("Transpose", ["x"], ["t"], perm=[1, 0, 2]))
    bad = branch(node("Reshape", ["x", "wrong"], ["b"]), node("Nonsense", ["b"], ["c"]))
    choose = node("If", ["c"], ["y"], then_branch=good if condition else bad, else_branch=bad if condition else good)
    weights: dict[str, Array] = {"c": np.array(condition), "wrong": np.array([5, 5])}
    module = imported(model([choose], {"x": X}, ["y"], 13, weights))
    assert names(module) == ["graph.transpose", "func.return"]


@pytest.mark.parametrize("condition", [True, False])
def test_both_branches_are_computed_if_the_condition_is(condition: bool) -> None:
    taken, other = branch(node("Neg", ["x"], ["t"])), branch(node("Identity", ["x"], ["t"]))
    choose = node("If", ["c"], ["y"], "choice", then_branch=taken, else_branch=other)
    compare(model([choose], {"x": X, "c": np.array([condition])}, ["y"], 13), {"x": X, "c": np.array([condition])})


def test_branches_of_different_shapes_are_refused() -> None:
    taken, other = branch(node("Identity", ["x"], ["t"])), branch(node("Flatten", ["x"], ["t"]))
    choose = node("If", ["c"], ["y"], "choice", then_branch=taken, else_branch=other)
    text = str(refusal(model([choose], {"x": X, "c": np.array(True)}, ["y"], 13)))
    assert "in one branch and" in text
    assert "node 'choice' (If, opset 13)" in text


# Refusals


def test_all_unsupported_operators_are_named_in_one_go() -> None:
    nodes = [
        node("Strange", ["x"], ["a"], "first", domain="com.example"),
        node("Scan", ["a"], ["b"], "loop", body=branch(node("Identity", ["x"], ["t"])), num_scan_inputs=1),
        *(node("Unheard", ["b"], [f"u{i}"], f"u{i}") for i in range(7)),
        node("Outer", ["u0"], ["y"], "call", domain="local"),
    ]
    functions = [rows("Outer", node("Inner", ["a"], ["b"], "hidden"))]
    found = refusal(model(nodes, {"x": X}, ["y"], 13, functions=functions, domains={"local": 1, "com.example": 3}))
    assert [d.message for d in found.diagnostics] == [
        "the operator com.example.Strange (opset 3) is not supported yet",
        "the operator Scan (opset 13) is not supported yet",
        "the operator Unheard (opset 13) is not supported yet",
        "the operator Inner (opset 13) is not supported yet",
    ]
    assert "control flow" in str(found.diagnostics[1])
    assert "and 2 more nodes" in str(found.diagnostics[2])
    assert "node 'call' (local.Outer)" in str(found.diagnostics[3])
    assert all(d.hint for d in found.diagnostics)


def test_a_node_that_breaks_its_operator_is_named() -> None:
    cases = [
        (node("Transpose", ["x"], ["y"], "n", perm=[0, 0, 1]), "perm [0, 0, 1] is no order"),
        (node("Concat", ["x", "z"], ["y"], "n", axis=0), "different ranks"),
        (node("Concat", ["x"], ["y"], "n"), "the attribute 'axis' is missing"),
        (node("Concat", ["x"], ["y"], "n", axis=1.5), "the attribute 'axis' is of type float, not int"),
        (node("Flatten", [""], ["y"], "n"), "input 0 is missing"),
        (node("Reshape", ["x", "five"], ["y"], "n"), "has 24 elements, and the shape [5] does not hold as many"),
        (node("Gather", ["x", "five"], ["y"], "n"), "the indices run from 5 to 5"),
        (node("Identity", ["x"], ["y", "extra"], "n"), "output 1 is not supported"),
        (node("Cast", ["x"], ["y"], "n", to=8), "element type number 8"),
    ]
    for broken, message in cases:
        proto = model([broken], {"x": X, "z": X[0]}, ["y"], 13, {"five": np.array([5])})
        text = str(refusal(proto))
        assert message in text
        assert f"model.onnx, node 'n' ({broken.op_type}, opset 13)" in text
        assert "help: " in text


# Results


def test_an_imported_module_parses_back() -> None:
    nodes = [node("Reshape", ["x", "s"], ["r"], 'naïve "name"\n'), node("Pad", ["r", "p"], ["y"], mode="edge"), node("Shape", ["x"], ["n"])]
    weights: dict[str, Array] = {"s": np.array([0, -1]), "p": np.array([1, 0, 0, 1])}
    text = print_operation(imported(model(nodes, {"x": X}, ["y", "n"], 13, weights, free=True)))
    assert print_operation(parse_operation(text)) == text


def test_names_and_locations_are_the_users() -> None:
    value = numpy_helper.from_array(np.ones((2, 3, 4), np.float32))
    nodes = [node("Constant", [], ["c"], value=value), node("Concat", ["x", "c"], ["y"], axis=0), node("Dropout", ["y"], ["z"])]
    main = imported(model(nodes, {"x": X}, ["z"], 13)).function("main")
    (constant, concat, _) = main.body
    assert isinstance(constant, graph.Constant)
    assert (main.argument_names, main.result_names) == (("x",), ("z",))
    assert [str(n) for n in concat.location.nodes] == ["Concat:y"]
    assert (constant.output.name, concat.results[0].name) == ("c", "y")


def test_constants_in_every_form() -> None:
    forms: dict[str, Any] = {"value_float": 1.5, "value_floats": [1.0, 2.0], "value_int": 7, "value_ints": [1, 2, 3]}
    nodes = [node("Constant", [], [name], **{name: value}) for name, value in forms.items()]
    compare(model([*nodes, node("Identity", ["x"], ["y"])], {"x": X}, [*forms, "y"], 13), {"x": X})


def test_the_mask_of_a_dropout() -> None:
    compare(model([node("Dropout", ["x"], ["y", "mask"])], {"x": X}, ["y", "mask"], 13), {"x": X})
    training = model([node("Dropout", ["x", "", "t"], ["y"], "drop")], {"x": X}, ["y"], 13, {"t": np.array(True)})
    assert "training" in str(refusal(training))
