"""Vectors: from scalars, to scalars, and at computed places."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np

from ..ir.attributes import Array
from ..ir.definition import attribute, operand, result, variadic
from ..ir.operation import Operation, Value
from ..ir.traits import Pure
from ..ir.types import Type, VectorType, element_of, index, lanes_of, vector
from .memory import buffer_type

Combiner = Literal["add", "mul", "max", "min", "and", "or"]
_COMBINE: dict[str, Any] = {
    "add": np.add,
    "mul": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
}


class Broadcast(Operation, name="loop.broadcast", traits=(Pure,)):
    """A scalar in every lane."""

    a: Value = operand()
    lanes: int = attribute()
    output: Value = result()

    def infer(self) -> Type:
        return vector(self.lanes, element_of(self.a.type))

    def verify(self) -> Iterable[str]:
        if isinstance(self.a.type, VectorType) or self.lanes < 2:
            yield f"makes {self.lanes} lanes of {self.a.type}"

    def evaluate(self, a: Any) -> Array:
        return np.full(self.lanes, a)


class Iota(Operation, name="loop.iota", traits=(Pure,)):
    """The lane numbers 0, 1, ... as indices."""

    lanes: int = attribute()
    output: Value = result()

    def infer(self) -> Type:
        return vector(self.lanes, index)

    def evaluate(self) -> Array:
        return np.arange(self.lanes, dtype=np.int64)


class Reduce(Operation, name="loop.reduce", traits=(Pure,)):
    """All lanes combined into one scalar, pairwise: halves first, so that the order is the same on every target.

    `max` and `min` of floats are NaN if any lane is. The number of lanes is a power of two.
    """

    a: Value = operand()
    kind: Combiner = attribute()
    output: Value = result()

    def infer(self) -> Type:
        return element_of(self.a.type)

    def verify(self) -> Iterable[str]:
        lanes = lanes_of(self.a.type)
        if lanes < 2 or lanes & (lanes - 1):
            yield f"takes {self.a.type}"

    def evaluate(self, a: Array) -> Any:
        while len(a) > 1:
            a = _COMBINE[self.kind](a[: len(a) // 2], a[len(a) // 2 :])
        return a[0]


class Interleave(Operation, name="loop.interleave", traits=(Pure,)):
    """One of the two exchanges of blocks of `size` lanes between two vectors, of which a transposition is made.

    Lanes fall into blocks, even and odd in turn. `low`: the even blocks of a, and b's even blocks in the places of the odd ones;
    otherwise a's odd blocks in the places of the even ones, and the odd blocks of b.
    """

    a: Value = operand()
    b: Value = operand()
    size: int = attribute()
    low: bool = attribute()
    output: Value = result()

    def infer(self) -> Type:
        return self.a.type

    def verify(self) -> Iterable[str]:
        if self.a.type != self.b.type or self.size < 1 or lanes_of(self.a.type) % (2 * self.size):
            yield f"exchanges blocks of {self.size} lanes of {self.a.type} and {self.b.type}"

    @property
    def picks(self) -> list[int]:
        """For each lane of the result, the lane of a followed by b that it comes from."""
        count = lanes_of(self.a.type)
        even = [lane & self.size == 0 for lane in range(count)]
        if self.low:
            return [lane if is_even else count + lane - self.size for lane, is_even in enumerate(even)]
        return [lane + self.size if is_even else count + lane for lane, is_even in enumerate(even)]

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.concatenate([a, b])[self.picks]


class ExtractLane(Operation, name="loop.extract_lane", traits=(Pure,)):
    """One lane of a vector."""

    a: Value = operand()
    lane: int = attribute()
    output: Value = result()

    def infer(self) -> Type:
        return element_of(self.a.type)

    def verify(self) -> Iterable[str]:
        if not 0 <= self.lane < lanes_of(self.a.type):
            yield f"{self.a.type} has no lane {self.lane}"

    def evaluate(self, a: Array) -> Any:
        return a[self.lane]


class Gather(Operation, name="loop.gather"):
    """Elements of a buffer at computed subscripts, one index (or vector of indices) per dim; clamped into the buffer."""

    buffer: Value = operand()
    subscripts: list[Value] = variadic()
    output: Value = result()

    def infer(self) -> Type:
        lanes = max((lanes_of(value.type) for value in self.subscripts), default=1)
        return vector(lanes, buffer_type(self.buffer).element)

    def verify(self) -> Iterable[str]:
        if len(self.subscripts) != buffer_type(self.buffer).rank:
            yield f"{len(self.subscripts)} subscripts for {self.buffer.type}"
        if len({lanes_of(value.type) for value in self.subscripts}) > 1:
            yield "subscripts have different numbers of lanes"

    def evaluate(self, buffer: Array, subscripts: list[Array]) -> Any:
        return buffer[tuple(np.clip(s, 0, n - 1) for s, n in zip(subscripts, buffer.shape, strict=True))]
