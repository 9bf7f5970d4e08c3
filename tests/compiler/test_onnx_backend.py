"""ONNX's interface to backends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper
from onnx.backend.base import Backend

import intaglio
import intaglio.backend
from small_models import load, save_model, save_relu

X = np.array([[-1, 2, 3], [4, -5, 6]], np.float32)


def test_prepare_and_run(tmp_path: Path) -> None:
    model = load(save_relu(tmp_path / "m.onnx", ("n", 3)))
    prepared = intaglio.backend.prepare(model, cache=False)
    for inputs in ([X], X, {"x": X}, (X[:1],)):  # the last one is compiled after the first: open extents
        outputs = prepared.run(inputs)
        want = np.maximum(X if len(inputs) == len(X) or isinstance(inputs, list | dict) else X[:1], 0)
        np.testing.assert_array_equal(outputs[0], want)
        assert getattr(outputs, "_fields", ()) == ("y",)


def test_run_model(tmp_path: Path) -> None:
    (y,) = intaglio.backend.run_model(load(save_relu(tmp_path / "m.onnx")), [X], cache=False)
    np.testing.assert_array_equal(y, np.maximum(X, 0))


def test_run_node() -> None:
    node = helper.make_node("Add", ["a", "b"], ["c"])
    (c,) = intaglio.backend.run_node(node, [X, X[0]], cache=False)
    np.testing.assert_array_equal(c, X + X[0])


def test_devices(tmp_path: Path) -> None:
    assert issubclass(intaglio.backend.IntaglioBackend, Backend)
    assert intaglio.backend.supports_device("CPU")
    assert not intaglio.backend.supports_device("CUDA:0")
    with pytest.raises(intaglio.CompileError, match="device 'CUDA' is not supported"):
        intaglio.backend.prepare(load(save_relu(tmp_path / "m.onnx")), "CUDA")


def test_the_number_of_arrays_must_fit(tmp_path: Path) -> None:
    path = save_model(tmp_path / "m.onnx", [helper.make_node("Add", ["a", "b"], ["y"])], {"a": [2], "b": [2]}, {"y": [2]})
    with pytest.raises(intaglio.CompileError, match="1 arrays are given, and the model has 2 inputs"):
        intaglio.backend.prepare(load(path), cache=False).run([X[0, :2]])
