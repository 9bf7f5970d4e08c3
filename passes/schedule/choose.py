"""Choosing a schedule from the maps of a kernel and the numbers of a target, without measuring.

1. Neighbouring dims that every access walks as one dim become one (`merge_dims`).
2. The vector dim is one along which outputs are contiguous and inputs contiguous or constant; constants may be repacked, so they do not
   count. Failing that, a reduction dim with contiguous inputs; failing that, scalars.
3. The register tile is the vector dim by one other dim, sized by `cost.best_tile`.
4. Loops: large weights stay outermost, else the larger strides of the output.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ...dialects import tensor
from ...dialects.ir.affine import Affine
from ...dialects.ir.types import BufferType, Type, element_of
from ...dialects.tensor.view import tensor_type
from ...targets.description import Target
from ..analysis.domain import Access, Domain, Reads, combiner, domain, reads
from .cost import TileCost, Window, accumulator_budget, best_tile, tile_cycles
from .space import Schedule

PARALLEL_WORK = 32_768
"""Multiply-adds or elements below which a kernel is not worth sharing among threads: about the cost of a barrier."""

TLB_REACH = 8 << 20
"""Bytes that 2048 entries of the second level reach. A walk over the pixels of one block of channels touches a page every few pixels."""

MOST_THREADS = 4
"""Blocks of channels that are enough to be shared."""

MOST_BY_RUNS = 0.92
"""Share of the pixels from which on everything is computed at the latest: scattered pixels cost a little more than neighbours."""

TERMS_TOGETHER_HOSTED = 64
TERMS_TOGETHER_ARM = 192
TERMS_TOGETHER_RISCV = 24  # in longer blocks its scheduler moves loads up until the accumulators are spilled

COPIED = 16
MOST_UNROLLED = 8
UNROLLED_TERMS_HOSTED = 160
UNROLLED_TERMS_CHIP = 64


@dataclass(frozen=True, slots=True)
class _Problem:
    """A kernel as the chooser sees it: offsets of all accesses and outputs as affine expressions in elements."""

    kernel: tensor.Kernel
    domain: Domain
    reads: Reads
    accesses: tuple[tuple[Access, Affine, bool], ...]  # the flag: a constant that may be repacked
    outputs: tuple[Affine, ...]
    target: Target

    @property
    def parallel(self) -> int:
        return len(self.domain.parallel)

    @property
    def offsets(self) -> list[Affine]:
        return [*(offset for _, offset, _ in self.accesses), *self.outputs]


def choose_schedule(kernel: tensor.Kernel, inputs: Sequence[BufferType], outputs: Sequence[BufferType], target: Target) -> Schedule:
    """The schedule with the least predicted cost."""
    problem = _problem(kernel, inputs, outputs, target)
    extents = merge_dims(problem)
    vector_dim = _vector_dim(problem, extents)
    lane_count = _lanes(problem, extents, vector_dim)
    if lane_count == 1 and vector_dim >= problem.parallel:
        vector_dim = -1
    row_dim = _row_dim(problem, extents, vector_dim)
    tile = _tile(problem, extents, vector_dim, lane_count, row_dim)
    if problem.domain.chosen:
        return _choose_runs(problem, extents)
    across = -1
    turned = _turned_block(problem, extents) if vector_dim < 0 else None
    if turned is not None:
        vector_dim, lane_count, across, tile = turned
    reduction = _reduction_order(problem, extents)
    unroll = _unrolled(problem, extents, tile, vector_dim, lane_count, reduction)
    reduction = _crowded_first(problem, extents, tile, vector_dim, lane_count, reduction, unroll)
    order = _order(problem, extents, tile, vector_dim, lane_count)
    shared = _shared(problem, extents, tile, order)
    if shared >= 0:
        order = (shared, *(dim for dim in order if dim != shared))
    return Schedule(extents, order, tile, vector_dim, lane_count, reduction, unroll, parallel=shared, across=across)


def _choose_runs(problem: _Problem, extents: tuple[int, ...]) -> Schedule:
    """Where a list of runs decides: the dense schedule with the blocks of channels outermost, whose other form takes runs for tiles."""
    masked, chosen, target = problem.domain.masked, problem.domain.chosen, problem.target
    assert masked is not None
    vector_dim = _vector_dim(problem, extents)
    if vector_dim in chosen or vector_dim >= problem.parallel:
        vector_dim = -1
    lane_count = _lanes(problem, extents, vector_dim)
    row_dim = _row_dim(problem, extents, vector_dim)
    tile = _tile(problem, extents, vector_dim, lane_count, row_dim)
    best = _best_runs(problem, extents, vector_dim, lane_count, tile)
    guarded = any(set(guard.subscript.dims()) & set(chosen) for guard in problem.reads.guards)
    switches = masked.switches and not guarded
    columns = best.columns * lane_count
    if not switches:
        tile = tuple(1 if dim in chosen else min(columns, extents[dim]) if dim == vector_dim else size for dim, size in enumerate(tile))
    reduction = _reduction_order(problem, extents)
    unroll = _unrolled(problem, extents, tile, vector_dim, lane_count, reduction)
    run_reduction = _run_reduction(problem, extents, reduction)
    run_unroll = _unrolled_runs(problem, extents, best, unroll)
    if switches and run_unroll != unroll:  # only taps that share loads
        unroll = tuple(tap for tap in unroll if any(_window(problem, dim, tap, extents[tap], vector_dim) for dim in [row_dim] if dim >= 0))
        reduction = (*(dim for dim in run_reduction if dim not in unroll), *unroll)
    order = [dim for dim in _order(problem, extents, tile, vector_dim, lane_count) if dim not in (*chosen, vector_dim)]
    blocks = [*order, *([vector_dim] if vector_dim >= 0 else [])]
    weights_bytes = extents[vector_dim] * math.prod(extents[problem.parallel :]) * 4 if vector_dim >= 0 else 0
    l2_bytes = target.caches.l2_bytes
    is_small = not l2_bytes or weights_bytes <= l2_bytes // 4  # they stay there while the pixels pass by
    by_channels = vector_dim >= 0 and _weights_are_large(problem, extents, vector_dim) and extents[vector_dim] >= MOST_THREADS * columns
    shared = (vector_dim if by_channels else chosen[0]) if target.hosted and math.prod(extents) >= PARALLEL_WORK else -1
    return Schedule(
        extents,
        (*chosen, *blocks) if is_small else (*reversed(blocks), *chosen),
        tile,
        vector_dim,
        lane_count,
        reduction,
        unroll,
        parallel=shared,
        runs=1 if guarded else best.rows // masked.length,
        block=min(columns, extents[vector_dim]) if vector_dim >= 0 else 1,
        run_reduction=run_reduction,
        run_unroll=run_unroll,
        run_together=_together(problem, extents, run_reduction, run_unroll, best),
        dense_from=_dense_from(problem, extents, tile, vector_dim, lane_count, row_dim, best) if switches else 0,
    )


def _best_runs(problem: _Problem, extents: Sequence[int], vector_dim: int, lane_count: int, tile: Sequence[int]) -> TileCost:
    """The register tile of runs; along the channels whole tiles of the dense form, because both read the same packed weights."""
    masked = problem.domain.masked
    assert masked is not None
    vectors = math.ceil(extents[vector_dim] / lane_count) if vector_dim >= 0 else 1
    unit = math.ceil(tile[vector_dim] / lane_count) if masked.switches and vector_dim >= 0 else 1
    pixels = math.prod(extents[dim] for dim in problem.domain.chosen)
    reduction = math.prod(extents[problem.parallel :])
    candidates = [
        best_tile(pixels, vectors, reduction, reduction * lane_count * 4, problem.target, run=masked.length, only=columns)
        for columns in range(unit, max(min(vectors, 8), unit) + 1, unit)
    ]
    registers = accumulator_budget(problem.target)
    fitting = [cost for cost in candidates if (cost.rows + 1) * cost.columns < registers]
    return min(fitting or candidates[:1], key=lambda cost: cost.cycles)


def _run_reduction(problem: _Problem, extents: Sequence[int], reduction: Sequence[int]) -> tuple[int, ...]:
    """Taps outside, so that the longest dim is walked without a break."""
    longest = max(reduction, key=lambda dim: extents[dim], default=-1)
    return (*(dim for dim in sorted(reduction) if dim != longest), longest) if reduction else ()


def _unrolled_runs(problem: _Problem, extents: Sequence[int], best: TileCost, unroll: Sequence[int]) -> tuple[int, ...]:
    """What is written out for a register tile of runs: their pixels share fewer loads, so taps side by side would only fill registers.

    Without a long loop inside (depthwise windows) loops over taps would be all overhead.
    """
    is_short = math.prod(extents[problem.parallel :]) <= MOST_UNROLLED**2
    return tuple(unroll) if is_short else ()


def _together(problem: _Problem, extents: Sequence[int], reduction: Sequence[int], unroll: Sequence[int], best: TileCost) -> int:
    """Turns of the innermost loop in one, so that the addresses of the runs are moved on less often."""
    if not reduction or unroll:
        return 1
    chip = TERMS_TOGETHER_ARM if problem.target.family == "arm" else TERMS_TOGETHER_RISCV
    most = TERMS_TOGETHER_HOSTED if problem.target.hosted else chip
    products = best.rows * best.columns
    if products + 2 * best.columns + 2 > accumulator_budget(problem.target):  # weights of two turns would push an accumulator out
        return 1
    turns = max(most // products, 1)
    return max(n for n in range(1, turns + 1) if extents[reduction[-1]] % n == 0)


def _dense_from(
    problem: _Problem, extents: Sequence[int], tile: Sequence[int], vector_dim: int, lane_count: int, row_dim: int, best: TileCost
) -> int:
    """The number of runs that take as long as everything."""
    masked, chosen, target = problem.domain.masked, problem.domain.chosen, problem.target
    assert masked is not None
    reduction = math.prod(extents[problem.parallel :])
    pixels = math.prod(extents[dim] for dim in chosen)
    extent = extents[row_dim] if row_dim >= 0 else 1
    rows = tile[row_dim] if row_dim >= 0 else 1
    columns = math.ceil(math.prod(tile) / rows / lane_count)
    window = _row_window(problem, extents, row_dim, vector_dim)
    whole = pixels / extent * tile_cycles(extent, best.columns, rows, columns, reduction, target, window)
    group = tile_cycles(best.rows, best.columns, best.rows, best.columns, reduction, target)
    return max(1, min(math.ceil(whole / group * best.rows), int(pixels * MOST_BY_RUNS)) // masked.length)


def _turned_block(problem: _Problem, extents: Sequence[int]) -> tuple[int, int, int, tuple[int, ...]] | None:
    """For a copy that lies the other way: read along the one dim, turn a square block in registers, write along the other."""
    along = _read_along(problem)
    inner = [dim for dim in range(problem.parallel) if all(_coefficient(o, dim) == 1 for o in problem.outputs)]
    if problem.domain.root is not None or problem.reads.guards or not problem.target.vector_bits or not along or not inner:
        return None
    lane_count = problem.target.vector_bits // _widest(problem)
    readable = all(_coefficient(offset, along[0]) in (0, 1) and offset.is_linear for _, offset, _ in problem.accesses)
    if not readable or min(extents[along[0]], extents[inner[0]]) < lane_count or lane_count < 4 or along[0] == inner[0]:
        return None
    tile = [1] * problem.parallel
    tile[along[0]] = tile[inner[0]] = lane_count
    return along[0], lane_count, inner[0], tuple(tile)


def _problem(kernel: tensor.Kernel, inputs: Sequence[BufferType], outputs: Sequence[BufferType], target: Target) -> _Problem:
    domain_ = domain(kernel)
    reads_ = reads(domain_)
    accesses = []
    for access in reads_.accesses:
        number = access.argument.number
        offset = access.offset(inputs[number].strides).simplify(domain_.ranges)
        accesses.append((access, offset, packable(kernel, access)))
    stores = []
    for output, type_ in zip(domain_.outputs, outputs, strict=True):
        offset = Affine()
        for subscript, stride in zip(output.map.results, type_.strides, strict=True):
            offset = offset + subscript * stride
        stores.append(offset.simplify(domain_.ranges))
    return _Problem(kernel, domain_, reads_, tuple(accesses), tuple(stores), target)


def packable(kernel: tensor.Kernel, access: Access) -> bool:
    """Whether the argument is a constant whose elements may be put in the order in which they are read."""
    source = kernel.inputs[access.argument.number].owner
    if any(access.argument in op.captured for op in kernel.body if isinstance(op, tensor.Compute)):
        return False
    return isinstance(source, tensor.Constant) and access.of_root and all(s.is_linear for s in access.subscripts)


def merge_dims(problem: _Problem) -> tuple[int, ...]:
    """Extents after merging: dim a with stride extent(b) * stride(b) in every access becomes part of dim b."""
    extents = list(problem.domain.extents)
    if 0 in extents:
        return tuple(extents)
    groups = [range(problem.parallel), range(problem.parallel, len(extents))]
    free = [dim for dim in range(len(extents)) if dim not in problem.reads.rigid]
    merged = True
    while merged:
        merged = False
        for group in groups:
            for a in group:
                for b in group:
                    if a != b and a in free and b in free and extents[a] > 1 and extents[b] > 1 and _walk_as_one(problem, extents, a, b):
                        extents[b], extents[a] = extents[a] * extents[b], 1
                        merged = True
    return tuple(extents)


def _walk_as_one(problem: _Problem, extents: Sequence[int], outer: int, inner: int) -> bool:
    return all(
        offset.is_linear and offset.coefficient(outer) == extents[inner] * offset.coefficient(inner) for offset in problem.offsets
    ) and not any(is_packable and access_uses(access, (outer, inner)) for access, _, is_packable in problem.accesses)


def access_uses(access: Access, dims: Sequence[int]) -> bool:
    """Whether the subscripts depend on one of the dims."""
    return any(dim in subscript.dims() for subscript in access.subscripts for dim in dims)


def _vector_dim(problem: _Problem, extents: Sequence[int]) -> int:
    guarded = {dim for guard in problem.reads.guards for dim in guard.subscript.dims()}
    candidates = [
        dim
        for dim in range(problem.parallel)
        if extents[dim] > 1
        and dim not in guarded
        and all(_coefficient(o, dim) == 1 for o in problem.outputs)
        and _reads_along(problem, dim)
    ]
    if candidates:
        return max(candidates, key=lambda dim: extents[dim])
    root = problem.domain.root
    if root is None or combiner(root) is None or problem.target.vector_bits == 0:
        return -1
    along = [
        dim
        for dim in range(problem.parallel, len(extents))
        if extents[dim] >= 8 and dim not in guarded and _reads_along(problem, dim) and _some_contiguous(problem, dim)
    ]
    return max(along, key=lambda dim: extents[dim], default=-1)


def _coefficient(offset: Affine, dim: int) -> int | None:
    """The stride along a dim; None where the offset is not linear in it."""
    if any(dim in atom.of.dims() for atom, _ in offset.terms if hasattr(atom, "of")):
        return None
    return offset.coefficient(dim)


def _reads_along(problem: _Problem, dim: int) -> bool:
    if any(op.captured for op in problem.kernel.body if isinstance(op, tensor.Compute)):
        return True
    return all(is_packable or _coefficient(offset, dim) in (0, 1) for _, offset, is_packable in problem.accesses)


def _some_contiguous(problem: _Problem, dim: int) -> bool:
    return any(_coefficient(offset, dim) == 1 for access, offset, _ in problem.accesses if access.of_root)


def _widest(problem: _Problem) -> int:
    """Bits of the widest element that the kernel computes with."""
    types: list[Type] = [value.type for op in problem.kernel.body for value in op.results]
    types += [argument.type for argument in problem.kernel.body.arguments]
    return max((max(element_of(t).dtype.itemsize, 1) * 8 for t in types), default=32)


def _lanes(problem: _Problem, extents: Sequence[int], dim: int) -> int:
    """Lanes that need the fewest vectors; of equals the fewest lanes."""
    if dim < 0 or not problem.target.vector_bits or extents[dim] < 2:
        return 1
    widest = max(problem.target.vector_bits // _widest(problem), 1)
    choices = [n for n in (2, 4, 8, 16, 32, 64) if n <= widest and n < 2 * extents[dim]]
    if dim >= problem.parallel:
        choices = [n for n in choices if n <= extents[dim]]
    if not problem.target.masked_memory:
        choices = [n for n in choices if extents[dim] % n == 0 or n <= extents[dim]]
    return min(choices, key=lambda n: (math.ceil(extents[dim] / n), n), default=1)


def _row_dim(problem: _Problem, extents: Sequence[int], vector_dim: int) -> int:
    """The dim of a register tile beside the vector dim: one along which a vector operand is constant, so that its load is shared."""
    if problem.domain.root is None:
        return -1
    dims = [dim for dim in range(problem.parallel) if dim != vector_dim and extents[dim] > 1]
    sharing = [
        dim
        for dim in dims
        if any(
            access.of_root and dim not in offset.dims() and (vector_dim in offset.dims() or vector_dim < 0)
            for access, offset, _ in problem.accesses
        )
    ]
    strides = {dim: min((abs(o.coefficient(dim)) for o in problem.outputs), default=0) for dim in dims}
    pool = sharing or dims
    return min(pool, key=lambda dim: (extents[dim] < 4, strides[dim]), default=-1)


def _tile(problem: _Problem, extents: Sequence[int], vector_dim: int, lane_count: int, row_dim: int, columns: int = 0) -> tuple[int, ...]:
    tile = [1] * problem.parallel
    reduction = math.prod(extents[problem.parallel :])
    if vector_dim >= problem.parallel or problem.domain.root is None:
        return _simple_tile(problem, extents, vector_dim, lane_count, tile)
    vectors = math.ceil(extents[vector_dim] / lane_count) if vector_dim >= 0 else 1
    rows = extents[row_dim] if row_dim >= 0 else 1
    shared = any(access.of_root and vector_dim not in offset.dims() for access, offset, _ in problem.accesses)
    column_bytes = reduction * lane_count * 4
    window = _row_window(problem, extents, row_dim, vector_dim)
    best = best_tile(rows, vectors if shared else min(vectors, 2), reduction, column_bytes, problem.target, window, only=columns)
    if vector_dim >= 0:
        tile[vector_dim] = min(best.columns * lane_count, extents[vector_dim])
    if row_dim >= 0:
        tile[row_dim] = best.rows
    return tuple(tile)


def _row_window(problem: _Problem, extents: Sequence[int], row_dim: int, vector_dim: int) -> Window:
    """The window along the rows of a register tile, if there is one."""
    taps = range(problem.parallel, len(extents))
    windows = (_window(problem, row_dim, tap, extents[tap], vector_dim) for tap in taps if 1 < extents[tap] <= MOST_UNROLLED)
    return next((found for found in windows if found), Window())


def _simple_tile(problem: _Problem, extents: Sequence[int], vector_dim: int, lane_count: int, tile: list[int]) -> tuple[int, ...]:
    """Elementwise kernels: a few vectors at a time. Reductions along lanes: a few rows, so that their chains overlap.

    Copies that no vector can make, such as shuffled channels, go several elements at a time: quotients and remainders of their
    subscripts become numbers.
    """
    if problem.domain.root is None:
        inner = [dim for dim in range(problem.parallel) if all(abs(o.coefficient(dim)) == 1 for o in problem.outputs)]
        if vector_dim < 0 and problem.target.hosted and inner:
            tile[inner[0]] = min(extents[inner[0]], COPIED)
            for dim in _read_along(problem)[:1]:
                tile[dim] = min(extents[dim], COPIED)
        if vector_dim >= 0:
            wanted = lane_count * (4 if problem.target.vector_bits else 2)
            tile[vector_dim] = min(wanted, extents[vector_dim])
        return tuple(tile)
    rows = [dim for dim in range(problem.parallel) if extents[dim] > 1]
    if rows:
        tile[rows[-1]] = min(extents[rows[-1]], 4)
    return tuple(tile)


def _read_along(problem: _Problem) -> list[int]:
    """Dims along which the largest input lies: a square block of them and of the output's uses each cache line whole, both ways."""
    largest = max(problem.accesses, key=lambda entry: tensor_type(entry[0].argument).elements, default=None)
    if largest is None:
        return []
    return [dim for dim in range(problem.parallel) if _coefficient(largest[1], dim) == 1 and problem.domain.parallel[dim] > 1]


def _reduction_order(problem: _Problem, extents: Sequence[int]) -> tuple[int, ...]:
    """Reduction dims, the largest strides of the inputs outermost."""
    dims = range(problem.parallel, len(extents))

    def stride(dim: int) -> int:
        return max((abs(offset.coefficient(dim)) for _, offset, is_packable in problem.accesses if not is_packable), default=0)

    return tuple(sorted(dims, key=lambda dim: (-stride(dim), dim)))


def _unrolled(
    problem: _Problem, extents: Sequence[int], tile: Sequence[int], vector_dim: int, lane_count: int, reduction: Sequence[int]
) -> tuple[int, ...]:
    """Short reduction dims whose terms fit, written out: windows first, whatever needs clamped bounds stays a loop."""
    limit = UNROLLED_TERMS_HOSTED if problem.target.hosted else UNROLLED_TERMS_CHIP
    terms = math.prod(tile) // max(lane_count, 1) if vector_dim < problem.parallel else math.prod(tile)
    clamped = {
        dim
        for guard in problem.reads.guards
        for dim in guard.subscript.dims()
        if dim >= problem.parallel and not any(tile[p] > 1 for p in guard.subscript.dims() if p < problem.parallel)
    }
    unroll = []
    for dim in sorted(reduction, key=lambda dim: extents[dim]):
        if dim == vector_dim or dim in clamped or extents[dim] == 1:
            continue
        if not _taps_fit(problem, tile, vector_dim, lane_count, dim, extents[dim]):
            continue
        if extents[dim] <= MOST_UNROLLED and terms * extents[dim] <= limit:
            terms *= extents[dim]
            unroll.append(dim)
    return tuple(sorted(unroll))


def _crowded_first(
    problem: _Problem,
    extents: Sequence[int],
    tile: Sequence[int],
    vector_dim: int,
    lane_count: int,
    reduction: Sequence[int],
    unroll: Sequence[int],
) -> tuple[int, ...]:
    """Reduction dims: taps that do not fit in registers side by side outermost, what is written out innermost."""
    crowded = [dim for dim in reduction if not _taps_fit(problem, tile, vector_dim, lane_count, dim, extents[dim])]
    return (*crowded, *(dim for dim in reduction if dim not in unroll and dim not in crowded), *unroll)


def _taps_fit(problem: _Problem, tile: Sequence[int], vector_dim: int, lane_count: int, tap: int, extent: int) -> bool:
    """Whether registers hold what the taps share when they are written out side by side. Chips have no broadcasts to keep."""
    if not problem.target.vector_bits or lane_count == 1:
        return True
    for row in (dim for dim in range(problem.parallel) if tile[dim] > 1):
        window = _window(problem, row, tap, extent, vector_dim)
        if window is not None:
            columns = max(math.prod(tile) // lane_count // tile[row], 1)
            return window.fits(tile[row], columns, problem.target)
    return True


def _window(problem: _Problem, row: int, tap: int, extent: int, vector_dim: int) -> Window | None:
    """How `row` and `tap` walk over an input together."""
    for access, offset, is_packable in problem.accesses:
        for subscript in access.subscripts:
            stride, dilation = subscript.coefficient(row), subscript.coefficient(tap)
            if not is_packable and stride and dilation:
                return Window(extent, stride, dilation, is_wide=vector_dim in offset.dims())
    return None


def _order(problem: _Problem, extents: Sequence[int], tile: Sequence[int], vector_dim: int, lane_count: int) -> tuple[int, ...]:
    """Loops over the parallel dims: larger strides of the output outside.

    Weights beyond half of L2 are read once, with the channels outside; so are windows without contraction, whose weights then stay in L1,
    as long as the TLB reaches over all pixels.
    """
    dims = list(range(problem.parallel))
    strides = {dim: max((abs(o.coefficient(dim)) for o in problem.outputs), default=0) for dim in dims}
    dims.sort(key=lambda dim: (-strides[dim], dim))
    if problem.domain.root is None or not 0 <= vector_dim < problem.parallel:
        return tuple(dims)
    shared = any(access.of_root and vector_dim not in offset.dims() for access, offset, _ in problem.accesses)
    strided = not shared and math.prod(extents[: problem.parallel]) * 4 <= TLB_REACH
    if strided or (shared and _weights_are_large(problem, extents, vector_dim)):
        return (vector_dim, *(dim for dim in dims if dim != vector_dim))
    return tuple(dims)


def _weights_are_large(problem: _Problem, extents: Sequence[int], vector_dim: int) -> bool:
    """Whether they fill more than half of L2."""
    l2_bytes = problem.target.caches.l2_bytes
    return 0 < l2_bytes // 2 < extents[vector_dim] * math.prod(extents[problem.parallel :]) * 4


def _shared(problem: _Problem, extents: Sequence[int], tile: Sequence[int], order: Sequence[int]) -> int:
    """The dim whose tiles the threads share: the outermost loop if it has turns enough, else the one with the most."""
    if not problem.target.hosted or math.prod(extents) < PARALLEL_WORK:
        return -1
    turns = {dim: math.ceil(extents[dim] / tile[dim]) for dim in order}
    candidates = [dim for dim in order if turns[dim] >= 8] or sorted(order, key=lambda dim: -turns[dim])
    return candidates[0] if candidates and turns[candidates[0]] > 1 else -1
