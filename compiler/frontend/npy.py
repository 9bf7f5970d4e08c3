"""Arrays from NumPy's own files, with every size checked before anything is allocated.

In comes a stream and the number of bytes it can give; out comes an array. NumPy's reader allocates what the header claims
and only then looks for the data, so the header is read with NumPy's parser and the data here. Pickled objects are refused.
"""

from __future__ import annotations

import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy_format

from .problems import fault_reason, refuse, shown
from .tensors import Array

__all__ = ["read_npy", "read_npz"]

# Damage shows in the zip directory, in zlib, and in NumPy's header, which is parsed as a Python literal.
READING_FAULTS = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    SyntaxError,
    RuntimeError,  # RecursionError too
    MemoryError,
    OverflowError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
MOST_INFLATED_BYTES = 2**32  # what a compressed member may unpack to


def read_npy(path: Path, data: bytes) -> Array:
    """The array in `data`, the content of the .npy file at `path`."""
    with _readable(path, "a .npy file"):
        return _read_array(path, BytesIO(data), len(data))


def read_npz(path: Path, data: bytes, name: str) -> Array:
    """The member `name` of a .npz file, or its only one."""
    with _readable(path, "a .npz file"), zipfile.ZipFile(BytesIO(data)) as archive:
        members = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
        member = members.get(name) or (next(iter(members.values())) if len(members) == 1 else None)
        if member is None:
            listed = ", ".join(shown(key) for key in list(members)[:8]) or "nothing"
            raise refuse(path, f"the .npz file has no array {shown(name)}, but {listed}", "name the array after the model's input")
        if member.file_size > MOST_INFLATED_BYTES:
            message = f"the array {shown(member.filename)} unpacks to {member.file_size} bytes; at most {MOST_INFLATED_BYTES} are read"
            raise refuse(path, message, "store it as .npy")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # the two that NumPy writes
            raise refuse(path, f"the array {shown(member.filename)} is compressed in an unknown way", "save it with numpy.savez")
        with archive.open(member) as stream:
            return _read_array(path, stream, member.file_size)


@contextmanager
def _readable(path: Path, kind: str) -> Iterator[None]:
    """Says in a diagnostic what the standard readers raise on files that are not what they seem."""
    try:
        yield
    except READING_FAULTS as fault:
        message = f"the input file cannot be read as {kind}: {fault_reason(fault)}"
        raise refuse(path, message, "save it again with numpy.save or numpy.savez") from None


def _read_array(path: Path, stream: IO[bytes], size: int) -> Array:
    version = npy_format.read_magic(stream)
    if version == (1, 0):
        shape, by_columns, dtype = npy_format.read_array_header_1_0(stream)
    elif version not in ((2, 0), (3, 0)):
        raise refuse(path, f"the input file is of version {version[0]}.{version[1]} of the .npy format", "save it with numpy.save")
    else:  # 3.0 differs from 2.0 in the encoding of field names only, and records are refused below
        shape, by_columns, dtype = npy_format.read_array_header_2_0(stream)
    if dtype.hasobject or dtype.names is not None:
        raise refuse(path, "the input file holds Python objects or records, not a plain array", "save an array of numbers")
    present, needed = size - stream.tell(), math.prod(shape) * dtype.itemsize
    if any(extent < 0 for extent in shape) or present != needed:
        extents = " x ".join(map(str, shape[:8])) or "scalar"
        message = f"the array is said to be {dtype} {extents}, {needed} bytes, but the input file holds {present}"
        raise refuse(path, message, "the file is damaged or was cut short; save it again")
    data = stream.read(needed)
    if len(data) != needed:
        raise refuse(path, f"the input file ends after {len(data)} of {needed} bytes", "save it again")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if by_columns else "C").astype(dtype.newbyteorder("="), copy=False)
