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
from ...dialects.graph.elementwise import Binary
from ...dialects.graph.extents import tensor
from ...dialects.graph.reduction import Reduction
from ...dialects.ir.attributes import Array, Dense
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Operation, Value
from ...dialects.ir.traits import Elementwise
from ...dialects.ir.types import TensorType, i1
from ..analysis.mask_reach import keeps_pictures
from ..common.dce import remove_dead
from ..manager import Pass, Report
from ..rewrite import constant_of, rebuilt

COMBINED: dict[str, type[Binary]] = {"add": graph.Add, "mul": graph.Mul, "max": graph.Max, "min": graph.Min}
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
                value = _spreading(op).result()
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
    """What is picked: the elements that are not zero of `mask`, in row-major order over `extents`; each with all elements of the dims
    `repeated` behind, if there are any."""

    mask: Value
    extents: tuple[int, ...]
    repeated: tuple[int, ...] = ()


def _spreading(op: graph.ScatterND) -> _Spreading:
    """What a ScatterND writes: rows of channels of pixels, or else whole slices."""
    places, source = _places(op.indices), tensor(op.input)
    rest = source.extents[len(places.extents) :]
    if source.extents[: len(places.extents)] != places.extents or places.repeated not in ((), rest):
        raise _Unfit(f"the places in {source} are no rows of pixels")
    space = _space(places) if len(rest) == 1 else None
    if space is not None:
        return _Pixels(op, places, space)
    if rest and len(places.extents) > 1:
        raise _Unfit(f"the mask {places.mask.type} is no picture")
    return _Slices(op, places)


class _Spreading:
    """One ScatterND with all that leads to it."""

    def __init__(self, op: graph.ScatterND, places: _Selection) -> None:
        self.op = op
        self.build = Builder(op)
        self.places = places
        self.done: dict[Value, Value] = {}

    def result(self) -> Value:
        """The value of the ScatterND, made of operators with static shapes only."""
        raise NotImplementedError

    def image(self, whole: Value) -> Value:
        """Everything that rows are picked from, as `rows` has it."""
        raise NotImplementedError

    def spread(self, op: Operation) -> Value:
        """What `op`, which makes rows of rows, makes of everything."""
        raise NotImplementedError

    def operand(self, value: Value) -> Value:
        """An operand of an elementwise operator: rows, or a constant that is the same for all of them."""
        constant = constant_of(value)
        if constant is None:
            return self.rows(_unwrapped(value, flat=False))
        return self.constant(constant.reshape(())) if constant.size == 1 else self.repeated(value, constant)

    def repeated(self, value: Value, constant: Array) -> Value:
        """A constant of several elements beside everything. Raises _Unfit where it is not the same for all rows."""
        raise NotImplementedError

    def chosen(self, shape: tuple[int, ...], changed: Value, background: Value) -> Value:
        """The one where the mask, brought into `shape`, is not zero, the other elsewhere."""
        condition = self.add(graph.Reshape(self.places.mask, shape=shape))
        condition.name = self.places.mask.name
        if tensor(condition).element != i1:
            condition = self.add(graph.Cast(condition, to=i1))
        chosen = graph.Where(condition, changed, background)
        if tensor(chosen.output).shape != tensor(background).shape:
            raise _Unfit(f"rows that make {changed.type} go into {background.type}")
        return self.add(chosen)

    def add(self, op: Operation) -> Value:
        return self.build.add(op).results[0]

    def constant(self, array: Array) -> Value:
        return self.add(graph.Constant(value=Dense(array)))

    def updates(self, background: Value) -> Value:
        """What is put back, for everything; no place is named twice, so that a reduction is one step."""
        value = _unwrapped(self.op.updates)
        made = self.operand(value) if constant_of(value) is not None else self.rows(value)
        return made if self.op.reduction == "none" else self.add(COMBINED[self.op.reduction](background, made))

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

    def picking(self, op: Operation) -> Value | None:
        """Everything, where `op` picks rows from it."""
        match op:
            case graph.GatherND() if op.batch_dims == 0:
                return self.picked(op.input, _places(op.indices))
            case graph.Gather() if op.axis == 0 and constant_of(op.indices) is None:
                return self.picked(op.input, _places(op.indices))
            case graph.Compress() if op.axis == 0:
                return self.picked(op.input, _places(op.output))
        return None

    def picked(self, source: Value, places: _Selection) -> Value:
        extents = places.extents
        if places.mask is not self.places.mask or places.repeated or tensor(source).shape[: len(extents)] != extents:
            raise _Unfit("the rows are picked by another mask than they are put back by")
        return self.image(source)


class _Pixels(_Spreading):
    """Rows of channels, one per pixel: they become N x C x H x W, where axis 1 stays axis 1."""

    def __init__(self, op: graph.ScatterND, places: _Selection, space: tuple[int, int, int]) -> None:
        super().__init__(op, places)
        self.space = space

    def result(self) -> Value:
        source = tensor(self.op.input)
        background = self.image(self.op.input)
        chosen = self.chosen((self.space[0], 1, *self.space[1:]), self.updates(background), background)
        return self.add(graph.Reshape(self.add(graph.Transpose(chosen, perm=TO_CHANNELS_LAST)), shape=source.extents))

    def image(self, whole: Value) -> Value:
        rows = self.add(graph.Reshape(whole, shape=(*self.space, tensor(whole).extents[-1])))
        return self.add(graph.Transpose(rows, perm=TO_CHANNELS_FIRST))

    def spread(self, op: Operation) -> Value:
        if (picked := self.picking(op)) is not None:
            return picked
        match op:
            case graph.MatMul():
                return self.product(op.a, constant_of(op.b), None, op)
            case graph.Gemm() if not op.transpose_a and op.alpha == 1 and op.beta == 1:
                weights = constant_of(op.b)
                turned = weights.T if weights is not None and op.transpose_b else weights
                return self.product(op.a, turned, op.c, op)
            case graph.BatchNormalization():
                return self.add(rebuilt(op, [self.rows(op.input), *op.operands[1:]]))
            case graph.LayerNormalization(axis=1):
                return self.normalised(op)
            case graph.Softmax(axes=(1,)) | graph.LogSoftmax(axes=(1,)):
                return self.add(rebuilt(op, [self.rows(op.input)]))
            case Reduction(axes=(1,), keepdims=True):
                return self.add(rebuilt(op, [self.rows(op.input)]))
        if op.has(Elementwise) and len(op.results) == 1:
            return self.add(rebuilt(op, list(map(self.operand, op.operands))))
        raise _Unfit(f"{_named(op)} ({op.name}) may mix rows")

    def normalised(self, op: graph.LayerNormalization) -> Value:
        """(x - mean) / sqrt(variance + epsilon) * scale + bias over the channels."""
        x = self.rows(op.input)
        centred = self.add(graph.Sub(x, self.add(graph.ReduceMean(x, axes=(1,)))))
        variance = self.add(graph.ReduceMean(self.add(graph.Mul(centred, centred)), axes=(1,)))
        epsilon = self.constant(np.asarray(op.epsilon, tensor(x).element.dtype))
        out = self.add(graph.Div(centred, self.add(graph.Sqrt(self.add(graph.Add(variance, epsilon))))))
        out = self.add(graph.Mul(out, self.operand(op.scale)))
        return out if op.bias is None else self.add(graph.Add(out, self.operand(op.bias)))

    def product(self, rows: Value, weights: Array | None, bias: Value | None, op: Operation) -> Value:
        """rows [., C] times weights [C, K], as a convolution with a window of 1."""
        offset = None if bias is None else constant_of(bias)
        if weights is None or weights.ndim != 2 or (bias is not None and offset is None):
            raise _Unfit(f"{_named(op)} multiplies by no constant matrix")
        filters = self.constant(np.ascontiguousarray(weights.T)[:, :, None, None])
        channels = None if offset is None else self.constant(np.broadcast_to(offset.reshape(-1), weights.shape[1:]).copy())
        return self.add(graph.Conv(self.rows(rows), filters, channels, strides=(1, 1), dilations=(1, 1), pads=(0, 0, 0, 0)))

    def repeated(self, value: Value, constant: Array) -> Value:
        if constant.ndim > 2 or constant.shape[:-1] not in ((), (1,)):
            raise _Unfit("a constant is not the same for all rows")
        return self.constant(constant.reshape(1, -1, 1, 1))


class _Slices(_Spreading):
    """Single elements, or whole slices along the first dim: everything stays in its shape."""

    def result(self) -> Value:
        rank = tensor(self.op.input).rank
        shape = (*self.places.extents, *(1,) * (rank - len(self.places.extents)))
        return self.chosen(shape, self.updates(self.op.input), self.op.input)

    def image(self, whole: Value) -> Value:
        return whole

    def spread(self, op: Operation) -> Value:
        if (picked := self.picking(op)) is not None:
            return picked
        if op.has(Elementwise) and len(op.results) == 1:
            return self.add(rebuilt(op, list(map(self.operand, op.operands))))
        if len(self.places.extents) == 1 and op.operands and keeps_pictures(op, 0):
            made = rebuilt(op, [value if constant_of(value) is not None else self.rows(value) for value in op.operands])
            out = tensor(made.results[0])
            if out.shape[:1] == self.places.extents and out.is_static:
                return self.add(made)
        raise _Unfit(f"{_named(op)} ({op.name}) may mix what is picked")

    def repeated(self, value: Value, constant: Array) -> Value:
        if len(self.places.extents) > 1 or (constant.ndim == tensor(self.op.input).rank and constant.shape[0] != 1):
            raise _Unfit("a constant is not the same for all that is picked")
        return value


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
        case graph.Expand() as op if tensor(op.input).rank == type_.rank:
            own = tensor(op.input).extents
            kept = next((axis for axis in range(type_.rank) if own[axis:] == (1,) * (type_.rank - axis)), type_.rank)
            if 0 < kept < type_.rank and own[:kept] == type_.extents[:kept]:
                return _Selection(_base(op.input), type_.extents[:kept], type_.extents[kept:])
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


def _space(places: _Selection) -> tuple[int, int, int] | None:
    """N, H, W: the mask is N x 1 x H x W or N x H x W, or the places are."""
    for shape in (tensor(places.mask).shape, places.extents):
        if len(shape) == 4 and shape[1] == 1:
            shape = (shape[0], *shape[2:])
        if len(shape) == 3 and None not in shape and math.prod(shape) == math.prod(places.extents):  # type: ignore[arg-type]
            N, H, W = TensorType(shape, i1).extents
            return N, H, W
    return None


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
