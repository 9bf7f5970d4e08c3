"""Masked kernels that walk a list of runs: register tiles of scattered pixels.

    the padding around the result
    for every share of the list, or every block of channels where weights are large (among threads)
        for the blocks that the schedule's order has outside of the pixels
            if so many pixels are active that this is faster: all register tiles
            else
                the background where no pixel is active, if anybody reads it
                for every few runs of the list, for the blocks inside of the pixels: one register tile of them

Every thread meets the same runs, or as many of them, so that the work is balanced however the mask looks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from ...dialects import arith, lanes, loop, tensor
from ...dialects.ir.affine import Affine
from ...dialects.ir.operation import Argument, Block, Region, Value
from ...dialects.ir.types import index
from ...dialects.tensor.view import tensor_type
from ..analysis.domain import Guard
from .borders import Slab, store_borders
from .loop_nest import KernelLowering, Segment
from .register_tile import Tile

__all__ = ["RunsLowering"]


PARTS = 64
"""Parts of the list that are dealt out, so that any few threads get nearly as much each."""


class RunsLowering(KernelLowering):
    """Lowers a kernel whose output is chosen by runs."""

    share: tuple[Affine, ...] = ()  # the first of this thread's parts of the list, and the one behind its last

    @property
    def choice(self) -> tensor.Masked:
        """The choice that the kernel ends in."""
        masked = self.domain.masked
        assert masked is not None
        return masked

    def step(self, dim: int) -> int:
        return min(self.schedule.block, self.extents[dim]) if dim == self.schedule.vector else super().step(dim)

    @property
    def is_shared(self) -> bool:
        """Whether the threads share the list; otherwise they share the blocks of channels, and each walks all of it."""
        return self.schedule.parallel in self.domain.chosen

    @property
    def walked(self) -> list[int]:
        """The dims along which runs are chosen, without those that others have taken in."""
        return [dim for dim in self.domain.chosen if self.extents[dim] > 1] or [self.domain.chosen[-1]]

    def lower(self) -> None:
        whole = Tile((Affine(),) * self.parallel, (1,) * self.parallel, ())
        store = partial(store_borders, self.domain, self.results, self.emit, self.schedule.lanes)
        if self.schedule.parallel < 0:
            store()
            self.block(self.outer, whole)
        elif self.is_shared:
            body = Block([index, index])
            with self.emit.scope(body):
                self.share = tuple(self.emit.symbol(bound, 0, PARTS) for bound in body.arguments)
                if any(output.border is not None for output in self.domain.outputs):
                    self.emit.only_if(self.emit.compare("eq", body.arguments[0], 0), store)
                self.block(self.outer, whole)
                self.emit.add(loop.Yield([]))
            self.emit.add(loop.Share(parts=PARTS, contents=Region(body)))
        else:
            dim, *others = self.outer
            self.parallel_segments(dim, self.segments(dim), partial(self.block_alone, dim, others, whole))

    def block_alone(self, dim: int, others: list[int], whole: Tile, at: Affine, segment: Segment) -> None:
        """The block of channels that one thread does, with the padding beside it."""
        slab = Slab(dim, at, segment.size, self.extents[dim])
        store_borders(self.domain, self.results, self.emit, self.schedule.lanes, slab)
        self.block(others, whole.part(dim, at, segment.size))

    @property
    def outer(self) -> list[int]:
        """The dims of blocks around the pixels."""
        return list(self.schedule.order[: self.schedule.order.index(self.domain.chosen[0])])

    @property
    def inner(self) -> list[int]:
        """The dims of blocks at every pixel."""
        return list(self.schedule.order[self.schedule.order.index(self.domain.chosen[-1]) + 1 :])

    def blocks(self, dims: Sequence[int], whole: Tile, make: Callable[[Tile], None]) -> None:
        """Loops over blocks."""
        if not dims:
            make(whole)
            return
        dim, *others = dims
        for segment in self.segments(dim):
            self.each_tile(segment, self.step(dim), lambda at, s: self.blocks(others, whole.part(dim, at, s.size), make))

    def block(self, dims: Sequence[int], whole: Tile) -> None:
        """The loops around the pixels, then these."""
        if dims:
            self.blocks(dims, whole, partial(self.block, []))
            return
        count = self.number(Affine())
        if not self.schedule.dense_from:
            self.listed(whole, count)
            return
        are_many = self.emit.compare("sge", count, self.schedule.dense_from)
        self.emit.only_if(are_many, partial(self.everything, self.walked, whole), partial(self.listed, whole, count))

    def number(self, at: Affine) -> Value:
        """An element of the list as an index."""
        runs = self.choice.runs
        assert isinstance(runs, Argument)
        return self.emit.add(lanes.IndexCast(self.emit.load(runs, [at]), to=index)).output

    # Everything.

    def everything(self, dims: list[int], whole: Tile) -> None:
        """All register tiles of a block, or of this share of it; the choice is a selection, element by element."""
        if not dims:
            self.blocks(self.inner, whole, self.dense_tiles)
            return
        dim, *others = dims
        inside = partial(self.everything_at, others, whole, dim)
        if dim == self.walked[0]:
            self.shared_tiles(dim, inside)
            return
        for segment in self.segments(dim):
            self.each_tile(segment, self.step(dim), inside)

    def dense_tiles(self, block: Tile) -> None:
        """The register tiles of a block of channels, of which one for runs may cover several."""
        dim = self.schedule.vector
        step, size = (self.schedule.tile[dim], block.size[dim]) if dim >= 0 else (1, 1)
        for start in range(0, size, step):
            if self.schedule.prefetch:
                self.fetch_among_all(block, start // step, math.ceil(size / step))
            self.tiles.tile([block.part(dim, Affine((), start), min(step, size - start)) if dim >= 0 else block])

    def fetch_among_all(self, block: Tile, part: int, parts: int) -> None:
        """Fetch ahead in one of several parts of a block of channels at one place, among all places of this share."""
        number, count = self.place_among(block, self.walked)
        tiles = self.emit.index(count * parts)
        if self.is_shared:
            rows = math.ceil(self.extents[self.walked[0]] / self.step(self.walked[0]))
            first, end = (bound * rows // PARTS * (count // rows) for bound in self.share)
            number -= first
            tiles = self.emit.add(arith.MaxSI(self.emit.affine((end - first) * parts), self.emit.index(1))).output
        self.fetch_ahead(block, number * parts + part, tiles)

    def everything_at(self, others: list[int], whole: Tile, dim: int, at: Affine, segment: Segment) -> None:
        part = whole.part(dim, at, segment.size)
        self.everything(others, replace(part, border=(*part.border, dim)) if segment.is_border else part)

    def shared_tiles(self, dim: int, make: Callable[[Affine, Segment], None]) -> None:
        """Loops over this share of the tiles of a dim."""
        step = self.step(dim)
        for segment in self.segments(dim):
            if not self.is_shared:
                self.each_tile(segment, step, make)
                continue
            first, end = (self.emit.affine(bound * segment.count // PARTS + segment.start) for bound in self.share)
            with self.emit.loop(first, end, segment.start, segment.start + segment.count - 1) as counter:
                make(counter * step, segment)

    # The list.

    def listed(self, whole: Tile, count: Value) -> None:
        """The background, if it is read, then the runs of the list, or this share of them, several at a time."""
        if self.choice.background not in (None, self.shared):
            first, *others = self.walked
            self.shared_tiles(first, partial(self.background_at, others, whole, first))
        together, most = self.schedule.runs, self.most_runs
        groups = self.emit.affine((self.emit.symbol(count, 0, most) + (together - 1)) // together)
        begin, end = self.part_of(groups, -(-most // together))
        dense, clamped = self.tiles.schedule, self.tiles.clamped
        self.tiles.schedule = replace(dense, reduction=dense.run_reduction, unroll=dense.run_unroll, together=dense.run_together)
        left = {dim: [guard for guard in guards if self.fits_all_runs(guard)] for dim, guards in clamped.items()}
        self.tiles.clamped = {dim: guards for dim, guards in left.items() if guards}
        with self.emit.loop(begin, end, 0, max(-(-most // together) - 1, 0)) as counter, self.emit.known(self.choice, True):
            if self.schedule.prefetch:
                number = counter - self.emit.symbol(begin, 0, -(-most // together))
                self.fetch_ahead(whole, number, self.emit.add(arith.SubI(end, begin)).output)
            self.group(whole, counter * together, count)
            self.tiles.ahead = None
        self.tiles.schedule, self.tiles.clamped = dense, clamped

    def fits_all_runs(self, guard: Guard) -> bool:
        """Whether bounds of a loop may keep a window inside for several runs: those along the outermost dim, by which the list is in order.

        In margins of the others zeros are read.
        """
        return not guard.stored or {dim for dim in guard.subscript.dims() if dim < self.parallel} == {self.walked[0]}

    @property
    def most_runs(self) -> int:
        """How many runs there can be."""
        runs = self.choice.runs
        assert runs is not None
        return tensor_type(runs).extents[0] - 1

    def part_of(self, count: Value, most: int) -> tuple[Value, Value]:
        """First and end of this share of `count` things."""
        if not self.is_shared:
            return self.emit.index(0), count
        bounds = []
        for bound in self.share:
            product = self.emit.add(arith.MulI(count, self.emit.affine(bound))).output
            bounds.append(self.emit.affine(self.emit.symbol(product, 0, most * PARTS) // PARTS))
        return bounds[0], bounds[1]

    def group(self, whole: Tile, first: Affine, count: Value) -> None:
        """A register tile of runs; behind the end of the list the last one is computed again, and not stored."""
        last = self.emit.add(arith.SubI(count, self.emit.index(1))).output
        pieces, conditions = [], []
        for i in range(self.schedule.runs):
            number = self.emit.affine(first + i)
            conditions.append(self.emit.add(lanes.CmpI.of("slt", number, count)).output if i else None)
            if i:
                number = self.emit.add(arith.MinSI(number, last)).output
            pieces.append(self.run_piece(whole, self.emit.symbol(number, 0, self.most_runs - 1) + 1))  # behind their number
        if self.domain.guards_of_chosen(self.guards):
            for i in range(self.choice.length):  # the bounds of a loop keep a window inside for one pixel at a time
                (pixel,) = (piece.part(self.domain.chosen[-1], Affine((), i), 1) for piece in pieces)
                self.blocks(self.inner, whole, lambda block, pixel=pixel: self.tiles.tile([self.over(pixel, block)]))  # type: ignore[misc]
        else:
            self.blocks(self.inner, whole, lambda block: self.tiles.tile([self.over(piece, block) for piece in pieces], conditions))

    def over(self, piece: Tile, block: Tile) -> Tile:
        """A run's pixels in a block of channels."""
        base, size = list(piece.base), list(piece.size)
        for dim in self.inner:
            base[dim], size[dim] = block.base[dim], block.size[dim]
        return Tile(tuple(base), tuple(size), piece.border)

    def run_piece(self, whole: Tile, at: Affine) -> Tile:
        """Where an element of the list says that a run is."""
        *_, last = chosen = self.domain.chosen
        pixels, length = math.prod(self.extents[dim] for dim in chosen), self.choice.length
        number = self.number(at)
        for dim in chosen:  # by arithmetic of its own: a map would be written out again at every use, inside the loops
            pixels //= self.extents[dim]
            if self.extents[dim] > 1:
                subscript = number if pixels == 1 else self.emit.add(arith.DivSI(number, self.emit.index(pixels))).output
                number = self.emit.add(arith.RemSI(number, self.emit.index(pixels))).output
                place = self.emit.symbol(subscript, 0, self.extents[dim] - (length if dim == last else 1))
                whole = whole.part(dim, place, length if dim == last else 1)
        return whole

    def background_at(self, others: list[int], whole: Tile, dim: int, at: Affine, segment: Segment) -> None:
        """The background of what is not active, pixel by pixel."""
        step = segment.size
        with self.emit.loop(self.emit.index(0), self.emit.index(step), 0, step - 1) as counter:
            here = whole.part(dim, at + counter, 1)
            if others:
                for inner in self.segments(others[0]):
                    self.each_tile(inner, self.step(others[0]), partial(self.background_at, others[1:], here, others[0]))
                return
            with self.emit.known(self.choice, False):
                store = partial(self.blocks, self.inner, here, self.tiles.background)
                is_active = self.emit.is_active(self.choice, self.domain.outputs[0].map.compose(here.base))
                self.emit.only_if(is_active, lambda: None, store)
