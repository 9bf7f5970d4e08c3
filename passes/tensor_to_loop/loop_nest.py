"""One kernel as loops over its tiles.

    for every tile of the parallel dims (outermost shared among threads)
        only if a gate lets any of its elements through (else what stands there without reduction); as far outside as this is known
        for every reduction dim that is a loop: accumulators of the whole register tile are carried
            the body, once per point of the register tile and of the unrolled reduction dims
        the epilogue on the accumulators, then the stores

Windows that reach over a border need no copy: where a register tile is one wide along the padded dim, the bounds of the reduction loop
are clamped; where it is wider, tiles at the border stand apart with the taps written out, and taps that fall outside are left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ...dialects import loop, tensor
from ...dialects.func import Function
from ...dialects.ir.affine import Affine
from ...dialects.ir.operation import Block, Region, Value
from ...dialects.ir.types import BufferType, index
from ..analysis.domain import Domain, Guard, domain, reads
from ..analysis.gate import Gate, gate_of
from ..schedule.space import Schedule
from .borders import Slab, store_borders
from .emit import Emitter
from .prefetch import next_block
from .register_tile import Tile, TileEmitter

MAX_BORDER_TILES = 6


@dataclass(frozen=True, slots=True)
class Segment:
    """Tiles `start` to `start + count` - 1 of a dim, all of `size` elements; at the border the taps are written out."""

    start: int
    count: int
    size: int
    is_border: bool = False


class KernelLowering:
    """State of one lowering: the domain, the schedule, the emitter, and how each guard is met."""

    def __init__(
        self,
        kernel: tensor.Kernel,
        name: str,
        inputs: Sequence[BufferType],
        outputs: Sequence[BufferType],
        schedule: Schedule,
        shared: int | None,
    ) -> None:
        self.kernel = kernel
        self.schedule = schedule
        self.domain: Domain = domain(kernel)
        self.guards: list[Guard] = list(reads(self.domain).guards)
        self.extents = schedule.extents
        self.function = Function.make(name, [*inputs, *outputs])
        self.function.location = kernel.location
        self.emit = Emitter(self.function.body, {})
        self.emit.root = self.domain.root
        self.emit.guarded_axes = frozenset((guard.view, guard.axis) for guard in self.guards)
        for argument, parameter, type_ in zip(kernel.body.arguments, self.function.arguments, inputs, strict=False):
            self.emit.storage[argument] = (self.flat(parameter), type_)
            self.emit.whole[argument] = parameter
        self.results = [(self.flat(p), t) for p, t in zip(self.function.arguments[len(inputs) :], outputs, strict=True)]
        self.shared = None if shared is None else kernel.body.arguments[shared]
        if self.shared is not None:  # one pointer, so that nothing is promised that is not so
            self.emit.storage[self.shared] = self.results[0]
        self.tiles = TileEmitter(self.domain, schedule, self.emit, self.results, self.guards)
        self.gate = gate_of(self.domain)
        self.leaf: Callable[[Tile], None] = self.whole_tile
        self.sort_guards()

    @property
    def parallel(self) -> int:
        return len(self.domain.parallel)

    def flat(self, parameter: Value) -> Value:
        """The buffer as it is addressed by maps: one dim."""
        assert isinstance(parameter.type, BufferType)
        type_ = BufferType((max(parameter.type.elements, 1),), parameter.type.element, (1,))
        if parameter.type.elements == 0:
            return parameter
        return self.emit.add(loop.Subview(parameter, type=type_)).output

    def sort_guards(self) -> None:
        """How each guard is met: written-out border tiles, clamped reduction loops, or (what is left) a condition at the read."""
        for guard in self.guards:
            dims = guard.subscript.dims()
            pixels = [p for p in dims if p < self.parallel]
            taps = tuple(r for r in dims if r >= self.parallel)
            wide = [p for p in pixels if self.schedule.tile[p] > 1]
            if self.schedule.vector in dims or not guard.subscript.is_linear:
                continue
            if wide == pixels and len(pixels) == 1 and self.border_count(pixels[0]) <= MAX_BORDER_TILES:
                self.tiles.static[pixels[0]] = tuple(dict.fromkeys((*self.tiles.static.get(pixels[0], ()), *taps)))
            elif not wide and len(taps) == 1 and self.can_clamp(guard, taps[0]):
                self.tiles.clamped.setdefault(taps[0], []).append(guard)

    def can_clamp(self, guard: Guard, tap: int) -> bool:
        return guard.skippable and tap not in self.schedule.unroll and guard.subscript.coefficient(tap) > 0

    def run(self) -> Function:
        if 0 not in self.domain.parallel:
            self.lower()
        self.emit.finish()
        return self.function.close([])

    def lower(self) -> None:
        """All elements."""
        if self.schedule.parallel < 0:
            store_borders(self.domain, self.results, self.emit, self.schedule.lanes)
        self.nest(0, [Affine()] * self.parallel, [1] * self.parallel, ())

    # Loops over tiles.

    def nest(self, level: int, base: list[Affine], size: list[int], border: tuple[int, ...]) -> None:
        """The loops from `level` on; `base` and `size` hold what the outer loops decided."""
        loops = partial(self.loops, level, base, size, border)
        if self.gate is None or level != self.gate_level:
            loops()
            return
        is_active = self.tiles.any_active(self.gate, Tile(tuple(base), tuple(size), border))
        self.emit.only_if(is_active, loops, partial(self.inactive, self.gate, loops))

    @property
    def gate_level(self) -> int:
        """How many loops decide what the gate lets through. Threads are outside of it."""
        dims = [dim for dim in self.schedule.order if dim == self.schedule.parallel or (self.gate and dim in self.gate.dims)]
        return max((self.schedule.order.index(dim) + 1 for dim in dims if self.extents[dim] > 1), default=0)

    def inactive(self, gate: Gate, loops: Callable[[], None]) -> None:
        """Tiles that the gate holds back; nothing, where what they get lies there already or nobody wants it."""
        if gate.op.background is None or (gate.op.background is self.shared and gate.op.output is self.domain.outputs[0].value):
            return
        self.leaf = self.tiles.background
        with self.emit.known(gate.op, False):
            loops()
        self.leaf = self.whole_tile

    def whole_tile(self, tile: Tile) -> None:
        if self.schedule.prefetch:
            order, vector = self.schedule.order, self.schedule.vector
            number, count = self.place_among(tile, order[order.index(vector) + 1 :])
            self.fetch_ahead(tile, number, self.emit.index(count))
        self.tiles.tile([tile])
        self.tiles.ahead = None

    def place_among(self, tile: Tile, dims: Sequence[int]) -> tuple[Affine, int]:
        """The number of a tile in the order of loops over `dims`, and how many there are."""
        number, count = Affine(), 1
        for dim in reversed(dims):
            number += tile.base[dim] // self.step(dim) * count
            count *= math.ceil(self.extents[dim] / self.step(dim))
        return number.simplify(self.emit.all_ranges()), count

    def fetch_ahead(self, block: Tile, number: Affine, tiles: Value) -> None:
        """Fetch weights of the block of channels behind this one, while tile `number` of `tiles` in it is computed."""
        vector = self.schedule.vector
        size = block.size[vector]
        self.tiles.ahead = next_block(self.domain, self.tiles.schedule, self.emit, block.base[vector] + size, size, number, tiles)

    def loops(self, level: int, base: list[Affine], size: list[int], border: tuple[int, ...]) -> None:
        """The same behind the gate."""
        if level == len(self.schedule.order):
            self.leaf(Tile(tuple(base), tuple(size), border))
            return
        dim = self.schedule.order[level]
        segments = self.segments(dim)
        is_shared = dim == self.schedule.parallel

        def inside(at: Affine, segment: Segment) -> None:
            if is_shared:
                store_borders(self.domain, self.results, self.emit, self.schedule.lanes, Slab(dim, at, segment.size, self.extents[dim]))
            self.nest(level + 1, *self.placed(base, size, border, dim, at, segment))

        if is_shared and sum(segment.count for segment in segments) > 1:
            self.parallel_segments(dim, segments, inside)
            return
        for segment in segments:
            self.each_tile(segment, self.step(dim), inside)

    def placed(
        self, base: list[Affine], size: list[int], border: tuple[int, ...], dim: int, at: Affine, segment: Segment
    ) -> tuple[list[Affine], list[int], tuple[int, ...]]:
        base, size = list(base), list(size)
        base[dim], size[dim] = at, segment.size
        return base, size, (*border, dim) if segment.is_border else border

    def step(self, dim: int) -> int:
        return min(self.schedule.tile[dim], max(self.extents[dim], 1))

    def segments(self, dim: int) -> list[Segment]:
        """The tiles of a dim: runs of full ones, the last smaller one, and those at the border one by one."""
        extent, step = self.extents[dim], self.step(dim)
        full, rest = divmod(extent, step)
        if dim not in self.tiles.static:  # no border: counted, because an extent may be anything
            runs = [Segment(0, full, step, False), Segment(full, 1, rest, False)]
            return [run for run in runs if run.count and run.size]
        tiles = [step] * full + ([rest] if rest else [])
        segments: list[Segment] = []
        for number, size in enumerate(tiles):
            at_border = dim in self.tiles.static and self.crosses(dim, number * step, size)
            last = segments[-1] if segments else None
            if last is not None and not at_border and not last.is_border and last.size == size:
                segments[-1] = replace(last, count=last.count + 1)
            else:
                segments.append(Segment(number, 1, size, at_border))
        return segments

    def border_count(self, dim: int) -> int:
        step = self.step(dim)
        return sum(self.crosses(dim, start, min(step, self.extents[dim] - start)) for start in range(0, self.extents[dim], step))

    def crosses(self, dim: int, start: int, size: int) -> bool:
        """Whether a guarded subscript may fall outside while `dim` runs over a tile."""
        ranges = list(self.domain.ranges)
        ranges[dim] = (start, start + size - 1)
        for guard in self.guards:
            if guard.subscript.coefficient(dim) and [p for p in guard.subscript.dims() if p < self.parallel] == [dim]:
                low, high = guard.subscript.range(ranges)
                if low < 0 or high >= guard.extent:
                    return True
        return False

    def each_tile(self, segment: Segment, step: int, make: Callable[[Affine, Segment], None]) -> None:
        """A loop over the tiles of a segment; none where it has one."""
        if segment.count == 1:
            make(Affine((), segment.start * step), segment)
            return
        lower, upper = self.emit.index(segment.start), self.emit.index(segment.start + segment.count)
        with self.emit.loop(lower, upper, segment.start, segment.start + segment.count - 1) as counter:
            make(counter * step, segment)

    def parallel_segments(self, dim: int, segments: Sequence[Segment], make: Callable[[Affine, Segment], None]) -> None:
        """One parallel loop over all tiles of a dim; which segment a tile belongs to is asked inside."""
        count = sum(segment.count for segment in segments)
        body = Block([index])
        with self.emit.scope(body):
            self.choose_segment(body.arguments[0], segments, self.step(dim), make)
            self.emit.add(loop.Yield([]))
        self.emit.add(loop.Parallel(self.emit.index(0), self.emit.index(count), contents=Region(body)))

    def choose_segment(self, turn: Value, segments: Sequence[Segment], step: int, make: Callable[[Affine, Segment], None]) -> None:
        first, *others = segments
        last = first.start + first.count - 1
        if not others:
            make(self.emit.symbol(turn, first.start, last) * step, first)
            return

        def here() -> None:
            make(self.emit.symbol(turn, first.start, last) * step if first.count > 1 else Affine((), first.start * step), first)

        condition = self.emit.compare("slt", turn, others[0].start)
        self.emit.only_if(condition, here, lambda: self.choose_segment(turn, others, step, make))
