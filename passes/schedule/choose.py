"""Choosing a schedule from the maps of a kernel and the numbers of a target, without measuring.

1. The kernel is put as offsets over merged dims (`problem`).
2. The register tile is chosen, and the taps that are written out in it (`tile`). Copies that lie the other way turn a square block.
3. Loops: large weights stay outermost, else the larger strides of the output. Threads share one of them.

Where the mask of a kernel gives a list of runs, `runs` does the last two.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...dialects import tensor
from ...dialects.ir.types import BufferType
from ...targets.description import Target
from .problem import Problem, along_largest_input, are_weights_large, by_output_stride, coefficient, has_shared_operand
from .runs import choose_runs
from .space import Schedule
from .tile import RegisterTile, crowded_first, reduction_order, register_tile, unrolled, vector_dim

TLB_REACH = 8 << 20
"""Bytes that 2048 entries of the second level reach. A walk over the pixels of one block of channels touches a page every few pixels."""


def choose_schedule(kernel: tensor.Kernel, inputs: Sequence[BufferType], outputs: Sequence[BufferType], target: Target) -> Schedule:
    """The schedule with the least predicted cost."""
    problem = Problem.of(kernel, inputs, outputs, target)
    return choose_runs(problem) if problem.domain.chosen else _choose_dense(problem)


def _choose_dense(problem: Problem) -> Schedule:
    tile, across = register_tile(problem, vector_dim(problem)), -1
    turned = _turned_block(problem) if tile.vector < 0 else None
    if turned is not None:
        tile, across = turned
    reduction = reduction_order(problem)
    unroll = unrolled(problem, tile, reduction)
    order = _order(problem, tile.vector)
    shared = _shared(problem, tile, order)
    if shared >= 0:
        order = (shared, *(dim for dim in order if dim != shared))
    return Schedule(
        problem.extents,
        order,
        tile.sizes,
        tile.vector,
        tile.lanes,
        reduction=crowded_first(problem, tile, reduction, unroll),
        unroll=unroll,
        parallel=shared,
        across=across,
    )


def _turned_block(problem: Problem) -> tuple[RegisterTile, int] | None:
    """For a copy that lies the other way: read along the one dim, turn a square block in registers, write along the other."""
    target, extents = problem.target, problem.extents
    along = along_largest_input(problem)
    inner = [dim for dim in range(problem.parallel) if all(coefficient(o, dim) == 1 for o in problem.outputs)]
    if problem.domain.root is not None or problem.reads.guards or not target.vector_bits or not along or not inner:
        return None
    lanes = target.vector_bits // problem.widest_bits
    readable = all(coefficient(offset, along[0]) in (0, 1) and offset.is_linear for _, offset, _ in problem.accesses)
    if not readable or min(extents[along[0]], extents[inner[0]]) < lanes or lanes < 4 or along[0] == inner[0]:
        return None
    sizes = [1] * problem.parallel
    sizes[along[0]] = sizes[inner[0]] = lanes
    return RegisterTile(tuple(sizes), along[0], lanes), inner[0]


def _order(problem: Problem, vector: int) -> tuple[int, ...]:
    """Loops over the parallel dims: larger strides of the output outside.

    Weights beyond half of L2 are read once, with the channels outside; so are windows without contraction, whose weights then stay in L1,
    as long as the TLB reaches over all pixels.
    """
    dims = by_output_stride(problem)
    if problem.domain.root is None or not 0 <= vector < problem.parallel:
        return tuple(dims)
    if has_shared_operand(problem, vector):
        is_outside = are_weights_large(problem, vector)
    else:
        is_outside = math.prod(problem.extents[: problem.parallel]) * 4 <= TLB_REACH
    return (vector, *(dim for dim in dims if dim != vector)) if is_outside else tuple(dims)


def _shared(problem: Problem, tile: RegisterTile, order: Sequence[int]) -> int:
    """The dim whose tiles the threads share: the outermost loop if it has turns enough, else the one with the most."""
    if not problem.is_worth_sharing:
        return -1
    turns = {dim: math.ceil(problem.extents[dim] / tile.sizes[dim]) for dim in order}
    candidates = [dim for dim in order if turns[dim] >= 8] or sorted(order, key=lambda dim: -turns[dim])
    return candidates[0] if candidates and turns[candidates[0]] > 1 else -1
