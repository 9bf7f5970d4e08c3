"""Small ONNX files for tests of the driver and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

Shape = Sequence[int | str | None]


def save_model(
    path: Path,
    nodes: Sequence[NodeProto],
    inputs: dict[str, Shape],
    outputs: dict[str, Shape],
    constants: dict[str, np.ndarray] | None = None,
    element: int = TensorProto.FLOAT,
    opset: int = 17,
) -> Path:
    """Write a model of `nodes` at `path`."""
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(name, element, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, element, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    path.write_bytes(model.SerializeToString())
    return path


def save_relu(path: Path, shape: Shape = (2, 3), name: str = "x") -> Path:
    """One Relu from `name` to `y`."""
    return save_model(path, [helper.make_node("Relu", [name], ["y"], name="the relu")], {name: shape}, {"y": shape})


def save_test_set(folder: Path, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray]) -> Path:
    """Write arrays as an ONNX test folder."""
    folder.mkdir(parents=True)
    for kind, arrays in (("input", inputs), ("output", outputs)):
        for number, array in enumerate(arrays):
            (folder / f"{kind}_{number}.pb").write_bytes(numpy_helper.from_array(array).SerializeToString())
    return folder


def load(path: Path) -> onnx.ModelProto:
    """The model in a file."""
    return onnx.load_from_string(path.read_bytes())
