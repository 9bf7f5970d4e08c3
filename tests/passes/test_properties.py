"""What holds for every registered pass on random programs of the stages that it runs on, and for the text of all programs."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

import intaglio.passes.pipelines  # noqa: F401 - registers every pass
from generate_graph import graph_programs
from generate_loop import loop_programs
from generate_tensor import tensor_programs
from intaglio.dialects.func import Module
from intaglio.dialects.ir.parser import parse_operation
from intaglio.dialects.ir.printer import print_operation
from intaglio.dialects.ir.verifier import verify
from intaglio.errors import CompileError, Severity
from intaglio.passes.instruments import VerifyEach
from intaglio.passes.manager import Pass, Pipeline, all_passes
from programs import assert_round_trip, assert_same, copy, inputs_of, run, run_lowered

GENERATORS: dict[str, SearchStrategy[Module]] = {"graph": graph_programs(), "tensor": tensor_programs(), "loop": loop_programs()}
EXAMPLES = settings(
    max_examples=25,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    report_multiple_bugs=False,
)
# Rounding of an inexact pass: it multiplies few factors into weights, each product rounded once in f32.
INEXACT_RTOL = 1e-5

PAIRS = [(pass_, stage) for pass_ in all_passes() for stage in pass_.runs_on if stage in GENERATORS]


@pytest.mark.parametrize(("pass_class", "stage"), PAIRS, ids=[f"{pass_.name}-{stage}" for pass_, stage in PAIRS])
def test_a_pass_keeps_what_a_program_computes(pass_class: type[Pass], stage: str) -> None:
    @EXAMPLES
    @given(GENERATORS[stage], st.integers(0, 99))
    def hold(module: Module, seed: int) -> None:
        note(print_operation(module))
        assert_round_trip(module)
        changed = copy(module)
        reports = Pipeline((pass_class(),)).run(changed, [VerifyEach()])
        assert_round_trip(changed)
        assert not [each for report in reports for each in report.remarks if each.severity is Severity.WARNING]
        inputs = inputs_of(module.function("main"), seed, special=pass_class.exact)
        before, after = (run(each, each.function("main"), inputs) for each in (module, changed))
        assert_same(before, after, 0.0 if pass_class.exact else INEXACT_RTOL)
        names = [node.name for op in changed.walk() for node in op.location.nodes]
        assert set(names) <= {node.name for op in module.walk() for node in op.location.nodes}

    hold()


MARKS = ("", "-", "<", ">", '"', "(", "99999999999999999999", "x", "%0", "0x", " : ", "i64", "nan", "true", "d9")


@pytest.mark.parametrize("target", ["cortex-m4", "x86-64-v3"])
def test_the_default_pipeline_keeps_what_a_program_computes(target: str) -> None:
    @EXAMPLES
    @given(GENERATORS["graph"], st.integers(0, 99))
    def hold(module: Module, seed: int) -> None:
        note(print_operation(module))
        changed = copy(module)
        Pipeline.parse(f"default{{target={target}}}").run(changed, [VerifyEach()])
        assert_round_trip(changed)
        inputs = inputs_of(module.function("main"), seed)
        before = run(module, module.function("main"), inputs)
        assert_same(before, run_lowered(changed, inputs, before), INEXACT_RTOL)

    hold()


@pytest.mark.parametrize("stage", GENERATORS)
def test_mutated_text_is_read_or_refused(stage: str) -> None:
    @EXAMPLES
    @given(GENERATORS[stage], st.randoms(use_true_random=False))
    def hold(module: Module, chance: random.Random) -> None:
        text = _mutated(print_operation(module), chance)
        try:
            parsed = parse_operation(text)
            verify(parsed)
        except CompileError:
            return

    hold()


def _mutated(text: str, chance: random.Random) -> str:
    """`text` with a few places deleted, repeated, or overwritten by marks that mean something."""
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(text))
        stop = min(len(text), start + chance.randint(1, 12))
        piece = chance.choice(
            ["", text[start:stop] * 2, "-", "<", ">", '"', "(", "99999999999999999999", "x", "%0", "0x", " : ", "i64", "nan"]
        )
        text = text[:start] + piece + text[stop:]
    return text


@given(st.text(max_size=60))
@EXAMPLES
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(CompileError):
        parse_operation(text)
