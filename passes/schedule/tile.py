"""The register tile: which dim lanes run along, which dim shares their loads, how far it reaches, and which taps are written out in it.

The vector dim is one along which outputs are contiguous and inputs contiguous or constant; constants may be repacked, so they do not
count. Failing that, a reduction dim with contiguous inputs; failing that, scalars. The tile is the vector dim by one other dim, its rows,
sized by `cost.best_tile`. Where rows and taps walk over an input together (`Window`), taps side by side share loads, as far as registers
go.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ...dialects import tensor
from ...dialects.ir.affine import Affine, Dim, Quotient, Remainder, d
from ..analysis.domain import Access, combiner
from ..analysis.gate import gate_of
from .cost import Window, best_gated_tile, best_tile
from .problem import Problem, along_largest_input, coefficient, has_shared_operand

COPIED = 16
MOST_UNROLLED = 8
UNROLLED_TERMS_HOSTED = 160
UNROLLED_TERMS_CHIP = 64


@dataclass(frozen=True, slots=True)
class RegisterTile:
    """Elements of each parallel dim, `lanes` of them to a vector along the dim `vector` (-1: scalars); `row`: the dim beside it, or -1."""

    sizes: tuple[int, ...]
    vector: int
    lanes: int
    row: int = -1

    @property
    def rows(self) -> int:
        """Elements along the row dim."""
        return self.sizes[self.row] if self.row >= 0 else 1


def register_tile(problem: Problem, vector: int) -> RegisterTile:
    """The tile that the cost model ranks first, with lanes along `vector`; along a reduction dim only if there are several."""
    lane_count = _lanes(problem, vector)
    if lane_count == 1 and vector >= problem.parallel:
        vector = -1
    row = _row_dim(problem, vector)
    return RegisterTile(_sizes(problem, vector, lane_count, row), vector, lane_count, row)


def vector_dim(problem: Problem) -> int:
    """The longest dim that lanes can run along; -1: none."""
    guarded = {dim for guard in problem.reads.guards for dim in guard.subscript.dims()}
    candidates = [
        dim
        for dim in range(problem.parallel)
        if problem.extents[dim] > 1
        and dim not in guarded
        and all(coefficient(o, dim) == 1 for o in problem.outputs)
        and _lanes_can_read(problem, dim)
    ]
    if candidates:
        return max(candidates, key=lambda dim: problem.extents[dim])
    root = problem.domain.root
    if root is None or combiner(root) is None or problem.target.vector_bits == 0:
        return -1
    along = [
        dim
        for dim in problem.reduction
        if problem.extents[dim] >= 8 and dim not in guarded and _lanes_can_read(problem, dim) and _some_contiguous(problem, dim)
    ]
    return max(along, key=lambda dim: problem.extents[dim], default=-1)


def _lanes_can_read(problem: Problem, dim: int) -> bool:
    if any(op.captured for op in problem.kernel.body if isinstance(op, tensor.Compute)):
        return True
    if not all(
        is_packable or coefficient(offset, dim) in (0, 1) or _block(problem, access, offset, dim)
        for access, offset, is_packable in problem.accesses
    ):
        return False
    return not _blocks(problem, dim) or not problem.target.vector_bits or _lanes(problem, dim) > 1


def _blocks(problem: Problem, dim: int) -> list[int]:
    """The blocks along a dim in which something that follows the reduction is the same, such as the mask of a group of channels."""
    return [size for access, offset, _ in problem.accesses if (size := _block(problem, access, offset, dim))]


def _block(problem: Problem, access: Access, offset: Affine, dim: int) -> int:
    """How many elements along a dim share what is read behind the reduction, in blocks one behind the other; 0 where it is not so."""
    if problem.domain.root is None or access.of_root:
        return 0
    along = [atom for atom, _ in offset.terms if isinstance(atom, Quotient | Remainder) and dim in atom.of.dims()]
    match along:
        case [Quotient(of, by)] if of == d(dim) and not offset.coefficient(dim):
            return by
    return 0


def _some_contiguous(problem: Problem, dim: int) -> bool:
    return any(coefficient(offset, dim) == 1 for access, offset, _ in problem.accesses if access.of_root)


def _lanes(problem: Problem, dim: int) -> int:
    """Lanes that need the fewest vectors; of equals the fewest lanes."""
    target = problem.target
    if dim < 0 or not target.vector_bits or problem.extents[dim] < 2:
        return 1
    extent = problem.extents[dim]
    widest = max(target.vector_bits // problem.widest_bits, 1)
    choices = [n for n in (2, 4, 8, 16, 32, 64) if n <= widest and n < 2 * extent]
    if dim >= problem.parallel:
        choices = [n for n in choices if n <= extent]
    if not target.masked_memory:
        choices = [n for n in choices if extent % n == 0 or n <= extent]
    choices = [n for n in choices if all(size % n == 0 for size in _blocks(problem, dim))]
    return min(choices, key=lambda n: (math.ceil(extent / n), n), default=1)


def _row_dim(problem: Problem, vector: int) -> int:
    """The dim of a register tile beside the vector dim: one along which a vector operand is constant, so that its load is shared."""
    if problem.domain.root is None:
        return -1
    extents = problem.extents
    dims = [dim for dim in range(problem.parallel) if dim != vector and extents[dim] > 1]
    sharing = [
        dim
        for dim in dims
        if any(
            access.of_root and dim not in offset.dims() and (vector in offset.dims() or vector < 0)
            for access, offset, _ in problem.accesses
        )
    ]
    strides = {dim: min((abs(o.coefficient(dim)) for o in problem.outputs), default=0) for dim in dims}
    pool = sharing or dims
    return min(pool, key=lambda dim: (extents[dim] < 4, strides[dim]), default=-1)


def _sizes(problem: Problem, vector: int, lane_count: int, row: int) -> tuple[int, ...]:
    """Elements of each parallel dim."""
    if vector >= problem.parallel or problem.domain.root is None:
        return _simple_sizes(problem, vector, lane_count)
    tile = [1] * problem.parallel
    extents, steps = problem.extents, problem.steps
    vectors = math.ceil(extents[vector] / lane_count) if vector >= 0 else 1
    rows = extents[row] if row >= 0 else 1
    most = vectors if has_shared_operand(problem, vector) else min(vectors, 2)
    window, pitch, alike = row_window(problem, row, vector), row_pitch(problem, row, vector), _gated_block(problem, vector)
    if alike:
        best = best_gated_tile(rows, most, steps, lane_count, alike, problem.target, window, pitch)
    else:
        best = best_tile(rows, most, steps, steps * lane_count * 4, problem.target, window, pitch=pitch)
    if vector >= 0:
        tile[vector] = min(best.columns * lane_count, extents[vector])
    if row >= 0:
        tile[row] = best.rows
    return tuple(tile)


def _gated_block(problem: Problem, vector: int) -> int:
    """Elements along the vector dim that a gate lets through together; 0: it is the same for all of them, or there is none."""
    gate = gate_of(problem.domain)
    for subscript in gate.active if gate is not None else ():
        match subscript.terms:
            case ((Quotient(of, by), 1),) if of == d(vector):
                return by
            case ((Dim(position), 1),) if position == vector:
                return 1
    return 0


def _simple_sizes(problem: Problem, vector: int, lane_count: int) -> tuple[int, ...]:
    """Elementwise kernels: a few vectors at a time. Reductions along lanes: a few rows, so that their chains overlap.

    Copies that no vector can make, such as shuffled channels, go several elements at a time: quotients and remainders of their
    subscripts become numbers.
    """
    tile = [1] * problem.parallel
    extents, target = problem.extents, problem.target
    if problem.domain.root is None:
        inner = [dim for dim in range(problem.parallel) if all(abs(o.coefficient(dim)) == 1 for o in problem.outputs)]
        if vector < 0 and target.hosted and inner:
            tile[inner[0]] = min(extents[inner[0]], COPIED)
            for dim in along_largest_input(problem)[:1]:
                tile[dim] = min(extents[dim], COPIED)
        if vector >= 0:
            wanted = lane_count * (4 if target.vector_bits else 2)
            tile[vector] = min(wanted, extents[vector])
        return tuple(tile)
    rows = [dim for dim in range(problem.parallel) if extents[dim] > 1]
    if rows:
        tile[rows[-1]] = min(extents[rows[-1]], 4)
    return tuple(tile)


def reduction_order(problem: Problem) -> tuple[int, ...]:
    """Reduction dims, the largest strides of the inputs outermost."""

    def stride(dim: int) -> int:
        return max((abs(offset.coefficient(dim)) for _, offset, is_packable in problem.accesses if not is_packable), default=0)

    return tuple(sorted(problem.reduction, key=lambda dim: (-stride(dim), dim)))


def unrolled(problem: Problem, tile: RegisterTile, reduction: Sequence[int]) -> tuple[int, ...]:
    """Short reduction dims whose terms fit, written out: windows first, whatever needs clamped bounds stays a loop."""
    limit = UNROLLED_TERMS_HOSTED if problem.target.hosted else UNROLLED_TERMS_CHIP
    elements, extents = math.prod(tile.sizes), problem.extents
    terms = elements // max(tile.lanes, 1) if tile.vector < problem.parallel else elements
    clamped = {
        dim
        for guard in problem.reads.guards
        for dim in guard.subscript.dims()
        if dim >= problem.parallel and not any(tile.sizes[p] > 1 for p in guard.subscript.dims() if p < problem.parallel)
    }
    unroll = []
    for dim in sorted(reduction, key=lambda dim: extents[dim]):
        if dim == tile.vector or dim in clamped or extents[dim] == 1:
            continue
        if not _taps_fit(problem, tile, dim):
            continue
        if extents[dim] <= MOST_UNROLLED and terms * extents[dim] <= limit:
            terms *= extents[dim]
            unroll.append(dim)
    return tuple(sorted(unroll))


def crowded_first(problem: Problem, tile: RegisterTile, reduction: Sequence[int], unroll: Sequence[int]) -> tuple[int, ...]:
    """Reduction dims: taps that do not fit in registers side by side outermost, what is written out innermost."""
    crowded = [dim for dim in reduction if not _taps_fit(problem, tile, dim)]
    return (*crowded, *(dim for dim in reduction if dim not in unroll and dim not in crowded), *unroll)


def _taps_fit(problem: Problem, tile: RegisterTile, tap: int) -> bool:
    """Whether registers hold what the taps share when they are written out side by side. Chips have no broadcasts to keep."""
    if not problem.target.vector_bits or tile.lanes == 1:
        return True
    for row in (dim for dim in range(problem.parallel) if tile.sizes[dim] > 1):
        window = window_along(problem, row, tap, tile.vector)
        if window is not None:
            columns = max(math.prod(tile.sizes) // tile.lanes // tile.sizes[row], 1)
            return window.fits(tile.sizes[row], columns, problem.target)
    return True


def row_pitch(problem: Problem, row: int, vector: int) -> int:
    """Bytes between what the reduction broadcasts for one row of a register tile and for the next; 0: nothing, or no row."""
    read = [
        offset for access, offset, is_packable in problem.accesses if access.of_root and not is_packable and vector not in offset.dims()
    ]
    return max((abs(offset.coefficient(row)) * 4 for offset in read if row >= 0), default=0)


def row_window(problem: Problem, row: int, vector: int) -> Window:
    """The window along the rows of a register tile, if there is one."""
    taps = (tap for tap in problem.reduction if 1 < problem.extents[tap] <= MOST_UNROLLED)
    windows = (window_along(problem, row, tap, vector) for tap in taps)
    return next((found for found in windows if found), Window())


def window_along(problem: Problem, row: int, tap: int, vector: int) -> Window | None:
    """How `row` and `tap` walk over an input together."""
    for access, offset, is_packable in problem.accesses:
        for subscript in access.subscripts:
            stride, dilation = subscript.coefficient(row), subscript.coefficient(tap)
            if not is_packable and stride and dilation:
                return Window(problem.extents[tap], stride, dilation, is_wide=vector in offset.dims())
    return None
