"""The border itself: open dims and operators without a lowering are refused in the user's names."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from intaglio.errors import CompileError
from intaglio.passes.graph_to_tensor.convert import GraphToTensor
from intaglio.passes.manager import Report
from onnx_models import imported, model

X = np.zeros((2, 3), np.float32)
TRANSPOSE = helper.make_node("Transpose", ["x"], ["y"])


def test_operators_become_views() -> None:
    module = imported(model([TRANSPOSE], {"x": X}, ["y"], 13))
    report = Report()
    GraphToTensor().run(module, report)
    assert [op.name for op in module.function("main").body] == ["tensor.view", "func.return"]
    assert report.counts == {"graph.transpose": 1}


def test_open_dims_are_refused() -> None:
    module = imported(model([TRANSPOSE], {"x": X}, ["y"], 13, free=True))
    with pytest.raises(CompileError, match=r"the input 'x' is f32 \? x \?: every extent is needed"):
        GraphToTensor().run(module, Report())


def test_what_hangs_on_values_is_refused_with_its_node() -> None:
    shape = np.array([3, 2])
    module = imported(model([helper.make_node("Reshape", ["x", "s"], ["y"], "turn")], {"x": X, "s": shape}, ["y"], 13))
    with pytest.raises(CompileError, match=r"Reshape: [^\n]*\n  node 'turn' \(Reshape\)"):
        GraphToTensor().run(module, Report())
