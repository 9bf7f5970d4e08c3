"""Arrays for a model's inputs from files: .npy, .npz, .pb, pictures, and the folders of ONNX's own test suite.

In come a path and the type of the input it is meant for; out comes an array of exactly that element type that fits the
shape, or a `CompileError`. Nothing is cast in silence: only pictures are fitted, and say so in their warnings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError
from onnx import TensorProto

from ...errors import CompileError, Diagnostic, error
from .files import read_bytes
from .npy import read_npy, read_npz
from .pictures import PICTURE_SUFFIXES, Extent, read_picture
from .problems import fault_reason, join, refuse, shown, shown_path
from .tensors import Array, tensor_array

__all__ = ["LoadedInput", "TestData", "load_input", "load_test_data", "read_tensor"]

SUFFIXES = (".npy", ".npz", ".pb", *PICTURE_SUFFIXES)
MOST_INPUT_BYTES = 2**36  # the system may have less; what is read is never more than the file holds


@dataclass(frozen=True, slots=True, eq=False)
class LoadedInput:
    """An array for one input, and what the user should know about how it was made."""

    array: Array
    warnings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class TestData:
    """One test of an ONNX test folder: arrays in the order of the model's inputs and outputs."""

    __test__ = False  # for pytest, which takes the name for a test case

    folder: Path
    inputs: tuple[Array, ...]
    expected: tuple[Array, ...]


def load_input(path: str | Path, dtype: np.dtype[np.generic], shape: Sequence[Extent], name: str = "") -> LoadedInput:
    """The array in the file at `path` for the input `name`; integers in `shape` are fixed, names and None are open."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise refuse(path, f"the input file has the suffix {shown(suffix)}", f"one of {', '.join(SUFFIXES)} can be read")
    data = read_bytes(path, "input", MOST_INPUT_BYTES)
    match suffix:
        case ".npy":
            array = read_npy(path, data)
        case ".npz":
            array = read_npz(path, data, name)
        case ".pb":
            array = _tensor(path, data)
        case _:
            return LoadedInput(*read_picture(path, data, dtype, shape))
    return LoadedInput(_checked(path, array, dtype, shape, name))


def read_tensor(path: Path) -> Array:
    """The array in a .pb file that holds a TensorProto."""
    return _tensor(path, read_bytes(path, "input", MOST_INPUT_BYTES))


def _tensor(path: Path, data: bytes) -> Array:
    try:
        tensor = TensorProto.FromString(data)
    except (DecodeError, RecursionError, UnicodeDecodeError):
        hint = "it is truncated, damaged or of another format; a .pb file holds one TensorProto"
        raise refuse(path, f"the {len(data)} bytes of the input file are not a tensor", hint) from None
    if tensor.HasField("segment"):  # where SequenceProto and OptionalProto keep their values
        raise refuse(path, "the input file holds a sequence or an optional, which is not supported yet", "give tensors")
    if isinstance(tensor.name, bytes):  # what protobuf makes of a string that is not UTF-8
        raise refuse(path, "the tensor's name is not UTF-8 text", "the file is damaged; write it again")
    try:
        return tensor_array(tensor)
    except CompileError as fault:
        hint = "the file is damaged or holds no TensorProto; write it again"
        raise CompileError.of(found.at(shown_path(path)).help(hint) for found in fault.diagnostics) from None


def load_test_data(folder: str | Path) -> tuple[TestData, ...]:
    """The tests in an ONNX test folder: itself one `test_data_set`, or a folder that holds some, in numeric order."""
    folder = Path(folder)
    if not folder.is_dir():
        raise refuse(folder, "the test folder does not exist or is a file", "give a folder with input_0.pb and output_0.pb")
    numbered = _numbered(folder, "test_data_set_", "")
    folders = [path for _, path in numbered if path.is_dir()] or [folder]
    return tuple(_load_test(each) for each in folders)


def _load_test(folder: Path) -> TestData:
    inputs, expected = _load_tensors(folder, "input"), _load_tensors(folder, "output")
    if not expected:
        raise refuse(folder, "the test folder holds no expected outputs", "give a folder with input_0.pb and output_0.pb")
    return TestData(folder, inputs, expected)


def _load_tensors(folder: Path, kind: str) -> tuple[Array, ...]:
    numbered = _numbered(folder, f"{kind}_", ".pb")
    for position, (number, path) in enumerate(numbered):
        if number != position:
            raise refuse(path, f"there is no {kind}_{position}.pb before it", f"number the {kind}s from 0 without gaps")
    return tuple(read_tensor(path) for _, path in numbered)


def _numbered(folder: Path, prefix: str, suffix: str) -> list[tuple[int, Path]]:
    """The entries of `folder` named prefix, number, suffix; by number, as 10 comes after 9."""
    pattern = re.compile(re.escape(prefix) + r"([0-9]{1,6})" + re.escape(suffix))
    try:
        found = [(match, path) for path in folder.iterdir() if (match := pattern.fullmatch(path.name))]
    except OSError as fault:
        raise refuse(folder, f"the test folder cannot be read: {fault_reason(fault)}", "check its permissions") from None
    return sorted((int(match[1]), path) for match, path in found)


def _checked(path: Path, array: Array, dtype: np.dtype[np.generic], shape: Sequence[Extent], name: str) -> Array:
    """The array, if it is what the input wants."""
    if array.dtype != dtype and array.dtype.kind == dtype.kind == "V" and array.dtype.itemsize == dtype.itemsize:
        array = array.view(dtype)  # .npy files forget the names of ml_dtypes
    fits = len(array.shape) == len(shape) and all(
        not isinstance(wanted, int) or wanted == extent for wanted, extent in zip(shape, array.shape, strict=True)
    )
    if array.dtype == dtype and fits:
        return array
    held, wanted = _type(array.dtype, array.shape), _type(dtype, shape)
    hint = (
        f"convert it first, for example with array.astype({str(dtype)!r})" if array.dtype != dtype else "reshape it, or bind the dimensions"
    )
    place = join(shown_path(path), f"input {shown(name)}" if name else "")
    raise CompileError(error(f"the input file holds {held}, but the input is {wanted}").at(place).help(hint))


def _type(dtype: np.dtype[np.generic], shape: Sequence[Extent]) -> str:
    extents = " x ".join("?" if extent is None else shown(extent)[1:-1] if isinstance(extent, str) else str(extent) for extent in shape)
    return f"{dtype} {extents}" if extents else f"a {dtype} scalar"
