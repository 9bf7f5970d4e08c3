"""Lists of runs hold what their definition says, and so do the loops that make them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from intaglio.dialects import tensor
from intaglio.dialects.func import Function, Module
from intaglio.dialects.ir.attributes import Array
from intaglio.dialects.ir.builder import Builder
from intaglio.dialects.ir.evaluator import evaluate
from intaglio.dialects.ir.types import Scalar, TensorType, f32, i1, i32
from stages import run_loops, to_loops


def lists(active: Array, length: int, element: Scalar) -> tuple[Array, Array]:
    """The list of an activity, from the evaluator and from loops."""
    function = Function.make("main", [TensorType(active.shape, element)], ["active"])
    module = Module.empty()
    made = Builder.at_end(function.body).add(tensor.ListRuns(function.arguments[0], length=length))
    module.add(function).close([made.output])
    (wanted,) = evaluate(module, "main", [active])
    (got,) = run_loops(to_loops(module, "cortex-m4"), [active], [wanted])
    return wanted, got


@given(st.lists(st.integers(1, 3), max_size=2), st.integers(1, 7), st.sampled_from((f32, i32, i1)), st.data())
def test_runs_hold_every_active_element(rows: list[int], extent: int, element: Scalar, data: st.DataObject) -> None:
    length, count = data.draw(st.integers(1, extent)), int(np.prod(rows)) * extent
    flags = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count))).reshape(*rows, extent)
    values = np.where(flags, np.nan if element == f32 else -1, 0).astype(element.dtype)
    wanted, got = lists(values, length, element)
    number, starts = int(wanted[0]), wanted[1 : 1 + int(wanted[0])]
    assert list(starts) == sorted(set(starts.tolist()))
    assert all(start % extent + length <= extent for start in starts)
    held = {int(start) + i for start in starts for i in range(length)}
    assert held >= set(np.flatnonzero(flags).tolist())
    assert all(flags.reshape(-1)[start : start + length].any() for start in starts)
    np.testing.assert_array_equal(got[: 1 + number], wanted[: 1 + number])


def test_the_last_run_ends_with_its_row() -> None:
    """Behind the first run of each row, at 0 and 2, and at 5 and 8 instead of 9."""
    active = np.array([[1, 0, 1, 1, 0], [1, 1, 0, 0, 1]], np.float32)
    for each in lists(active, 2, f32):
        assert each[0] == 4
        assert each[1:5].tolist() == [0, 2, 5, 8]


def test_aligned_stretches_are_held_once() -> None:
    active = np.array([[1, 1, 0, 0, 1, 1], [0, 0, 1, 1, 1, 1]], np.float32)
    for each in lists(active, 2, f32):
        assert each[: 1 + each[0]].tolist() == [4, 0, 4, 8, 10]
