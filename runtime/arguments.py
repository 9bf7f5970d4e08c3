"""A caller's values as the arrays that compiled code reads.

In: a mapping from input names to NumPy arrays, other arrays that speak DLPack or the array protocol, numbers, or nested lists. Out: one
C-contiguous array per input. The one thing to know: nothing is converted silently. A list takes the input's element type, but an array of
another type or shape is refused, with all that is wrong in one message.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CompileError, Diagnostic, error, quote
from .manifest import Port

__all__ = ["as_arrays"]

Array = NDArray[Any]


def as_arrays(ports: Sequence[Port], given: Mapping[str, Any]) -> list[Array]:
    """One array per port. Raises CompileError."""
    arrays = []
    for port in ports:
        value = given.get(port.name)
        if type(value) is np.ndarray and value.dtype == port.dtype and value.shape == port.shape and value.flags.carray:
            arrays.append(value)
        elif value is None:
            break
        else:
            arrays.append(_converted(port, value))
    if len(arrays) != len(ports) or len(given) != len(ports):
        raise CompileError(*_misnamed(ports, given))
    return arrays


def _converted(port: Port, value: Any) -> Array:
    """The slow way: another kind of array, another layout, or a fault."""
    array = _array(port, value)
    faults = []
    if array.dtype != port.dtype:
        faults.append(
            error(f"input {quote(port.name)} is {array.dtype}, and the model takes {port.dtype}").help("convert it with .astype(...)")
        )
    if array.shape != port.shape:
        given, wanted = (" x ".join(map(str, shape)) or "a scalar" for shape in (array.shape, port.shape))
        faults.append(error(f"input {quote(port.name)} has the shape {given}, and the model takes {wanted}").help("reshape the array"))
    if faults:
        raise CompileError(*faults)
    return np.require(array, requirements=("C", "A")) if array.dtype.isnative else array.astype(port.dtype)


def _array(port: Port, value: Any) -> Array:
    if isinstance(value, np.ndarray):
        return value
    try:
        if hasattr(value, "__dlpack__"):
            return np.from_dlpack(value)
        if hasattr(value, "__array__"):
            return np.asarray(value)
        return np.asarray(value, port.dtype)
    except (TypeError, ValueError, BufferError, OverflowError, RuntimeError) as fault:
        raise CompileError(error(f"input {quote(port.name)} is {type(value).__name__}, which is no array: {fault}")) from fault


def _misnamed(ports: Sequence[Port], given: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """What is missing, and what is too many."""
    names = [port.name for port in ports]
    for port in ports:
        if given.get(port.name) is None:
            yield error(f"input {quote(port.name)} is missing: {port}")
    for name in given:
        if name not in names:
            near = get_close_matches(str(name), names, 1)
            way_out = f"did you mean {quote(near[0])}?" if near else f"the inputs are {', '.join(map(quote, names)) or 'none'}"
            yield error(f"the model has no input {quote(str(name))}").help(way_out)
