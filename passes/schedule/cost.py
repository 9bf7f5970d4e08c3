"""What a register tile costs, in cycles per step of the reduction, from the target's numbers.

A step of a tile with `rows` x `columns` accumulators is `rows * columns` fused multiply-adds, one load per row (a scalar, broadcast
on the way) and one per column. Bounds: arithmetic ports, load ports, the latency of an accumulator's chain. Weights that do not stay in
L1 between tiles come from L2 at every step, which is why tall tiles win where all else is equal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...targets.description import Target

LOAD_SHARE = 0.25
"""What loads cost even where arithmetic bounds: they take slots of the front end, and ports when they miss."""

LONE_LINES = 1.15
"""What it costs to take one cache line of each pixel where the neighbouring line will be wanted too: lines are fetched in pairs."""

L2_BYTES_PER_CYCLE = 128
"""What weights cost beyond L1: four times better than what L2 delivers, since most of it hides behind arithmetic."""


WAY_BYTES = 4096
"""One way of the first cache (a page, on everything that finds lines before it knows their page). Lines so far apart share one set."""

MOST_IN_A_SET = 8
"""Rows whose lines may share a set: a few ways are left for everything else."""

CROWDED_SET = 1.2
"""What it costs if there are more: lines leave before all of their elements are read."""

MOST_RUNS = 6
"""Runs of a register tile: each takes a register for its address, beside those for the weights, the counters and the stack."""


@dataclass(frozen=True, slots=True)
class Window:
    """How rows of a tile and taps of a window read the same elements: at row * stride + tap * dilation, for `taps` taps.

    `is_wide`: every column reads elements of its own, as in windows over channels, so that nothing is broadcast.
    """

    taps: int = 1
    stride: int = 1
    dilation: int = 1
    is_wide: bool = False

    def elements(self, rows: int, columns: int) -> int:
        """What the taps read together, in registers."""
        places = {row * self.stride + tap * self.dilation for row in range(rows) for tap in range(self.taps)}
        return len(places) * (columns if self.is_wide else 1)

    def fits(self, rows: int, columns: int, target: Target) -> bool:
        """Whether the taps can be written out side by side.

        An element is then loaded once and lives until the last tap has read it: beside the accumulators and one vector of weights
        per column these must fit in registers, or everything is spilled. Of what is not broadcast, the first and the last element are
        read once, by an instruction that multiplies too.
        """
        read_once = 2 * columns if self.is_wide else 0
        return rows * columns + columns + self.elements(rows, columns) - read_once <= target.vector_registers

    def weights_fit(self, rows: int, columns: int, target: Target) -> bool:
        """Whether the taps can be written out run by run: the weights of all of them stay, elements are at hand for one run at a time."""
        return (rows + self.taps) * columns + 2 <= target.vector_registers


@dataclass(frozen=True, slots=True)
class TileCost:
    """Tile sizes and the cycles that the whole kernel takes with them."""

    rows: int
    columns: int
    cycles: float


def step_cycles(rows: int, columns: int, target: Target, window: Window) -> float:
    """Cycles of one reduction step of a full tile."""
    products = rows * columns
    if not target.vector_bits:
        work = target.costs.fma if target.fma else target.costs.mul + target.costs.add
        return products * work + (rows + columns) * target.costs.load + 2 * target.costs.branch
    arithmetic = products / target.fma_ports
    apart = rows * columns if window.is_wide else rows
    together = window.elements(rows, columns) / window.taps if window.fits(rows, columns, target) else apart
    loads = (together + columns) / target.load_ports
    return max(arithmetic, loads, target.fma_latency if products else 0.0) + LOAD_SHARE * loads


def accumulator_budget(target: Target) -> int:
    """Registers that hold floats (vectors of them where there are any)."""
    if target.vector_bits:
        return target.vector_registers
    return target.float_registers if target.has_fpu else 6


def best_tile(
    rows_extent: int,
    vectors: int,
    reduction: int,
    column_bytes: int,
    target: Target,
    window: Window = Window(),
    run: int = 0,
    only: int = 0,
    pitch: int = 0,
) -> TileCost:
    """The tile of `rows` pixels by `columns` vectors that takes the fewest cycles over an extent of both.

    reduction: steps per tile; column_bytes: what one column of weights takes in cache over the whole reduction; window: what
    neighbouring rows share; run: where rows come in scattered runs of so many, which each need an address; only: so many columns; pitch:
    bytes from what one row reads to what the next one does.
    """
    registers = accumulator_budget(target)
    step, most = run or 1, min(run * MOST_RUNS, registers) if run else min(rows_extent, registers)
    best: TileCost | None = None
    for columns in [only] if only else range(1, min(vectors, 8) + 1):
        for rows in range(step, max(most, step) + 1, step):
            if rows * columns + columns + 1 > registers and (rows, columns) != (step, only or 1):
                break
            cycles = tile_cycles(rows_extent, vectors, rows, columns, reduction, target, window)
            if pitch and pitch % WAY_BYTES == 0 and rows > MOST_IN_A_SET and target.vector_bits:
                cycles *= CROWDED_SET
            if window.is_wide and columns == 1 < vectors:
                cycles *= LONE_LINES
            if column_bytes * columns > target.caches.l1_bytes // 2 > 0:
                cycles += vectors * math.ceil(rows_extent / rows) * column_bytes / L2_BYTES_PER_CYCLE
            if column_bytes * columns > max(target.caches.l2_bytes // 4, 1) and target.caches.l2_bytes:
                cycles *= 1.0 + 0.15 * math.log2(column_bytes * columns / (target.caches.l2_bytes / 4))
            if best is None or cycles < best.cycles * 0.999:
                best = TileCost(rows, columns, cycles)
    assert best is not None
    return best


def gated_columns(alike: int, lanes: int, vectors: int) -> list[int]:
    """Columns of register tiles that are computed only if a mask chooses one of their channels, of which `alike` neighbours are equal.

    Whole blocks, so that a tile has nothing of a second one. Where there are none, one vector, so that it has little of others; without
    vectors two channels, since one alone shares no loads (measured at a density of 0.5, 64 channels, cortex-m4: 3 x 3 takes 0.52 of the
    dense instructions instead of 0.69, but 1 x 1 1.13 instead of 0.97).
    """
    if alike == 1:
        return [min(vectors, 2) if lanes == 1 else 1]
    return [columns for columns in range(1, min(vectors, alike // lanes, 8) + 1) if alike % (columns * lanes) == 0] or [0]


def best_gated_tile(
    rows_extent: int,
    vectors: int,
    reduction: int,
    lanes: int,
    alike: int,
    target: Target,
    window: Window = Window(),
    pitch: int = 0,
) -> TileCost:
    """`best_tile` with these columns."""
    column_bytes = reduction * lanes * 4
    tiles = (
        best_tile(rows_extent, vectors, reduction, column_bytes, target, window, only=columns, pitch=pitch)
        for columns in gated_columns(alike, lanes, vectors)
    )
    return min(tiles, key=lambda tile: tile.cycles)


def tile_cycles(
    rows_extent: int, vectors: int, rows: int, columns: int, reduction: int, target: Target, window: Window = Window()
) -> float:
    """Cycles of a kernel of `rows_extent` pixels by `vectors` columns in tiles of `rows` by `columns`, with `reduction` steps each."""
    total = 0.0
    for tile_rows, row_tiles in _tiles(rows_extent, rows):
        for tile_columns, column_tiles in _tiles(vectors, columns):
            overhead = (20.0 if target.vector_bits else 8.0) + tile_rows * tile_columns * (target.costs.store + target.costs.load)
            total += row_tiles * column_tiles * (reduction * step_cycles(tile_rows, tile_columns, target, window) + overhead)
    return total


def _tiles(extent: int, size: int) -> list[tuple[int, int]]:
    full, rest = divmod(extent, size)
    return [(size, full), *([(rest, 1)] if rest else [])]
