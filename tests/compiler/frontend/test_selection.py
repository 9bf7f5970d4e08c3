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


def test_what_reads_a_refused_selection_is_not_reported() -> None:
    nodes = [helper.make_node("NonZero", ["x"], ["p"], name="where"), helper.make_node("Transpose", ["p"], ["y"], perm=[1, 0], name="turn")]
    with pytest.raises(CompileError, match="how many elements are picked") as found:
        lowered(imported(model(nodes, {"x": normal(2, 3)}, ["y"], 13)))
    assert "turn" not in str(found.value)


@pytest.mark.parametrize("reduction", ["add", "mul", "max", "min"])
def test_scatter_nd_with_a_reduction(reduction: str) -> None:
    x, places, updates = normal(4, 2), np.array([[1], [-1], [1]]), normal(3, 2, seed=3)
    proto = model(
        [helper.make_node("ScatterND", ["x", "i", "u"], ["y"], reduction=reduction)], {"x": x, "i": places, "u": updates}, ["y"], 18
    )
    (wanted,) = expected(proto, {"x": x, "i": places, "u": updates})
    np.testing.assert_allclose(evaluate(imported(proto), "main", [x, places, updates])[0], wanted, rtol=1e-6)


@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize(("axis", "shape"), [(0, (2, 3, 4)), (1, (2, 5, 4)), (-1, (1, 2, 7)), (2, (2, 3, 0))])
def test_gather_elements(axis: int, shape: tuple[int, ...], constant: bool) -> None:
    x = normal(2, 3, 4)
    extent = x.shape[axis]
    places = np.random.default_rng(1).integers(-extent, extent, shape)
    check("GatherElements", x, places, constants=(1,) if constant else (), axis=axis)


@pytest.mark.parametrize("opset", [9, 11, 18])
@pytest.mark.parametrize(("axis", "shape"), [(0, (1, 3, 4)), (1, (2, 2, 4)), (1, (1, 1, 2)), (-1, (2, 1, 3)), (0, (0, 3, 4))])
def test_scatter_elements(axis: int, shape: tuple[int, ...], opset: int) -> None:
    """Smaller indices, subscripts from the end."""
    x, chance = normal(2, 3, 4), np.random.default_rng(1)
    order = np.argsort(chance.random((*shape[:axis], x.shape[axis], *shape[axis:][1:])), axis)
    places = np.take(order, range(shape[axis]), axis) - x.shape[axis] * chance.integers(0, 2, shape)
    op_type = "ScatterElements" if opset >= 11 else "Scatter"
    check(op_type, x, places, normal(*shape, seed=3), opset=opset, axis=axis)


@pytest.mark.parametrize("reduction", ["none", "add", "mul", "max", "min"])
@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_scatter_elements_that_meet(reduction: str, dtype: npt.DTypeLike) -> None:
    """Of several updates the last one stays."""
    x, updates = ((normal(3, 5, seed=seed) * 4).astype(dtype) for seed in (0, 1))
    places = np.random.default_rng(1).integers(-5, 5, (3, 5)).astype(np.int32)
    check("ScatterElements", x, places, updates, opset=18, axis=1, reduction=reduction)


def test_scatter_elements_of_other_shapes_is_refused() -> None:
    x, places = normal(2, 3), np.zeros((2, 4), np.int64)
    proto = model([helper.make_node("ScatterElements", ["x", "i", "u"], ["y"], name="put")], {"x": x, "i": places, "u": x}, ["y"], 13)
    with pytest.raises(CompileError, match=r"the indices are .* and the updates"):
        imported(proto)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.float32])
def test_one_hot(axis: int, dtype: npt.DTypeLike) -> None:
    """Places count from the end below 0; those outside are nowhere."""
    places = np.array([[0, 2, -1], [3, -4, 4]], dtype)
    check("OneHot", places, np.array(4, dtype), np.array([0.5, 2], np.float32), constants=(1,), axis=axis)


@pytest.mark.parametrize("opset", [11, 13])
@pytest.mark.parametrize("axis", [1, -1, 0])
def test_hardmax(axis: int, opset: int) -> None:
    """The first of equal ones; before version 13 of everything from an axis on."""
    check("Hardmax", np.round(normal(2, 3, 4)), opset=opset, axis=axis)
