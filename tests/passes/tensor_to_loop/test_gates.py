"""Kernels whose result passes a choice without a list: tiles of which nothing is active are not reduced, and the result is the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from generate_runs import Decisions, Window, decisions, layer, pointwise
from generate_windows import Layers, shape_of
from intaglio.dialects import arith, loop, tensor
from intaglio.dialects.func import Function, Module
from intaglio.dialects.ir.affine import AffineMap
from intaglio.dialects.ir.attributes import Array, Dense
from intaglio.dialects.ir.evaluator import evaluate
from intaglio.dialects.ir.operation import Operation, Value
from intaglio.dialects.ir.printer import print_operation
from intaglio.dialects.ir.types import TensorType, f32
from loops import native
from programs import assert_specified
from stages import NAN_BYTE, RUBBISH, run_loops, to_loops

TARGETS = ("x86-64-v4", "x86-64-v2", "cortex-m4")
EXAMPLES = settings(
    max_examples=30,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    report_multiple_bugs=False,
    deadline=None,
)


@dataclass(frozen=True, slots=True)
class GateProgram:
    """A module with one function `main`, and what to call it with."""

    module: Module
    feeds: tuple[Array, ...]


def program(window: Window, shape: tuple[int, ...], active: Array, background: str, is_followed: bool) -> GateProgram:
    """A layer, chosen where `active` says, perhaps with an operation behind the choice."""
    random = np.random.default_rng(0)
    out = (shape[0], window.channels, *(window.out(n, i) for i, n in enumerate(shape[2:])))
    feeds = [random.integers(-4, 5, shape).astype(np.float32), active]
    feeds += [random.integers(-4, 5, out).astype(np.float32)] * (background == "residual")
    function = Function.make("main", [TensorType(feed.shape, f32) for feed in feeds], [f"x{i}" for i in range(len(feeds))])
    build = Layers(block=function.body)
    value = layer(build, window, function.arguments[0], random)
    unit = tuple(extent // tiles for extent, tiles in zip(out, active.shape, strict=True))
    behind = _background(build, value, background, function)
    value = build.add(tensor.Masked(value, function.arguments[1], behind, None, unit=unit)).output
    module = Module.empty()
    module.add(function).close([pointwise(build, arith.NegF, value) if is_followed else value])
    return GateProgram(module, tuple(feeds))


def _background(build: Layers, value: Value, background: str, function: Function) -> Value | None:
    match background:
        case "residual":  # in the arena, where it may be overwritten
            return pointwise(build, arith.NegF, function.arguments[2])
        case "zeros":
            zero = build.add(tensor.Constant(value=Dense(np.zeros((), np.float32)))).output
            return build.add(tensor.View(zero, extents=shape_of(value), map=AffineMap(4, ()))).output
    return None


@st.composite
def gate_programs(draw: DrawFn) -> GateProgram:
    """Blocks of channels of one picture or all; sometimes pixels too. Windows of all sorts."""
    kind, channels = draw(st.sampled_from(("dense", "dense", "depthwise", "largest"))), draw(st.sampled_from((1, 3, 6, 16, 32, 34)))
    shape = (draw(st.integers(1, 2)), channels if kind != "dense" else draw(st.sampled_from((1, 3, 8))), 5, draw(st.integers(1, 7)))
    size, low = draw(st.sampled_from((1, 3))), draw(st.integers(0, 2))
    kernel = (size, min(size, shape[3]))
    window = Window(kind, channels, kernel, (draw(st.integers(1, 2)), 1), low=(low, kernel[1] // 2), high=(size - 1, kernel[1] // 2))
    blocks = draw(st.sampled_from([n for n in range(1, channels + 1) if channels % n == 0]))
    pixels = draw(st.sampled_from([(1, 1), (1, 1), (1, 1), tuple(window.out(n, i) for i, n in enumerate(shape[2:]))]))
    tiles = (draw(st.sampled_from((1, shape[0]))), blocks, *pixels)
    random = np.random.default_rng(draw(st.integers(0, 9)))
    flags = random.choice([1.0, -2.0, np.nan], tiles) * (random.random(tiles) < draw(st.sampled_from((0.0, 0.3, 1.0))))
    active = np.where(np.isnan(flags) & (random.random(tiles) < 0.5), 0, flags).astype(np.float32)
    background = draw(st.sampled_from(("none", "zeros", "residual")))
    return program(window, shape, active, background, draw(st.booleans()) and background != "none")


def wanted(made: GateProgram) -> list[Array]:
    return [np.asarray(each) for each in evaluate(made.module, "main", list(made.feeds))]


@pytest.mark.parametrize("before", [RUBBISH, NAN_BYTE])
@pytest.mark.parametrize("target", TARGETS)
def test_gates_become_loops_that_give_the_same(target: str, before: int) -> None:
    @EXAMPLES
    @given(gate_programs(), decisions)
    def hold(made: GateProgram, decided: Decisions) -> None:
        note(print_operation(made.module))
        specified = wanted(made)
        loops = to_loops(made.module, target, impose=decided.impose)
        assert_specified(run_loops(loops, made.feeds, specified, before), specified)

    hold()


@settings(EXAMPLES, max_examples=40)
@given(gate_programs(), decisions, st.sampled_from((1, 2, 3)))
def test_compiled_gates_give_the_same(made: GateProgram, decided: Decisions, threads: int) -> None:
    note(print_operation(made.module))
    specified = wanted(made)
    compiled = native(to_loops(made.module, "host", impose=decided.impose), threads)
    names = [f"x{i}" for i in range(len(made.feeds))]
    got = list(compiled.run(dict(zip(names, made.feeds, strict=True))).values())
    compiled.close()
    assert_specified(got, specified)


@pytest.mark.parametrize("background", ["none", "zeros"])
def test_what_is_not_active_is_not_reduced(background: str) -> None:
    """All products stand behind a condition; without a background nothing else is done."""
    made = program(Window("dense", 16, (3, 3)), (1, 3, 5, 7), np.zeros((1, 4, 1, 1), np.float32), background, is_followed=False)
    loops = to_loops(made.module, "cortex-m4")
    products = [op for op in loops.walk() if isinstance(op, arith.MulF)]
    assert products
    assert all(any(isinstance(each, loop.If) for each in _around(op)) for op in products)


def _around(op: Operation) -> Iterator[Operation]:
    """What an operation stands in."""
    while op.parent is not None:
        op = op.parent
        yield op
