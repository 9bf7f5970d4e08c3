"""How a mask lies over what it masks: one value per pixel, tile, picture or channel, read off the operators that spread it.

Masks are made small (a coarse grid, a value per picture) and then brought to the size of a tensor by Resize, Expand, Reshape, Tile,
Transpose, in any order and number. `labels` follows them with numbers in place of elements: two elements with the same label are equal
whatever the input is. What is constant over channels, over tiles, over everything, is then seen in the array of labels itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from ...dialects import graph
from ...dialects.graph.extents import tensor
from ...dialects.ir.attributes import Array
from ...dialects.ir.operation import Operation, Value
from ...dialects.ir.traits import Elementwise
from ...dialects.ir.types import TensorType
from .value_lattice import Ranges, known

__all__ = ["Kind", "MaskLayout", "alike_channels", "labels", "mask_layout", "same_mask"]

Kind: TypeAlias = Literal["spatial", "layer", "channel"]
MOST_DEPTH = 100  # of operators behind a mask that are looked through
_MOVES = (graph.Reshape, graph.Transpose, graph.Expand, graph.Tile, graph.Slice, graph.DepthToSpace, graph.SpaceToDepth)


@dataclass(frozen=True, slots=True)
class MaskLayout:
    """A mask over N x K x H x W: `groups` of channels that differ (1: none do), equal within tiles of `granularity` pixels squared."""

    kind: Kind
    groups: int
    granularity: int


def mask_layout(mask: Value, out: TensorType) -> MaskLayout | str:
    """How `mask`, broadcast to `out`, lies over it; a text that says why it is no mask that anything could be skipped by."""
    if not out.is_static or not tensor(mask).is_static:
        return "its extents are not known"
    if out.rank != 4:
        return f"what it masks is {out}, not N x C x H x W"
    _, channels, height, width = out.extents
    if not out.elements:
        return "there is nothing to compute"
    own = tensor(mask).extents
    if len(own) > 4:
        return f"it is {mask.type}, which does not broadcast to {out}"
    full = (1,) * (4 - len(own)) + own
    spread = np.broadcast_to(labels(mask).reshape(full), (full[0], full[1], height, width))
    if _is_constant(spread, (1, 2, 3)):
        return MaskLayout("layer", 1, 1)
    if _is_constant(spread, (2, 3)):
        return MaskLayout("channel", 1, 1)
    if (full[2], full[3]) != (height, width):
        return f"it is {mask.type}: one value per row or column of {out}, which is no tile"
    groups = next(g for g in range(1, full[1] + 1) if full[1] % g == 0 and _is_grouped(spread, g))
    if groups == channels > 1:
        return f"it is {mask.type}: it has a value of its own for every channel of every pixel"
    side = math.gcd(height, width)
    granularity = next(s for s in range(side, 0, -1) if side % s == 0 and _is_tiled(spread, s))
    return MaskLayout("spatial", groups, granularity)


def alike_channels(mask: Value) -> int:
    """How many neighbours of a mask [N, K, 1, 1] are always equal, in blocks one behind the other."""
    spread, channels = labels(mask), tensor(mask).extents[1]
    return next(n for n in range(channels, 0, -1) if channels % n == 0 and _is_grouped(spread, channels // n))


def _is_constant(spread: Array, axes: tuple[int, ...]) -> bool:
    return bool(np.all(spread == spread[tuple(slice(0, 1) if axis in axes else slice(None) for axis in range(spread.ndim))]))


def _is_grouped(spread: Array, groups: int) -> bool:
    n, k, h, w = spread.shape
    return _is_constant(spread.reshape(n, groups, k // groups, h, w), (2,))


def _is_tiled(spread: Array, side: int) -> bool:
    n, k, h, w = spread.shape
    return _is_constant(spread.reshape(n, k, h // side, side, w // side, side), (3, 5))


def labels(value: Value) -> Array:
    """Numbers for the elements of a static value: equal ones stand for elements that are equal for every input."""
    return _Labels().of(value)


class _Labels:
    """Labels by value, in one look at a program."""

    def __init__(self) -> None:
        self.seen: dict[Value, Array] = {}
        self.depth = 0

    def of(self, value: Value) -> Array:
        if value not in self.seen:
            self.depth += 1
            self.seen[value] = self.made(value)
            self.depth -= 1
        return self.seen[value]

    def made(self, value: Value) -> Array:
        shape = tensor(value).extents
        op = value.owner if self.depth < MOST_DEPTH else None
        match op:
            case graph.Constant():
                return np.unique(op.value.array, return_inverse=True)[1].reshape(shape)
            case graph.Gather(indices=Value(owner=graph.Constant() as places)):
                return np.asarray(op.evaluate(self.of(op.input), places.value.array))
            case graph.Resize(mode="nearest"):
                return op.evaluate(self.of(op.input))
            case graph.Concat():
                return op.evaluate(self.apart(op.inputs))
        if isinstance(op, _MOVES):
            return np.asarray(op.evaluate(self.of(op.input)))
        if isinstance(op, Operation) and op.has(Elementwise) and all(tensor(operand).is_static for operand in op.operands):
            return _joined([self.of(operand) for operand in op.operands], shape)
        return np.arange(math.prod(shape), dtype=np.int64).reshape(shape)

    def apart(self, values: Sequence[Value]) -> list[Array]:
        """The labels of several values, where only those of the same value are equal."""
        starts: dict[Value, int] = {}
        total = 0
        for value in dict.fromkeys(values):
            starts[value] = total
            total += int(self.of(value).max(initial=-1)) + 1
        return [self.of(value) + starts[value] for value in values]


def _joined(parts: Sequence[Array], shape: tuple[int, ...]) -> Array:
    """One label for each combination of labels."""
    varied = [part for part in parts if part.max(initial=0)]
    if len(varied) <= 1:
        return np.broadcast_to(varied[0] if varied else np.zeros((), np.int64), shape)
    total = np.zeros(shape, np.int64)
    for part in varied:
        wide = np.broadcast_to(part, shape)
        total = np.unique(total * (int(part.max(initial=0)) + 1) + wide, return_inverse=True)[1].reshape(shape)
    return total


def same_mask(a: Value, b: Value, ranges: Ranges) -> bool | None:
    """Whether two binary values (of shapes that broadcast alike) are equal: True; each 1 where the other is 0: False; unknown: None."""
    key_a, key_b = _key(a, ranges), _key(b, ranges)
    if key_a[1:] != key_b[1:]:
        return None
    return key_a[0] == key_b[0]


def _key(value: Value, ranges: Ranges, depth: int = 0) -> tuple[object, ...]:
    """(turned, what it is): the first says whether the rest, which is binary, is meant turned around."""
    op = value.owner if depth < MOST_DEPTH else None
    match op:
        case graph.Not() | graph.Cast() if known(ranges, op.input).is_binary:
            turned, *rest = _key(op.input, ranges, depth + 1)
            return (turned is not isinstance(op, graph.Not), *rest)
        case graph.Sub() if _is(op.a, 1) and op.output.type == op.b.type and known(ranges, op.b).is_binary:
            turned, *rest = _key(op.b, ranges, depth + 1)
            return (not turned, *rest)
        case graph.Equal() if (_is(op.b, 0) or _is(op.b, 1)) and known(ranges, op.a).is_binary:
            turned, *rest = _key(op.a, ranges, depth + 1)
            return (turned is not _is(op.b, 0), *rest)
        case graph.Resize(mode="nearest") | graph.Reshape() | graph.Transpose() | graph.Expand() | graph.Tile() | graph.Slice():
            turned, *rest = _key(op.operands[0], ranges, depth + 1)
            return (turned, op.name, tuple(op.attributes.items()), *rest)
    return (False, value)


def _is(value: Value, number: int) -> bool:
    owner = value.owner
    return isinstance(owner, graph.Constant) and owner.value.array.size == 1 and bool(owner.value.array.item() == number)
