"""Import rules of the operators that compute: open dims, defaults, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from intaglio.dialects import graph
from intaglio.dialects.ir.types import TensorType, f32
from intaglio.errors import CompileError
from onnx_models import imported


def node_model(
    op_type: str, shapes: dict[str, list[int | str]], outputs: int = 1, opset: int = 17, weights: Any = None, **attributes: Any
) -> Any:
    """A model of one node with float inputs whose dims may be free."""
    weights = weights or {}
    names = [*shapes, *weights]
    node = helper.make_node(op_type, names, [f"y{i}" for i in range(outputs)], name="the node", **attributes)
    inputs = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    initializers = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    declared = [onnx.ValueInfoProto(name=f"y{i}") for i in range(outputs)]
    body = helper.make_graph([node], "test", inputs, declared, initializers)
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def result_type(model: Any, **bound: Any) -> TensorType:
    (value,) = imported(model, **bound).function("main").returned
    assert isinstance(value.type, TensorType)
    return value.type


WEIGHTS = np.ones((4, 3, 3, 3), np.float32)


def test_a_free_batch_keeps_its_name() -> None:
    model = node_model("Conv", {"x": ["batch", 3, 8, 8]}, weights={"w": WEIGHTS}, strides=[2, 2], pads=[1, 1, 1, 1])
    assert result_type(model) == TensorType((None, 4, 4, 4), f32, ("batch", "", "", ""))
    assert result_type(node_model("Relu", {"x": ["n", "m"]})) == TensorType((None, None), f32, ("n", "m"))
    assert result_type(node_model("Add", {"x": ["n", 1], "z": [1, "m"]})) == TensorType((None, None), f32, ("n", "m"))
    assert result_type(node_model("ReduceMean", {"x": ["n", "m"]}, axes=[1])) == TensorType((None, 1), f32, ("n", ""))
    assert result_type(node_model("MatMul", {"x": ["n", 4], "z": [4, "m"]})) == TensorType((None, None), f32, ("n", "m"))


def test_open_space_that_a_window_keeps_keeps_its_name() -> None:
    model = node_model("Conv", {"x": [1, 3, "height", "width"]}, weights={"w": WEIGHTS}, auto_pad="SAME_UPPER")
    assert result_type(model) == TensorType((1, 4, None, None), f32, ("", "", "height", "width"))


@pytest.mark.parametrize("op_type", ["Conv", "MaxPool", "AveragePool"])
def test_padding_that_hangs_on_an_open_extent_waits_for_it(op_type: str) -> None:
    weights: dict[str, Any] = {"weights": {"w": WEIGHTS}} if op_type == "Conv" else {"kernel_shape": [3, 3]}
    model = node_model(op_type, {"x": [1, 3, "h", "w"]}, auto_pad="SAME_UPPER", strides=[2, 2], **weights)
    assert result_type(model).shape[2:] == (None, None)
    assert result_type(model, dims={"h": 9, "w": 8}).shape[2:] == (5, 4)


def test_resize_waits_for_extents_and_scales() -> None:
    sizes = {"roi": np.array([], np.float32), "scales": np.array([], np.float32), "sizes": np.array([1, 3, 8, 8], np.int64)}
    model = node_model("Resize", {"x": ["n", 3, 4, 4]}, weights=sizes)
    assert result_type(model).shape == (None,) * 4
    assert result_type(model, dims={"n": 1}).shape == (1, 3, 8, 8)


@pytest.mark.parametrize(
    ("op_type", "shapes", "attributes", "message"),
    [
        ("Gemm", {"a": [2, 3, 4], "b": [4, 5]}, {}, "both should be of rank 2"),
        ("MatMul", {"a": [2, 3], "b": [4, 5]}, {}, "3 columns meet 4 rows"),
        ("Add", {"a": [2, 3], "b": [4]}, {}, "do not broadcast"),
        ("Conv", {"x": [1, 2, 8, 8]}, {"weights": {"w": WEIGHTS}}, "has 2 channels"),
        ("Conv", {"x": [1, 3, 8]}, {"weights": {"w": WEIGHTS}}, "weights need"),
        ("Conv", {"x": [1, 3, 8, 8]}, {"weights": {"w": WEIGHTS}, "strides": [0, 1]}, "strides is [0, 1]"),
        ("Conv", {"x": [1, 3, 8, 8]}, {"weights": {"w": WEIGHTS}, "pads": [1, 1]}, "pads is [1, 1]"),
        ("Conv", {"x": [1, 3, 8, 8]}, {"weights": {"w": WEIGHTS}, "auto_pad": "MAYBE"}, "auto_pad is 'MAYBE'"),
        ("MaxPool", {"x": [1, 8]}, {"kernel_shape": [2, 2]}, "without spatial axes"),
        ("MaxPool", {"x": [1, 3, 8, 8]}, {"kernel_shape": [2, 2], "outputs": 2}, "are not supported yet"),
        ("ReduceSum", {"x": [2, 3]}, {"axes": [2], "opset": 11}, "axis 2 is outside"),
        ("Softmax", {"x": [2, 3]}, {"axis": 5}, "axis 5 is outside"),
        ("Not", {"x": [2, 3]}, {}, "takes truth values"),
        ("BatchNormalization", {"x": [1, 3, 4], "s": [3], "b": [3], "m": [2], "v": [3]}, {}, "one number per channel"),
        ("PRelu", {"x": [3], "slope": [2, 3]}, {}, "does not broadcast"),
    ],
)
def test_what_does_not_fit_is_refused(op_type: str, shapes: Any, attributes: Any, message: str) -> None:
    with pytest.raises(CompileError) as refused:
        imported(node_model(op_type, shapes, **attributes))
    assert message in str(refused.value)
    assert "the node" in str(refused.value)


def test_global_pooling_is_a_reduction() -> None:
    module = imported(node_model("GlobalAveragePool", {"x": [1, 3, 4, 4]}))
    assert next(type(op) for op in module.function("main").body) is graph.ReduceMean
