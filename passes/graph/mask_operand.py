"""The mask of a region in its own shape: N x 1 x H x W, N x g x H x W, N x 1 x 1 x 1 or N x K x 1 x 1.

A mask often reaches its product through operators that spread it over channels or pixels. The value before them is taken, if it has the
shape wanted and holds the same (which is seen by sending subscripts through them); otherwise the spread mask is sliced.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ...dialects import graph
from ...dialects.graph.extents import tensor
from ...dialects.ir.attributes import Array
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Operation, Value
from ...dialects.ir.types import TensorType, i1
from ..analysis.mask_layout import MaskLayout

_MOVES = (graph.Cast, graph.Reshape, graph.Transpose, graph.Expand, graph.Tile, graph.Slice, graph.Resize)


def mask_operand(mask: Value, layout: MaskLayout, out: TensorType, build: Builder) -> Value:
    """The mask as `graph.masked` takes it."""
    shape = _shape(mask, layout, out)
    fitting = [value for value in _sources(mask) if tensor(value).shape == shape and _spreads_to(value, mask, out)]
    named = [value for value in fitting if tensor(value).element != i1]
    if fitting:
        return (named or fitting)[0]
    return _sliced(mask, shape, build)


def _shape(mask: Value, layout: MaskLayout, out: TensorType) -> tuple[int, ...]:
    own = tensor(mask).extents
    batch = own[0] if len(own) == 4 else 1
    _, K, H, W = out.extents
    return (batch, *{"spatial": (layout.groups, H, W), "layer": (1, 1, 1), "channel": (K, 1, 1)}[layout.kind])


def _sources(mask: Value) -> Iterator[Value]:
    """The mask, and what it is before the operators that move it."""
    yield mask
    while isinstance(mask.owner, _MOVES):
        mask = mask.owner.input
        yield mask


def _spreads_to(source: Value, mask: Value, out: TensorType) -> bool:
    """Whether the mask is `source`, with its groups spread over the channels."""
    numbers = np.arange(tensor(source).elements).reshape(tensor(source).extents)
    moved = _moved(numbers, source, mask)
    if moved is None:
        return False
    _, K, H, W = out.extents
    groups = numbers.shape[1]
    wide = np.repeat(numbers, K // groups, axis=1) if groups > 1 else numbers
    full = moved.reshape((1,) * (4 - moved.ndim) + moved.shape)
    whole = (numbers.shape[0], K, H, W)
    return full.shape[0] in (1, whole[0]) and np.array_equal(np.broadcast_to(wide, whole), np.broadcast_to(full, whole))


def _moved(numbers: Array, source: Value, mask: Value) -> Array | None:
    """Subscripts into `source` where the mask has its elements."""
    path: list[Operation] = []
    while mask is not source:
        assert isinstance(mask.owner, _MOVES)
        path.append(mask.owner)
        mask = mask.owner.input
    for op in reversed(path):
        if isinstance(op, graph.Resize) and op.mode != "nearest":
            return None
        numbers = numbers if isinstance(op, graph.Cast) else np.asarray(op.evaluate(numbers))
    return numbers


def _sliced(mask: Value, shape: tuple[int, ...], build: Builder) -> Value:
    """One element of the mask for each that is wanted."""
    own, name = tensor(mask).extents, mask.name
    full = (1,) * (4 - len(own)) + own
    if own != full:
        mask = build.add(graph.Reshape(mask, shape=full)).output
    steps = tuple(max(have // want, 1) if axis == 1 else 1 for axis, (have, want) in enumerate(zip(full, shape, strict=True)))
    if math.prod(full) < math.prod(shape):
        mask = build.add(graph.Expand(mask, shape=shape)).output
    elif full != shape:
        mask = build.add(graph.Slice(mask, starts=(0,) * 4, sizes=shape, steps=steps)).output
    mask.name = name
    return mask
