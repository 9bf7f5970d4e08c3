"""A TensorProto as a NumPy array, after its claims were checked against the bytes that are there.

In comes a tensor of any ONNX element type, inline or external; out comes a read-only array, without a copy where the bytes
already have NumPy's layout. `tensor_faults` yields what is wrong and allocates nothing that the file does not hold itself:
a file of a hundred bytes may claim 10^12 elements.

All data first takes the layout of `raw_data` (little endian, small types packed from the lowest bits up) and is decoded
from there, so typed fields, raw bytes and external files share one decoder. Element types that NumPy lacks come from ml_dtypes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import ml_dtypes
import numpy as np
from numpy.typing import DTypeLike, NDArray
from onnx import TensorProto

from ...errors import CompileError, error
from .external import ExternalFiles
from .problems import shown

__all__ = ["ELEMENTS", "Array", "Element", "tensor_array", "tensor_faults"]

Array = NDArray[np.generic]

MOST_AXES = 64  # NumPy's limit
MOST_BYTES = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Element:
    """One element type: its ONNX name, its NumPy dtype, its bits in raw data, and the typed field that may hold it instead."""

    name: str
    dtype: np.dtype[np.generic]
    bits: int
    field: str
    bits_per_entry: int

    def entries(self, elements: int) -> int:
        """How many entries of the typed field hold `elements` elements."""
        if self.bits == 6:  # unlike 2 and 4 bits, which are packed in the typed field too
            return elements
        return -(-elements * self.bits // self.bits_per_entry)

    def raw_bytes(self, elements: int) -> int:
        """How many bytes of raw data hold `elements` elements."""
        return -(-elements * self.bits // 8)


def _element(name: str, dtype: DTypeLike, bits: int, field: str, bits_per_entry: int) -> Element:
    return Element(name, np.dtype(dtype), bits, field, bits_per_entry)


def _small(name: str, dtype: DTypeLike, bits: int) -> Element:
    """A type whose typed field is int32_data: one element in an entry, or one packed byte."""
    return _element(name, dtype, bits, "int32_data", max(bits, 8))


STRING = 8
BOOL = 9

ELEMENTS: dict[int, Element] = {  # numbered as TensorProto.DataType; by number, for onnx releases that lack the newest
    1: _element("float32", np.float32, 32, "float_data", 32),
    2: _small("uint8", np.uint8, 8),
    3: _small("int8", np.int8, 8),
    4: _small("uint16", np.uint16, 16),
    5: _small("int16", np.int16, 16),
    6: _small("int32", np.int32, 32),
    7: _element("int64", np.int64, 64, "int64_data", 64),
    STRING: _element("string", np.object_, 64, "string_data", 64),
    BOOL: _small("bool", np.bool_, 8),
    10: _small("float16", np.float16, 16),
    11: _element("float64", np.float64, 64, "double_data", 64),
    12: _element("uint32", np.uint32, 32, "uint64_data", 32),
    13: _element("uint64", np.uint64, 64, "uint64_data", 64),
    14: _element("complex64", np.complex64, 64, "float_data", 32),
    15: _element("complex128", np.complex128, 128, "double_data", 64),
    16: _small("bfloat16", ml_dtypes.bfloat16, 16),
    17: _small("float8e4m3fn", ml_dtypes.float8_e4m3fn, 8),
    18: _small("float8e4m3fnuz", ml_dtypes.float8_e4m3fnuz, 8),
    19: _small("float8e5m2", ml_dtypes.float8_e5m2, 8),
    20: _small("float8e5m2fnuz", ml_dtypes.float8_e5m2fnuz, 8),
    21: _small("uint4", ml_dtypes.uint4, 4),
    22: _small("int4", ml_dtypes.int4, 4),
    23: _small("float4e2m1", ml_dtypes.float4_e2m1fn, 4),
    24: _small("float8e8m0", ml_dtypes.float8_e8m0fnu, 8),
    25: _small("uint2", ml_dtypes.uint2, 2),
    26: _small("int2", ml_dtypes.int2, 2),
    27: _small("float6e2m3", ml_dtypes.float6_e2m3fn, 6),
    28: _small("float6e3m2", ml_dtypes.float6_e3m2fn, 6),
}

FIELD_DTYPES: dict[str, np.dtype[np.generic]] = {
    "float_data": np.dtype(np.float32),
    "int32_data": np.dtype(np.int32),
    "int64_data": np.dtype(np.int64),
    "double_data": np.dtype(np.float64),
    "uint64_data": np.dtype(np.uint64),
}


def tensor_array(tensor: TensorProto, external: ExternalFiles | None = None) -> Array:
    """The read-only array that `tensor` describes; a `CompileError` when its claims and its bytes disagree."""
    faults = tuple(tensor_faults(tensor, external))
    if faults:
        raise CompileError.of(error(f"tensor {shown(tensor.name)} {fault}") for fault in faults)
    element, shape = ELEMENTS[tensor.data_type], tuple(tensor.dims)
    if tensor.data_type == STRING:
        array: Array = np.empty(math.prod(shape), np.object_)
        array[:] = [text.decode() for text in tensor.string_data]
    else:
        array = _elements(tensor, element, math.prod(shape), external)
    array = array.reshape(shape)
    array.setflags(write=False)
    return array


def tensor_faults(tensor: TensorProto, external: ExternalFiles | None = None) -> Iterator[str]:
    """What is wrong with `tensor`, each to be read after its name; nothing when `tensor_array` can be called."""
    element = ELEMENTS.get(tensor.data_type)
    if element is None:
        yield f"has the element type {tensor.data_type}, which ONNX does not define"
        return
    if tensor.HasField("segment"):
        yield "is a segment of a larger tensor, which is not supported"
        return
    fault = _shape_fault(tuple(tensor.dims), element)
    if not fault:
        fault = _data_fault(tensor, element, external)
    if fault:
        yield fault


def _shape_fault(shape: tuple[int, ...], element: Element) -> str:
    if len(shape) > MOST_AXES:
        return f"has {len(shape)} axes; at most {MOST_AXES} are possible"
    if any(extent < 0 for extent in shape):
        return f"has a negative extent: {_type(element, shape)}"
    # NumPy multiplies the extents other than 0 even when one of them is 0.
    if math.prod(max(extent, 1) for extent in shape) * max(element.bits, 8) // 8 > MOST_BYTES:
        return f"is larger than any memory: {_type(element, shape)}"
    return ""


def _data_fault(tensor: TensorProto, element: Element, external: ExternalFiles | None) -> str:
    elements = math.prod(tensor.dims)
    claimed = _type(element, tuple(tensor.dims))
    held = _filled_fields(tensor)
    if len(held) > 1:
        return f"keeps its data in several places: {', '.join(held)}"
    place = held[0] if held else element.field
    if place == "external_data":
        return _external_fault(tensor, element, external)
    if place == "raw_data" and element.field != "string_data":
        present, needed = len(tensor.raw_data), element.raw_bytes(elements)
        return "" if present == needed else f"is {claimed} and needs {needed} bytes, but its raw_data holds {present}"
    if place != element.field:
        return f"is {claimed}, but its data is in {place} instead of {element.field}"
    present, needed = len(getattr(tensor, place)), element.entries(elements)
    if present != needed:
        return f"is {claimed} and needs {needed} entries in {place}, but there are {present}"
    return _entries_fault(tensor, element)


def _filled_fields(tensor: TensorProto) -> list[str]:
    """Where the tensor keeps data; an empty raw_data counts only if nothing else is there, and then it does not matter."""
    held = [field for field in (*FIELD_DTYPES, "string_data") if len(getattr(tensor, field))]
    if tensor.HasField("raw_data") and (tensor.raw_data or not held):
        held.append("raw_data")
    if tensor.data_location == TensorProto.EXTERNAL:
        held = [field for field in held if field != "raw_data" or tensor.raw_data]
        held.append("external_data")
    return held


def _external_fault(tensor: TensorProto, element: Element, external: ExternalFiles | None) -> str:
    if external is None:
        return "keeps its data in another file, which only a model may do"
    if element.field == "string_data":
        return "is string, which cannot be kept in another file"
    region = external.region(tensor, element.raw_bytes(math.prod(tensor.dims)))
    return region if isinstance(region, str) else ""


def _entries_fault(tensor: TensorProto, element: Element) -> str:
    """Entries that do not fit the element: either sign is read, as writers differ, but no bit is dropped."""
    if element.field == "string_data":
        return "" if all(_is_text(text) for text in tensor.string_data) else "holds strings that are not UTF-8"
    width = 6 if element.bits == 6 else element.bits_per_entry
    stored = FIELD_DTYPES[element.field]
    if stored.kind not in "iu" or width >= 8 * stored.itemsize:
        return ""
    entries = np.array(getattr(tensor, element.field), stored)
    low, high = (-(2 ** (width - 1)) if stored.kind == "i" else 0), 2**width - 1
    outside = entries[(entries < low) | (entries > high)]
    return f"is {element.name}, but {element.field} holds {outside[0]}" if outside.size else ""


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _elements(tensor: TensorProto, element: Element, count: int, external: ExternalFiles | None) -> Array:
    """The elements of a checked tensor, in a row."""
    if tensor.data_location == TensorProto.EXTERNAL and external is not None:
        region = external.region(tensor, element.raw_bytes(count))
        assert not isinstance(region, str), region
        return _decode(region, element, count)
    if tensor.HasField("raw_data") and not len(getattr(tensor, element.field)):
        return _decode(np.frombuffer(tensor.raw_data, np.uint8), element, count)
    entries = np.array(getattr(tensor, element.field), FIELD_DTYPES[element.field])
    if element.bits == 6:
        return (entries & 0x3F).astype(np.uint8).view(element.dtype)
    if element.field in ("int32_data", "uint64_data"):  # the low bits, whatever the sign
        entries = entries.astype(f"u{element.bits_per_entry // 8}")
    return _decode(entries.view(np.uint8), element, count)


def _decode(raw: NDArray[np.uint8], element: Element, count: int) -> Array:
    """`count` elements from bytes in raw_data's layout; all hosts we run on are little endian, as that is."""
    if element.bits == 6:
        bits = np.unpackbits(raw, bitorder="little", count=6 * count).reshape(count, 6)
        return np.packbits(bits, axis=1, bitorder="little").reshape(-1).view(element.dtype)
    if element.bits < 8:
        shifts = np.arange(0, 8, element.bits, dtype=np.uint8)
        parts = (raw[:, np.newaxis] >> shifts) & np.uint8(2**element.bits - 1)
        return parts.reshape(-1)[:count].view(element.dtype)
    if element.dtype == np.bool_ and raw.max(initial=0) > 1:
        truth: Array = raw != 0  # a byte above 1 is no bool to NumPy
        return truth
    return np.require(raw.view(element.dtype), requirements="A")  # copies when an external offset is odd


def _type(element: Element, shape: tuple[int, ...]) -> str:
    """How a tensor's type stands in messages, as in float32 1 x 3 x 96 x 96."""
    listed = " x ".join(map(str, shape[:8])) + (" x ..." if len(shape) > 8 else "")
    return f"{element.name} {listed}" if shape else f"a {element.name} scalar"
