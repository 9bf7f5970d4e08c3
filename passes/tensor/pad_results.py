"""Results with a border in memory, so that windows over them need no condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...dialects import tensor
from ...dialects.func import Module, Return
from ...dialects.ir.affine import AffineMap, d
from ...dialects.ir.attributes import Number
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Argument, Operation, Value
from ...dialects.tensor.view import tensor_type
from ...errors import CompileError
from ..analysis.domain import domain, reads
from ..manager import Pass, Report
from ..tensor_to_loop.copies import copy_kernel


@dataclass(frozen=True, slots=True)
class _Border:
    """How far around a value windows read, along each dim, and what they find there."""

    low: tuple[int, ...]
    high: tuple[int, ...]
    padding: Number


@dataclass(frozen=True)
class PadResults(Pass, name="pad-results", runs_on=("tensor",)):
    """Store what masked windows read with the padding around it.

    A masked kernel visits scattered pixels, so there is no loop whose bounds could keep a window inside.

    Before:
        %u = tensor.kernel(%x) {... yield %1}
        %v = tensor.kernel(%u) {%p = view(%u, padding = 0); ... masked with runs ...}
    After:
        %u = tensor.kernel(%x) {... %2 = view(%1, padding = 0); yield %2}
        %v = tensor.kernel(%u) {%p = view(%u, padding = 0, margin = ...); ...}

    The margin is for the loops over everything that a kernel with a switch has, which leave it out.
    Other readers get a view of the inner part. What no kernel makes, and what the model returns, is copied.
    Leaves alone: kernels without runs, windows that no run moves, all but the first of several paddings of one value.
    """

    def run(self, module: Module, report: Report) -> None:
        for function in module.functions():
            windows: dict[Value, list[tuple[tensor.Kernel, tensor.View]]] = {}
            for kernel in function.body:
                if isinstance(kernel, tensor.Kernel):
                    for argument, view in _windows(kernel):
                        windows.setdefault(kernel.inputs[argument.number], []).append((kernel, view))
            for value, readers in windows.items():
                padding = readers[0][1].padding
                assert padding is not None
                alike = [(kernel, view) for kernel, view in readers if view.padding == padding]
                border = _border([view for _, view in alike], padding)
                padded = _padded(value, border)
                for kernel, view in alike:
                    _read_padded(kernel, view, padded, border)
                report.count("padded")


def _windows(kernel: tensor.Kernel) -> list[tuple[Argument, tensor.View]]:
    """The views by which a masked kernel reads beyond the ends of its inputs."""
    try:
        domain_ = domain(kernel)
    except CompileError:
        return []  # no loop nest: it is refused, with a reason, where it is lowered
    if not domain_.chosen:
        return []
    views = dict.fromkeys(guard.view for guard in domain_.guards_of_chosen(reads(domain_).guards))
    return [(view.source, view) for view in views if isinstance(view.source, Argument)]


def _border(views: Sequence[tensor.View], padding: Number) -> _Border:
    """What serves all views of one value."""
    low = [0] * len(views[0].map.results)
    high = list(low)
    for view in views:
        ranges = [(0, max(extent - 1, 0)) for extent in view.extents]
        for axis, (subscript, extent) in enumerate(zip(view.map.results, tensor_type(view.source).extents, strict=True)):
            first, last = subscript.simplify(ranges).range(ranges)
            low[axis], high[axis] = max(low[axis], -first), max(high[axis], last - extent + 1)
    return _Border(tuple(low), tuple(high), padding)


def _padded(value: Value, border: _Border) -> Value:
    """`value` with a border: made so by its kernel, or a copy. Its other readers see the inner part."""
    owner = value.owner
    moves = any(isinstance(user, Return | tensor.Concat) for user in value.users)
    if not isinstance(owner, tensor.Kernel) or moves:
        return _put_around(copy_kernel(Builder(before=_first_user(value)), value, _order(value, border)), border)
    following = owner.next
    assert following is not None
    readers = list(value.uses)
    type_ = tensor_type(value)
    padded = _put_around(value, border)
    map_ = AffineMap(type_.rank, tuple(d(i) + low for i, low in enumerate(border.low)))
    inner = Builder(before=following, location=owner.location).add(tensor.View(padded, extents=type_.extents, map=map_)).output
    inner.name = value.name
    for user, operand in readers:
        user.set_operand(operand, inner)
    return padded


def _put_around(value: Value, border: _Border) -> Value:
    """Let the kernel that makes `value` put a border around it."""
    kernel = value.owner
    assert isinstance(kernel, tensor.Kernel)
    (number,) = (i for i, output in enumerate(kernel.outputs) if output is value)
    last = kernel.body.terminator
    source = last.operands[number]
    extents = tuple(map(sum, zip(border.low, tensor_type(source).extents, border.high, strict=True)))
    map_ = AffineMap(len(extents), tuple(d(i) - low for i, low in enumerate(border.low)))
    view = Builder(before=last, location=kernel.location).add(tensor.View(source, extents=extents, map=map_, padding=border.padding))
    view.output.type = tensor_type(view.output).with_order(tensor_type(value).order)
    last.set_operand(number, view.output)
    value.type = view.output.type
    return value


def _order(value: Value, border: _Border) -> tuple[int, ...]:
    """The largest dim that no window covers innermost, as where a kernel makes the value."""
    extents = tensor_type(value).extents
    covered = [low + high > 0 for low, high in zip(border.low, border.high, strict=True)]
    free = [dim for dim in range(1, len(extents)) if not covered[dim]]
    inner = max(free, key=lambda dim: extents[dim], default=len(extents) - 1)
    return (*(dim for dim in range(len(extents)) if dim != inner), inner)


def _first_user(value: Value) -> Operation:
    """The first operation that uses `value`."""
    block = value.users[0].block
    assert block is not None
    return next(op for op in block if value in op.operands)


def _read_padded(kernel: tensor.Kernel, view: tensor.View, padded: Value, border: _Border) -> None:
    """Let one window of a masked kernel read the value with a border."""
    argument = view.source
    assert isinstance(argument, Argument)
    kernel.set_operands([*kernel.inputs, padded], [len(kernel.inputs) + 1])
    source = kernel.body.add_argument(padded.type)
    map_ = AffineMap(view.map.dims, tuple(s + low for s, low in zip(view.map.results, border.low, strict=True)))
    masked = domain(kernel).masked
    has_loops = masked is not None and masked.switches  # over everything, whose bounds can leave the border out
    padding, margin = (border.padding, (*border.low, *border.high)) if has_loops else (None, ())
    inside = Builder(before=view).add(tensor.View(source, extents=view.extents, map=map_, padding=padding, margin=margin)).output
    view.output.replace_by(inside)
    view.erase()
    if not argument.uses:
        number = argument.number
        kernel.set_operands([v for i, v in enumerate(kernel.inputs) if i != number], [len(kernel.inputs) - 1])
        kernel.body.erase_argument(number)
