"""NonZero, Compress, GatherND and ScatterND against onnxruntime, and what becomes of them where shapes are not known."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from onnx import helper

from intaglio.dialects.ir.evaluator import evaluate
from intaglio.errors import CompileError
from onnx_models import expected, imported, lowered, model
from operators import check, normal

Array = npt.NDArray[Any]


@pytest.mark.parametrize("shape", [(5,), (2, 3), (0, 4), (1, 1, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.bool_])
def test_nonzero(shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
    x = (np.random.default_rng(2).random(shape) < 0.5).astype(dtype)
    proto = model([helper.make_node("NonZero", ["x"], ["y"])], {"x": x}, ["y"], 13)
    (wanted,) = expected(proto, {"x": x})
    (result,) = evaluate(imported(proto), "main", [x])
    assert result.dtype == wanted.dtype
    np.testing.assert_array_equal(result, wanted)


@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_compress(axis: int | None) -> None:
    x, condition = normal(3, 4), np.array([True, False, True])
    given: dict[str, Any] = {} if axis is None else {"axis": axis}
    proto = model([helper.make_node("Compress", ["x", "c"], ["y"], **given)], {"x": x, "c": condition}, ["y"], 11)
    np.testing.assert_array_equal(evaluate(imported(proto), "main", [x, condition])[0], expected(proto, {"x": x, "c": condition})[0])


@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize(("depth", "batch_dims"), [(1, 0), (2, 0), (3, 0), (1, 1), (2, 1)])
def test_gather_nd(depth: int, batch_dims: int, constant: bool) -> None:
    places = np.random.default_rng(1).integers(-2, 2, (2, 3, depth))
    check("GatherND", normal(2, 3, 4), places, constants=(1,) if constant else (), batch_dims=batch_dims)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_scatter_nd_at_constant_places(depth: int) -> None:
    x = normal(2, 3, 4)
    every = np.stack(np.meshgrid(*(np.arange(n) for n in x.shape[:depth]), indexing="ij"), -1).reshape(-1, depth)
    places = np.random.default_rng(1).permutation(every)[: len(every) // 2]
    places[0] -= np.array(x.shape[:depth])
    check("ScatterND", x, places, normal(len(places), *x.shape[depth:], seed=4), constants=(1,))


def test_scatter_nd_at_computed_places_is_refused() -> None:
    x, places, updates = normal(4, 2), np.array([[1], [3]]), normal(2, 2, seed=3)
    proto = model([helper.make_node("ScatterND", ["x", "i", "u"], ["y"], name="put")], {"x": x, "i": places, "u": updates}, ["y"], 13)
    module = imported(proto)
    (wanted,) = expected(proto, {"x": x, "i": places, "u": updates})
    np.testing.assert_array_equal(evaluate(module, "main", [x, places, updates])[0], wanted)
    with pytest.raises(CompileError, match="is known at run time only") as found:
        lowered(module)
    assert "node 'put' (ScatterND)" in str(found.value)


def test_a_selection_that_stays_is_refused() -> None:
    x = normal(2, 3)
    with pytest.raises(CompileError, match="how many elements are picked") as found:
        lowered(imported(model([helper.make_node("NonZero", ["x"], ["y"], name="where")], {"x": x}, ["y"], 13)))
    assert "node 'where' (NonZero)" in str(found.value)
