"""Resizing, one axis at a time: nearest by whole factors is a view, everything else reads by tables of subscripts and weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...dialects import graph, tensor
from ...dialects.ir.affine import Affine, AffineMap, d
from ...dialects.ir.attributes import Array
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Block, Region, Value
from ...dialects.ir.types import Scalar as Element
from ...dialects.ir.types import element_of, i32, index
from ..conversion import lowering
from .computation import array, extents_of
from .maps import tensor_type, view
from .scalars import Scalar, computing_type, convert, multiply_add, position


@lowering(graph.Resize)
def lower_resize(op: graph.Resize, build: Builder) -> Value:
    """Axes that change, in order; between them values keep the type in which they are computed."""
    value = op.input
    out, element = extents_of(op.output), tensor_type(op.input).element
    for axis, (extent, size) in enumerate(zip(extents_of(op.input), out, strict=True)):
        taps, weights = op.sampling(axis, extent, size)
        if op.mode == "nearest":
            value = _picked(value, axis, taps[:, 0], build)
        elif not _is_identity(taps, weights, extent):
            value = _weighted(value, axis, taps, weights, element, build)
    return value


def _is_identity(taps: Array, weights: Array, extent: int) -> bool:
    return len(taps) == extent and bool(np.all(weights[np.arange(extent)[:, None] != taps] == 0))


def _picked(value: Value, axis: int, places: Array, build: Builder) -> Value:
    """`value` read along `axis` at `places`."""
    extents = list(extents_of(value))
    subscript = _affine(places, axis, extents[axis])
    extents[axis] = len(places)
    if subscript is not None:
        return view(build, value, extents, [subscript if i == axis else d(i) for i in range(len(extents))])
    return _weighted(value, axis, places[:, None], None, tensor_type(value).element, build)


def _affine(places: Array, axis: int, extent: int) -> Affine | None:
    """The places as an expression in the dim `axis`, where they are o * step + first or (o + shift) floordiv step."""
    count = len(places)
    if count == 0:
        return d(axis)
    o, first = np.arange(count), int(places[0])
    step = int(places[1]) - first if count > 1 else 1
    if np.array_equal(places, o * step + first):
        return d(axis) * step + first
    runs = np.flatnonzero(np.diff(places))
    width = int(runs[1] - runs[0]) if len(runs) > 1 else count
    shift = width - 1 - int(runs[0])
    if 0 <= shift < width and np.array_equal(places, (o + shift) // width + first):
        return (d(axis) + shift) // width + first
    return None


def _weighted(value: Value, axis: int, taps: Array, weights: Array | None, element: Element, build: Builder) -> Value:
    """The weighted sum of the taps along `axis`; the element itself where there are no weights."""
    extents = list(extents_of(value))
    extents[axis] = len(taps)
    type_ = computing_type(element)
    tables = [array(build, taps[:, i], i32) for i in range(taps.shape[1])]
    if weights is not None:
        tables += [array(build, weights[:, i], element_of(type_)) for i in range(taps.shape[1])]
    block = Block([*(tensor_type(table).element for table in tables), value.type])
    inner = Builder.at_end(block, build.location)
    arguments = [Scalar(argument, inner) for argument in block.arguments]
    source, count = arguments.pop(), taps.shape[1]
    places = [position(inner, i) for i in range(len(extents))]
    elements = [_element_at(source, [*places[:axis], convert(tap, index), *places[axis + 1 :]]) for tap in arguments[:count]]
    outcome = elements[0] if weights is None else _weighted_sum(elements, arguments[count:])
    inner.add(tensor.Yield([convert(outcome, element).value]))
    maps = (AffineMap(len(extents), (d(axis),)),) * len(tables)
    op = tensor.Compute(tables, [value], contents=Region(block), extents=tuple(extents), parallel=len(extents), maps=maps)
    return build.add(op).output


def _element_at(source: Scalar, places: Sequence[Scalar]) -> Scalar:
    return source.made(tensor.Extract(source.value, [place.value for place in places]))


def _weighted_sum(elements: Sequence[Scalar], weights: Sequence[Scalar]) -> Scalar:
    wide = [convert(x, w.type) for x, w in zip(elements, weights, strict=True)]
    total = wide[0] * weights[0]
    for x, w in zip(wide[1:], weights[1:], strict=True):
        total = multiply_add(x, w, total)
    return total
