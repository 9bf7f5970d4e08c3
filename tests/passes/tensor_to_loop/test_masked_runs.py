"""Kernels that walk lists of runs mean the same as loops and as machine code, whatever is active and whatever the schedule decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from generate_runs import Choice, Decisions, RunProgram, Window, decisions, layer, masked, pointwise, run_programs
from generate_windows import Layers
from intaglio.dialects import arith
from intaglio.dialects.func import Function, Module
from intaglio.dialects.ir.attributes import Array
from intaglio.dialects.ir.evaluator import evaluate
from intaglio.dialects.ir.operation import Value
from intaglio.dialects.ir.printer import print_operation
from intaglio.dialects.ir.types import TensorType, f32
from intaglio.dialects.tensor import Kernel
from intaglio.passes.schedule.space import Schedule
from loops import native
from programs import assert_specified
from stages import NAN_BYTE, RUBBISH, run_loops, to_loops

TARGETS = ("x86-64-v4", "x86-64-v2", "cortex-m4")
EXAMPLES = settings(
    max_examples=40,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    report_multiple_bugs=False,
    deadline=None,
)


def results(module: Module, program: RunProgram) -> list[Array]:
    return [np.asarray(each) for each in evaluate(module, "main", list(program.feeds))]


@pytest.mark.parametrize("before", [RUBBISH, NAN_BYTE])
@pytest.mark.parametrize("target", TARGETS)
def test_runs_become_loops_that_give_the_same(target: str, before: int) -> None:
    @EXAMPLES
    @given(run_programs(), decisions)
    def hold(program: RunProgram, decided: Decisions) -> None:
        note(print_operation(program.module))
        wanted = results(program.module, program)
        loops = to_loops(program.module, target, impose=decided.impose)
        assert_specified(run_loops(loops, program.feeds, wanted, before), wanted)

    hold()


@settings(EXAMPLES, max_examples=60)
@given(run_programs(), decisions, st.sampled_from((1, 2, 3)))
def test_compiled_runs_give_the_same(program: RunProgram, decided: Decisions, threads: int) -> None:
    note(print_operation(program.module))
    wanted = results(program.module, program)
    compiled = native(to_loops(program.module, "host", impose=decided.impose), threads)
    names = [f"x{i}" for i in range(len(program.feeds))]
    got = list(compiled.run(dict(zip(names, program.feeds, strict=True))).values())
    compiled.close()
    assert_specified(got, wanted)


# What random programs found, each as small as it goes.


def program(windows: Sequence[Window], choices: Sequence[Choice], shape: tuple[int, ...], residual: bool = False) -> RunProgram:
    """Masked layers in a row; the first may have a tensor added to it, which lies in the arena."""
    random = np.random.default_rng(0)
    feeds = [random.integers(-4, 5, shape).astype(np.float32), *(choice.flags.astype(np.float32) for choice in choices)]
    feeds += [random.integers(1, 5, shape).astype(np.float32)] * residual
    function = Function.make("main", [TensorType(feed.shape, f32) for feed in feeds], [f"x{i}" for i in range(len(feeds))])
    build = Layers(block=function.body)
    value: Value = function.arguments[0]
    added = pointwise(build, arith.NegF, function.arguments[-1]) if residual else None
    for i, (window, choice) in enumerate(zip(windows, choices, strict=True)):
        value = masked(build, layer(build, window, value, random), function.arguments[1 + i], choice, None if i else added)
    module = Module.empty()
    module.add(function).close([value])
    return RunProgram(module, tuple(feeds))


def assert_same_loops(made: RunProgram, target: str) -> None:
    wanted = results(made.module, made)
    assert_specified(run_loops(to_loops(made.module, target), made.feeds, wanted), wanted)


@pytest.mark.parametrize("target", TARGETS)
def test_runs_that_overlap_do_not_overwrite_what_they_read(target: str) -> None:
    """Pairs in a row of three, and a tensor that is added to them where it lies."""
    everything = np.ones((1, 1, 1, 3), bool)
    choices = [Choice(everything, 2, "none", True, False), Choice(everything, 1, "zeros", False, False)]
    assert_same_loops(program([Window("dense", 2)] * 2, choices, (1, 2, 1, 3), residual=True), target)


@pytest.mark.parametrize("target", TARGETS)
def test_runs_are_found_where_columns_lie_behind_each_other(target: str) -> None:
    """Of a window along rows alone, H may lie innermost; the list counts along W all the same."""
    flags = np.arange(12).reshape(1, 1, 6, 2) % 5 == 1
    window = Window("largest", 1, kernel=(1, 3), low=(0, 1), high=(0, 1))
    assert_same_loops(program([window], [Choice(flags, 1, "zeros", False, False)], (1, 1, 6, 2)), target)


def test_bounds_of_a_loop_fit_all_pixels_of_a_run() -> None:
    """In a map of one row the list is in order along W, along which a run has several pixels: the first one's bounds are not theirs."""
    flags = np.arange(6).reshape(1, 1, 1, 6) < 2
    windows = [Window("dense", 8), Window("dense", 8, kernel=(1, 3), low=(0, 1), high=(0, 1))]
    made = program(windows, [Choice(flags | True, 1, "none", False, False), Choice(flags, 2, "zeros", False, True)], (1, 8, 1, 6))

    def pixel_by_pixel(kernel: Kernel) -> None:
        schedule = Schedule.parse(kernel.schedule)
        kernel.schedule = str(replace(schedule, tile=(*schedule.tile[:3], 1)))

    wanted = results(made.module, made)
    assert_specified(run_loops(to_loops(made.module, "x86-64-v2", impose=pixel_by_pixel), made.feeds, wanted), wanted)
