"""Put constants into the order in which the register tiles read them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...dialects import tensor
from ...dialects.func import Module
from ...dialects.ir.affine import Affine, AffineMap, Dim, d
from ...dialects.ir.attributes import Array, Dense
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Argument
from ...dialects.tensor.view import tensor_type
from ..analysis.domain import Access, domain, reads
from ..manager import Pass, Report
from ..schedule.problem import packable
from ..schedule.space import Schedule


@dataclass(frozen=True)
class PackWeights(Pass, name="pack-weights", runs_on=("tensor",)):
    """Reorder each constant that a kernel's root reads by loops: blocks of one register tile, then the reduction, then the lanes.

    Before: (n, k, h, w, c, r, s) -> (k, c, r, s) of a constant 64x64x3x3
    After:  the constant is 2x3x3x64x32, read at (k floordiv 32, r, s, c, k mod 32)

    The last block is filled up with zeros. Needs schedules. Leaves: constants that are read in several ways or not linearly.
    """

    def run(self, module: Module, report: Report) -> None:
        for function in module.functions():
            for op in list(function.body):
                if isinstance(op, tensor.Kernel) and op.schedule:
                    _pack_kernel(op, report)


def _pack_kernel(kernel: tensor.Kernel, report: Report) -> None:
    domain_ = domain(kernel)
    schedule = Schedule.parse(kernel.schedule)
    by_argument: dict[Argument, list[Access]] = {}
    for access in reads(domain_).accesses:
        by_argument.setdefault(access.argument, []).append(access)
    for argument, found in by_argument.items():
        if len(found) == 1 and packable(kernel, found[0]) and argument.users and tensor_type(argument).rank > 1:
            _pack(kernel, argument, found[0], schedule, len(domain_.parallel))
            report.count("packed")


def _pack(kernel: tensor.Kernel, argument: Argument, access: Access, schedule: Schedule, parallel: int) -> None:
    """Exchange a constant for its packed form and a view that finds the elements."""
    old = kernel.inputs[argument.number].owner
    assert isinstance(old, tensor.Constant)
    axis, block = _blocked_axis(access, schedule)
    if axis is not None and not block:
        block = tensor_type(argument).extents[axis]
    order = _axis_order(access, schedule, parallel, axis)
    packed = _packed(old.value.array, order, axis, block)
    new = Builder(before=kernel, location=old.location).add(tensor.Constant(value=Dense(packed)))
    source = tensor_type(argument)
    dims = [d(i) for i in range(source.rank)]
    subscripts: list[Affine] = [dims[i] for i in order]
    if axis is not None:
        subscripts = [dims[axis] // block, *subscripts, dims[axis] % block]
    kernel.set_operand(argument.number, new.output)
    uses = list(argument.uses)
    argument.type = new.output.type
    first = kernel.body.first
    assert first is not None
    view = Builder(before=first).add(tensor.View(argument, extents=source.extents, map=AffineMap(source.rank, tuple(subscripts))))
    for user, number in uses:
        user.set_operand(number, view.output)


def _blocked_axis(access: Access, schedule: Schedule) -> tuple[int | None, int]:
    """The axis that lanes run along and the elements of one block; 0 elements: one block as long as the axis."""
    if not 0 <= schedule.vector < len(schedule.tile):
        return None, 1
    for axis, subscript in enumerate(access.subscripts):
        if subscript.coefficient(schedule.vector) == 1:
            tile = schedule.tile[schedule.vector]
            others = [c for atom, c in subscript.terms if atom != Dim(schedule.vector)]
            whole = math.ceil(tile / schedule.lanes) * schedule.lanes
            alone = not others and _fits(tile, schedule)
            aligned = tile == whole and all(c % tile == 0 for c in others)
            return axis, whole if not subscript.constant and (alone or aligned) else 0
    return None, 1


def _fits(tile: int, schedule: Schedule) -> bool:
    """Whether tiles start at multiples of whole vectors, so that a block is one tile."""
    return tile % schedule.lanes == 0 or tile == schedule.extents[schedule.vector]


def _axis_order(access: Access, schedule: Schedule, parallel: int, axis: int | None) -> list[int]:
    """The other axes, outermost first: those of parallel dims, then those of the reduction as its loops run."""
    sequence = [*range(parallel), *(dim for dim in (schedule.run_reduction or schedule.reduction))]

    def place(i: int) -> tuple[int, int]:
        dims = access.subscripts[i].dims()
        return (max((sequence.index(dim) for dim in dims), default=-1), i)

    return sorted((i for i in range(len(access.subscripts)) if i != axis), key=place)


def _packed(array: Array, order: list[int], axis: int | None, block: int) -> Array:
    if axis is None:
        return np.ascontiguousarray(array.transpose(order))
    blocks = math.ceil(array.shape[axis] / block)
    filled = np.zeros((*array.shape[:axis], blocks * block, *array.shape[axis + 1 :]), array.dtype)
    filled[tuple(slice(0, n) for n in array.shape)] = array
    split = filled.reshape(*array.shape[:axis], blocks, block, *array.shape[axis + 1 :])
    rest = [i if i < axis else i + 1 for i in order]
    return np.ascontiguousarray(split.transpose([axis, *rest, axis + 1]))
