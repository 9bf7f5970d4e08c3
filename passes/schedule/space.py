"""A schedule: how a kernel's iteration space becomes loops, as a small value with a text form.

Dims are numbered as in the kernel's domain: the parallel dims of its root first, then the reduction dims.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

LEAST_TURNED = 4
"""Elements along the side of a square block that is turned in registers."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Loop order, register tile, vectors and unrolling of one kernel.

    extents: of every dim as it is looped over; where neighbouring dims are walked as one, the inner has the product, the outer 1.
    order: parallel dims, outermost loop first.
    tile: elements of each parallel dim that one register tile covers; along `vector` a multiple of `lanes`, or less than one.
    vector, lanes: the dim along which lanes run (parallel, or a reduction dim whose lanes are combined at the end); -1 and 1: none.
    reduction: reduction dims, outermost first.
    unroll: those of them that are written out, each in its place: one after the other around the loops that stand further inside.
    together: turns of the innermost reduction loop that are written out in one; they divide it.
    parallel: the dim whose tiles the threads share; -1: none. With runs, the first dim along which they are chosen stands for the list.
    prefetch: 1: while a block along `vector` is computed, the weights of the next one are fetched; 0: not.
    across: the dim along which a square block of vectors is turned before it is stored, because the output lies that way; -1: none.
    runs: where a list of runs decides: how many of them a register tile takes, instead of tile; 0: no list.
    block: elements along `vector` that a register tile of runs covers, a multiple of the tile's.
    run_reduction, run_unroll, run_together: reduction, unroll and together for register tiles of runs. Weights lie in this order.
    dense_from: with so many runs in the list everything is computed, without the list; 0: never.
    """

    extents: tuple[int, ...]
    order: tuple[int, ...]
    tile: tuple[int, ...]
    vector: int = -1
    lanes: int = 1
    reduction: tuple[int, ...] = ()
    unroll: tuple[int, ...] = ()
    together: int = 1
    parallel: int = -1
    prefetch: int = 0
    across: int = -1
    runs: int = 0
    block: int = 1
    run_reduction: tuple[int, ...] = ()
    run_unroll: tuple[int, ...] = ()
    run_together: int = 1
    dense_from: int = 0

    def __str__(self) -> str:
        parts = []
        for field in fields(self):
            value = getattr(self, field.name)
            parts.append(f"{field.name}={'x'.join(map(str, value)) if isinstance(value, tuple) else value}")
        return " ".join(parts)

    @staticmethod
    def parse(text: str) -> Schedule:
        """The schedule that `str` wrote. Raises ValueError."""
        entries = dict(part.split("=", 1) for part in text.split())
        unknown = set(entries) - {field.name for field in fields(Schedule)}
        if unknown or not {"extents", "order", "tile"} <= set(entries):
            raise ValueError(f"{text!r} is no schedule")
        values = {key: _parse_value(key, value) for key, value in entries.items()}
        return Schedule(**values)  # type: ignore[arg-type]


def _parse_value(key: str, text: str) -> int | tuple[int, ...]:
    if key in ("vector", "lanes", "together", "run_together", "parallel", "prefetch", "across", "runs", "block", "dense_from"):
        return int(text)
    return tuple(int(part) for part in text.split("x") if part)
