"""What a register tile costs, in cycles per step of the reduction, from the target's numbers.

A step of a tile with `rows` x `columns` accumulators is `rows * columns` fused multiply-adds, one load per row (a scalar, broadcast
on the way) and one per column. Bounds: arithmetic ports, load ports, the latency of an accumulator's chain.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...targets.description import Target


@dataclass(frozen=True, slots=True)
class TileCost:
    """Tile sizes and the cycles that the whole kernel takes with them."""

    rows: int
    columns: int
    cycles: float


def step_cycles(rows: int, columns: int, target: Target) -> float:
    """Cycles of one reduction step of a full tile."""
    products = rows * columns
    if not target.vector_bits:
        work = target.costs.fma if target.fma else target.costs.mul + target.costs.add
        return products * work + (rows + columns) * target.costs.load + 2 * target.costs.branch
    arithmetic = products / target.fma_ports
    loads = (rows + columns) / target.load_ports
    return max(arithmetic, loads, target.fma_latency if products else 0.0)


def accumulator_budget(target: Target) -> int:
    """Registers that hold floats (vectors of them where there are any)."""
    if target.vector_bits:
        return target.vector_registers
    return target.float_registers if target.has_fpu else 6


def best_tile(rows_extent: int, vectors: int, reduction: int, column_bytes: int, target: Target) -> TileCost:
    """The tile of `rows` pixels by `columns` vectors that takes the fewest cycles over an extent of both.

    reduction: steps per tile; column_bytes: what one column of weights takes in cache over the whole reduction.
    """
    registers = accumulator_budget(target)
    best: TileCost | None = None
    for columns in range(1, min(vectors, 8) + 1):
        for rows in range(1, min(rows_extent, registers) + 1):
            if rows * columns + columns + 1 > registers and (rows, columns) != (1, 1):
                break
            cycles = _total(rows_extent, vectors, rows, columns, reduction, target)
            if column_bytes * columns > max(target.caches.l2_bytes // 2, 1) and target.caches.l2_bytes:
                cycles *= 1.0 + 0.15 * math.log2(column_bytes * columns / (target.caches.l2_bytes / 2))
            if best is None or cycles < best.cycles * 0.999:
                best = TileCost(rows, columns, cycles)
    assert best is not None
    return best


def _total(rows_extent: int, vectors: int, rows: int, columns: int, reduction: int, target: Target) -> float:
    total = 0.0
    for tile_rows, row_tiles in _tiles(rows_extent, rows):
        for tile_columns, column_tiles in _tiles(vectors, columns):
            overhead = 8.0 + tile_rows * tile_columns * (target.costs.store + target.costs.load)
            total += row_tiles * column_tiles * (reduction * step_cycles(tile_rows, tile_columns, target) + overhead)
    return total


def _tiles(extent: int, size: int) -> list[tuple[int, int]]:
    full, rest = divmod(extent, size)
    return [(size, full), *([(rest, 1)] if rest else [])]
