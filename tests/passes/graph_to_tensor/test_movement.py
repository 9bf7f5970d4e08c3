"""Operators that move elements, at the stages graph and tensor, against onnxruntime: the results are the same to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from onnx import helper, numpy_helper

from onnx_models import Array, compare, imported, model

ints = np.int64
DTYPES = (np.float32, np.float64, np.float16, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64, np.bool_)


def numbered(*shape: int, dtype: npt.DTypeLike = np.float32) -> Array:
    """1, 2, 3, ... in a shape."""
    return np.arange(1, int(np.prod(shape)) + 1).reshape(shape).astype(dtype)


def one(op: str, x: Array, opset: int, *extra: object, outputs: int = 1, free: bool = False, **attributes: Any) -> None:
    """Compare a model of one node; `extra` inputs are constants (None: left out)."""
    weights = {f"w{i}": np.asarray(value) for i, value in enumerate(extra) if value is not None}
    names = ["x", *(f"w{i}" if value is not None else "" for i, value in enumerate(extra))]
    results = [f"y{i}" for i in range(outputs)]
    compare(model([helper.make_node(op, names, results, "node", **attributes)], {"x": x}, results, opset, weights, free), {"x": x})


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_element_type_is_moved(dtype: npt.DTypeLike) -> None:
    one("Transpose", numbered(2, 3, 4, dtype=dtype), 13, perm=[2, 0, 1])
    one("Reshape", numbered(2, 3, 4, dtype=dtype), 13, np.array([4, 6], ints))


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize(
    ("shape", "target"),
    [((2, 3, 4), [6, 4]), ((6, 4), [2, 3, 4]), ((2, 6), [3, 4]), ((2, 3, 4), [0, -1]), ((2, 3), [-1]), ((4,), [1, 4, 1]), ((1,), []),
     ((2, 0), [0, 0, 3]), ((3, 4, 5), [5, 4, 3]), ((1, 2, 1, 3), [3, 1, 2])],
)  # fmt: skip
def test_reshape(shape: tuple[int, ...], target: list[int], free: bool) -> None:
    one("Reshape", numbered(*shape), 8, np.array(target, ints), free=free)
    one("Reshape", numbered(*shape), 21, np.array(target, ints), free=free)


def test_reshape_allowzero() -> None:
    one("Reshape", numbered(0, 3), 14, np.array([3, 0], ints), allowzero=1)


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1])
def test_flatten(axis: int) -> None:
    one("Flatten", numbered(2, 3, 4), 13, axis=axis)
    one("Flatten", numbered(2, 3, 4), 13, axis=axis, free=True)


@pytest.mark.parametrize("free", [False, True])
def test_squeeze_and_unsqueeze(free: bool) -> None:
    one("Squeeze", numbered(1, 3, 1, 4), 11, axes=[0, 2], free=free)
    one("Squeeze", numbered(1, 3, 1, 4), 13, np.array([-2], ints), free=free)
    one("Squeeze", numbered(1, 3, 1, 4), 13, free=free)
    one("Unsqueeze", numbered(3, 4), 11, axes=[0, 3], free=free)
    one("Unsqueeze", numbered(3, 4), 13, np.array([-1, 1], ints), free=free)


def test_transpose_without_an_order() -> None:
    one("Transpose", numbered(2, 3, 1), 13)
    one("Transpose", numbered(), 13)


def test_expand_and_tile() -> None:
    one("Expand", numbered(3, 1), 13, np.array([2, 1, 4], ints))
    one("Expand", numbered(3, 4), 8, np.array([1], ints))
    one("Tile", numbered(2, 3), 13, np.array([2, 3], ints))
    one("Tile", numbered(2, 3), 7, np.array([1, 0], ints))


@pytest.mark.parametrize(
    ("starts", "ends", "axes", "steps"),
    [([1, 0], [3, 2], None, None), ([-3], [2**63 - 1], [1], [2]), ([5], [-(2**63)], [1], [-2]), ([-1], [-100], [0], [-1]),
     ([3], [1], [1], [1]), ([0], [100], [-1], [1])],
)  # fmt: skip
def test_slice(starts: list[int], ends: list[int], axes: list[int] | None, steps: list[int] | None) -> None:
    extra = [None if given is None else np.array(given, ints) for given in (starts, ends, axes, steps)]
    while extra[-1] is None:
        extra.pop()
    one("Slice", numbered(4, 6), 13, *extra)
    one("Slice", numbered(4, 6), 11, *extra, free=True)


def test_slice_by_attributes() -> None:
    one("Slice", numbered(4, 6), 9, starts=[1, -3], ends=[-1, 1000], axes=[0, 1])
    one("Slice", numbered(4, 6), 9, starts=[1], ends=[2])


def test_split() -> None:
    one("Split", numbered(4, 6), 11, outputs=3, axis=1)
    one("Split", numbered(4, 6), 11, outputs=2, axis=-1, split=[1, 5])
    one("Split", numbered(4, 6), 13, np.array([1, 3], ints), outputs=2)
    one("Split", numbered(7, 2), 18, outputs=3, num_outputs=3)
    one("Split", numbered(7, 2), 18, outputs=3, num_outputs=3, free=True)


def test_concat() -> None:
    x, y, empty = numbered(2, 3), numbered(2, 1), numbered(2, 0)
    for opset in (7, 13):
        node = helper.make_node("Concat", ["x", "y", "empty", "x"], ["z"], axis=-1)
        inputs = {"x": x, "y": y, "empty": empty}
        compare(model([node], inputs, ["z"], opset), inputs)


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "wrap"])
def test_pad(mode: str) -> None:
    one("Pad", numbered(3, 4), 19, np.array([1, 2, 0, 3], ints), mode=mode)
    if mode != "wrap":
        one("Pad", numbered(3, 4), 7, pads=[1, 2, 0, 3], mode=mode)
        one("Pad", numbered(3, 4), 13, np.array([0, -1, -2, 2], ints), mode=mode, free=True)


def test_pad_with_value_and_axes() -> None:
    one("Pad", numbered(3, 4), 18, np.array([2, 1], ints), np.float32(7.5), np.array([-1], ints))
    one("Pad", numbered(3, 4), 7, pads=[0, 2, 0, 1], value=-1.5)
    one("Pad", numbered(2, dtype=np.int64), 13, np.array([1, 1], ints), np.int64(-9))


@pytest.mark.parametrize("indices", [1, -1, [0, 2], [2, 0], [-1, 0], [[0, 1], [2, 3]], [[3, 0], [1, 1]], [2, 2, 2], np.zeros((0,), ints)])
def test_gather(indices: object) -> None:
    one("Gather", numbered(4, 4, 2), 13, np.array(indices, ints), axis=1)
    one("Gather", numbered(4, 4, 2), 7, np.array(indices, np.int32), axis=0, free=True)


def test_gather_by_computed_indices() -> None:
    inputs = {"x": numbered(3, 4), "i": np.array([[3, -1, 0], [-4, 1, 1]], ints)}
    compare(model([helper.make_node("Gather", ["x", "i"], ["y"], axis=1)], inputs, ["y"], 13), inputs)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8, np.bool_])
def test_where(dtype: npt.DTypeLike) -> None:
    inputs = {"c": np.array([[True], [False]]), "a": numbered(3, dtype=dtype), "b": np.zeros((2, 1), dtype)}
    if dtype is np.bool_:
        compare(model([helper.make_node("Where", ["c", "a", "b"], ["y"])], inputs, ["y"], 16), inputs, oracle=[np.where(*inputs.values())])
    else:
        compare(model([helper.make_node("Where", ["c", "a", "b"], ["y"])], inputs, ["y"], 16), inputs)


def test_blocks_of_channels_and_space() -> None:
    one("DepthToSpace", numbered(2, 8, 2, 3), 13, blocksize=2)
    one("DepthToSpace", numbered(2, 8, 2, 3), 13, blocksize=2, mode="CRD")
    one("DepthToSpace", numbered(1, 9, 2, 2), 9, blocksize=3)
    one("SpaceToDepth", numbered(2, 3, 4, 6), 13, blocksize=2)


@pytest.mark.parametrize("source", DTYPES)
@pytest.mark.parametrize("to", DTYPES)
def test_cast(source: npt.DTypeLike, to: npt.DTypeLike) -> None:
    signed = np.dtype(source).kind in "if" and np.dtype(to).kind != "u"
    x = np.array([0, 1, 2, 100, -3 if signed else 3], dtype=source)
    if np.dtype(source).kind == "f":
        x = np.append(x, np.array([0.5, 2.75, -0.75], source))
    one("Cast", x, 13, to=helper.np_dtype_to_tensor_dtype(np.dtype(to)))


def test_cast_keeps_the_low_bits_of_integers() -> None:
    one("Cast", np.array([300, -1, 2**40 + 5, -(2**31)], np.int64), 13, to=helper.np_dtype_to_tensor_dtype(np.dtype(np.uint8)))
    one("Cast", np.array([300, -1, 127, 128], np.int32), 9, to=helper.np_dtype_to_tensor_dtype(np.dtype(np.int8)))


def test_cast_of_what_no_integer_holds() -> None:
    """Both stages agree on what ONNX leaves open; the values are those of the operation's specification."""
    x = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, 2.0**63, 2.0**64 - 2.0**41], np.float32)
    top, bottom = 2**63 - 1, -(2**63)
    wanted = {
        np.int64: [0, top, bottom, top, bottom, top, top],
        np.int32: [0, 2**31 - 1, -(2**31), 2**31 - 1, -(2**31), 2**31 - 1, 2**31 - 1],
        np.int8: [0, -1, 0, -1, 0, -1, -1],
    }
    for dtype, values in wanted.items():
        node = helper.make_node("Cast", ["x"], ["y"], to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
        compare(model([node], {"x": x}, ["y"], 13), {"x": x}, oracle=[np.array(values, dtype)])
    upper = np.array([2.0**63, 2.0**64 - 2.0**41, 5.5], np.float32)
    node = helper.make_node("Cast", ["x"], ["y"], to=helper.np_dtype_to_tensor_dtype(np.dtype(np.uint64)))
    compare(model([node], {"x": upper}, ["y"], 13), {"x": upper}, oracle=[np.array([2**63, 2**64 - 2**41, 5], np.uint64)])


def test_cast_like() -> None:
    inputs = {"x": numbered(3), "like": np.zeros(1, np.int8)}
    compare(model([helper.make_node("CastLike", ["x", "like"], ["y"])], inputs, ["y"], 15), inputs)


def test_shape_and_size() -> None:
    one("Shape", numbered(2, 3, 4), 13)
    one("Shape", numbered(2, 3, 4), 15, start=-2, end=100)
    one("Size", numbered(2, 3, 4), 13)


def test_constant_of_shape_and_range() -> None:
    x = numbered(2)
    value = numpy_helper.from_array(np.array([3], np.int32))
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["a"], value=value),
        helper.make_node("ConstantOfShape", ["empty"], ["b"]),
        helper.make_node("Range", ["start", "limit", "delta"], ["c"]),
        helper.make_node("Range", ["limit", "start", "half"], ["d"]),
    ]
    weights: dict[str, Array] = {
        "shape": np.array([2, 3], ints),
        "empty": np.array([], ints),
        "start": np.array(1, np.float32),
        "limit": np.array(3.5, np.float32),
        "delta": np.array(0.5, np.float32),
        "half": np.array(-0.75, np.float32),
    }
    compare(model(nodes, {"x": x}, ["a", "b", "c", "d"], 13, weights), {"x": x})


def test_views_simplify() -> None:
    """Groups of dims that a reshape leaves alone are addressed without division."""
    x = numbered(2, 3, 4, 5)
    node = helper.make_node("Reshape", ["x", "s"], ["y"])
    proto = model([node], {"x": x}, ["y"], 13, {"s": np.array([6, 4, 5], ints)})
    assert str(imported(proto).function("main").body.first) is not None
    text = str(compare(proto, {"x": x}).function("main").body.first.attributes["map"])  # type: ignore[union-attr]
    assert text == "affine_map<(d0, d1, d2) -> ((d0) floordiv 3, (d0) mod 3, d1, d2)>"
