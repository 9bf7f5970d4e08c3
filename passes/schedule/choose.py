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
from ..analysis.gate import gate_of
from .problem import Problem, alike_neighbours, by_output_stride, has_shared_operand, reads_weights_by_blocks
from .runs import choose_runs
from .space import LEAST_TURNED, Schedule
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
        prefetch=int(reads_weights_by_blocks(problem, tile.vector) and _tiles_of_a_block(problem, tile) > 1),
        across=across,
    )


def _turned_block(problem: Problem) -> tuple[RegisterTile, int] | None:
    """For results that lie one way where inputs lie the other: square blocks are turned in registers and stored along the rest.

    What is the same for neighbours, such as the mask of a group of channels, is so for whole blocks.
    """
    target, extents = problem.target, problem.extents
    if problem.domain.root is not None or problem.reads.guards or not target.vector_bits:
        return None
    alike = alike_neighbours(problem)
    if alike is None:
        return None
    lanes = math.gcd(target.vector_bits // problem.widest_bits, *alike)
    if lanes < LEAST_TURNED:
        return None
    large = [dim for dim in range(problem.parallel) if extents[dim] >= lanes]
    for across in large:
        if all(offset.coefficient(across) == 1 for offset in problem.outputs):
            crossing = [offset for _, offset, _ in problem.accesses if offset.coefficient(across) not in (0, 1)]
            for along in large:
                if crossing and all(offset.coefficient(along) == 1 for offset in crossing):
                    sizes = tuple(lanes if dim in (along, across) else 1 for dim in range(problem.parallel))
                    return RegisterTile(sizes, along, lanes), across
    return None


def _order(problem: Problem, vector: int) -> tuple[int, ...]:
    """Loops over the parallel dims: larger strides of the output outside.

    Weights beyond a quarter of L2 are read once, with the channels outside; so are windows without contraction, whose weights then stay in
    L1, as long as the TLB reaches over all pixels.
    """
    dims = by_output_stride(problem)
    if problem.domain.root is None or not 0 <= vector < problem.parallel:
        return tuple(dims)
    if has_shared_operand(problem, vector):
        is_outside = reads_weights_by_blocks(problem, vector)
    else:
        is_outside = math.prod(problem.extents[: problem.parallel]) * 4 <= TLB_REACH
    return (vector, *(dim for dim in dims if dim != vector)) if is_outside else tuple(dims)


def _tiles_of_a_block(problem: Problem, tile: RegisterTile) -> int:
    """Register tiles that read the same weights."""
    return math.prod(math.ceil(problem.extents[dim] / tile.sizes[dim]) for dim in range(problem.parallel) if dim != tile.vector)


def _shared(problem: Problem, tile: RegisterTile, order: Sequence[int]) -> int:
    """The dim whose tiles the threads share: the outermost loop if it has turns enough, else the one with the most.

    Dims along which a gate leaves tiles out come last: a thread might find nothing to do.
    """
    if not problem.is_worth_sharing:
        return -1
    gate = gate_of(problem.domain)
    order = sorted(order, key=lambda dim: gate is not None and dim in gate.dims)
    turns = {dim: math.ceil(problem.extents[dim] / tile.sizes[dim]) for dim in order}
    candidates = [dim for dim in order if turns[dim] >= 8] or sorted(order, key=lambda dim: -turns[dim])
    return candidates[0] if candidates and turns[candidates[0]] > 1 else -1
