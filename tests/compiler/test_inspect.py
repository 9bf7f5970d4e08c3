"""Layers, work and the forecast, against figures worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import NodeProto, helper

import intaglio
from intaglio.compiler.frontend.importer import import_model
from intaglio.compiler.frontend.reader import read_model
from intaglio.compiler.inspect import Inspection, inspect_module
from intaglio.targets.load import load_target
from small_models import Shape, save_model


def inspected(
    path: Path,
    nodes: list[NodeProto],
    inputs: dict[str, Shape],
    outputs: dict[str, Shape],
    constants: Mapping[str, tuple[int, ...]],
    target: str = "cortex-m4",
) -> Inspection:
    arrays = {name: np.ones(shape, np.float32) for name, shape in constants.items()}
    module = import_model(read_model(save_model(path / "m.onnx", nodes, inputs, outputs, arrays)), {}, {})
    return inspect_module(module, load_target(target))


# (operator, attributes, input, weights, output, multiply-accumulates: output elements times the length of each sum)
WORK = [
    ("Conv", {"pads": [1, 1, 1, 1]}, (2, 3, 8, 8), (16, 3, 3, 3), (2, 16, 8, 8), 2 * 16 * 64 * 27),
    ("Conv", {"group": 6}, (1, 6, 5, 5), (12, 1, 3, 3), (1, 12, 3, 3), 12 * 9 * 9),
    ("ConvTranspose", {"strides": [2, 2]}, (1, 4, 3, 3), (4, 5, 2, 2), (1, 5, 6, 6), 4 * 9 * 5 * 4),
    ("MatMul", {}, (7, 2, 3), (3, 5), (7, 2, 5), 7 * 2 * 5 * 3),
    ("Gemm", {"transA": 1, "transB": 1}, (3, 4), (5, 3), (4, 5), 3 * 4 * 5),
    ("Add", {}, (2, 3), (3,), (2, 3), 0),
]


@pytest.mark.parametrize(("op", "attributes", "x", "w", "y", "macs"), WORK)
def test_work(op: str, attributes: dict[str, Any], x: Shape, w: tuple[int, ...], y: Shape, macs: int, tmp_path: Path) -> None:
    found = inspected(tmp_path, [helper.make_node(op, ["x", "w"], ["y"], name="n", **attributes)], {"x": x}, {"y": y}, {"w": w})
    (layer,) = found.layers
    assert (layer.name, layer.op_type, layer.macs, layer.parameters) == ("n", op, macs, int(np.prod(w)))
    assert (layer.inputs[0].extents, layer.outputs[0].extents) == (x, y)
    assert found.macs == macs


def test_open_extents_leave_work_unknown(tmp_path: Path) -> None:
    found = inspected(tmp_path, [helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": ["n", 3]}, {"y": ["n", 5]}, {"w": (3, 5)})
    assert (found.macs, found.forecast, found.parameters) == (None, None, 15)
    assert found.layers[0].inputs[0].extents == ("n", 3)


def test_shared_parameters_count_once(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["t"]), helper.make_node("MatMul", ["t", "w"], ["y"])]
    found = inspected(tmp_path, nodes, {"x": [2, 3]}, {"y": [2, 3]}, {"w": (3, 3)})
    assert (found.parameters, [layer.parameters for layer in found.layers]) == (9, [9, 9])


def test_the_peak_is_what_lives_at_once(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"]),  # takes the place of a
        helper.make_node("MatMul", ["b", "w"], ["c"]),  # b and c live at once: 2 * 400 bytes
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    found = inspected(tmp_path, nodes, {"x": [10, 10]}, {"y": [10, 10]}, {"w": (10, 10)})
    assert found.forecast is not None
    assert found.forecast.peak_tensor_bytes == 800


@pytest.mark.parametrize(
    ("target", "density"), [("cortex-m4", 1.0), ("cortex-m0plus", 0.7), ("rv32imafc", 0.7), ("rv32imc", 0.49), ("cortex-m55", 0.5)]
)
def test_code_is_forecast_by_what_kernels_are_made_of(target: str, density: float, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "window"], ["a"], pads=[1, 1, 1, 1]),  # 5000
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "window"], ["c"], pads=[1, 1, 1, 1]),  # the same kernel
        helper.make_node("Conv", ["c", "depthwise"], ["d"], pads=[1, 1, 1, 1], group=4),  # 2000
        helper.make_node("Conv", ["d", "point"], ["e"]),  # 800
        helper.make_node("Softmax", ["e"], ["y"]),  # 1000
    ]
    weights = {"window": (4, 4, 3, 3), "depthwise": (4, 1, 3, 3), "point": (4, 4, 1, 1)}
    found = inspected(tmp_path, nodes, {"x": [1, 4, 8, 8]}, {"y": [1, 4, 8, 8]}, weights, target)
    assert found.forecast is not None
    assert found.forecast.flash_bytes - found.parameter_bytes == 300 + round(8800 * density)


@pytest.mark.parametrize("target", ["cortex-m4", "rv32imc"])
def test_the_forecast_is_near_what_is_compiled(target: str) -> None:
    """Within what compiler/forecast.py says of its error."""
    path = Path(__file__).parents[2] / "examples/digits/digits.onnx"
    found = inspect_module(import_model(read_model(path), {"batch": 1}, {}), load_target(target)).forecast
    built = intaglio.compile(path, target, dims={"batch": 1}).manifest
    assert found is not None
    assert 0.76 <= found.flash_bytes / built.flash_bytes <= 1.04
    assert 1.0 <= found.ram_bytes / built.ram_bytes <= 1.42
