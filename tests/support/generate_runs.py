"""Random programs of the tensor stage whose kernels walk lists of runs: windows over padded values, masks behind them. For hypothesis.

All numbers are small integers, so that sums are exact in any order. What nobody needs is NaN in the evaluator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Literal, TypeAlias

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from generate_windows import Layers, shape_of
from intaglio.dialects import arith, tensor
from intaglio.dialects.func import Function, Module
from intaglio.dialects.ir.affine import AffineMap, d
from intaglio.dialects.ir.attributes import Array, Dense, Number
from intaglio.dialects.ir.builder import Builder
from intaglio.dialects.ir.operation import Block, Value
from intaglio.dialects.ir.types import TensorType, f32
from intaglio.passes.analysis.domain import domain
from intaglio.passes.schedule.space import Schedule

CHANNELS = (1, 2, 3, 8, 17)
PADDINGS = {"dense": 0.0, "depthwise": 0.0, "largest": float("-inf")}
Pair: TypeAlias = tuple[int, int]
Background: TypeAlias = Literal["none", "zeros", "residual", "negated residual"]


@dataclass(frozen=True, slots=True)
class Window:
    """A layer: a window over H and W, how far it is padded, and the channels that it makes."""

    kind: str
    channels: int
    kernel: Pair = (1, 1)
    strides: Pair = (1, 1)
    dilations: Pair = (1, 1)
    low: Pair = (0, 0)
    high: Pair = (0, 0)

    def out(self, side: int, axis: int) -> int:
        """How many windows fit along an axis."""
        span = (self.kernel[axis] - 1) * self.dilations[axis] + 1
        return (self.low[axis] + side + self.high[axis] - span) // self.strides[axis] + 1

    def needed(self, flags: Array, sides: Pair) -> Array:
        """The elements that windows at active elements read."""
        found = np.zeros((*flags.shape[:2], *sides), bool)
        for *picture, y, x in np.argwhere(flags):
            for tap in np.ndindex(self.kernel):
                row, column = (at * self.strides[i] + tap[i] * self.dilations[i] - self.low[i] for i, at in enumerate((y, x)))
                if 0 <= row < sides[0] and 0 <= column < sides[1]:
                    found[(*picture, row, column)] = True
        return found


@dataclass(frozen=True, slots=True)
class Choice:
    """What a masked layer keeps: where, in runs of which length, over what, and whether a tensor of its own is added to it before."""

    flags: Array
    length: int
    background: Background
    has_residual: bool
    switches: bool


@dataclass(frozen=True, slots=True)
class RunProgram:
    """A module with one function `main`, and what to call it with."""

    module: Module
    feeds: tuple[Array, ...]


@st.composite
def run_programs(draw: DrawFn) -> RunProgram:
    """One or two masked layers, perhaps behind one that is not; some values are returned beside the last."""
    N, sides = draw(st.integers(1, 2)), (draw(st.integers(1, 5)), draw(st.integers(1, 7)))
    C = draw(st.sampled_from(CHANNELS))
    first = draw(st.sampled_from(("input", "elementwise", "window")))
    shapes: list[tuple[int, ...]] = [(N, C, *sides)]
    windows: list[Window] = []
    for _ in range(draw(st.integers(1, 2)) + (first == "window")):
        windows.append(_window(draw, shapes[-1]))
        shapes.append((N, windows[-1].channels, *(windows[-1].out(n, i) for i, n in enumerate(shapes[-1][2:]))))
    choices = _choices(draw, windows[first == "window" :], shapes[1 + (first == "window") :])
    residuals = [shape for shape, choice in zip(shapes[1 + (first == "window") :], choices, strict=True) if choice.has_residual]
    random = np.random.default_rng(draw(st.integers(0, 3)))
    flags = [_as_activity(choice.flags, random) for choice in choices]
    feeds = [random.integers(-4, 5, shapes[0]).astype(np.float32), *flags]
    feeds += [random.integers(-4, 5, shape).astype(np.float32) for shape in residuals]
    function = Function.make("main", [TensorType(feed.shape, f32) for feed in feeds], [f"x{i}" for i in range(len(feeds))])
    build = Layers(block=function.body)
    values: list[Value] = [function.arguments[0] if first != "elementwise" else pointwise(build, arith.NegF, function.arguments[0])]
    given = iter(function.arguments[1:])
    active = [next(given) for _ in choices]
    for i, window in enumerate(windows):
        value = layer(build, window, values[-1], random)
        number = i - (first == "window")
        if number >= 0:
            residual: Value | None = next(given) if choices[number].has_residual else None
            if residual is not None and draw(st.booleans()):  # in the arena, where it may be overwritten
                residual = pointwise(build, arith.NegF, residual)
            value = masked(build, value, active[number], choices[number], residual)
        values.append(value)
    also = [value for value in values[:-1] if draw(st.integers(0, 3)) == 0]
    also += [pointwise(build, arith.NegF, value) for value in values[:1] if draw(st.booleans())]
    module = Module.empty()
    module.add(function).close([values[-1], *also])
    return RunProgram(module, tuple(feeds))


def _window(draw: DrawFn, shape: Sequence[int]) -> Window:
    kind = draw(st.sampled_from(("dense", "dense", *PADDINGS)))
    channels = draw(st.sampled_from(CHANNELS)) if kind == "dense" else shape[1]
    made = Window(kind, channels)
    for axis in range(2):
        drawn = [draw(st.integers(low, high)) for low, high in ((1, 3), (1, 2), (1, 2), (0, 2), (0, 2))]
        pairs = zip((made.kernel, made.strides, made.dilations, made.low, made.high), drawn, strict=True)
        kernel, strides, dilations, low, high = ((n, pair[1]) if axis == 0 else (pair[0], n) for pair, n in pairs)
        wider = replace(made, kernel=kernel, strides=strides, dilations=dilations, low=low, high=high)
        made = wider if wider.out(shape[2 + axis], axis) > 0 else made
    return made


def _choices(draw: DrawFn, windows: Sequence[Window], shapes: Sequence[Sequence[int]]) -> list[Choice]:
    """The masks of all layers, found from the last one back: without background a value must be there wherever windows read it."""
    pictures = draw(st.sampled_from((1, shapes[-1][0])))
    choices: list[Choice] = []
    for window, shape in reversed([*zip((*windows[1:], None), shapes, strict=True)]):
        width = shape[3]
        has_residual, switches = draw(st.booleans()), draw(st.booleans())
        behind: tuple[Background, ...] = ("zeros", "residual", "negated residual") if has_residual else ("zeros",)
        background: Background = draw(st.sampled_from(("none", *behind)))
        length = draw(st.sampled_from([n for n in range(1, min(width, 4) + 1) if background == "none" or width % n == 0]))
        coarse = width // length if background != "none" else width
        flags = _flags(draw, (pictures, 1, shape[2], coarse)).repeat(width // coarse, axis=3)
        if window is not None and background == "none":
            flags = window.needed(choices[0].flags, (shape[2], width)) | (flags if draw(st.booleans()) else False)
        choices.insert(0, Choice(flags, length, background, has_residual, switches))
    return choices


def _flags(draw: DrawFn, shape: tuple[int, ...]) -> Array:
    """None, all, a single one, or any."""
    match draw(st.integers(0, 7)):
        case 0:
            return np.zeros(shape, bool)
        case 1:
            return np.ones(shape, bool)
        case 2:
            flags = np.zeros(prod(shape), bool)
            flags[draw(st.integers(0, prod(shape) - 1))] = True
            return flags.reshape(shape)
    return np.array(draw(st.lists(st.booleans(), min_size=prod(shape), max_size=prod(shape)))).reshape(shape)


def _as_activity(flags: Array, random: np.random.Generator) -> Array:
    """What is not zero is active, NaN as well."""
    values: Array = random.choice([1.0, -2.0, np.nan], flags.shape)
    values[flags == 0] = 0.0
    return values.astype(np.float32)


def layer(build: Layers, window: Window, value: Value, random: np.random.Generator) -> Value:
    """A contraction over channels and taps, one over taps alone, or the largest element."""
    N, C, *sides = shape_of(value)
    out = [window.out(n, i) for i, n in enumerate(sides)]
    if any((*window.low, *window.high)):
        extents = (N, C, *(window.low[i] + n + window.high[i] for i, n in enumerate(sides)))
        map_ = AffineMap(4, (d(0), d(1), d(2) - window.low[0], d(3) - window.low[1]))
        padding = Number(PADDINGS[window.kind], f32)
        value = build.add(tensor.View(value, extents=extents, map=map_, padding=padding)).output
    taps = [d(5 if window.kind == "dense" else 4), d(6 if window.kind == "dense" else 5)]
    place = [d(2 + i) * window.strides[i] + tap * window.dilations[i] for i, tap in enumerate(taps)]
    channel = d(4) if window.kind == "dense" else d(1)
    extents = (N, window.channels, *out, *((C,) if window.kind == "dense" else ()), *window.kernel)
    if window.kind == "largest":
        init = Number(float("-inf"), f32)
        return build.compute([value], [[d(0), channel, *place]], extents, 4, init, _combined(arith.MaximumF))
    shape = (window.channels, *((C,) if window.kind == "dense" else ()), *window.kernel)
    weights = build.add(tensor.Constant(value=Dense(random.integers(-1, 2, shape).astype(np.float32)))).output
    read = [d(1), *([channel] if window.kind == "dense" else []), *taps]
    return build.compute([value, weights], [[d(0), channel, *place], read], extents, 4, Number(0.0, f32), _combined(arith.AddF))


def _combined(combine: type[arith.AddF | arith.MaximumF]) -> Block:
    """The accumulator with the element, or with the product of two."""
    body = Block([f32] * (3 if combine is arith.AddF else 2))
    build = Builder.at_end(body)
    term = body.arguments[0] if combine is arith.MaximumF else build.add(arith.MulF(*body.arguments[:2])).output
    build.add(tensor.Yield([build.add(combine(body.arguments[-1], term)).output]))
    return body


def pointwise(build: Layers, operation: type[arith.NegF | arith.AddF], *values: Value) -> Value:
    """An operation on every element."""
    shape = shape_of(values[0])
    body = Block([f32] * len(values))
    inner = Builder.at_end(body)
    inner.add(tensor.Yield([inner.add(operation(*body.arguments)).results[0]]))
    return build.compute(values, [[*map(d, range(len(shape)))]] * len(values), shape, len(shape), None, body)


def masked(build: Layers, value: Value, active: Value, choice: Choice, residual: Value | None) -> Value:
    """The layer's value where it is active, after its residual is added to it."""
    N, K, *_ = shape_of(value)
    background: Value | None = None
    match choice.background:
        case "zeros":
            zero = build.add(tensor.Constant(value=Dense(np.zeros((), np.float32)))).output
            background = build.add(tensor.View(zero, extents=shape_of(value), map=AffineMap(4, ()))).output
        case "residual":
            background = residual
        case "negated residual" if residual is not None:
            background = pointwise(build, arith.NegF, residual)
    value = value if residual is None else pointwise(build, arith.AddF, value, residual)
    runs = build.add(tensor.ListRuns(active, length=choice.length)).output
    unit = (N // shape_of(active)[0], K, 1, 1)
    return build.add(tensor.Masked(value, active, background, runs, unit=unit, length=choice.length, switches=choice.switches)).output


@dataclass(frozen=True, slots=True)
class Decisions:
    """What a schedule shall decide, among what the lowering allows: how many runs a register tile takes at most, from how many runs on
    everything is computed (where it may be), whether blocks of channels stand around the pixels, which loop the threads share (-1: none;
    of a kernel with runs an even one is the list, an odd one the outermost blocks), and whether the next block's weights are fetched."""

    runs: int
    dense_from: int
    blocks_outside: bool
    shared: int
    prefetch: bool

    def impose(self, kernel: tensor.Kernel) -> None:
        """Change the schedule that was chosen for a kernel."""
        schedule = Schedule.parse(kernel.schedule)
        kernel.schedule = str(self.with_runs(schedule, domain(kernel).chosen) if schedule.runs else self.without(schedule))

    def with_runs(self, schedule: Schedule, chosen: tuple[int, ...]) -> Schedule:
        blocks = tuple(dim for dim in schedule.order if dim not in chosen)
        outside = self.blocks_outside and blocks
        shared = -1 if self.shared < 0 else blocks[0] if outside and self.shared % 2 else chosen[0]
        return replace(
            schedule,
            runs=min(self.runs, schedule.runs),
            dense_from=self.dense_from if schedule.dense_from else 0,
            order=(*blocks, *chosen) if outside else (*chosen, *blocks),
            parallel=shared,
            prefetch=int(self.prefetch and bool(outside) and schedule.vector in blocks),
        )

    def without(self, schedule: Schedule) -> Schedule:
        if self.prefetch and schedule.vector in schedule.order:
            others = (dim for dim in schedule.order if dim != schedule.vector)
            schedule = replace(schedule, order=(schedule.vector, *others), prefetch=1)
        if self.shared < 0 or not schedule.order:
            return replace(schedule, parallel=-1)
        dim = schedule.order[self.shared % len(schedule.order)]
        return replace(schedule, order=(dim, *(other for other in schedule.order if other != dim)), parallel=dim)


decisions = st.builds(Decisions, st.integers(1, 6), st.integers(1, 12), st.booleans(), st.integers(-1, 3), st.booleans())
