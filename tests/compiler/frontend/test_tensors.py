"""TensorProto to array: every element type in every encoding agrees with onnx's own decoder, and lies are told apart."""

from __future__ import annotations

import math
import tracemalloc

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from intaglio.compiler.frontend.tensors import ELEMENTS, STRING, tensor_array, tensor_faults
from intaglio.errors import CompileError

NUMERIC = [number for number in ELEMENTS if number != STRING]
SHAPES = [(), (0,), (1,), (5,), (2, 3), (3, 0, 2), (2, 1, 4)]


def sample(number: int, shape: tuple[int, ...]) -> np.ndarray:
    """Values of the type, drawn as bits where every pattern is one."""
    element = ELEMENTS[number]
    rng = np.random.default_rng(number)
    if element.dtype == np.bool_:
        return rng.integers(0, 2, shape).astype(bool)
    if element.bits < 8:
        return rng.integers(0, 2**element.bits, shape).astype(np.uint8).view(element.dtype)
    bits = rng.integers(0, 256, (math.prod(shape) * element.dtype.itemsize,)).astype(np.uint8)
    return bits.view(element.dtype).reshape(shape)


def assert_same_bits(actual: np.ndarray, expected: np.ndarray) -> None:
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    assert actual.tobytes() == expected.tobytes()


@pytest.mark.parametrize("number", ELEMENTS)
def test_the_table_agrees_with_onnx(number: int) -> None:
    element = ELEMENTS[number]
    assert element.dtype == helper.tensor_dtype_to_np_dtype(number)
    assert element.field == helper.tensor_dtype_to_field(number)


@pytest.mark.parametrize("number", NUMERIC)
@pytest.mark.parametrize("shape", SHAPES)
def test_raw_data(number: int, shape: tuple[int, ...]) -> None:
    values = sample(number, shape)
    tensor = numpy_helper.from_array(values, "t")
    assert tensor.data_type == number
    assert_same_bits(tensor_array(tensor), values)
    assert not tensor_array(tensor).flags.writeable


@pytest.mark.parametrize("number", NUMERIC)
@pytest.mark.parametrize("shape", SHAPES)
def test_typed_fields(number: int, shape: tuple[int, ...]) -> None:
    """Written by hand from the comments of onnx.proto; onnx's own decoder is the oracle for what was written."""
    element, values = ELEMENTS[number], sample(number, shape)
    tensor = TensorProto(name="t", data_type=number, dims=shape)
    if element.bits == 6:
        entries = values.reshape(-1).view(np.uint8)
    elif element.bits < 8:
        entries = np.frombuffer(numpy_helper.from_array(values).raw_data, np.uint8)
    elif element.field in ("int32_data", "uint64_data"):
        sign = "i" if element.dtype.kind == "i" else "u"
        entries = values.reshape(-1).view(f"{sign}{element.dtype.itemsize}")
    else:
        entries = values.reshape(-1).view({"float_data": np.float32, "double_data": np.float64}.get(element.field, element.dtype))
    getattr(tensor, element.field).extend(entries.tolist())
    expected = numpy_helper.to_array(tensor)
    actual = tensor_array(tensor)
    assert actual.dtype == expected.dtype
    assert actual.shape == shape
    if element.field == "float_data":  # NaN bits may change on their way through Python's float
        np.testing.assert_array_equal(actual, values)
    assert actual.tobytes() == expected.tobytes()


def test_raw_data_is_not_copied() -> None:
    tensor = numpy_helper.from_array(np.arange(1_000_000, dtype=np.float32), "t")
    array = tensor_array(tensor)
    assert array.base is not None
    assert not array.flags.owndata


def test_negative_entries_keep_their_low_bits() -> None:
    tensor = TensorProto(data_type=TensorProto.UINT8, dims=[3], int32_data=[-1, 255, -128])
    assert tensor_array(tensor).tolist() == [255, 255, 128]
    tensor = TensorProto(data_type=TensorProto.INT8, dims=[2], int32_data=[-1, 255])
    assert tensor_array(tensor).tolist() == [-1, -1]


def test_bools_other_than_one_are_true() -> None:
    tensor = TensorProto(data_type=TensorProto.BOOL, dims=[4], raw_data=b"\0\1\2\xff")
    assert tensor_array(tensor).tolist() == [False, True, True, True]
    assert tensor_array(tensor).view(np.uint8).tolist() == [0, 1, 1, 1]


def test_strings() -> None:
    tensor = TensorProto(name="s", data_type=STRING, dims=[2, 1], string_data=[b"a", "\u00e9".encode()])
    assert tensor_array(tensor).tolist() == [["a"], ["\u00e9"]]
    tensor.string_data[1] = b"\xff"
    assert list(tensor_faults(tensor)) == ["holds strings that are not UTF-8"]


def test_int4_is_signed() -> None:
    tensor = TensorProto(data_type=TensorProto.INT4, dims=[3], raw_data=b"\x7f\x08")
    array = tensor_array(tensor)
    assert array.dtype == ml_dtypes.int4
    assert array.astype(np.int32).tolist() == [-1, 7, -8]


FLOAT, INT8, INT4, UINT32 = TensorProto.FLOAT, TensorProto.INT8, TensorProto.INT4, TensorProto.UINT32


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (TensorProto(data_type=FLOAT, dims=[2], raw_data=bytes(7)), "is float32 2 and needs 8 bytes, but its raw_data holds 7"),
        (TensorProto(data_type=FLOAT, dims=[], raw_data=b""), "is a float32 scalar and needs 4 bytes, but its raw_data holds 0"),
        (TensorProto(data_type=FLOAT, dims=[3], float_data=[1]), "needs 3 entries in float_data, but there are 1"),
        (TensorProto(data_type=FLOAT, dims=[1]), "needs 1 entries in float_data, but there are 0"),
        (TensorProto(data_type=FLOAT, dims=[1], int32_data=[1]), "its data is in int32_data instead of float_data"),
        (TensorProto(data_type=FLOAT, dims=[0], float_data=[1]), "needs 0 entries"),
        (TensorProto(data_type=INT8, dims=[1], int32_data=[256]), "is int8, but int32_data holds 256"),
        (TensorProto(data_type=INT8, dims=[1], int32_data=[-129]), "is int8, but int32_data holds -129"),
        (TensorProto(data_type=INT4, dims=[3], raw_data=bytes(3)), "needs 2 bytes, but its raw_data holds 3"),
        (TensorProto(data_type=INT4, dims=[3], int32_data=[256, 0]), "is int4, but int32_data holds 256"),
        (TensorProto(data_type=UINT32, dims=[1], uint64_data=[2**32]), "is uint32, but uint64_data holds 4294967296"),
        (TensorProto(data_type=27, dims=[1], int32_data=[64]), "is float6e2m3, but int32_data holds 64"),
        (TensorProto(data_type=STRING, dims=[1], raw_data=b"a"), "its data is in raw_data instead of string_data"),
        (TensorProto(data_type=FLOAT, dims=[1], data_location=TensorProto.EXTERNAL), "which only a model may do"),
    ],
)
def test_lies(tensor: TensorProto, message: str) -> None:
    (fault,) = tensor_faults(tensor)
    assert message in fault
    tensor.name = "t\n"
    with pytest.raises(CompileError, match=r"tensor 't\\n' "):
        tensor_array(tensor)


@given(
    number=st.sampled_from([*ELEMENTS, 0, 77]),
    dims=st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 4), max_size=5),
    raw=st.binary(max_size=16) | st.none(),
    entries=st.lists(st.integers(-(2**31), 2**31 - 1), max_size=4),
)
def test_any_claim_is_decoded_or_refused_within_the_bytes_present(
    number: int, dims: list[int], raw: bytes | None, entries: list[int]
) -> None:
    tensor = TensorProto(data_type=number, dims=dims, raw_data=raw, int32_data=entries)
    tracemalloc.start()
    try:
        array = tensor_array(tensor)
        assert array.shape == tuple(dims)
        assert array.size <= 64
    except CompileError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 500_000
