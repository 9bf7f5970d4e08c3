"""Masks of tiles: the lowered reach is the evaluator's, tile by tile."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from intaglio.dialects import graph
from intaglio.dialects.func import Function, Module
from intaglio.dialects.ir.builder import Builder
from intaglio.dialects.ir.evaluator import evaluate
from intaglio.dialects.ir.types import TensorType, f32
from onnx_models import lowered


@st.composite
def reaches(draw: st.DrawFn) -> Module:
    """One axis with a scale of its own and one without; more or less than the mask's pixels reach, and none beyond a pixel itself."""
    mask = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    extents = draw(st.integers(1, 20)), draw(st.integers(1, 20))
    unit, scale = draw(st.sampled_from([1, 2, 3])), draw(st.integers(1, 7))
    low = draw(st.integers(-3, 1))
    high = low + draw(st.integers(0, 9))
    beside = draw(st.integers(0, 1))
    function = Function.make("main", [TensorType((2, 1, *mask), f32)], ("m",), ("y",))
    build = Builder.at_end(function.body)
    op = graph.ReachMask(
        function.body.arguments[0], extents=extents, unit=(unit, 1), scale=(scale, 1), low=(low, -beside), high=(high, beside)
    )
    function.close([build.add(op).output])
    module = Module.empty()
    module.add(function)
    return module


@given(reaches(), st.integers(0, 99))
def test_reach_is_exact(module: Module, seed: int) -> None:
    type_ = module.function("main").body.arguments[0].type
    assert isinstance(type_, TensorType)
    mask = (np.random.default_rng(seed).random(type_.extents) < 0.3).astype(np.float32)
    (expected,) = evaluate(module, "main", [mask])
    (found,) = evaluate(lowered(module), "main", [mask])
    np.testing.assert_array_equal(found, expected)
