"""Random programs of the loop stage, for hypothesis: nests with carried values, loads and stores in bounds, vectors, conditions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from generate_tensor import FLOATS
from intaglio.dialects import arith, lanes, loop
from intaglio.dialects.func import Function, Module
from intaglio.dialects.ir.affine import Affine, AffineMap, Range, constant, d
from intaglio.dialects.ir.builder import Builder
from intaglio.dialects.ir.location import Location, Node
from intaglio.dialects.ir.operation import Block, Region, Value
from intaglio.dialects.ir.types import BufferType, Type, VectorType, f32, index, vector

LANES = 4


@dataclass(slots=True)
class Scope:
    """What can be used at a place: buffers, counters with their ranges, and numbers (scalars and vectors of f32)."""

    buffers: Sequence[Value]
    counters: list[tuple[Value, Range]] = field(default_factory=list)
    numbers: list[Value] = field(default_factory=list)

    def inner(self) -> Scope:
        return Scope(self.buffers, [*self.counters], [*self.numbers])

    def of(self, type_: Type) -> list[Value]:
        return [value for value in self.numbers if value.type == type_]


@st.composite
def loop_programs(draw: DrawFn) -> Module:
    """A module with one function `main` of f32 buffers; it verifies, and stays inside of them."""
    module = Module.empty()
    shapes = draw(st.lists(st.lists(st.sampled_from((4, 6, 1, 3, 8)), max_size=3), min_size=1, max_size=3))
    function = module.add(Function.make("main", [draw(buffers(shape)) for shape in shapes]))
    build = Builder.at_end(function.body, Location((Node("n", "Loop"),)))
    _statements(draw, build, Scope(function.arguments), depth=3)
    function.close([])
    return module


@st.composite
def buffers(draw: DrawFn, shape: Sequence[int]) -> BufferType:
    """A buffer of this shape, with gaps between its rows, perhaps."""
    strides: list[int] = []
    step = 1
    for extent in reversed(shape):
        strides.append(step)
        step *= extent + draw(st.integers(0, 1)) * (len(strides) > 1)
    return BufferType(tuple(shape), f32, tuple(reversed(strides)))


def _statements(draw: DrawFn, build: Builder, scope: Scope, depth: int) -> None:
    kinds = [_load, _calculate, _store, _load, _calculate, _store, *([_for, _parallel, _if] if depth else [])]
    for _ in range(draw(st.integers(1, 5))):
        draw(st.sampled_from(kinds))(draw, build, scope, depth)


def _number(draw: DrawFn, build: Builder, scope: Scope, type_: Type) -> Value:
    known = scope.of(type_)
    if known and draw(st.integers(0, 4)) > 0:
        newest_first = known[::-1]
        return draw(st.sampled_from(newest_first))
    return build.add(arith.number(draw(st.sampled_from((0.0, 1.0, -2.5))), type_)).output


def _address(draw: DrawFn, scope: Scope, buffer: Value, lanes_read: int) -> tuple[list[Value], AffineMap, int]:
    """Counters, a map of them into the buffer, and the axis along which a vector runs."""
    assert isinstance(buffer.type, BufferType)
    shape = buffer.type.shape
    ranges = [range_ for _, range_ in scope.counters]
    axis = max(len(shape) - 1, 0)
    subscripts: list[Affine] = []
    for dim, extent in enumerate(shape):
        room = extent - (lanes_read - 1 if dim == axis else 0)
        counters = [d(i) for i in range(len(ranges))]
        candidates = [*counters, *(a + 1 for a in counters), *(a // 2 for a in counters), *(a % 2 for a in counters)]
        candidates += [a + b for a in counters for b in counters]
        candidates = [each for each in candidates if each.range(ranges)[0] >= 0 and each.range(ranges)[1] < room]
        subscripts.append(draw(st.sampled_from([*candidates, constant(0), constant(room - 1)])))
    return [value for value, _ in scope.counters], AffineMap(len(ranges), tuple(subscripts)), axis


def _fits(buffer: Value, lanes_read: int) -> bool:
    assert isinstance(buffer.type, BufferType)
    return lanes_read == 1 or (buffer.type.rank > 0 and buffer.type.shape[-1] >= lanes_read)


def _width(draw: DrawFn, buffer: Value) -> tuple[int, int]:
    """Lanes of an access, and how many of them are valid (0: all)."""
    options = [(1, 0), *((LANES, valid) for valid in (0, 3, 1) if _fits(buffer, valid or LANES))]
    return draw(st.sampled_from(options)) if _fits(buffer, 2) else (1, 0)


def _load(draw: DrawFn, build: Builder, scope: Scope, depth: int) -> None:
    buffer = draw(st.sampled_from(scope.buffers))
    width, valid = _width(draw, buffer)
    dims, map_, axis = _address(draw, scope, buffer, valid or width)
    scope.numbers.append(build.add(loop.Load(buffer, dims, map=map_, lanes=width, axis=axis, valid=valid)).output)


def _store(draw: DrawFn, build: Builder, scope: Scope, depth: int) -> None:
    buffer = draw(st.sampled_from(scope.buffers))
    width, valid = _width(draw, buffer)
    dims, map_, axis = _address(draw, scope, buffer, valid or width)
    value = _number(draw, build, scope, vector(width, f32))
    build.add(loop.Store(value, buffer, dims, map=map_, axis=axis, valid=valid))


def _calculate(draw: DrawFn, build: Builder, scope: Scope, depth: int) -> None:
    type_ = vector(draw(st.sampled_from((1, LANES))), f32)
    a, b = (_number(draw, build, scope, type_) for _ in range(2))
    match draw(st.integers(0, 5)):
        case 0:
            made = build.add(lanes.Select(build.add(lanes.CmpF.of("olt", a, b)).output, a, b)).output
        case 1 if isinstance(type_, VectorType):
            made = build.add(loop.Reduce(a, kind=draw(st.sampled_from(("add", "max"))))).output
        case 1:
            made = build.add(loop.Broadcast(a, lanes=LANES)).output
        case _:
            made = build.add(draw(st.sampled_from(FLOATS))(a, b)).results[0]
    scope.numbers.append(made)


def _bounds(draw: DrawFn, build: Builder) -> tuple[Value, Value, int, Range]:
    lower, step = draw(st.integers(0, 1)), draw(st.integers(1, 2))
    upper = draw(st.integers(0, 4))
    first, past = (build.add(arith.index_constant(value)).output for value in (lower, upper))
    return first, past, step, (lower, max(upper - 1, lower))


def _for(draw: DrawFn, build: Builder, scope: Scope, depth: int) -> None:
    lower, upper, step, range_ = _bounds(draw, build)
    carried = [_number(draw, build, scope, vector(width, f32)) for width in draw(st.lists(st.sampled_from((1, LANES)), max_size=2))]
    block = Block([index, *(value.type for value in carried)])
    inside = scope.inner()
    inside.counters.append((block.arguments[0], range_))
    inside.numbers += block.arguments[1:]
    inner = Builder.at_end(block, build.location)
    _statements(draw, inner, inside, depth - 1)
    inner.add(loop.Yield([_number(draw, inner, inside, value.type) for value in carried]))
    scope.numbers += build.add(loop.For(lower, upper, carried, contents=Region(block), step=step)).outputs


def _parallel(draw: DrawFn, build: Builder, scope: Scope, depth: int) -> None:
    """The evaluator takes the turns in order, so that stores of several turns to one place are no matter here."""
    lower, upper, step, range_ = _bounds(draw, build)
    block = Block([index])
    inside = scope.inner()
    inside.counters.append((block.arguments[0], range_))
    inner = Builder.at_end(block, build.location)
    _statements(draw, inner, inside, depth - 1)
    inner.add(loop.Yield([]))
    build.add(loop.Parallel(lower, upper, contents=Region(block), step=step))


def _if(draw: DrawFn, build: Builder, scope: Scope, depth: int) -> None:
    a, b = (_number(draw, build, scope, f32) for _ in range(2))
    condition = build.add(lanes.CmpF.of("ult", a, b)).output
    types = [vector(width, f32) for width in draw(st.lists(st.sampled_from((1, LANES)), max_size=2))]
    blocks = [Block(), Block()]
    for block in blocks:
        inner, inside = Builder.at_end(block, build.location), scope.inner()
        _statements(draw, inner, inside, depth - 1)
        inner.add(loop.Yield([_number(draw, inner, inside, type_) for type_ in types]))
    scope.numbers += build.add(loop.If(condition, then=Region(blocks[0]), otherwise=Region(blocks[1]))).outputs
