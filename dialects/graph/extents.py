"""Extents with their names, and broadcasting: what the type inference of every family shares.

An axis is an extent (None where it is unknown) and its name ("" where it has none). Unknown extents stay named as long as they are
carried over unchanged, so that a free batch is called by its name down to the results.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from ..ir.operation import Value
from ..ir.types import Extent, Scalar, TensorType

Axis: TypeAlias = tuple[Extent, str]
UNKNOWN: Axis = (None, "")


def tensor(value: Value) -> TensorType:
    """The type of a tensor value. Raises TypeError for others."""
    if not isinstance(value.type, TensorType):
        raise TypeError(f"{value.type} is no tensor")
    return value.type


def element(value: Value) -> Scalar:
    """The element type of a tensor value."""
    return tensor(value).element


def axes(type_: TensorType) -> list[Axis]:
    """The extents of a type with their names."""
    names = type_.names or ("",) * type_.rank
    return [(extent, name if extent is None else "") for extent, name in zip(type_.shape, names, strict=True)]


def from_axes(parts: Sequence[Axis], element: Scalar) -> TensorType:
    """The type with these axes."""
    names = tuple(name for _, name in parts)
    return TensorType(tuple(extent for extent, _ in parts), element, names if any(names) else ())


def broadcast(types: Sequence[TensorType]) -> list[Axis]:
    """The axes that ONNX's (NumPy's) broadcasting of `types` gives; extents that disagree give the largest."""
    rank = max(type_.rank for type_ in types)
    padded = [[(1, "")] * (rank - type_.rank) + axes(type_) for type_ in types]
    return [_broadcast_axis(column) for column in zip(*padded, strict=True)]


def _broadcast_axis(column: Sequence[Axis]) -> Axis:
    known = [extent for extent, _ in column if extent is not None and extent != 1]
    if known:
        return (0 if 0 in known else max(known), "")
    unknown = [axis for axis in column if axis[0] is None]
    if not unknown:
        return (1, "")
    return unknown[0] if all(axis == unknown[0] for axis in unknown) else UNKNOWN


def broadcast_faults(types: Sequence[TensorType]) -> Iterator[str]:
    """What keeps `types` from being broadcast to one shape."""
    rank = max(type_.rank for type_ in types)
    for axis in range(-1, -rank - 1, -1):
        known = [t.shape[axis] for t in types if -axis <= t.rank and t.shape[axis] not in (None, 1)]
        if len(dict.fromkeys(known)) > 1:
            yield f"{' and '.join(map(str, types))} do not broadcast: axis {axis} is {' and '.join(map(str, dict.fromkeys(known)))}"
