"""While one block of channels is computed, the lines of the next block's weights are asked for, and nothing that is there already."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from generate_runs import Choice, Decisions, Window, layer, masked
from generate_windows import Layers
from intaglio.dialects import loop
from intaglio.dialects.func import Function, Module
from intaglio.dialects.ir.attributes import Array
from intaglio.dialects.ir.evaluator import evaluate
from intaglio.dialects.ir.types import TensorType, f32
from programs import assert_specified
from stages import run_loops, to_loops

LINE = 16  # floats
INPUTS, CHANNELS, SIDE = 16, 192, 9
POINT, SQUARE = Window("dense", CHANNELS), Window("dense", CHANNELS, kernel=(3, 3), low=(1, 1), high=(1, 1))


def program(window: Window, flags: Array | None) -> tuple[Module, list[Array]]:
    """One layer; with `flags`, kept where they say."""
    random = np.random.default_rng(0)
    feeds = [random.integers(-4, 5, (1, INPUTS, SIDE, SIDE)).astype(np.float32)]
    feeds += [] if flags is None else [flags.astype(np.float32)]
    function = Function.make("main", [TensorType(feed.shape, f32) for feed in feeds], [f"x{i}" for i in range(len(feeds))])
    build = Layers(block=function.body)
    value = layer(build, window, function.arguments[0], random)
    if flags is not None:
        value = masked(build, value, function.arguments[1], Choice(flags, 1, "zeros", False, True), None)
    module = Module.empty()
    module.add(function).close([value])
    return module, feeds


def few() -> Array:
    flags = np.zeros((1, 1, SIDE, SIDE), bool)
    flags[..., 2:6, 1:7] = True
    return flags


@pytest.mark.parametrize("flags", [None, few(), np.ones((1, 1, SIDE, SIDE), bool)], ids=["unmasked", "some", "all"])
@pytest.mark.parametrize("window", [POINT, SQUARE], ids=["1x1", "3x3"])
def test_the_next_block_is_fetched_in_time_and_whole(window: Window, flags: Array | None, monkeypatch: pytest.MonkeyPatch) -> None:
    module, feeds = program(window, flags)
    wanted = [np.asarray(each) for each in evaluate(module, "main", list(feeds))]
    loops = to_loops(module, "x86-64-v4", impose=Decisions(6, 60, True, -1, True).impose)
    seen: list[tuple[int, int, bool]] = []  # buffer, first element, whether it was only asked for

    def recorded(kind: type[loop.Load | loop.Prefetch]) -> None:
        before = kind.evaluate

        def evaluate_and_record(op: Any, buffer: Array, dims: list[Array]) -> Any:
            seen.append((buffer.__array_interface__["data"][0], op.map.evaluate([int(v) for v in dims])[0], kind is loop.Prefetch))
            return before(op, buffer, dims)

        monkeypatch.setattr(kind, "evaluate", evaluate_and_record)

    recorded(loop.Load)
    recorded(loop.Prefetch)
    assert_specified(run_loops(loops, feeds, wanted), wanted)
    (weights,) = {buffer for buffer, _, is_ahead in seen if is_ahead}
    accesses = [(at, is_ahead) for buffer, at, is_ahead in seen if buffer == weights]
    elements = INPUTS * CHANNELS * window.kernel[0] * window.kernel[1]
    loaded, fetched, missing = 0, set[int](), set[int]()
    for at, is_ahead in accesses:
        if is_ahead:
            assert at > loaded, "what is asked for has been read already"
            fetched.add(at // LINE)
        else:
            loaded = at
            missing |= {at // LINE} - fetched
    first_block = min(at for at, is_ahead in accesses if is_ahead) // LINE
    assert missing >= set(range(first_block))
    left = len(missing) - first_block  # where the last row of windows has no taps in the margin, their turns ask for nothing
    assert left <= (elements // LINE / 20 if window is SQUARE else 0), "only the first block is not asked for"
    assert max(at for at, is_ahead in accesses if not is_ahead) // LINE == elements // LINE - 1
