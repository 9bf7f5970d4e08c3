"""Tensor data that lies outside the model file: found inside the model's folder only, mapped, never read in full.

In comes the `external_data` of a TensorProto; out comes a view of a read-only map of the file, or the reason why not. A
file is opened once and kept mapped, so what was checked is what is used later, whatever happens to the path meanwhile. Real
paths are compared, after every `..` and link is resolved: a link that leads out of the folder is refused like a path that does.
"""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from .files import regular_file
from .problems import fault_reason, shown

__all__ = ["ExternalFiles"]

Bytes = NDArray[np.uint8]


class ExternalFiles:
    """The files beside one model, mapped when they are first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.opened: dict[str, Bytes | str] = {}

    def region(self, tensor: TensorProto, size: int) -> Bytes | str:
        """The `size` bytes that `tensor` claims, or what is wrong with the claim."""
        entries = {entry.key: entry.value for entry in tensor.external_data}
        location = entries.get("location", "")
        span = _span(entries, size)
        if isinstance(span, str):
            return span
        if location not in self.opened:
            self.opened[location] = _map_file(self.folder, location)
        held = self.opened[location]
        if isinstance(held, str):
            return held
        begin, end = span
        if end > held.size:
            return f"its data is said to lie at bytes {begin} to {end} of {shown(location)}, which has {held.size} bytes"
        return held[begin:end]


def _span(entries: dict[str, str], size: int) -> tuple[int, int] | str:
    """Begin and end of the data in its file; the length may be left out, the offset too."""
    begin = _number(entries.get("offset", "0"))
    length = _number(entries.get("length", str(size)))
    if begin is None or length is None:
        wrong = "offset" if begin is None else "length"
        return f"the {wrong} {shown(entries[wrong])} of its external data is not a number of bytes"
    if length != size:
        return f"needs {size} bytes, but its external data has a length of {length}"
    return begin, begin + length


def _number(text: str) -> int | None:
    """A byte count; 19 digits hold any file's size, and int() of longer ones is slow."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 19 else None


def _map_file(folder: Path, location: str) -> Bytes | str:
    if not location:
        return "its external data has no location"
    outside = f"its data file {shown(location)} lies outside the model's folder"
    if Path(location).is_absolute():
        return outside
    try:
        home = folder.resolve(strict=True)
        target = (home / location).resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as fault:  # missing, a NUL in the name, a loop of links
        return f"its data file {shown(location)} cannot be found beside the model ({fault_reason(fault)})"
    if not target.is_relative_to(home):
        return outside
    try:
        return _map(target)
    except OSError as fault:
        return f"its data file {shown(location)} cannot be read ({fault_reason(fault)})"


def _map(path: Path) -> Bytes:
    with regular_file(path) as (descriptor, size):
        if not size:  # mmap refuses empty files
            return np.empty(0, np.uint8)
        return np.frombuffer(mmap.mmap(descriptor, size, access=mmap.ACCESS_READ), np.uint8)
