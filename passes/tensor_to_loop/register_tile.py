"""One register tile: accumulators that are carried through the reduction, the epilogue on them, the stores.

A tile may consist of several pieces, which need not be neighbours: then the runs of a mask are reduced together.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from ...dialects import arith, loop, tensor
from ...dialects.ir.affine import Affine, d
from ...dialects.ir.attributes import Number
from ...dialects.ir.operation import Argument, Block, Region, Value
from ...dialects.ir.types import BufferType, FloatType, VectorType, element_of, index, lanes_of, vector
from ..analysis.domain import Domain, Guard, combiner, neutral
from ..analysis.gate import Gate
from ..schedule.space import Schedule
from .emit import LANE, Emitter
from .prefetch import Ahead


@dataclass(frozen=True, slots=True)
class Tile:
    """A register tile under emission: where it begins along each parallel dim, how far it reaches, which of its dims are at a border."""

    base: tuple[Affine, ...]
    size: tuple[int, ...]
    border: tuple[int, ...]

    def part(self, dim: int, offset: Affine, size: int) -> Tile:
        """`size` elements along a dim, `offset` behind the beginning."""
        base = tuple(at + offset if i == dim else at for i, at in enumerate(self.base))
        return replace(self, base=base, size=tuple(size if i == dim else n for i, n in enumerate(self.size)))


@dataclass(frozen=True, slots=True)
class Point:
    """One vector (or scalar) of a register tile: its subscripts, and how many of its lanes are real (0: all)."""

    at: tuple[Affine, ...]
    valid: int


@dataclass(slots=True)
class TileEmitter:
    """Emits register tiles of a kernel. `results`: where each output goes, flat and as it lies; `static`: taps that are written out where a
    tile is at the border along a dim; `clamped`: guards that the bounds of a reduction loop meet; `ahead`: what is fetched meanwhile;
    `pieces`: those of the tile."""

    domain: Domain
    schedule: Schedule
    emit: Emitter
    results: Sequence[tuple[Value, BufferType]]
    guards: Sequence[Guard]
    static: dict[int, tuple[int, ...]] = field(default_factory=dict)
    clamped: dict[int, list[Guard]] = field(default_factory=dict)
    ahead: Ahead | None = None
    pieces: Sequence[Tile] = ()

    @property
    def extents(self) -> tuple[int, ...]:
        return self.schedule.extents

    @property
    def parallel(self) -> int:
        return len(self.domain.parallel)

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

    def tile(self, pieces: Sequence[Tile], conditions: Sequence[Value | None] = ()) -> None:
        """Compute the pieces of a tile together, and store those whose condition holds (None: always).

        What stands at a border is read off the first. Along dims that clamp loops the pieces are in ascending order.
        """
        tile = pieces[0]
        points = [self.points(piece) for piece in pieces]
        together = [point for part in points for point in part]
        self.pieces = pieces
        self.along_lanes()
        if self.is_turned(tile):
            self.turned_block(tile)
            return
        values = iter([None] * len(together) if self.domain.root is None else self.reduce(tile, together))
        for part, condition in zip(points, conditions or [None] * len(pieces), strict=True):
            finish = partial(self.finish, part, [next(values) for _ in part])
            finish() if condition is None else self.emit.only_if(condition, finish)

    def finish(self, points: Sequence[Point], values: Sequence[Value | None]) -> None:
        for point, value in zip(points, values, strict=True):
            self.finish_point(point, value)

    def background(self, tile: Tile) -> None:
        """Store what needs no reduction, because the tile is not active."""
        self.along_lanes()
        for point in self.points(tile):
            self.finish_point(point, None)

    def any_active(self, gate: Gate, tile: Tile) -> Value:
        """Whether any element of a tile is active."""
        self.along_lanes()
        flags = []
        for point in self.points(tile):
            self.emit.valid = point.valid
            flags.append(self.emit.is_active(gate.op, gate.map.compose(point.at)))
        self.emit.valid = 0
        return self.emit.any_of(flags)

    def along_lanes(self) -> None:
        if self.schedule.vector < self.parallel:
            self.emit.lanes = self.schedule.lanes

    def is_turned(self, tile: Tile) -> bool:
        """Whether this is a whole square block, to be turned in registers; what is left at the edges is stored lane by lane."""
        schedule = self.schedule
        return schedule.across >= 0 and tile.size[schedule.across] == tile.size[schedule.vector] == schedule.lanes

    def turned_block(self, tile: Tile) -> None:
        """A square block of elements; where a choice has nothing active in it, only the background is made."""
        masked = self.domain.outputs[0].value.owner
        at = self.activity(tile, masked) if isinstance(masked, tensor.Masked) and len(self.domain.outputs) == 1 else None
        if at is None:
            self.finish_block(tile)
            return
        assert isinstance(masked, tensor.Masked)
        emit = self.emit
        is_active = emit.any_lane(emit.is_active(masked, at))

        def background() -> None:
            with emit.known(masked, False):
                self.finish_block(tile)

        emit.only_if(is_active, partial(self.finish_block, tile), background)

    def activity(self, tile: Tile, masked: tensor.Masked) -> list[Affine] | None:
        """Elements of one row or column of a block that show whether any of it is active; None if that does not tell.

        Every dim has its own tiles, so what is the same along one line is so along those beside it.
        """
        map_ = self.domain.outputs[0].map
        for line, beside in ((self.column, self.row), (self.row, self.column)):
            if masked.background is not None and not self.emit.varies(masked, map_.compose(beside(tile, 0))):
                return list(map_.compose(line(tile, 0)))
        return None

    def finish_block(self, tile: Tile) -> None:
        """Store a square block along `across`; what lies along the vector dim is read along that, and turned."""
        emit, schedule = self.emit, self.schedule
        for number in range(schedule.lanes):
            at = self.column(tile, number)
            with emit.turning(partial(self.turned, number)):
                for output, (flat, type_) in zip(self.domain.outputs, self.results, strict=True):
                    emit.store(emit.value(output.value, output.map.compose(at)), flat, type_, output.place(at))

    def column(self, tile: Tile, number: int) -> list[Affine]:
        """Subscripts of the elements along `across`, at one place along the vector dim."""
        at = list(tile.base)
        at[self.schedule.vector] = at[self.schedule.vector] + number
        at[self.schedule.across] = at[self.schedule.across] + d(LANE)
        return at

    def row(self, tile: Tile, number: int) -> list[Affine]:
        """Subscripts of the elements along the vector dim, at one place along `across`."""
        at = list(tile.base)
        at[self.schedule.vector] = at[self.schedule.vector] + d(LANE)
        at[self.schedule.across] = at[self.schedule.across] + number
        return at

    def turned(self, number: int, argument: Argument, offset: Affine) -> Value:
        """A column of an input whose rows are neighbours in memory: column `number` of the block begins at `offset`, lanes are rows."""
        emit, lanes = self.emit, self.schedule.lanes

        def turn() -> Value:
            rows = [emit.load_at(argument, offset.substitute({LANE: Affine((), row)}) - number, lanes) for row in range(lanes)]
            columns = self.transposed(rows)
            for i, column in enumerate(columns):
                emit.remember((argument, offset + (i - number)), partial(_same, column))
            return columns[number]

        return emit.remember((argument, offset), turn)

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
        for output, (flat, type_) in zip(self.domain.outputs, self.results, strict=True):
            emit.store(emit.value(output.value, output.map.compose(point.at)), flat, type_, output.place(point.at))
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
        lower, upper = self.bounds(dim, extents[dim - self.parallel])
        is_innermost = all(other in unroll for other in inner)
        together = self.schedule.together if is_innermost and dim not in self.clamped else 1
        body = Block([index, *(v.type for v in carried)])
        with self.emit.scope(body), self.known_inside(dim):
            counter = self.emit.symbol(body.arguments[0], 0, extents[dim - self.parallel] - together)
            following: list[Value] = list(body.arguments[1:])
            for turn in range(together):
                if turn:  # its loads come when its products do: accumulators leave registers for one turn's factors only
                    self.emit.add(loop.Fence())
                here = list(taps)
                here[dim - self.parallel] = counter + turn
                following = self.reduction_level(tile, points, following, inner, unroll, here, extents)
                if self.ahead is not None and is_innermost:
                    self.ahead.fetch(self.emit, (*tile.base, *here))
            self.emit.add(loop.Yield(following))
        return self.emit.add(loop.For(lower, upper, carried, contents=Region(body), step=together)).outputs

    def written_out(
        self, points: Sequence[Point], carried: list[Value], unroll: Sequence[int], taps: list[Affine], extents: Sequence[int]
    ) -> list[Value]:
        """The body for every combination of the unrolled reduction dims.

        With vectors piece by piece: what the taps of one share is not kept in registers for the others. Scalars share the weight of a tap.
        """
        size, values = len(points) // (len(self.pieces) if self.schedule.lanes > 1 else 1), list(carried)
        for first in range(0, len(points), size):
            for combination in itertools.product(*(range(extents[dim - self.parallel]) for dim in unroll)):
                place = list(taps)
                for dim, value in zip(unroll, combination, strict=True):
                    place[dim - self.parallel] = Affine((), value)
                for i in range(first, first + size):
                    values[i] = self.term(points[i], place, values[i])
        return values

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

    def bounds(self, dim: int, extent: int) -> tuple[Value, Value]:
        """From where to where a reduction loop runs so that its clamped subscripts stay inside. Of several elements from where the last
        one may begin to where the first one must end; others may read a margin then.
        """
        emit, earliest, last = self.emit, self.pieces[0].base, self.pieces[-1]
        latest = [at + (size - 1) for at, size in zip(last.base, last.size, strict=True)]
        lower, upper = emit.index(0), emit.index(extent)
        for guard in self.clamped.get(dim, []):
            factor = guard.subscript.coefficient(dim)
            rest = guard.subscript - d(dim) * factor
            first = ((rest.substitute(latest) * -1 + (factor - 1)) // factor).simplify(emit.all_ranges())
            stop = ((rest.substitute(earliest) * -1 + (guard.extent - 1)) // factor + 1).simplify(emit.all_ranges())
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


def _same(value: Value) -> Value:
    return value
