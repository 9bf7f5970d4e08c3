"""Schedules of masked kernels that walk a list of runs, in two forms: register tiles of runs and, with `switches`, everything.

Both forms read the same packed weights, so the dense one follows the runs in what decides how these lie: the order of the reduction, and
blocks of channels that are whole tiles of the dense form.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

from ...dialects import tensor
from .cost import TileCost, accumulator_budget, best_tile, tile_cycles
from .problem import Problem, are_weights_large, by_output_stride, coefficient, has_shared_operand, reads_weights_by_blocks
from .space import Schedule
from .tile import MOST_UNROLLED, RegisterTile, reduction_order, register_tile, row_pitch, row_window, unrolled, vector_dim, window_along

MOST_THREADS = 4
"""Blocks of channels that are enough to be shared."""

MOST_BY_RUNS = 0.92
"""Share of the pixels from which on everything is computed at the latest: scattered pixels cost a little more than neighbours."""

TERMS_TOGETHER_HOSTED = 64
TERMS_TOGETHER_CHIP = 384
"""With 24 products in a turn, 16 channels. Half of it: 2 % more instructions, and 8 KB less for the masked layers of `examples/dynamic`."""


def choose_runs(problem: Problem) -> Schedule:
    """The schedule of a kernel whose result is chosen by a list of runs."""
    masked = _choice(problem)
    guarded = _is_guarded(problem)
    switches = masked.switches and not guarded
    tile = register_tile(problem, _channels(problem))
    best = _best_runs(problem, tile)
    block = min(best.columns * tile.lanes, problem.extents[tile.vector]) if tile.vector >= 0 else 1
    if not switches:
        tile = _one_pixel(problem, tile, block)
    reduction = reduction_order(problem)
    unroll = unrolled(problem, tile, reduction)
    run_unroll = _run_unroll(problem, tile, unroll, best)
    run_reduction = _run_reduction(reduction, run_unroll, problem)
    if switches and not _is_short(problem):
        unroll = _sharing_loads(problem, tile, unroll)
        reduction = (*(dim for dim in run_reduction if dim not in unroll), *unroll)
    return Schedule(
        extents=problem.extents,
        order=_order(problem, tile.vector),
        tile=tile.sizes,
        vector=tile.vector,
        lanes=tile.lanes,
        reduction=reduction,
        unroll=unroll,
        parallel=_shared(problem, tile.vector, block),
        prefetch=int(reads_weights_by_blocks(problem, tile.vector)),
        runs=1 if guarded else best.rows // masked.length,
        block=block,
        run_reduction=run_reduction,
        run_unroll=run_unroll,
        run_together=_together(problem, run_reduction, run_unroll, best),
        dense_from=_dense_from(problem, tile, best) if switches else 0,
    )


def _choice(problem: Problem) -> tensor.Masked:
    """The choice that the kernel ends in."""
    masked = problem.domain.masked
    assert masked is not None
    return masked


def _is_guarded(problem: Problem) -> bool:
    """Whether windows may leave what they read: a loop's bounds keep them inside, for one pixel at a time."""
    return bool(problem.domain.guards_of_chosen(problem.reads.guards))


def _channels(problem: Problem) -> int:
    """The vector dim; none among the pixels, which are scattered, or in the reduction."""
    vector = vector_dim(problem)
    return -1 if vector in problem.domain.chosen or vector >= problem.parallel else vector


# The register tiles of both forms.


def _best_runs(problem: Problem, tile: RegisterTile) -> TileCost:
    """The register tile of runs; along the channels whole tiles of the dense form, because both read the same packed weights."""
    masked, has_vector = _choice(problem), tile.vector >= 0
    vectors = math.ceil(problem.extents[tile.vector] / tile.lanes) if has_vector else 1
    unit = math.ceil(tile.sizes[tile.vector] / tile.lanes) if masked.switches and has_vector else 1
    steps, pitch = problem.steps, row_pitch(problem, problem.domain.chosen[-1], tile.vector)
    candidates = [
        best_tile(_pixels(problem), vectors, steps, steps * tile.lanes * 4, problem.target, run=masked.length, only=columns, pitch=pitch)
        for columns in range(unit, max(min(vectors, 8), unit) + 1, unit)
    ]
    registers = accumulator_budget(problem.target)
    fitting = [cost for cost in candidates if (cost.rows + 1) * cost.columns < registers]
    return min(fitting or candidates[:1], key=lambda cost: cost.cycles)


def _pixels(problem: Problem) -> int:
    return math.prod(problem.extents[dim] for dim in problem.domain.chosen)


def _one_pixel(problem: Problem, tile: RegisterTile, block: int) -> RegisterTile:
    """The tile where there is no dense form: pixels one by one, of the runs' block of channels."""
    sizes = (1 if dim in problem.domain.chosen else block if dim == tile.vector else size for dim, size in enumerate(tile.sizes))
    return replace(tile, sizes=tuple(sizes))


# Reductions.


def _run_reduction(reduction: Sequence[int], unroll: Sequence[int], problem: Problem) -> tuple[int, ...]:
    """Taps outside, so that the longest dim is walked without a break; inside of that those that are written out."""
    if not reduction:
        return ()
    longest = max(reduction, key=lambda dim: problem.extents[dim])
    inner = (longest, *(() if _is_short(problem) else unroll))
    return (*(dim for dim in sorted(reduction) if dim not in inner), *inner)


def _is_short(problem: Problem) -> bool:
    """Whether there is no long loop inside, as in depthwise windows: loops over taps would be all overhead."""
    return problem.steps <= MOST_UNROLLED**2


def _run_unroll(problem: Problem, tile: RegisterTile, unroll: Sequence[int], best: TileCost) -> tuple[int, ...]:
    """What is written out for a register tile of runs.

    Of long reductions the taps along a run, where its pixels share loads and the weights of all these taps fit in registers beside the
    accumulators; if the dense form, which reads the same weights in the same order, writes them out as well (`unroll`). On chips a
    contraction keeps a loop, however short: with none left, LLVM loads the inputs of all runs once for all blocks of channels, and spills
    them.
    """
    is_contraction = has_shared_operand(problem, tile.vector)
    if _is_short(problem):
        return tuple(unroll) if problem.target.hosted or not is_contraction else ()
    length, row = _choice(problem).length, problem.domain.chosen[-1]
    for tap in unroll if is_contraction and problem.target.vector_bits and not _is_guarded(problem) else ():
        window = window_along(problem, row, tap, tile.vector)
        if window is not None and window.elements(length, 1) < length * window.taps:
            return (tap,) if window.weights_fit(best.rows, best.columns, problem.target) else ()
    return ()


def _sharing_loads(problem: Problem, tile: RegisterTile, unroll: Sequence[int]) -> tuple[int, ...]:
    """The taps that stay written out in the dense form where runs write out none: only those that share loads along its rows."""
    return tuple(tap for tap in unroll if tile.row >= 0 and window_along(problem, tile.row, tap, tile.vector))


def _together(problem: Problem, reduction: Sequence[int], unroll: Sequence[int], best: TileCost) -> int:
    """Turns of the innermost loop in one, so that the addresses of the runs are moved on less often. A loop stays."""
    if not reduction or unroll:
        return 1
    products, extent = best.rows * best.columns, problem.extents[reduction[-1]]
    if problem.target.hosted:
        crowded = products + 2 * best.columns + 2 > accumulator_budget(problem.target)  # weights of two turns would push an accumulator out
        most = 1 if crowded else TERMS_TOGETHER_HOSTED // products
    elif not problem.target.has_fpu or not _is_contiguous(problem, reduction[-1]):
        most = 1  # an addition is a call, or every turn has addresses of its own, beyond the reach of a load's offset
    else:
        most = min(TERMS_TOGETHER_CHIP // products, extent if problem.steps > extent else extent // 2)
    return max(n for n in range(1, max(most, 1) + 1) if extent % n == 0)


def _is_contiguous(problem: Problem, dim: int) -> bool:
    """Whether what is reduced, weights apart, lies side by side along `dim`."""
    return all(coefficient(offset, dim) in (0, 1) for access, offset, is_packable in problem.accesses if access.of_root and not is_packable)


# Loops.


def _order(problem: Problem, vector: int) -> tuple[int, ...]:
    """Loops over the chosen pixels and the blocks of channels (and what else is not chosen).

    What is read again and again should be near. Up to a quarter of L2, weights stay there while the pixels pass by: the pixels go outside,
    and what they read is still in L1 for the next block of channels. Larger ones are read once: the blocks go outside, those of channels
    outermost, and every run meets the block that is at hand.
    """
    chosen = problem.domain.chosen
    blocks = [dim for dim in by_output_stride(problem) if dim not in (*chosen, vector)]
    if vector < 0:
        return (*chosen, *blocks)
    return (vector, *reversed(blocks), *chosen) if reads_weights_by_blocks(problem, vector) else (*chosen, *blocks, vector)


def _shared(problem: Problem, vector: int, block: int) -> int:
    """What the threads share: blocks of channels where weights are large and blocks enough, else the list. So each meets as many runs."""
    if not problem.is_worth_sharing:
        return -1
    by_channels = vector >= 0 and are_weights_large(problem, vector) and problem.extents[vector] >= MOST_THREADS * block
    return vector if by_channels else problem.domain.chosen[0]


def _dense_from(problem: Problem, tile: RegisterTile, best: TileCost) -> int:
    """The number of runs that take as long as everything."""
    steps, target, pixels = problem.steps, problem.target, _pixels(problem)
    extent = problem.extents[tile.row] if tile.row >= 0 else 1
    columns = math.ceil(math.prod(tile.sizes) / tile.rows / tile.lanes)
    window = row_window(problem, tile.row, tile.vector)
    whole = pixels / extent * tile_cycles(extent, best.columns, tile.rows, columns, steps, target, window) * _inside(problem)
    group = tile_cycles(best.rows, best.columns, best.rows, best.columns, steps, target)
    most = int(pixels * MOST_BY_RUNS * _inside(problem))
    return max(1, min(math.ceil(whole / group * best.rows), most) // _choice(problem).length)


def _inside(problem: Problem) -> float:
    """The share of the products that is left where loops leave margins out."""
    share = 1.0
    for guard in problem.reads.guards:
        if guard.stored and guard.skippable:
            moved = guard.subscript.dims()
            extents = (extent if dim in moved else 1 for dim, extent in enumerate(problem.domain.extents))
            places = [guard.subscript.evaluate(point) for point in itertools.product(*map(range, extents))]
            share *= sum(0 <= place < guard.extent for place in places) / len(places)
    return share
