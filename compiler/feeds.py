"""The arrays of a call against the inputs of a model.

In come arrays by input name, or anything that has DLPack or the array interface; out come NumPy arrays in the order of the inputs, contiguous and in
native byte order. The one thing to know: nothing is cast and nothing is broadcast; every fault of the call is reported at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import CompileError, Diagnostic, error, printable, quote

if TYPE_CHECKING:
    from .artefact import Port

__all__ = ["Array", "bound_shapes", "checked_feeds", "shape_text"]

Array = NDArray[np.generic]


def checked_feeds(inputs: Sequence[Port], feeds: Mapping[str, object], hint: str = "") -> tuple[Array, ...]:
    """The arrays of `feeds`, one for each input. Raises CompileError with everything that does not fit; `hint` says how arrays are given."""
    found = [*_unknown(inputs, feeds)]
    arrays: list[Array] = []
    for port in inputs:
        if port.name not in feeds:
            missing = error(f"the input {quote(port.name)} is not given: {port.dtype} {shape_text(port.extents)}")
            found.append(missing.help(hint) if hint else missing)
            continue
        array = _array(feeds[port.name], port)
        found += _misfits(port, array)
        arrays.append(array)
    if found:
        raise CompileError.of(found)
    return tuple(arrays)


def bound_shapes(inputs: Sequence[Port], arrays: Sequence[Array]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """The shapes of the arrays whose inputs are open, as `Options.shapes` has them."""
    pairs = zip(inputs, arrays, strict=True)
    return tuple(sorted((port.name, tuple(map(int, array.shape))) for port, array in pairs if not port.is_static))


def shape_text(extents: Sequence[int | str | None]) -> str:
    """Extents as messages have them: `batch x 3 x ?`, `scalar`."""
    return " x ".join("?" if extent is None else printable(str(extent)) for extent in extents) or "scalar"


def _array(value: object, port: Port) -> Array:
    """Lists and numbers take the input's element type; arrays keep theirs."""
    if not isinstance(value, np.ndarray) and hasattr(value, "__dlpack__"):
        value = np.from_dlpack(value)
    try:
        array: Array = np.asarray(value) if hasattr(value, "__array__") else np.asarray(value, port.dtype)
    except (TypeError, ValueError, OverflowError) as fault:
        raise CompileError(error(f"the input {quote(port.name)} was given a {type(value).__name__}, which is no array: {fault}")) from None
    return np.ascontiguousarray(array, array.dtype.newbyteorder("=")).reshape(array.shape)


def _unknown(inputs: Sequence[Port], feeds: Mapping[str, object]) -> Iterator[Diagnostic]:
    names = [port.name for port in inputs]
    for name in feeds:
        if name not in names:
            near = get_close_matches(name, names, 3, 0.0) or ["none"]
            yield error(f"the model has no input {quote(name)}").help(f"its inputs are {', '.join(map(quote, near))}")


def _misfits(port: Port, array: Array) -> Iterator[Diagnostic]:
    if array.dtype != port.dtype:
        yield error(f"the input {quote(port.name)} is {port.dtype}, and was given {array.dtype}").help(
            f"convert it first, for example with array.astype({str(port.dtype)!r})"
        )
    fits = array.ndim == len(port.shape) and all(want in (None, got) for want, got in zip(port.shape, array.shape, strict=True))
    if not fits:
        wanted, given = shape_text(port.extents), shape_text(array.shape)
        yield error(f"the input {quote(port.name)} is {wanted}, and was given {given}").help("reshape the array, or bind the dims otherwise")
