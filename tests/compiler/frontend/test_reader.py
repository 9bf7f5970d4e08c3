"""Broken model files: each is refused with a diagnostic, without a traceback and in bounded memory."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from intaglio.compiler.frontend.reader import read_model
from intaglio.errors import CompileError

F32 = TensorProto.FLOAT


def small_model() -> ModelProto:
    """y = x + w."""
    nodes = [helper.make_node("Add", ["x", "w"], ["y"], name="add")]
    x, y = (helper.make_tensor_value_info(name, F32, [2]) for name in "xy")
    weights = numpy_helper.from_array(np.array([1, 2], np.float32), "w")
    return helper.make_model(helper.make_graph(nodes, "g", [x], [y], [weights]))


def write(path: Path, model: ModelProto) -> Path:
    path.write_bytes(model.SerializePartialToString())
    return path


def refusal(path: Path) -> str:
    with pytest.raises(CompileError) as caught:
        read_model(path)
    text = str(caught.value)
    assert path.name in text
    assert all(found.hint for found in caught.value.diagnostics)
    assert text.replace("\n", "").isprintable()
    return text


def field(number: int, payload: bytes) -> bytes:
    """A length-delimited protobuf field, written by hand to get what the library refuses to write."""
    length, size = len(payload), b""
    while length > 127:
        size += bytes([length & 127 | 128])
        length >>= 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + payload


def test_a_good_model(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", small_model())
    file = read_model(str(path))
    assert file.path == path
    assert len(file.digest) == 64
    assert file.digest == read_model(path).digest
    array = file.array(file.model.graph.initializer[0])
    np.testing.assert_array_equal(array, np.array([1, 2], np.float32))
    assert not array.flags.writeable


def test_sorting_is_said(tmp_path: Path) -> None:
    model = small_model()
    assert not read_model(write(tmp_path / "m.onnx", model)).remarks
    model.graph.node.insert(0, helper.make_node("Relu", ["y"], ["z"], name="late"))
    file = read_model(write(tmp_path / "m.onnx", model))
    assert [node.name for node in file.model.graph.node] == ["add", "late"]
    assert "the 2 nodes stand in an order that cannot be executed, and were sorted" in str(file.remarks[0])


def test_missing_file(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "m.onnx")


def test_nul_in_the_path() -> None:
    with pytest.raises(CompileError, match="embedded null"):
        read_model("a\0b.onnx")


def test_directory(tmp_path: Path) -> None:
    assert "is a directory" in refusal(tmp_path)


def test_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.onnx")
    assert "not a regular file" in refusal(tmp_path / "m.onnx")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", small_model())
    path.chmod(0)
    assert "permission denied" in refusal(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
        (b"PK\x03\x04 and so on", "zip archive"),
        (b"<!doctype html>", "instead of its page"),
        (b"\x08\x08", "no graph"),
        (b"hello, this is not a model", "are not an ONNX model"),
        (bytes(range(256)), "are not an ONNX model"),
    ],
)
def test_no_model(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(data)
    assert message in refusal(path)


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    model = small_model()
    whole = model.SerializeToString()
    path = tmp_path / "m.onnx"
    for size in range(len(whole) - len(field(8, model.opset_import[0].SerializeToString()))):
        path.write_bytes(whole[:size])
        refusal(path)


@pytest.mark.parametrize("depth", [40, 5000])
def test_recursion_bomb(tmp_path: Path, depth: int) -> None:
    graph = b""
    for _ in range(depth):
        graph = field(1, field(5, field(6, graph)))  # node, attribute, g
    (tmp_path / "m.onnx").write_bytes(field(7, graph))
    assert "nested too deeply" in refusal(tmp_path / "m.onnx")


def test_names_that_are_not_text(tmp_path: Path) -> None:
    node = field(1, b"x") + field(2, b"y\xff") + field(3, b"\xed\xa0\x80") + field(4, b"Re\xfflu")
    (tmp_path / "m.onnx").write_bytes(field(7, field(1, node)))
    text = refusal(tmp_path / "m.onnx")
    assert text.count("not UTF-8") == 3
    assert "graph.node[0]" in text


def test_docstrings_may_hold_anything(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", small_model())
    path.write_bytes(path.read_bytes() + field(6, b"\xff"))
    assert read_model(path).model.graph.node[0].name == "add"


def test_nothing_to_compile(tmp_path: Path) -> None:
    model = small_model()
    del model.graph.node[:], model.graph.output[:]
    text = refusal(write(tmp_path / "m.onnx", model))
    assert "no nodes" in text
    assert "no outputs" in text


def test_hostile_names_are_harmless_and_short(tmp_path: Path) -> None:
    model = small_model()
    model.graph.node[0].name = "a\n\x1b[31m'\u202e" + "z" * 10_000
    model.graph.node[0].input[0] = "gone\r\n"
    text = refusal(write(tmp_path / "m.onnx", model))  # refusal() looks for unprintable characters
    assert "'gone\\r\\n' is used but never made" in text
    assert len(text) < 1000


def test_problems_are_reported_together_up_to_a_limit(tmp_path: Path) -> None:
    model = small_model()
    model.graph.initializer[0].dims[0] = -2
    model.graph.node[0].input.append("gone")
    text = refusal(write(tmp_path / "m.onnx", model))
    assert "never made" in text
    assert "negative extent" in text
    model.graph.node[0].input.extend(f"v{i}" for i in range(1000))
    text = refusal(write(tmp_path / "m.onnx", model))
    assert text.count("error:") == 20
    assert "stopped after 20 problems" in text


def claim_too_much(tensor: TensorProto) -> None:
    tensor.dims[:] = [10**6, 10**6]


def claim_the_impossible(tensor: TensorProto) -> None:
    tensor.dims[:] = [2**62, 2**62, 0]


def be_negative(tensor: TensorProto) -> None:
    tensor.dims[:] = [-1, -2]


def have_no_type(tensor: TensorProto) -> None:
    tensor.data_type = 0


def have_an_unknown_type(tensor: TensorProto) -> None:
    tensor.data_type = 99


def have_many_axes(tensor: TensorProto) -> None:
    tensor.dims[:] = [1] * 100_000


def be_a_segment(tensor: TensorProto) -> None:
    tensor.segment.begin = 1


def hold_two_things(tensor: TensorProto) -> None:
    tensor.float_data.extend([1, 2])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (claim_too_much, "is float32 1000000 x 1000000 and needs 4000000000000 bytes, but its raw_data holds 8"),
        (claim_the_impossible, "larger than any memory"),
        (be_negative, "negative extent: float32 -1 x -2"),
        (have_no_type, "element type 0"),
        (have_an_unknown_type, "element type 99"),
        (have_many_axes, "100000 axes"),
        (be_a_segment, "segment"),
        (hold_two_things, "in several places: float_data, raw_data"),
    ],
)
@pytest.mark.parametrize("place", ["initialiser", "attribute", "subgraph", "function"])
def test_tensors_are_checked_everywhere(tmp_path: Path, damage: Callable[[TensorProto], None], message: str, place: str) -> None:
    model = small_model()
    tensor = model.graph.initializer[0]
    damage(tensor)
    constant = helper.make_node("Constant", [], ["c"], name="const", value=tensor)
    if place == "attribute":
        model.graph.initializer[0].CopyFrom(small_model().graph.initializer[0])
        model.graph.node.insert(0, constant)
    elif place == "subgraph":
        add_if(model, constant)
    elif place == "function":
        model.functions.append(helper.make_function("own", "F", [], ["c"], [constant], model.opset_import))
    tracemalloc.start()
    try:
        text = refusal(write(tmp_path / "m.onnx", model))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert message in text
    assert "'w'" in text
    assert ("'const' (Constant), attribute 'value'" in text) == (place != "initialiser")
    assert peak < 8_000_000  # most of it the 100,000 extents of have_many_axes


def add_if(model: ModelProto, *nodes: NodeProto) -> GraphProto:
    """Append If(b) whose branches run `nodes` and return c; gives the first branch."""
    branch = helper.make_graph(list(nodes), "branch", [], [helper.make_tensor_value_info("c", F32, None)])
    model.graph.input.append(helper.make_tensor_value_info("b", TensorProto.BOOL, []))
    model.graph.node.append(helper.make_node("If", ["b"], ["z"], name="if", then_branch=branch, else_branch=branch))
    added: GraphProto = model.graph.node[-1].attribute[0].g
    return added


def test_attributes_given_twice_and_nodes_without_operator(tmp_path: Path) -> None:
    model = small_model()
    node = model.graph.node[0]
    node.op_type = ""
    node.attribute.extend([helper.make_attribute("axis", 1)] * 2)
    text = refusal(write(tmp_path / "m.onnx", model))
    assert "node 'add' (no operator)" in text
    assert "'axis' is given twice" in text


def test_sparse_initialisers(tmp_path: Path) -> None:
    model = small_model()
    values = numpy_helper.from_array(np.array([1], np.float32), "s")
    indices = numpy_helper.from_array(np.array([0], np.int64), "")
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [4]))
    model.graph.node[0].input[1] = "s"
    read_model(write(tmp_path / "m.onnx", model))
    model.graph.sparse_initializer[0].indices.dims[0] = 10**12
    assert "initialiser 's', indices" in refusal(write(tmp_path / "m.onnx", model))
