"""Building `tensor.compute`: where operands are read, and a formula for the body.

A read is a value with a subscript per dim, affine in the iteration dims (`d(0)`, `d(1)`, ...); extents of 1 that are broadcast are read at
0. Constants of one element become numbers in the body. Floats narrower than f32 are computed, and accumulated, in f32: `reduce` then
returns f32, and the computation that follows it (`pointwise` at least) rounds to the element type.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ...dialects import tensor
from ...dialects.ir.affine import Affine, AffineMap, constant, d
from ...dialects.ir.attributes import Array, Dense, Number
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Block, Operation, Region, Value
from ...dialects.ir.traits import ConstantLike
from ...dialects.ir.types import FloatType, IntegerType, Type, element_of
from ...dialects.ir.types import Scalar as Element
from .maps import tensor_type, view
from .scalars import Scalar, computing_type, convert, literal

Body: TypeAlias = Callable[..., Scalar]
Subscript: TypeAlias = Affine | int


@dataclass(frozen=True, slots=True)
class Read:
    """A tensor read at these subscripts, one per dim of it."""

    value: Value
    at: tuple[Affine, ...]


def read(value: Value, *at: Subscript) -> Read:
    """`value` read at `at`, where numbers are constant subscripts."""
    return Read(value, tuple(constant(s) if isinstance(s, int) else s for s in at))


def extents_of(value: Value) -> tuple[int, ...]:
    """The shape of a tensor value."""
    return tensor_type(value).extents


def broadcast(value: Value, extents: Sequence[int], dims: Sequence[Subscript] = ()) -> Read:
    """`value` read as broadcasting (from behind) to `extents` says; `dims` are the subscripts that stand for them."""
    dims = dims or tuple(map(d, range(len(extents))))
    own = extents_of(value)
    lead = len(extents) - len(own)
    return read(value, *(dims[lead + i] if n == extents[lead + i] else 0 for i, n in enumerate(own)))


def single(value: Value) -> int | float | bool | None:
    """The number in a constant of one element."""
    owner = value.owner
    if not isinstance(owner, Operation) or not owner.has(ConstantLike) or tensor_type(value).elements != 1:
        return None
    dense = owner.attributes["value"]
    assert isinstance(dense, Dense)
    number = dense.array.reshape(()).item()
    return number if isinstance(number, int | float | bool) else float(number)


def compute(build: Builder, reads: Sequence[Read], extents: Sequence[int], body: Body, element: Element | None = None) -> Value:
    """A computation without reduction. `body` gets one scalar per read; `element` is the type of the result, if not the body's."""
    return _compute(build, reads, extents, len(extents), body, None, element)


def pointwise(build: Builder, values: Sequence[Value], body: Body, extents: Sequence[int] = (), element: Element | None = None) -> Value:
    """A computation on values that broadcast to `extents` (those of the first, if not given); of its element type, if not given."""
    extents = extents or extents_of(values[0])
    element = element or tensor_type(values[0]).element
    return compute(build, [broadcast(value, extents) for value in values], extents, body, element)


def reduce(build: Builder, reads: Sequence[Read], extents: Sequence[int], parallel: int, body: Body, init: float = 0) -> Value:
    """A reduction over the dims after the first `parallel`. `body` gets the value so far and one scalar per read."""
    type_ = computing_type(tensor_type(reads[0].value).element)
    start = Number(init if isinstance(type_, FloatType) else int(init), type_)
    return _compute(build, reads, extents, parallel, body, start, None)


def _compute(
    build: Builder, reads: Sequence[Read], extents: Sequence[int], parallel: int, body: Body, init: Number | None, element: Element | None
) -> Value:
    numbers = [single(each.value) for each in reads]
    kept = [each for each, number in zip(reads, numbers, strict=True) if number is None]
    types: list[Type] = [tensor_type(each.value).element for each in kept]
    block = Block([*types, init.type] if init is not None else types)
    inner = Builder.at_end(block, build.location)
    arguments = iter(block.arguments)
    scalars = [
        _widened(Scalar(next(arguments), inner)) if number is None else literal(inner, number, computing_type(each.value.type))
        for each, number in zip(reads, numbers, strict=True)
    ]
    if init is not None:
        scalars.insert(0, Scalar(block.arguments[-1], inner))
    outcome = body(*scalars)
    outcome = convert(outcome, element) if element is not None else outcome
    inner.add(tensor.Yield([outcome.value]))
    maps = [AffineMap(len(extents), each.at) for each in kept]
    values = [each.value for each in kept]
    contents = Region(block)
    return build.add(
        tensor.Compute(values, [], contents=contents, extents=tuple(extents), parallel=parallel, maps=tuple(maps), init=init)
    ).output


def _widened(x: Scalar) -> Scalar:
    return convert(x, computing_type(x.type))


def pad(build: Builder, source: Value, begins: Sequence[int], ends: Sequence[int], fill: float = 0) -> Value:
    """`source` with its last dims enlarged by `fill`; nothing where all counts are 0, and negative ends cut off."""
    extents = extents_of(source)
    lead = len(extents) - len(begins)
    before, after = (0,) * lead + tuple(begins), (0,) * lead + tuple(ends)
    grown = [n + b + e for n, b, e in zip(extents, before, after, strict=True)]
    element = tensor_type(source).element
    number = Number(int(fill) if isinstance(element, IntegerType) else float(fill), element)
    return view(build, source, grown, [d(i) - b for i, b in enumerate(before)], number)


def array(build: Builder, elements: Array, element: Element | None = None) -> Value:
    """A constant tensor."""
    typed = np.ascontiguousarray(elements if element is None else elements.astype(element.dtype))
    return build.add(tensor.Constant(value=Dense(typed))).output


def narrowed(build: Builder, value: Value, element: Element) -> Value:
    """`value` rounded to `element`, if it is of another type."""
    if element_of(value.type) == element:
        return value
    return pointwise(build, [value], lambda x: x, element=element)
