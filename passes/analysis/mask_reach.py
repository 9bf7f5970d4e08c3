"""What of an operation is needed when of its result only some is: the reach of a mask back through what it masks.

A spatial mask that chooses pixel o of a result makes a convolution's input needed at o * stride - begin to o * stride - begin + (kernel -
1) * dilation. Going back, these intervals are composed: with a `Reach`, a chosen pixel o of the masked result needs pixels
o * scale + low to o * scale + high of the value, along each spatial axis. A mask of channels goes back through what keeps channels apart,
one of whole pictures through everything that keeps pictures apart. None of these changes a program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ...dialects import graph
from ...dialects.graph.extents import tensor
from ...dialects.graph.pooling import Pooling
from ...dialects.graph.reduction import Reduction
from ...dialects.ir.operation import Operation, Value
from ...dialects.ir.traits import ConstantLike, Elementwise, Pure, Terminator
from .mask_layout import Kind

__all__ = ["HERE", "Locality", "Reach", "Use", "grow", "heaviest", "keeps_pictures", "locality", "masked_reaches", "work"]

Pair: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Reach:
    """Along H and W: a chosen pixel o of the masked result needs pixels o * scale + low to o * scale + high."""

    scale: Pair = (1, 1)
    low: Pair = (0, 0)
    high: Pair = (0, 0)

    def through(self, strides: Sequence[int], begins: Sequence[int], spans: Sequence[int]) -> Reach:
        """The reach one window further back; a span is the distance from its first tap to its last."""
        h, w = (
            (self.scale[i] * strides[i], self.low[i] * strides[i] - begins[i], self.high[i] * strides[i] - begins[i] + spans[i])
            for i in range(2)
        )
        return Reach((h[0], w[0]), (h[1], w[1]), (h[2], w[2]))

    def around(self, other: Reach) -> Reach | None:
        """What both need, None where they lie on different grids."""
        if self.scale != other.scale:
            return None
        low = (min(self.low[0], other.low[0]), min(self.low[1], other.low[1]))
        return Reach(self.scale, low, (max(self.high[0], other.high[0]), max(self.high[1], other.high[1])))

    @property
    def dilation(self) -> int:
        """The radius of the smallest square that holds the reach."""
        return max(*(-low for low in self.low), *self.high, 0)


HERE = Reach()
Use: TypeAlias = tuple[Operation, int]
Follow: TypeAlias = Callable[[Operation, int, Reach], "Reach | None"]


@dataclass(frozen=True, slots=True)
class Locality:
    """What a kind of mask goes back through: `joins` says of an operation whether it may be computed in part, `follow` what is then
    needed of operand i, None for all of it."""

    joins: Callable[[Operation], bool]
    follow: Follow


def grow(value: Value, use: Use, local: Locality, *others: Use) -> tuple[dict[Operation, Reach], list[tuple[Operation, str]]]:
    """The operations that serve nothing but this use of `value` (and `others` like it), as far as `local` reaches; last ones first.

    Beside them those before which it stopped, each with the reason.
    """
    region: dict[Operation, Reach] = {}
    stops: list[tuple[Operation, str]] = []
    waiting: dict[Operation, None] = {}
    op: Operation | None = value.owner if isinstance(value.owner, Operation) else None
    if op is not None and not op.has(ConstantLike):
        waiting[op] = None
    while op is not None and waiting:
        if op in waiting:
            del waiting[op]
            reach = _needed(op, region, (use, *others), local)
            if isinstance(reach, Reach):
                region[op] = reach
                waiting.update((owner, None) for owner in _sources(op, local, reach))
            else:
                stops.append((op, reach))
        op = op.previous
    return region, stops


def _sources(op: Operation, local: Locality, reach: Reach) -> Iterable[Operation]:
    """What makes the operands of `op` that are not needed whole."""
    for i, value in enumerate(op.operands):
        owner = value.owner
        here = isinstance(owner, Operation) and owner.block is op.block and not owner.has(ConstantLike)
        if isinstance(owner, Operation) and here and local.follow(op, i, reach) is not None:
            yield owner


def _needed(op: Operation, region: dict[Operation, Reach], only: Sequence[Use], local: Locality) -> Reach | str:
    """What all users of `op` need of it; a reason, if it must be computed everywhere."""
    if not local.joins(op):
        return "it does not work pixel by pixel, channel by channel or picture by picture"
    total: Reach | None = None
    for result in op.results:
        for user, number in result.uses:
            if (user, number) in only:
                reach: Reach | None = HERE
            elif user in region:
                reach = local.follow(user, number, region[user])
            else:
                return f"it is used elsewhere, by {_reader(user)}"
            if reach is None:
                return "it is read as a whole"
            total = reach if total is None else total.around(reach)
            if total is None:
                return "it is needed on two grids"
    return total if total is not None else "nobody uses it"


def _reader(op: Operation) -> str:
    names = [node.name for node in op.location.nodes]
    return "the results of the model" if op.has(Terminator) else repr(names[-1] if names else op.name)


def locality(kind: Kind, batch: int) -> Locality:
    """How far back a mask of this kind reaches, for results of `batch` pictures."""
    match kind:
        case "spatial":
            return Locality(lambda op: op.has(Elementwise) or _pixels(op, 0, HERE) is not None, _pixels)
        case "channel":
            return Locality(lambda op: op.has(Elementwise) or isinstance(op, graph.Conv) or _channels(op, 0, HERE) is not None, _channels)
    if batch == 1:
        return Locality(_is_skippable, lambda op, i, reach: reach)
    return Locality(lambda op: _is_skippable(op) and (op.has(Elementwise) or _pictures(op, 0, HERE) is not None), _pictures)


def masked_reaches(op: graph.Masked) -> dict[Operation, Reach]:
    """What is needed of every operation in the region of a spatially masked one, last ones first."""
    last = op.body.terminator
    region, _ = grow(last.operands[0], (last, 0), locality(op.kind, tensor(op.output).shape[0] or 0))
    return region


def _is_skippable(op: Operation) -> bool:
    """Whether an operator of the graph may be left out with a whole picture."""
    return op.name.startswith("graph.") and op.has(Pure) and not isinstance(op, graph.Masked | graph.Deferred)


def _pixels(op: Operation, i: int, reach: Reach) -> Reach | None:
    """Operators that see a pixel and its neighbours. Pixels are the last two dims, pictures the first; channels may be several dims."""
    if i >= len(op.operands):
        return None
    source, out = tensor(op.operands[i]), tensor(op.results[0])
    if min(source.rank, out.rank) < 4 or source.shape[0] != out.shape[0]:
        return None
    match op:
        case graph.Conv() if i == 0 and source.rank == 4:
            spans = [(k - 1) * d for k, d in zip(op.kernel, op.dilations, strict=True)]
            return reach.through(op.strides, op.pads, spans)
        case graph.MaxPool() | graph.AveragePool() | graph.LpPool() if source.rank == 4:
            spans = [(k - 1) * d for k, d in zip(op.kernel, op.dilations, strict=True)]
            return reach.through(op.strides, op.pads, spans)
        case graph.Pad(mode="constant") if not any(op.begins[:-2] + op.ends[:-2]) and min(op.pads) >= 0:
            return reach.through((1, 1), op.begins[-2:], (0, 0))
    if source.shape[-2:] != out.shape[-2:] or None in out.shape[-2:]:
        return None
    return reach if _keeps_pixels(op, i, source.rank, out.rank) else None


def _keeps_pixels(op: Operation, i: int, source: int, out: int) -> bool:
    """Whether operand i of rank `source`, with the extents of the result along its first and its last two dims, is read pixel by pixel."""
    match op:
        case graph.BatchNormalization():
            return i == 0
        case graph.LRN() | graph.Reshape():
            return True  # a reshape with these extents changes channels only
        case graph.Concat():
            return 0 < op.axis < source - 2
        case graph.Slice():
            return op.starts[0] == 0 and op.steps[0] == 1 and op.starts[-2:] == (0, 0) and op.steps[-2:] == (1, 1)
        case graph.Transpose():
            return op.perm[0] == 0 and op.perm[-2:] == (source - 2, source - 1)
        case graph.Gather():
            return i == 0 and 0 < op.axis < source - 2
        case graph.Softmax():
            return all(0 < axis < source - 2 for axis in op.axes)
        case Reduction():
            return all(0 < axis < source - 2 for axis in op.axes)
    return op.has(Elementwise) and source == out


def _channels(op: Operation, i: int, reach: Reach) -> Reach | None:
    """Operators that keep channels apart. A convolution makes its channels, so it is the last."""
    if i >= len(op.operands):
        return None
    source, out = tensor(op.operands[i]), tensor(op.results[0])
    if source.rank != 4 or out.rank != 4 or source.shape[1] != out.shape[1] or source.shape[0] != out.shape[0]:
        return None
    match op:
        case graph.Conv():
            return reach if i == 0 and op.groups == source.shape[1] else None
        case graph.Pad():
            return reach if op.begins[1] == op.ends[1] == 0 else None
        case graph.BatchNormalization():
            return reach if i == 0 else None
    return reach if op.has(Elementwise) or isinstance(op, Pooling) else None


def _pictures(op: Operation, i: int, reach: Reach) -> Reach | None:
    """Operators that keep the pictures of a batch apart, along the first dim."""
    if i >= len(op.operands):
        return None
    source, out = tensor(op.operands[i]), tensor(op.results[0])
    if not source.rank or not out.rank or source.shape[0] is None or source.shape[0] != out.shape[0]:
        return None
    if op.has(Elementwise):
        return reach if source.rank == out.rank else None
    return reach if keeps_pictures(op, i) else None


def keeps_pictures(op: Operation, i: int) -> bool:
    """Whether an operation that is not elementwise, whose result has the first extent of operand i, computes each slice along it alone."""
    match op:
        case graph.Conv() | graph.ConvTranspose() | graph.BatchNormalization() | graph.InstanceNormalization():
            return i == 0
        case graph.MatMul():
            return i == 0 and tensor(op.a).rank == tensor(op.output).rank
        case graph.Gemm():
            return i == 0 and not op.transpose_a
        case graph.Gather():
            return i == 0 and op.axis != 0
        case Pooling() | graph.LRN() | graph.DepthToSpace() | graph.SpaceToDepth():
            return True
        case Reduction():
            return 0 not in op.axes
        case graph.Concat():
            return op.axis != 0
        case graph.Softmax():
            return 0 not in op.axes
        case graph.Transpose():
            return op.perm[0] == 0
        case graph.Reshape() | graph.Resize():
            return True  # the first extent stays, so rows and nearest pictures do
        case graph.Pad():
            return op.begins[0] == op.ends[0] == 0
        case graph.Slice():
            return op.starts[0] == 0 and op.steps[0] == 1
    return False


def heaviest(ops: Iterable[Operation]) -> list[Operation]:
    """Those that take the work that is worth skipping."""
    return [op for op in ops if isinstance(op, graph.Conv | graph.ConvTranspose | graph.MatMul | graph.Gemm)]


def work(ops: Iterable[Operation]) -> int:
    """About how many products they take."""
    return sum(_products(op) for op in heaviest(ops))


def _products(op: Operation) -> int:
    factors, out = tensor(op.operands[1]), tensor(op.results[0])
    if not (factors.is_static and out.is_static):
        return 1
    channels = out.extents[-1 if isinstance(op, graph.MatMul | graph.Gemm) else 1]
    return out.elements * factors.elements // max(channels, 1)
