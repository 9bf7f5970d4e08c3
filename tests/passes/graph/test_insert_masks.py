"""Masks inserted into dense graphs: where, and what they compute, by the evaluator against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper

from intaglio.dialects import graph
from intaglio.dialects.func import Module
from intaglio.dialects.ir.evaluator import evaluate
from intaglio.passes import pipelines as _named  # noqa: F401 - registers the passes
from intaglio.passes.instruments import VerifyEach
from intaglio.passes.manager import Pipeline
from onnx_models import Array, imported, model

RNG = np.random.default_rng(0)
W = RNG.standard_normal((6, 4, 3, 3)).astype(np.float32)
B = RNG.standard_normal(6).astype(np.float32)


def convolved(x: Array, weights: Array = W, last: str = "Relu", **attributes: Any) -> Module:
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c"], name="conv", **attributes), helper.make_node(last, ["c"], ["y"])]
    return imported(model(nodes, {"x": x}, ["y"], 13, {"w": weights, "b": B}))


def regions(module: Module, options: str) -> list[graph.Masked]:
    Pipeline.parse(f"insert-masks{{{options}}},canonicalize").run(module, [VerifyEach()])
    return [op for op in module.walk() if isinstance(op, graph.Masked)]


def picture(extents: tuple[int, ...] = (2, 4, 12, 16)) -> Array:
    return RNG.standard_normal(extents).astype(np.float32)


@pytest.mark.parametrize(("pads", "dilations"), [([1] * 4, [1, 1]), ([2] * 4, [2, 2]), ([0, 1, 2, 1], [1, 1])])
def test_tiles(pads: list[int], dilations: list[int]) -> None:
    x = picture()
    x[0, :, :7] *= 0.01
    x[1, :, :, 5:] *= 0.01
    x[1, 2, 6, 15] = np.nan
    module = convolved(x, pads=pads, dilations=dilations)
    (dense,) = evaluate(module, "main", [x])
    (region,) = regions(module, 'thresholds="conv=0.1"')
    assert (region.granularity, region.droppable) == (4, True)
    (made,) = evaluate(module, "main", [x])
    rows, columns = ((2 * dilation) for dilation in dilations)
    widths = [(0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])]
    padded = np.pad(x, widths)
    chosen = 0
    for n, h, w in np.ndindex(2, 3, 4):
        place = (n, slice(None), slice(4 * h, 4 * h + 4), slice(4 * w, 4 * w + 4))
        seen = np.abs(padded[n, :, 4 * h : 4 * h + 4 + rows, 4 * w : 4 * w + 4 + columns])
        needed = not np.all(seen <= 0.1)
        chosen += needed
        background = np.broadcast_to(np.maximum(B, 0).reshape(6, 1, 1), (6, 4, 4))
        np.testing.assert_array_equal(made[place], dense[place] if needed else background)
    assert 0 < chosen < 24


@pytest.mark.parametrize(
    ("extents", "weights", "attributes"),
    [
        ((1, 4, 12, 12), W, {}),  # 10 x 10
        ((1, 4, 17, 17), W, {"strides": [2, 2], "pads": [1] * 4}),
        ((1, 8, 16, 16), W, {"group": 2, "pads": [1] * 4}),
        ((1, 4, 4, 16), W, {"pads": [1] * 4}),  # one row of tiles
        ((1, 4, 16, 16), W[:, :, :1, :1], {}),  # few channels
    ],
)
def test_stays_dense(extents: tuple[int, ...], weights: Array, attributes: dict[str, Any]) -> None:
    assert not regions(convolved(picture(extents), weights, **attributes), 'thresholds="conv=9.0"')


def test_without_a_threshold() -> None:
    module = convolved(picture(), pads=[1] * 4)
    assert not regions(module, "")
    assert not regions(module, 'thresholds="other=1.0"')


def test_observed() -> None:
    x = picture()
    module = convolved(x, pads=[1] * 4)
    assert not regions(module, "observe=true")
    assert module.function("main").result_names == ("y", "saliency:conv")
    _, saliency = evaluate(module, "main", [x])
    assert saliency.shape == (2, 1, 3, 4)
    assert saliency[0, 0, 1, 1] == np.abs(x[0, :, 3:9, 3:9]).max()


def test_dropped_where_nothing_is_gained() -> None:
    x = picture()
    module = convolved(x, pads=[1] * 4)
    (dense,) = evaluate(module, "main", [x])
    Pipeline.parse('insert-masks{thresholds="conv=9.0"},place-masks{decision=dense},dce').run(module, [VerifyEach()])
    np.testing.assert_array_equal(evaluate(module, "main", [x])[0], dense)
    assert not any(isinstance(op, graph.Where | graph.MaxPool) for op in module.walk())
