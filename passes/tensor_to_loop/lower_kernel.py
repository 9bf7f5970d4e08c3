"""One kernel to one function of buffers: loops over tiles, register tiles with carried accumulators, border tiles apart.

    for every tile of the parallel dims (outermost shared among threads)
        for every reduction dim that is a loop: accumulators of the whole register tile are carried
            the body, once per point of the register tile and of the unrolled reduction dims
        the epilogue on the accumulators, then the stores

Windows that reach over a border need no copy: where a register tile is one wide along the padded dim, the bounds of the reduction loop
are clamped; where it is wider, tiles at the border stand apart with the taps written out, and taps that fall outside are left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ...dialects import arith, loop, tensor
from ...dialects.func import Function
from ...dialects.ir.affine import Affine, d
from ...dialects.ir.attributes import Number
from ...dialects.ir.operation import Block, Region, Value
from ...dialects.ir.types import BufferType, FloatType, VectorType, element_of, index, lanes_of, vector
from ...targets.description import Target
from ..analysis.domain import Domain, Guard, combiner, domain, neutral, reads
from ..schedule.choose import choose_schedule
from ..schedule.space import Schedule
from .emit import LANE, Emitter

MAX_BORDER_TILES = 6


def lower_kernel(
    kernel: tensor.Kernel,
    name: str,
    inputs: Sequence[BufferType],
    outputs: Sequence[BufferType],
    target: Target,
    shared: int | None = None,
) -> Function:
    """A function of the kernel's input buffers and then its output buffers, by its schedule (chosen here if it has none).

    `shared`: the input that lies where the only result does; each of its elements is read before it is written.
    """
    schedule = Schedule.parse(kernel.schedule) if kernel.schedule else choose_schedule(kernel, inputs, outputs, target)
    return _Lowering(kernel, name, inputs, outputs, schedule, shared).run()


@dataclass(frozen=True, slots=True)
class Segment:
    """Tiles `start` to `start + count` - 1 of a dim, all of `size` elements; at the border the taps are written out."""

    start: int
    count: int
    size: int
    is_border: bool = False


@dataclass(frozen=True, slots=True)
class Tile:
    """A register tile under emission: where it begins along each parallel dim, how far it reaches, which of its dims are at a border."""

    base: tuple[Affine, ...]
    size: tuple[int, ...]
    border: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """One vector (or scalar) of a register tile: its subscripts, and how many of its lanes are real (0: all)."""

    at: tuple[Affine, ...]
    valid: int


class _Lowering:
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
        self.masked = self.domain.masked if schedule.unit else None
        self.static: dict[int, tuple[int, ...]] = {}
        self.clamped: dict[int, list[Guard]] = {}
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
                self.static[pixels[0]] = tuple(dict.fromkeys((*self.static.get(pixels[0], ()), *taps)))
            elif not wide and len(taps) == 1 and self.can_clamp(guard, taps[0]):
                self.clamped.setdefault(taps[0], []).append(guard)

    def can_clamp(self, guard: Guard, tap: int) -> bool:
        return guard.skippable and tap not in self.schedule.unroll and guard.subscript.coefficient(tap) > 0

    def run(self) -> Function:
        if 0 not in self.domain.parallel:
            self.nest(0, [Affine()] * self.parallel, [1] * self.parallel, ())
        self.emit.finish()
        return self.function.close([])

    # Loops over tiles.

    def nest(self, level: int, base: list[Affine], size: list[int], border: tuple[int, ...]) -> None:
        """The loops from `level` on; `base` and `size` hold what the outer loops decided."""
        if level == len(self.schedule.order):
            whole = Tile(tuple(base), tuple(size), border)
            if self.masked is None:
                self.tile(whole)
            else:
                self.masked_tile(whole, self.masked)
            return
        dim = self.schedule.order[level]
        segments = self.segments(dim)
        if dim == self.schedule.parallel and sum(s.count for s in segments) > 1:
            self.parallel_segments(dim, segments, lambda at, s: self.nest(level + 1, *self.placed(base, size, border, dim, at, s)))
            return
        for segment in segments:
            self.each_tile(segment, self.step(dim), lambda at, s: self.nest(level + 1, *self.placed(base, size, border, dim, at, s)))

    def placed(
        self, base: list[Affine], size: list[int], border: tuple[int, ...], dim: int, at: Affine, segment: Segment
    ) -> tuple[list[Affine], list[int], tuple[int, ...]]:
        base, size = list(base), list(size)
        base[dim], size[dim] = at, segment.size
        return base, size, (*border, dim) if segment.is_border else border

    def step(self, dim: int) -> int:
        extent = self.schedule.unit[dim] if self.schedule.unit and self.schedule.unit[dim] else self.schedule.tile[dim]
        return min(extent, max(self.extents[dim], 1))

    def segments(self, dim: int) -> list[Segment]:
        """The tiles of a dim: runs of full ones, the last smaller one, and those at the border one by one."""
        extent, step = self.extents[dim], self.step(dim)
        full, rest = divmod(extent, step)
        if dim not in self.static:  # no border: counted, because an extent may be anything
            runs = [Segment(0, full, step, False), Segment(full, 1, rest, False)]
            return [run for run in runs if run.count and run.size]
        tiles = [step] * full + ([rest] if rest else [])
        segments: list[Segment] = []
        for number, size in enumerate(tiles):
            at_border = dim in self.static and self.crosses(dim, number * step, size)
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
        with self.loop(lower, upper, segment.start, segment.start + segment.count - 1) as counter:
            make(counter * step, segment)

    @contextmanager
    def loop(self, lower: Value, upper: Value, low: int, high: int) -> Iterator[Affine]:
        """A loop without carried values around what is emitted inside."""
        body = Block([index])
        with self.emit.scope(body):
            yield self.emit.symbol(body.arguments[0], low, high)
            self.emit.add(loop.Yield([]))
        self.emit.add(loop.For(lower, upper, [], contents=Region(body)))

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
        condition = self.emit.compare("slt", turn, others[0].start)
        then, otherwise = Block(), Block()
        with self.emit.scope(then):
            at = self.emit.symbol(turn, first.start, last) * step if first.count > 1 else Affine((), first.start * step)
            make(at, first)
            self.emit.add(loop.Yield([]))
        with self.emit.scope(otherwise):
            self.choose_segment(turn, others, step, make)
            self.emit.add(loop.Yield([]))
        self.emit.add(loop.If(condition, then=Region(then), otherwise=Region(otherwise)))

    # Tiles of a mask.

    def masked_tile(self, whole: Tile, masked: tensor.Masked) -> None:
        """A tile of the mask: its register tiles if it is active, else its background, if anybody reads that."""
        store = self.domain.outputs[0][1]
        condition = self.emit.is_active(masked, store.compose(whole.base))
        then, otherwise = Block(), Block()
        for block, is_active in ((then, True), (otherwise, False)):
            with self.emit.scope(block):
                if is_active or masked.background not in (None, self.shared):
                    self.emit.masked[masked] = is_active
                    self.parts(whole, [dim for dim, unit in enumerate(self.schedule.unit) if unit])
                    del self.emit.masked[masked]
                self.emit.add(loop.Yield([]))
        self.emit.add(loop.If(condition, then=Region(then), otherwise=Region(otherwise)))

    def parts(self, whole: Tile, dims: Sequence[int]) -> None:
        """The register tiles of a tile of the mask, dim by dim; at a border one by one, because their taps are written out."""
        if not dims:
            self.tile(whole)
            return
        dim, *others = dims
        step = min(self.schedule.tile[dim], whole.size[dim])
        full, rest = divmod(whole.size[dim], step)
        sizes = [step] * full + ([rest] if rest else [])
        if dim in whole.border or full == 1:
            for number, size in enumerate(sizes):
                self.parts(self.part(whole, dim, Affine((), number * step), size), others)
            return
        with self.loop(self.emit.index(0), self.emit.index(full), 0, full - 1) as counter:
            self.parts(self.part(whole, dim, counter * step, step), others)
        if rest:
            self.parts(self.part(whole, dim, Affine((), full * step), rest), others)

    def part(self, whole: Tile, dim: int, offset: Affine, size: int) -> Tile:
        base = tuple(at + offset if i == dim else at for i, at in enumerate(whole.base))
        return replace(whole, base=base, size=tuple(size if i == dim else n for i, n in enumerate(whole.size)))

    # One register tile.

    def points(self, tile: Tile) -> list[Point]:
        """The vectors of a tile, those along the vector dim next to each other."""
        schedule = self.schedule
        dims = [dim for dim in range(self.parallel) if dim != schedule.vector]
        grids = [range(tile.size[dim]) for dim in dims]
        found = []
        for offsets in itertools.product(*grids):
            at = list(tile.base)
            for dim, offset in zip(dims, offsets, strict=True):
                at[dim] = at[dim] + offset
            found += list(self.along_vector(at, tile))
        return found

    def along_vector(self, at: list[Affine], tile: Tile) -> Iterator[Point]:
        vector_dim, count = self.schedule.vector, self.schedule.lanes
        if vector_dim < 0 or vector_dim >= self.parallel:
            yield Point(tuple(at), 0)
            return
        size = tile.size[vector_dim]
        for start in range(0, size, count):
            place = list(at)
            place[vector_dim] = place[vector_dim] + start + (d(LANE) if count > 1 else Affine())
            left = size - start
            yield Point(tuple(place), left if left < count else 0)

    def tile(self, tile: Tile) -> None:
        points = self.points(tile)
        if self.schedule.vector < self.parallel:
            self.emit.lanes = self.schedule.lanes
        is_background = self.masked is not None and not self.emit.masked[self.masked]
        needs_root = self.domain.root is not None and not is_background
        values = self.reduce(tile, points) if needs_root else [None] * len(points)
        if self.is_turned(tile):
            self.finish_block(tile, points)
            return
        for point, value in zip(points, values, strict=True):
            self.finish_point(point, value)

    def is_turned(self, tile: Tile) -> bool:
        """Whether this is a whole square block, to be turned in registers; what is left at the edges is stored lane by lane."""
        schedule = self.schedule
        return schedule.across >= 0 and tile.size[schedule.across] == tile.size[schedule.vector] == schedule.lanes

    def finish_block(self, tile: Tile, points: Sequence[Point]) -> None:
        """A block of vectors, read along one dim and stored along the other."""
        emit, schedule = self.emit, self.schedule
        for (output, map_), (flat, type_) in zip(self.domain.outputs, self.results, strict=True):
            rows = [emit.widen(emit.value(output, map_.compose(point.at)), schedule.lanes) for point in points]
            for number, column in enumerate(self.transposed(rows)):
                at = list(tile.base)
                at[schedule.vector] = at[schedule.vector] + number
                at[schedule.across] = at[schedule.across] + d(LANE)
                emit.store(column, flat, type_, map_.compose(at))

    def transposed(self, rows: list[Value]) -> list[Value]:
        """The columns of a square block: blocks of half the size change places, then of a quarter, and so on."""
        block = len(rows) // 2
        while block:
            turned = list(rows)
            for i in range(len(rows)):
                if not i & block:
                    a, b = rows[i], rows[i + block]
                    turned[i] = self.emit.add(loop.Interleave(a, b, size=block, low=True)).output
                    turned[i + block] = self.emit.add(loop.Interleave(a, b, size=block, low=False)).output
            rows, block = turned, block // 2
        return rows

    def finish_point(self, point: Point, value: Value | None) -> None:
        """The epilogue and the stores of one vector."""
        emit = self.emit
        emit.valid = point.valid
        emit.root_values = {} if value is None else {tuple(s.simplify(emit.all_ranges()) for s in point.at): value}
        for (output, map_), (flat, type_) in zip(self.domain.outputs, self.results, strict=True):
            subscripts = map_.compose(point.at)
            emit.store(emit.value(output, subscripts), flat, type_, subscripts)
        emit.root_values = {}
        emit.valid = 0

    # The reduction.

    def reduce(self, tile: Tile, points: Sequence[Point]) -> list[Value]:
        """Accumulators of a tile after the whole reduction."""
        root, schedule = self.domain.root, self.schedule
        assert root is not None
        assert root.init is not None
        if schedule.vector >= self.parallel:
            return self.reduce_lanes(tile, points)
        init = self.emit.constant(Number(root.init.value, vector(self.emit.lanes, root.init.type)))  # type: ignore[arg-type]
        return self.reduction_loops(tile, points, [init] * len(points), self.extents[self.parallel :])

    def reduction_loops(self, tile: Tile, points: Sequence[Point], carried: Sequence[Value], extents: Sequence[int]) -> list[Value]:
        """Loops over the reduction dims (of these extents), then the body; dims at the border of this tile are written out."""
        unroll = [*self.schedule.unroll]
        for dim in tile.border:
            unroll += [tap for tap in self.static[dim] if tap not in unroll]
        dims = [dim for dim in self.schedule.reduction if extents[dim - self.parallel] != 1]
        taps: list[Affine] = [Affine()] * len(extents)
        return self.reduction_level(tile, points, list(carried), dims, unroll, taps, list(extents))

    def reduction_level(
        self,
        tile: Tile,
        points: Sequence[Point],
        carried: list[Value],
        dims: Sequence[int],
        unroll: Sequence[int],
        taps: list[Affine],
        extents: list[int],
    ) -> list[Value]:
        """The reduction over `dims`, outermost first. A dim that is written out around a loop gives one loop after the other."""
        if all(dim in unroll for dim in dims):
            return self.written_out(points, carried, dims, taps, extents)
        dim, *inner = dims
        if dim in unroll:
            for value in range(extents[dim - self.parallel]):
                here = list(taps)
                here[dim - self.parallel] = Affine((), value)
                carried = self.reduction_level(tile, points, carried, inner, unroll, here, extents)
            return carried
        lower, upper = self.bounds(dim, tile, extents[dim - self.parallel])
        body = Block([index, *(v.type for v in carried)])
        with self.emit.scope(body), self.known_inside(dim):
            here = list(taps)
            here[dim - self.parallel] = self.emit.symbol(body.arguments[0], 0, extents[dim - self.parallel] - 1)
            following = self.reduction_level(tile, points, list(body.arguments[1:]), inner, unroll, here, extents)
            self.emit.add(loop.Yield(following))
        return self.emit.add(loop.For(lower, upper, carried, contents=Region(body))).outputs

    def written_out(
        self, points: Sequence[Point], carried: list[Value], unroll: Sequence[int], taps: list[Affine], extents: Sequence[int]
    ) -> list[Value]:
        """The body for every combination of the unrolled reduction dims."""
        for combination in itertools.product(*(range(extents[dim - self.parallel]) for dim in unroll)):
            place = list(taps)
            for dim, value in zip(unroll, combination, strict=True):
                place[dim - self.parallel] = Affine((), value)
            carried = [self.term(point, place, value) for point, value in zip(points, carried, strict=True)]
        return carried

    def term(self, point: Point, taps: Sequence[Affine], accumulator: Value) -> Value:
        """The accumulator after one point of the reduction; unchanged where a skippable input lies outside."""
        emit, root = self.emit, self.domain.root
        assert root is not None
        at = [*point.at, *taps]
        for guard in self.guards:
            if guard.skippable:
                low, high = guard.subscript.substitute(at).range(emit.all_ranges())
                if high < 0 or low >= guard.extent:
                    return accumulator
        emit.valid = point.valid
        value = emit.body_value(root, [*emit.inputs(root, at), accumulator], at)
        emit.valid = 0
        return emit.widen(value, lanes_of(accumulator.type))

    def bounds(self, dim: int, tile: Tile, extent: int) -> tuple[Value, Value]:
        """From where to where a reduction loop runs so that its clamped subscripts stay inside."""
        emit = self.emit
        lower, upper = emit.index(0), emit.index(extent)
        for guard in self.clamped.get(dim, []):
            factor = guard.subscript.coefficient(dim)
            rest = (guard.subscript - d(dim) * factor).substitute(tile.base)
            first = ((rest * -1 + (factor - 1)) // factor).simplify(emit.all_ranges())
            stop = ((rest * -1 + (guard.extent - 1)) // factor + 1).simplify(emit.all_ranges())
            if first.range(emit.all_ranges())[1] > 0:
                lower = emit.add(arith.MaxSI(lower, emit.affine(first))).output
            if stop.range(emit.all_ranges())[0] < extent:
                upper = emit.add(arith.MinSI(upper, emit.affine(stop))).output
        return lower, upper

    @contextmanager
    def known_inside(self, dim: int) -> Iterator[None]:
        """Inside a clamped loop its guarded subscripts need no condition."""
        keys = [(guard.view, guard.axis) for guard in self.clamped.get(dim, [])]
        self.emit.inside.update(dict.fromkeys(keys))
        yield
        for key in keys:
            del self.emit.inside[key]

    def reduce_lanes(self, tile: Tile, points: Sequence[Point]) -> list[Value]:
        """A reduction along the vector dim: lanes collect parts, which are combined at the end; what is left over goes one by one."""
        root, schedule, emit = self.domain.root, self.schedule, self.emit
        assert root is not None
        assert root.init is not None
        kind = combiner(root)
        assert kind is not None, "lanes of a reduction without a combiner"
        position = schedule.vector - self.parallel
        extent, count = self.extents[schedule.vector], schedule.lanes
        whole, rest = divmod(extent, count)
        element = root.init.type
        first = emit.constant(Number(neutral(kind, element), VectorType(count, element)))  # type: ignore[arg-type]
        emit.lanes = count
        values = self.lane_loop(tile, points, [first] * len(points), position, whole)
        emit.lanes = 1
        scalars = [emit.add(loop.Reduce(value, kind=kind)).output for value in values]  # type: ignore[arg-type]
        start = emit.constant(root.init)
        scalars = [self.combine(kind, start, value) for value in scalars]
        if rest:
            extents = list(self.extents[self.parallel :])
            for left in range(rest):
                extents[position] = 1
                scalars = self.lane_level(tile, points, scalars, position, Affine((), whole * count + left), extents)
        return scalars

    def lane_loop(self, tile: Tile, points: Sequence[Point], carried: list[Value], position: int, whole: int) -> list[Value]:
        """All other reduction loops around one over whole vectors."""
        emit, count = self.emit, self.schedule.lanes
        body = Block([index, *(v.type for v in carried)])
        extents = list(self.extents[self.parallel :])
        extents[position] = 1
        with emit.scope(body):
            lane = emit.symbol(body.arguments[0], 0, max(whole - 1, 0)) * count + d(LANE)
            emit.add(loop.Yield(self.lane_level(tile, points, list(body.arguments[1:]), position, lane, extents)))
        return emit.add(loop.For(emit.index(0), emit.index(whole), carried, contents=Region(body))).outputs

    def lane_level(
        self, tile: Tile, points: Sequence[Point], carried: list[Value], position: int, lane: Affine, extents: list[int]
    ) -> list[Value]:
        unroll = [dim for dim in self.schedule.unroll if dim != self.schedule.vector]
        dims = [dim for dim in self.schedule.reduction if dim != self.schedule.vector and self.extents[dim] != 1]
        taps: list[Affine] = [Affine()] * len(extents)
        taps[position] = lane
        return self.reduction_level(tile, points, carried, dims, unroll, taps, extents)

    def combine(self, kind: str, a: Value, b: Value) -> Value:
        """Two partial results of a reduction as one."""
        is_float = isinstance(element_of(a.type), FloatType)
        classes = {
            "add": (arith.AddI, arith.AddF),
            "mul": (arith.MulI, arith.MulF),
            "max": (arith.MaxSI, arith.MaximumF),
            "min": (arith.MinSI, arith.MinimumF),
        }
        return self.emit.add(classes[kind][is_float](a, b)).output
