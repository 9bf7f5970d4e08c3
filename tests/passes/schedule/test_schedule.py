"""Schedules as values and as text, and what may never come out of the choice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import intaglio.passes.pipelines  # noqa: F401 - registers every pass
from generate_runs import Choice, Window, layer, masked
from generate_windows import Layers, window_programs
from intaglio.dialects import tensor
from intaglio.dialects.func import Function, Module
from intaglio.dialects.ir.types import TensorType, f32
from intaglio.passes.analysis.domain import domain
from intaglio.passes.manager import Pipeline
from intaglio.passes.schedule.cost import accumulator_budget, best_tile
from intaglio.passes.schedule.space import Schedule
from intaglio.targets.load import load_target
from programs import copy

TARGETS = ("x86-64-v4", "x86-64-v2", "aarch64", "cortex-m4", "cortex-m0plus")
numbers = st.lists(st.integers(0, 99), max_size=4).map(tuple)


@given(st.builds(Schedule, numbers, numbers, numbers, st.integers(-1, 9), st.integers(1, 16), numbers, numbers, st.integers(-1, 9)))
def test_the_text_of_a_schedule_gives_it_back(schedule: Schedule) -> None:
    assert Schedule.parse(str(schedule)) == schedule


@pytest.mark.parametrize("text", ["", "extents=1 order=0", "extents=1 order=0 tile=1 colour=red", "extents=a order=0 tile=1", "tile"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Schedule.parse(text)


@pytest.mark.parametrize("name", TARGETS)
def test_chosen_schedules_cover_the_kernel(name: str) -> None:
    """Every parallel dim has a loop and a tile, every reduction dim is a loop; lanes are a power of two that the registers hold."""
    target = load_target(name)

    @settings(max_examples=25, suppress_health_check=list(HealthCheck))
    @given(window_programs())
    def hold(module: Module) -> None:
        chosen = copy(module)
        Pipeline.parse(f"canonicalize,fuse-kernels,assign-layouts,materialize-copies,choose-schedules{{target={name}}}").run(chosen)
        for op in chosen.function("main").body:
            if isinstance(op, tensor.Kernel):
                _holds(Schedule.parse(op.schedule), op, target.vector_bits)

    hold()


def _holds(schedule: Schedule, kernel: tensor.Kernel, vector_bits: int) -> None:
    found = domain(kernel)
    parallel, dims = len(found.parallel), len(found.extents)
    assert sorted(schedule.order) == list(range(parallel))
    assert len(schedule.tile) == parallel
    assert all(1 <= size <= max(extent, 1) for size, extent in zip(schedule.tile, schedule.extents, strict=False))
    assert sorted(schedule.reduction) == list(range(parallel, dims))
    assert set(schedule.unroll) <= set(schedule.reduction)
    assert _product(schedule.extents) == _product(found.extents)
    if schedule.lanes > 1:
        assert schedule.vector >= 0
        assert schedule.lanes & (schedule.lanes - 1) == 0
        assert schedule.lanes * 32 <= vector_bits


def _product(extents: tuple[int, ...]) -> int:
    total = 1
    for extent in extents:
        total *= extent
    return total


@pytest.mark.parametrize("name", TARGETS)
def test_tiles_fit_into_the_registers(name: str) -> None:
    target = load_target(name)
    for rows, vectors, reduction in ((1, 1, 1), (56, 4, 576), (7, 64, 512), (1, 32, 1280), (196, 2, 9)):
        tile = best_tile(rows, vectors, reduction, reduction * 64, target)
        assert 1 <= tile.rows <= rows
        assert 1 <= tile.columns <= vectors
        assert (tile.rows, tile.columns) == (1, 1) or tile.rows * tile.columns + tile.columns + 1 <= accumulator_budget(target)
        assert tile.cycles > 0


@pytest.mark.parametrize(("length", "stride", "written_out"), [(1, 1, False), (2, 1, True), (7, 1, False), (2, 2, False)])
def test_taps_along_runs_are_written_out_where_pixels_share_loads_and_weights_fit(length: int, stride: int, written_out: bool) -> None:
    """A pair of pixels reads four elements for three taps; a lone one shares nothing, and two runs of seven fill the registers.

    With strides the dense form has loops over all taps, and weights lie so that the longest dim is innermost.
    """
    schedule = _schedule_of_runs(length, stride)
    kw = len(schedule.extents) - 1
    assert schedule.run_unroll == ((kw,) if written_out else ())
    assert (schedule.run_reduction[-1] == kw) is written_out
    innermost = kw if stride == 1 else max(schedule.reduction, key=lambda dim: schedule.extents[dim])
    assert schedule.reduction[-1] == innermost


def _schedule_of_runs(length: int, stride: int) -> Schedule:
    flags = np.ones((1, 1, 14, 14), bool)
    window = Window("dense", 64, kernel=(3, 3), strides=(stride, stride), low=(1, 1), high=(1, 1))
    side = 14 * stride
    function = Function.make("main", [TensorType(shape, f32) for shape in ((1, 64, side, side), flags.shape)], ["x", "m"])
    build = Layers(block=function.body)
    value = layer(build, window, function.arguments[0], np.random.default_rng(0))
    value = masked(build, value, function.arguments[1], Choice(flags, length, "zeros", False, True), None)
    module = Module.empty()
    module.add(function).close([value])
    passes = "canonicalize,fuse-kernels,dce,pad-results,assign-layouts,materialize-copies,choose-schedules{target=x86-64-v4}"
    Pipeline.parse(passes).run(module)
    schedules = [Schedule.parse(op.schedule) for op in module.walk() if isinstance(op, tensor.Kernel) and op.schedule]
    (found,) = (schedule for schedule in schedules if schedule.runs)
    return found
