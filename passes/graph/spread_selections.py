"""The pass `spread-selections`: boolean indexing becomes a choice, so that every shape is known.

`out[keep] = f(x[keep])` arrives as NonZero (or Compress), GatherND, operators on the picked rows, and ScatterND. How many rows there are is
known at run time only; but every row is treated alike and goes back to where it came from, so f may be computed of all rows, of
which those are taken that were picked. `recognize-masks` then sees an ordinary Where and skips what is not needed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...dialects import graph
from ...dialects.func import Module
from ...dialects.graph.extents import tensor
from ...dialects.ir.attributes import Array, Dense
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Operation, Value
from ...dialects.ir.traits import Elementwise
from ...dialects.ir.types import TensorType, i1
from ..common.dce import remove_dead
from ..manager import Pass, Report
from ..rewrite import constant_of, rebuilt

TO_CHANNELS_FIRST, TO_CHANNELS_LAST = (0, 3, 1, 2), (0, 2, 3, 1)


@dataclass(frozen=True)
class SpreadSelections(Pass, name="spread-selections", runs_on=("graph",), exact=False):
    """Compute what is picked, changed and put back for everything, and choose.

    Before: `%p = graph.nonzero(%m)`, `%r = graph.gather_nd(%x, %p)`, `%s = graph.matmul(%r, %w)`, `%y = graph.scatter_nd(%b, %p, %s)`, with
    transposes and reshapes. After: `%s = graph.conv(%x, %w)`, `%y = graph.where(%m, %s, %b)`, on N x C x H x W.

    Runs on: graph. Needs: constants folded. Leaves: rows that meet each other on the way, selections of one mask that are put back by
    another, and positions that are no pixels; each is a remark, and lowering refuses what is left.
    """

    def run(self, module: Module, report: Report) -> None:
        for op in [op for op in module.walk() if isinstance(op, graph.ScatterND)]:
            try:
                value = _Spreading(op).result()
            except _Unfit as reason:
                report.remark(op, f"the picked elements are not computed in place: {reason}")
                continue
            op.output.replace_by(value)
            op.erase()
            report.count("spread")
        remove_dead(module)


class _Unfit(Exception):
    """Why a selection cannot be spread."""


@dataclass(frozen=True, slots=True)
class _Selection:
    """What is picked: the elements that are not zero of `mask`, in row-major order over `extents`; each `channels` times over, if not 0."""

    mask: Value
    extents: tuple[int, ...]
    channels: int = 0


class _Spreading:
    """One ScatterND with all that leads to it."""

    def __init__(self, op: graph.ScatterND) -> None:
        self.op = op
        self.build = Builder(op)
        self.places = _places(op.indices)
        self.space = _space(self.places)
        self.done: dict[Value, Value] = {}

    def result(self) -> Value:
        """The value of the ScatterND, made of operators with static shapes only."""
        source = tensor(self.op.input)
        if source.shape[:-1] != self.places.extents or self.places.channels not in (0, source.shape[-1]):
            raise _Unfit(f"the places in {source} are no rows of pixels")
        changed = self.rows(_unwrapped(self.op.updates))
        if tensor(changed).shape[1] != source.shape[-1]:
            raise _Unfit(f"rows of {tensor(changed).shape[1]} elements go into {source}")
        background = self.image(self.op.input)
        condition = self.add(graph.Reshape(self.places.mask, shape=(self.space[0], 1, *self.space[1:])))
        condition.name = self.places.mask.name
        if tensor(condition).element != i1:
            condition = self.add(graph.Cast(condition, to=i1))
        chosen = self.add(graph.Where(condition, changed, background))
        return self.add(graph.Reshape(self.add(graph.Transpose(chosen, perm=TO_CHANNELS_LAST)), shape=source.extents))

    def add(self, op: Operation) -> Value:
        return self.build.add(op).results[0]

    def constant(self, array: Array) -> Value:
        return self.add(graph.Constant(value=Dense(array)))

    def image(self, rows: Value) -> Value:
        """All rows [..., C], one per pixel, as N x C x H x W."""
        whole = self.add(graph.Reshape(rows, shape=(*self.space, tensor(rows).extents[-1])))
        return self.add(graph.Transpose(whole, perm=TO_CHANNELS_FIRST))

    def rows(self, value: Value) -> Value:
        """What `value`, which holds a row per picked pixel, is for every pixel: N x C x H x W."""
        if value not in self.done:
            op = value.owner
            if not isinstance(op, Operation):
                raise _Unfit("rows come from outside")
            around, self.build.location = self.build.location, op.location
            self.done[value] = self.spread(op)
            self.build.location = around
        return self.done[value]

    def spread(self, op: Operation) -> Value:
        match op:
            case graph.GatherND() if op.batch_dims == 0:
                return self.picked(op.input, _places(op.indices))
            case graph.Gather() if op.axis == 0 and constant_of(op.indices) is None:
                return self.picked(op.input, _places(op.indices))
            case graph.Compress() if op.axis == 0:
                return self.picked(op.input, _places(op.output))
            case graph.MatMul():
                return self.product(op.a, constant_of(op.b), None, op)
            case graph.Gemm() if not op.transpose_a and op.alpha == 1 and op.beta == 1:
                weights = constant_of(op.b)
                turned = weights.T if weights is not None and op.transpose_b else weights
                return self.product(op.a, turned, op.c, op)
            case graph.BatchNormalization():
                return self.add(rebuilt(op, [self.rows(op.input), *op.operands[1:]]))
        if op.has(Elementwise) and len(op.results) == 1:
            return self.add(rebuilt(op, list(map(self.operand, op.operands))))
        raise _Unfit(f"{_named(op)} ({op.name}) may mix rows")

    def picked(self, source: Value, places: _Selection) -> Value:
        if places.mask is not self.places.mask or places.channels or tensor(source).shape[:-1] != places.extents:
            raise _Unfit("the rows are picked by another mask than they are put back by")
        return self.image(source)

    def product(self, rows: Value, weights: Array | None, bias: Value | None, op: Operation) -> Value:
        """rows [., C] times weights [C, K], as a convolution with a window of 1."""
        offset = None if bias is None else constant_of(bias)
        if weights is None or weights.ndim != 2 or (bias is not None and offset is None):
            raise _Unfit(f"{_named(op)} multiplies by no constant matrix")
        filters = self.constant(np.ascontiguousarray(weights.T)[:, :, None, None])
        channels = None if offset is None else self.constant(np.broadcast_to(offset.reshape(-1), weights.shape[1:]).copy())
        return self.add(graph.Conv(self.rows(rows), filters, channels, strides=(1, 1), dilations=(1, 1), pads=(0, 0, 0, 0)))

    def operand(self, value: Value) -> Value:
        """An operand of an elementwise operator: rows, or a constant that is the same for all of them."""
        constant = constant_of(value)
        if constant is None:
            return self.rows(_unwrapped(value, flat=False))
        if constant.size == 1:
            return self.constant(constant.reshape(()))
        if constant.ndim > 2 or constant.shape[:-1] not in ((), (1,)):
            raise _Unfit("a constant is not the same for all rows")
        return self.constant(constant.reshape(1, -1, 1, 1))


def _named(op: Operation) -> str:
    return ", ".join(f"'{node.name}'" for node in op.location.nodes) or op.name


def _base(mask: Value) -> Value:
    """The value behind reshapes and casts to a truth value: not zero at the same places in the same order."""
    while isinstance(mask.owner, graph.Reshape) or (isinstance(mask.owner, graph.Cast) and mask.owner.to == i1):
        mask = mask.owner.input
    return mask


def _selection(mask: Value) -> _Selection:
    """What is picked by the elements of `mask` that are not zero; a last dim that only repeats them is told apart."""
    type_ = tensor(mask)
    if not type_.is_static:
        raise _Unfit(f"the mask is {type_}, with an unknown extent")
    match mask.owner:
        case graph.Expand() as op if tensor(op.input).shape == (*type_.shape[:-1], 1):
            return _Selection(_base(op.input), type_.extents[:-1], type_.extents[-1])
    return _Selection(_base(mask), type_.extents)


def _places(indices: Value) -> _Selection:
    """What the rows of `indices` name."""
    match indices.owner:
        case graph.Transpose(input=Value(owner=graph.NonZero() as found)):
            return _selection(found.input)
        case graph.NonZero() as found if tensor(found.input).rank == 1:
            return _selection(found.input)
        case graph.Reshape() as op if tensor(indices).shape in ((None,), (None, 1)):
            inner = _places(op.input)
            if len(inner.extents) != 1:
                raise _Unfit("the subscripts of several dims are joined into one")
            return inner
        case graph.Compress() as op if op.axis == 0:
            return _compressed(op)
    raise _Unfit("the places are not those of the elements of a mask that are not zero")


def _compressed(op: graph.Compress) -> _Selection:
    """Compress by flags picks what they say; of 0, 1, 2, ... it gives the places themselves."""
    (count,) = tensor(op.condition).extents
    if tensor(op.input).shape[0] != count:
        raise _Unfit("there are fewer flags than rows")
    numbers = constant_of(op.input)
    if numbers is None or numbers.ndim > 1:
        return _selection(op.condition)
    if not np.array_equal(numbers.reshape(-1), np.arange(count)):
        raise _Unfit("numbers are picked that are no places")
    return _selection(op.condition)


def _space(places: _Selection) -> tuple[int, int, int]:
    """N, H, W: the mask is N x 1 x H x W or N x H x W, or the places are."""
    for shape in (tensor(places.mask).shape, places.extents):
        if len(shape) == 4 and shape[1] == 1:
            shape = (shape[0], *shape[2:])
        if len(shape) == 3 and None not in shape and math.prod(shape) == math.prod(places.extents):  # type: ignore[arg-type]
            N, H, W = TensorType(shape, i1).extents
            return N, H, W
    raise _Unfit(f"the mask {places.mask.type} is no picture")


def _unwrapped(value: Value, flat: bool = True) -> Value:
    """The rows behind reshapes and at most one slice from 0 or expansion, which must be of as many elements, because a ScatterND
    takes as many updates as there are places."""
    counted = not flat
    for op in _makers(value):
        match op:
            case graph.Reshape() if flat or tensor(op.input).shape[1:] == tensor(op.output).shape[1:]:
                value = op.input
            case graph.Deferred(op_type="Reshape") if flat:
                value = op.inputs[0]
            case graph.Deferred(op_type="Expand") if not counted:
                value, counted = op.inputs[0], True
            case graph.Deferred(op_type="Slice") if not counted and _is_from_start(op.inputs[1:]):
                value, counted = op.inputs[0], True
            case _:
                break
    return value


def _makers(value: Value) -> Iterator[Operation]:
    """What makes a value, and its first operand, and so on."""
    while isinstance(value.owner, Operation):
        yield value.owner
        if not value.owner.operands:
            return
        value = value.owner.operands[0]


def _is_from_start(bounds: Sequence[Value]) -> bool:
    """Whether starts are 0 and steps 1, of: starts, ends, axes, steps."""
    starts = constant_of(bounds[0])
    steps = constant_of(bounds[3]) if len(bounds) > 3 else np.ones(1)
    return starts is not None and not starts.any() and steps is not None and bool(np.all(steps == 1))
