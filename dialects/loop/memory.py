"""Buffers: where they come from, loads and stores of scalars and vectors. A buffer in the evaluator is a strided array view."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..ir.affine import AffineMap
from ..ir.attributes import Array, Dense
from ..ir.definition import attribute, operand, result, result_type, variadic
from ..ir.operation import Operation, Value
from ..ir.traits import Pure
from ..ir.types import BufferType, Type, lanes_of, vector


def buffer_type(value: Value) -> BufferType:
    """The type of a buffer value. Raises TypeError for others."""
    if not isinstance(value.type, BufferType):
        raise TypeError(f"{value.type} is no buffer")
    return value.type


def strided(base: Array, type_: BufferType) -> Array:
    """`type_` seen on the elements that begin at those of the contiguous array `base`."""
    flat = base.reshape(-1)
    assert flat.size >= type_.elements, f"{type_} does not fit into {flat.size} elements"
    steps = [stride * flat.itemsize for stride in type_.strides]
    return np.lib.stride_tricks.as_strided(flat, type_.shape, steps)


class Carve(Operation, name="loop.carve", traits=(Pure,)):
    """A typed buffer at `offset` bytes into a buffer of bytes, the arena."""

    arena: Value = operand()
    type: Type = result_type()
    offset: int = attribute()
    output: Value = result()

    def infer(self) -> Type:
        return self.type

    def verify(self) -> Iterable[str]:
        if not isinstance(self.type, BufferType) or self.offset + self.type.nbytes > buffer_type(self.arena).nbytes:
            yield f"{self.type} at {self.offset} does not lie in {self.arena.type}"

    def evaluate(self, arena: Array) -> Array:
        assert isinstance(self.type, BufferType)
        dtype = self.type.element.dtype
        return strided(arena[self.offset : self.offset + self.type.nbytes].view(dtype), self.type)


class Resource(Operation, name="loop.resource", traits=(Pure,)):
    """A constant in memory: the elements of `value`, row-major."""

    value: Dense = attribute()
    output: Value = result()

    def infer(self) -> Type:
        return BufferType.of(self.value.type)

    def evaluate(self) -> Array:
        return self.value.array


class Subview(Operation, name="loop.subview", traits=(Pure,)):
    """Another view of a buffer's memory, `offset` elements further: reshapes, slices and transposes that move nothing."""

    source: Value = operand()
    type: Type = result_type()
    offset: int = attribute(default=0)
    output: Value = result()

    def infer(self) -> Type:
        return self.type

    def verify(self) -> Iterable[str]:
        source = buffer_type(self.source)
        if not isinstance(self.type, BufferType) or self.type.element != source.element:
            yield f"{self.type} is no view of {source}"
        elif self.type.elements and self.offset + self.type.elements > source.elements:
            yield f"{self.type} at {self.offset} leaves {source}"

    def evaluate(self, source: Array) -> Array:
        assert isinstance(self.type, BufferType)
        flat = np.lib.stride_tricks.as_strided(source, (buffer_type(self.source).elements,), (source.itemsize,))
        return strided(flat[self.offset :], self.type)


class Alloca(Operation, name="loop.alloca"):
    """Scratch memory of one activation of the kernel; its content is undefined at first."""

    type: Type = result_type()
    output: Value = result()

    def infer(self) -> Type:
        return self.type

    def evaluate(self) -> Array:
        assert isinstance(self.type, BufferType)
        return strided(np.zeros(self.type.elements, self.type.element.dtype), self.type)


def _check_access(buffer: BufferType, map_: AffineMap, dims: int, axis: int, valid: int, lanes: int) -> Iterable[str]:
    if map_.dims != dims or len(map_.results) != buffer.rank:
        yield f"{map_} does not lead from {dims} indices to {buffer}"
    if lanes > 1 and not 0 <= axis < buffer.rank:
        yield f"{buffer} has no axis {axis}"
    if not 0 <= valid <= lanes:
        yield f"{valid} of {lanes} lanes"


def _window(buffer: Array, subscripts: Sequence[int], axis: int, count: int) -> Any:
    """Key of `count` elements from `subscripts` along `axis`. Raises IndexError outside of the buffer."""
    key: list[Any] = []
    for dim, (subscript, extent) in enumerate(zip(subscripts, buffer.shape, strict=True)):
        last = subscript + count - 1 if dim == axis and count > 1 else subscript
        if subscript < 0 or last >= extent:
            raise IndexError(f"subscript {subscript}..{last} of dim {dim} lies outside of 0..{extent - 1}")
        key.append(slice(subscript, last + 1) if dim == axis and count > 1 else subscript)
    return tuple(key)


class Load(Operation, name="loop.load"):
    """Read one element, or `lanes` elements along `axis`; lanes from `valid` on (0: all are valid) are zero.

    `map` takes `dims` to one subscript per buffer dim; subscripts of valid lanes lie inside the buffer.
    """

    buffer: Value = operand()
    dims: list[Value] = variadic()
    map: AffineMap = attribute()
    lanes: int = attribute(default=1)
    axis: int = attribute(default=0)
    valid: int = attribute(default=0)
    output: Value = result()

    def infer(self) -> Type:
        return vector(self.lanes, buffer_type(self.buffer).element)

    def verify(self) -> Iterable[str]:
        yield from _check_access(buffer_type(self.buffer), self.map, len(self.dims), self.axis, self.valid, self.lanes)

    def evaluate(self, buffer: Array, dims: list[Array]) -> Any:
        subscripts = self.map.evaluate([int(v) for v in dims])
        if self.lanes == 1:
            return buffer[_window(buffer, subscripts, 0, 1)]
        count = self.valid or self.lanes
        elements = np.zeros(self.lanes, buffer.dtype)
        elements[:count] = buffer[_window(buffer, subscripts, self.axis, count)]
        return elements


class Store(Operation, name="loop.store"):
    """Write one element, or the first `valid` lanes (0: all) of a vector along `axis`; addressed as in `load`."""

    value: Value = operand()
    buffer: Value = operand()
    dims: list[Value] = variadic()
    map: AffineMap = attribute()
    axis: int = attribute(default=0)
    valid: int = attribute(default=0)

    def verify(self) -> Iterable[str]:
        buffer, lanes = buffer_type(self.buffer), lanes_of(self.value.type)
        yield from _check_access(buffer, self.map, len(self.dims), self.axis, self.valid, lanes)
        if self.value.type != vector(lanes, buffer.element):
            yield f"stores {self.value.type} into {buffer}"

    def evaluate(self, value: Any, buffer: Array, dims: list[Array]) -> None:
        subscripts = self.map.evaluate([int(v) for v in dims])
        lanes = lanes_of(self.value.type)
        if lanes == 1:
            buffer[_window(buffer, subscripts, 0, 1)] = value
            return
        count = self.valid or lanes
        buffer[_window(buffer, subscripts, self.axis, count)] = value[:count] if count > 1 else value[0]


class Prefetch(Operation, name="loop.prefetch"):
    """Ask for the cache line of an element to be brought into the second cache. Computes nothing.

    Addressed as in `load`; subscripts may lie outside of the buffer, since nothing is read.
    """

    buffer: Value = operand()
    dims: list[Value] = variadic()
    map: AffineMap = attribute()

    def verify(self) -> Iterable[str]:
        yield from _check_access(buffer_type(self.buffer), self.map, len(self.dims), 0, 0, 1)

    def evaluate(self, buffer: Array, dims: list[Array]) -> None:
        return None
