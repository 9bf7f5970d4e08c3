"""Drawn tensor programs, lowered to loops by the simplest rules, then compiled: the results are the reference's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intaglio.dialects.func import Module
from intaglio.dialects.ir.evaluator import evaluate
from intaglio.dialects.loop.memory import buffer_type
from intaglio.passes.manager import Report
from intaglio.passes.tensor_to_loop.entry import MemoryOptions, lower_module
from intaglio.passes.tensor_to_loop.materialize import materialize
from intaglio.runtime.emulator import Argument, Input, Output, Pointers, Scratch, Word, execute
from intaglio.targets.load import load_target
from kernel_programs import arrays, programs
from loops import Array, build, native
from lower_kernel_naive import lower_kernel


def expect(module: Module, inputs: list[Array]) -> list[Array]:
    """What the reference makes of the loops; that they mean what the program meant is tested beside the lowering."""
    main = module.function("main")
    types = [buffer_type(v) for v in main.arguments[len(inputs) :]]
    *outputs, arena = (np.zeros(t.shape, t.element.dtype) for t in types)
    evaluate(module, "main", [*inputs, *outputs, arena])
    return outputs


def lower(module: Module, target: str, in_place: bool) -> None:
    materialize(module.function("main"), Report())
    lower_module(module, lower_kernel, load_target(target), MemoryOptions(64, in_place))


@settings(max_examples=60, deadline=None)
@given(programs(), st.booleans(), st.sampled_from((1, 2)))
def test_compiled_programs_give_the_reference_results(module: Module, in_place: bool, threads: int) -> None:
    inputs = arrays(module)
    lower(module, "host", in_place)
    expected = expect(module, inputs)
    names = module.function("main").argument_names
    compiled = native(module, threads)
    got = compiled.run(dict(zip(names, inputs, strict=False)))
    compiled.close()
    for have, want in zip(got.values(), expected, strict=True):
        np.testing.assert_array_equal(have, want)


@settings(max_examples=4, deadline=None)
@given(programs(), st.sampled_from(("cortex-m4", "rv32imafc")))
def test_emulated_programs_give_the_reference_results(module: Module, target: str) -> None:
    pytest.importorskip("unicorn", reason="the emulator is not installed")
    inputs = arrays(module)
    lower(module, target, in_place=True)
    expected = expect(module, inputs)
    built = build(module, target)
    size = built.facts.arena_bytes
    outputs = Pointers(tuple(Output(array.shape, array.dtype) for array in expected))
    arguments: list[Argument] = [Pointers(tuple(map(Input, inputs))), outputs, Scratch(size, built.facts.arena_alignment), Word(size)]
    done = execute(load_target(target), [built.object], "model_run", arguments)
    assert done.status == 0
    for have, want in zip(done.outputs, expected, strict=True):
        np.testing.assert_array_equal(have, want)
