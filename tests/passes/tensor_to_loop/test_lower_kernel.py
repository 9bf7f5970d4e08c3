"""Kernels mean the same as loops, whatever the target's registers, vectors and masks made of the schedule."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

import intaglio.passes.pipelines  # noqa: F401 - registers every pass
from generate_tensor import tensor_programs
from generate_windows import window_programs
from intaglio.dialects.func import Module
from intaglio.dialects.ir.printer import print_operation
from programs import assert_same
from stages import lowered_outcomes

TARGETS = ("x86-64-v4", "x86-64-v2", "cortex-m4")
# Sums in another order: each of at most a few hundred terms is rounded once more in f32, relative to the largest value met.
RTOL = 1e-5
EXAMPLES = settings(
    max_examples=60,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    report_multiple_bugs=False,
)


@pytest.mark.parametrize("target", TARGETS)
def test_any_program_becomes_loops_that_give_the_same(target: str) -> None:
    @EXAMPLES
    @given(tensor_programs(), st.integers(0, 99))
    def hold(module: Module, seed: int) -> None:
        note(print_operation(module))
        before, after = lowered_outcomes(module, target, seed)
        assert_same(before, after, RTOL)

    hold()


@pytest.mark.parametrize("target", TARGETS)
def test_windows_and_products_become_loops_that_give_the_same(target: str) -> None:
    @EXAMPLES
    @given(window_programs(), st.integers(0, 99))
    def hold(module: Module, seed: int) -> None:
        note(print_operation(module))
        before, after = lowered_outcomes(module, target, seed)
        assert_same(before, after, RTOL)

    hold()
