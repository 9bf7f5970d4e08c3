"""Attributes: immutable facts on operations, mostly plain Python values.

bool, int, float, str, bytes-like arrays, tuples of attributes, types, affine maps and dictionaries are attributes as they are; the
classes here are what Python has no value for. Two attributes are equal if they would print the same.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from .affine import AffineMap
from .types import TensorType, Type, element_of, from_dtype

Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Number:
    """A number with its type: a scalar, or the same in every lane of a vector."""

    value: int | float | bool
    type: Type

    def scalar(self) -> np.generic:
        """The number as NumPy holds it, rounded to the type."""
        return element_of(self.type).dtype.type(self.value)

    def __eq__(self, other: object) -> bool:
        """Equal by type and bits: NaN equals NaN, and 0.0 is not -0.0."""
        return isinstance(other, Number) and self.type == other.type and self.scalar().tobytes() == other.scalar().tobytes()

    def __hash__(self) -> int:
        return hash((self.type, self.scalar().tobytes()))


@dataclass(frozen=True, slots=True)
class Symbol:
    """A reference to something by name: a function, a resource."""

    name: str


class Dense:
    """The elements of a constant tensor, row-major; compared by content, never changed."""

    __slots__ = ("__dict__", "array")

    def __init__(self, array: Array) -> None:
        self.array = np.asarray(array, order="C")
        if self.array.base is None and self.array.flags.owndata:
            self.array.flags.writeable = False

    @property
    def type(self) -> TensorType:
        return TensorType(self.array.shape, from_dtype(self.array.dtype))

    @cached_property
    def digest(self) -> str:
        """Hexadecimal digest of type and elements."""
        head = f"{self.type}".encode()
        content = repr(self.array.tolist()).encode() if self.array.dtype == object else np.ascontiguousarray(self.array).view(np.uint8).data
        state = hashlib.blake2b(head, digest_size=12)
        state.update(content)
        return state.hexdigest()

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Dense) and self.digest == other.digest)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Dense({self.type}, {self.digest})"


Attribute: TypeAlias = (
    "bool | int | float | str | Number | Symbol | Dense | Type | AffineMap | tuple[Attribute, ...] | dict[str, Attribute] | None"
)
