"""Types: scalars, tensors, buffers, vectors and functions. Immutable, compared by value, written as MLIR writes them.

An extent is a number, or None where it is unknown until run time; an unknown extent may have a name (`batch`), and equal
names in one function are equal extents. A tensor's `order` is its layout: the dims from outermost to innermost in memory.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeAlias

import ml_dtypes
import numpy as np

Extent: TypeAlias = int | None


class Type:
    """Base of all types."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class FloatType(Type):
    """A floating-point scalar; `name` is MLIR's: f64, f32, f16, bf16, f8E4M3FN, ..."""

    name: str

    @property
    def bits(self) -> int:
        return self.dtype.itemsize * 8

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return _FLOAT_DTYPES[self.name]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class IntegerType(Type):
    """A signless (`i8`) or unsigned (`ui8`) integer; i1 is the truth value. Signless integers are read as signed."""

    bits: int
    unsigned: bool = False

    @property
    def dtype(self) -> np.dtype[np.generic]:
        if self.bits == 1:
            return np.dtype(np.bool_)
        if self.bits < 8:
            narrow: np.dtype[np.generic] = np.dtype(ml_dtypes.uint4 if self.unsigned else ml_dtypes.int4)
            return narrow
        return np.dtype(f"{'u' if self.unsigned else ''}int{self.bits}")

    def __str__(self) -> str:
        return f"{'ui' if self.unsigned else 'i'}{self.bits}"


@dataclass(frozen=True, slots=True)
class IndexType(Type):
    """An extent, a subscript or a loop counter; as wide as a pointer."""

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return np.dtype(np.int64)

    def __str__(self) -> str:
        return "index"


@dataclass(frozen=True, slots=True)
class StringType(Type):
    """Text, on the host only."""

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return np.dtype(object)

    def __str__(self) -> str:
        return "!ir.string"


Scalar: TypeAlias = FloatType | IntegerType | IndexType | StringType

_FLOAT_DTYPES: dict[str, np.dtype[np.generic]] = {
    "f64": np.dtype(np.float64),
    "f32": np.dtype(np.float32),
    "f16": np.dtype(np.float16),
    "bf16": np.dtype(ml_dtypes.bfloat16),
    "f8E4M3FN": np.dtype(ml_dtypes.float8_e4m3fn),
    "f8E4M3FNUZ": np.dtype(ml_dtypes.float8_e4m3fnuz),
    "f8E5M2": np.dtype(ml_dtypes.float8_e5m2),
    "f8E5M2FNUZ": np.dtype(ml_dtypes.float8_e5m2fnuz),
    "f8E8M0FNU": np.dtype(ml_dtypes.float8_e8m0fnu),
    "f4E2M1FN": np.dtype(ml_dtypes.float4_e2m1fn),
}

f64, f32, f16, bf16 = FloatType("f64"), FloatType("f32"), FloatType("f16"), FloatType("bf16")
i1, i8, i16, i32, i64 = (IntegerType(bits) for bits in (1, 8, 16, 32, 64))
ui8, ui16, ui32, ui64 = (IntegerType(bits, unsigned=True) for bits in (8, 16, 32, 64))
index = IndexType()
string = StringType()


@cache
def _scalars_by_dtype() -> dict[np.dtype[np.generic], Scalar]:
    integers = [IntegerType(bits, unsigned) for bits in (4, 8, 16, 32, 64) for unsigned in (False, True)]
    scalars: list[Scalar] = [*map(FloatType, _FLOAT_DTYPES), *integers, i1, string]
    return {scalar.dtype: scalar for scalar in scalars}


def from_dtype(dtype: np.dtype[np.generic]) -> Scalar:
    """The element type of arrays of `dtype`. Raises KeyError where there is none."""
    return _scalars_by_dtype()[np.dtype(dtype)]


@cache
def parse_scalar(text: str) -> Scalar:
    """The scalar type that `text` names. Raises ValueError."""
    if text in _FLOAT_DTYPES:
        return FloatType(text)
    if text == "index":
        return index
    stem = text.removeprefix("u")
    if stem.startswith("i") and stem[1:].isdigit() and int(stem[1:]) in (1, 4, 8, 16, 32, 64):
        return IntegerType(int(stem[1:]), unsigned=text.startswith("u"))
    raise ValueError(f"{text!r} is no scalar type")


def _extents(shape: Sequence[Extent]) -> str:
    return "".join(f"{'?' if extent is None else extent}x" for extent in shape)


@dataclass(frozen=True, slots=True)
class TensorType(Type):
    """A tensor value. `names` (empty, or one per dim, "" for none) name its unknown extents; `order` (empty: row-major) lays it out."""

    shape: tuple[Extent, ...]
    element: Scalar
    names: tuple[str, ...] = ()
    order: tuple[int, ...] = ()

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def is_static(self) -> bool:
        return None not in self.shape

    @property
    def extents(self) -> tuple[int, ...]:
        """The shape of a static tensor. Raises ValueError where an extent is unknown."""
        known = tuple(extent for extent in self.shape if extent is not None)
        if len(known) != len(self.shape):
            raise ValueError(f"{self} has an unknown extent")
        return known

    @property
    def elements(self) -> int:
        return math.prod(self.extents)

    @property
    def nbytes(self) -> int:
        return self.elements * self.element.dtype.itemsize

    def with_extent(self, axis: int, extent: Extent) -> TensorType:
        """This type with another extent along `axis`, without its name and layout."""
        return self.with_shape((*self.shape[:axis], extent, *self.shape[axis + 1 :]))

    def with_shape(self, shape: Sequence[Extent]) -> TensorType:
        return TensorType(tuple(shape), self.element)

    def with_element(self, element: Scalar) -> TensorType:
        return TensorType(self.shape, element, self.names)

    def with_order(self, order: Sequence[int]) -> TensorType:
        """This type laid out by `order`, outermost dim first; the row-major order is stored as ()."""
        row_major = tuple(order) == tuple(range(self.rank))
        return replace(self, order=() if row_major else tuple(order))

    @property
    def strides(self) -> tuple[int, ...]:
        """Distance in elements between neighbours along each dim, by the layout, without gaps."""
        strides = [0] * self.rank
        step = 1
        for dim in reversed(self.order or range(self.rank)):
            strides[dim] = step
            step *= max(self.extents[dim], 1)
        return tuple(strides)

    def accepts(self, other: Type) -> bool:
        """Whether a value of type `other` is one of this type: equal, or this leaves open what `other` knows."""
        return (
            isinstance(other, TensorType)
            and (self.element, self.rank, self.order) == (other.element, other.rank, other.order)
            and all(mine in (None, theirs) for mine, theirs in zip(self.shape, other.shape, strict=True))
        )

    def __str__(self) -> str:
        text = f"{_extents(self.shape)}{self.element}"
        if any(self.names):
            names = ", ".join(f'"{escaped(name)}"' for name in self.names)
            text += f", #ir.dims<[{names}]>"
        elif self.order:
            text += f", #ir.order<[{', '.join(map(str, self.order))}]>"
        return f"tensor<{text}>"


@dataclass(frozen=True, slots=True)
class BufferType(Type):
    """Memory of a static shape: element `i` lies at the sum of i[d] * strides[d] elements from its base."""

    shape: tuple[int, ...]
    element: Scalar
    strides: tuple[int, ...]

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def elements(self) -> int:
        """Elements from the base to one past the last, gaps included."""
        if 0 in self.shape:
            return 0
        return 1 + sum((extent - 1) * stride for extent, stride in zip(self.shape, self.strides, strict=True))

    @property
    def nbytes(self) -> int:
        return self.elements * self.element.dtype.itemsize

    @staticmethod
    def of(tensor: TensorType) -> BufferType:
        """The buffer that holds a tensor by its layout."""
        return BufferType(tensor.extents, tensor.element, tensor.strides)

    def __str__(self) -> str:
        return f"!loop.buffer<{_extents(self.shape)}{self.element}, [{', '.join(map(str, self.strides))}]>"


@dataclass(frozen=True, slots=True)
class VectorType(Type):
    """`lanes` scalars in one register (or several, as the target has it)."""

    lanes: int
    element: Scalar

    def __str__(self) -> str:
        return f"vector<{self.lanes}x{self.element}>"


@dataclass(frozen=True, slots=True)
class FunctionType(Type):
    """What a function takes and returns."""

    inputs: tuple[Type, ...]
    results: tuple[Type, ...]

    def __str__(self) -> str:
        results = f"({', '.join(map(str, self.results))})"
        return f"({', '.join(map(str, self.inputs))}) -> {results}"


def vector(lanes: int, element: Scalar) -> Scalar | VectorType:
    """A vector of `lanes`, or the scalar itself for one lane."""
    return element if lanes == 1 else VectorType(lanes, element)


def element_of(type_: Type) -> Scalar:
    """The scalar that a scalar, vector, tensor or buffer is made of. Raises TypeError for others."""
    match type_:
        case VectorType() | TensorType() | BufferType():
            return type_.element
        case FloatType() | IntegerType() | IndexType() | StringType():
            return type_
    raise TypeError(f"{type_} has no elements")


def lanes_of(type_: Type) -> int:
    """Lanes of a vector, 1 for a scalar."""
    return type_.lanes if isinstance(type_, VectorType) else 1


def escaped(text: str) -> str:
    """`text` for use between double quotes in MLIR: printable ASCII as it is, every other byte as \\xx."""
    return "".join(chr(b) if 32 <= b < 127 and b not in (34, 92) else f"\\{b:02X}" for b in text.encode("utf-8", "surrogateescape"))
