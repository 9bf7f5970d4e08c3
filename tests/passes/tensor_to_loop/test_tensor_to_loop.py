"""Programs mean the same before and after they get memory, and use no more of it than they must."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intaglio.dialects import loop, tensor
from intaglio.dialects.func import Module
from intaglio.dialects.ir.attributes import Array
from intaglio.dialects.ir.evaluator import evaluate
from intaglio.dialects.ir.operation import Value
from intaglio.dialects.ir.parser import parse_operation
from intaglio.dialects.ir.printer import print_operation
from intaglio.dialects.ir.verifier import verify
from intaglio.dialects.tensor.view import tensor_type
from intaglio.passes.manager import Pipeline, Report
from intaglio.passes.tensor_to_loop.bufferize import bufferize
from intaglio.passes.tensor_to_loop.entry import EntryPlan, MemoryOptions, lower_module
from intaglio.passes.tensor_to_loop.materialize import materialize
from intaglio.targets.load import load_target
from kernel_programs import Program, arrays, programs
from lower_kernel_naive import lower_kernel

TARGET = load_target("cortex-m4")


def lower(module: Module, alignment: int = 8, in_place: bool = False) -> EntryPlan:
    materialize(module.function("main"), Report())
    verify(module)
    return lower_module(module, lower_kernel, TARGET, MemoryOptions(alignment, in_place))


def run_lowered(module: Module, plan: EntryPlan, inputs: list[Array], expected: list[Array]) -> list[Array]:
    """Run the entry function on memory full of rubbish."""
    outputs = [np.full(array.shape, 1e9, array.dtype) for array in expected]
    evaluate(module, "main", [*inputs, *outputs, np.full(plan.memory.arena_bytes, 77, np.int8)])
    return outputs


def check(module: Module, alignment: int = 8, in_place: bool = False) -> EntryPlan:
    """Lower, verify, print and reparse, compare with the tensor program. The plan."""
    inputs = arrays(module)
    expected = evaluate(module, "main", inputs)
    plan = lower(module, alignment, in_place)
    verify(module)
    assert print_operation(parse_operation(print_operation(module))) == print_operation(module)
    for before, after in zip(expected, run_lowered(module, plan, inputs, expected), strict=True):
        np.testing.assert_array_equal(before, after)
    assert all(offset % alignment == 0 for offset in plan.memory.offsets)
    assert plan.memory.bound_bytes <= plan.memory.arena_bytes
    return plan


def calls(module: Module) -> list[str]:
    return [op.callee for op in module.function("main").body if isinstance(op, loop.Call)]


@settings(max_examples=150)
@given(programs(), st.sampled_from((1, 8, 64)), st.booleans())
def test_memory_changes_no_result(module: Module, alignment: int, in_place: bool) -> None:
    check(module, alignment, in_place)


@given(programs())
def test_blocks_that_live_at_once_do_not_overlap(module: Module) -> None:
    plan = lower(module)
    placed = [(b, o) for b, o in zip(plan.blocks, plan.memory.offsets, strict=True) if b.size_bytes]
    for i, (block, offset) in enumerate(placed):
        assert offset + block.size_bytes <= plan.memory.arena_bytes
        for other, place in placed[:i]:
            apart = offset + block.size_bytes <= place or place + other.size_bytes <= offset
            assert apart or not block.meets(other)


def test_a_chain_of_equal_planes_alternates() -> None:
    program = Program([(4, 8)])
    value = program.arguments[0]
    for _ in range(6):
        value = program.kernel(value)
    module = program.close(value)
    plan = check(module)
    assert plan.memory.arena_bytes == 2 * 4 * 8 * 4  # the last kernel writes to the caller
    assert calls(module) == ["kernel_0"] * 6  # one function for equal kernels


def test_names_and_arguments_of_the_entry() -> None:
    program = Program([(2,), (2,)])
    module = program.close(program.kernel(program.kernel(*program.arguments)))
    check(module)
    main = module.function("main")
    assert main.argument_names == ("x0", "x1", "y0", "")
    assert main.result_names == ("y0",)
    assert str(main.arguments[-1].type) == "!loop.buffer<8xi8, [1]>"
    located = [op.location.nodes[0].name for op in main.body if isinstance(op, loop.Call)]
    assert located == ["node_1", "node_2"]


def test_concatenated_kernels_write_into_their_slices() -> None:
    program = Program([(1, 2, 3)])
    (x,) = program.arguments
    inner = program.concat(program.kernel(x), program.kernel(x, x), dim=1)
    outer = program.concat(inner, program.kernel(x), dim=1)
    module = program.close(program.kernel(outer))
    plan = check(module)
    assert len(calls(module)) == 4
    assert plan.memory.arena_bytes == 6 * 3 * 4


def test_a_kernel_writes_through_a_view_that_is_concatenated() -> None:
    """(g, kg) merged into k after a grouped convolution, then joined along k."""
    program = Program([(1, 2, 2, 3)])
    merged = program.reshape(program.kernel(program.arguments[0]), (1, 4, 3))
    module = program.close(program.kernel(program.concat(merged, program.kernel(merged), dim=1)))
    check(module)
    assert len(calls(module)) == 3


def test_a_kernel_writes_through_a_reshape_into_the_output() -> None:
    program = Program([(2, 3, 4)])
    module = program.close(program.reshape(program.kernel(program.arguments[0]), (6, 4)))
    plan = check(module)
    assert (len(calls(module)), plan.memory.arena_bytes) == (1, 0)


@pytest.mark.parametrize("which", ["twice", "input", "constant", "view of an input", "a view and its source", "another layout"])
def test_what_is_returned_and_cannot_be_written_in_place_is_copied_once(which: str) -> None:
    program = Program([(2, 3)])
    (x,) = program.arguments
    value = program.kernel(x, order=(1, 0) if which == "another layout" else ())
    more: dict[str, Callable[[], list[Value]]] = {
        "twice": lambda: [value],
        "input": lambda: [x],
        "constant": lambda: [program.constant(np.ones((2, 3), np.float32))],
        "view of an input": lambda: [program.transpose(x, (1, 0))],
        "a view and its source": lambda: [program.reshape(value, (6,))],
        "another layout": list,
    }
    module = program.close(value, *more[which]())
    check(module)
    assert len(calls(module)) == 2


def test_views_that_are_strided_cost_nothing() -> None:
    program = Program([(4, 6)])
    value = program.kernel(program.arguments[0])
    views = [
        program.slice(program.slice(value, 1, 1, 3, 2), 0, 1, 2),
        program.slice(program.transpose(value, (1, 0)), 0, 0, 2),
        program.reshape(program.slice(value, 0, 1, 2), (2, 2, 3)),
        program.broadcast(value, 3),
    ]
    assert not bufferize(program.main).refusals
    module = program.close(*[program.kernel(view) for view in views])
    check(module)
    assert len(calls(module)) == 5


def test_views_that_are_not_strided_become_kernels_and_are_remarked() -> None:
    program = Program([(4, 6)])
    value = program.kernel(program.arguments[0])
    views = [program.pad(value, 0), program.slice(value, 0, 3, 4, -1), program.reshape(program.transpose(value, (1, 0)), (24,))]
    module = program.close(*[program.kernel(view) for view in views])
    report = Report()
    materialize(module.function("main"), report)
    assert report.counts == {"wrapped": 3}
    assert str(report.remarks[0]).startswith("remark: tensor.view: becomes a kernel, because its elements are not strided")
    assert "node_2" in str(report.remarks[0])
    again = Report()
    materialize(module.function("main"), again)
    assert not again.counts
    check(module)


def test_constants_lie_by_their_order_and_equal_ones_once() -> None:
    program = Program([(2, 3)])
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    constants = [program.constant(array), program.constant(array.copy()), program.constant(array, (1, 0))]
    module = program.close(program.kernel(program.arguments[0], *constants))
    check(module)
    resources = [op.value.array.tolist() for op in module.function("main").body if isinstance(op, loop.Resource)]
    assert resources == [array.tolist(), array.T.tolist()]


def test_a_computation_outside_of_kernels_gets_one() -> None:
    program = Program([(2, 3)])
    module = program.close(program.compute(program.compute(program.arguments[0])))
    check(module)
    assert calls(module) == ["kernel_0", "kernel_0"]


def test_a_view_keeps_its_source_alive() -> None:
    program = Program([(64,)])
    first = program.kernel(program.arguments[0])
    part = program.slice(first, 0, 0, 4)
    other = program.kernel(program.kernel(program.kernel(first)))
    module = program.close(program.kernel(program.slice(other, 0, 0, 4), part))
    plan = check(module)
    assert plan.memory.arena_bytes == 3 * 64 * 4


def test_elementwise_kernels_overwrite_dead_inputs_when_allowed() -> None:
    def chain() -> Module:
        program = Program([(64,)])
        value = program.kernel(program.arguments[0])
        for _ in range(4):
            value = program.kernel(value)
        return program.close(program.kernel(value, value))

    assert check(chain()).memory.arena_bytes == 2 * 64 * 4
    assert check(chain(), in_place=True).memory.arena_bytes == 64 * 4


def test_the_order_of_kernels_is_chosen_for_memory() -> None:
    """Two wide branches with narrow ends: one after the other needs one wide block, side by side two."""
    program = Program([(4,)])
    (x,) = program.arguments
    wide = [program.kernel(program.broadcast(x, 50)) for _ in range(2)]
    narrow = [program.row_sums(value) for value in wide]
    module = program.close(program.kernel(*narrow))
    plan = check(module)
    assert plan.memory.arena_bytes <= 200 * 4 + 2 * 56 * 4


def test_an_input_is_never_in_the_arena() -> None:
    program = Program([(3,)])
    module = program.close(program.arguments[0])
    assert check(module).memory.arena_bytes == 0
    assert isinstance(module.function("main").body.first, loop.Call)


def test_bufferization_changes_nothing() -> None:
    program = Program([(2, 3)])
    module = program.close(program.concat(program.arguments[0], program.arguments[0]))
    before = print_operation(module)
    places = bufferize(module.function("main"))
    assert print_operation(module) == before
    assert [refusal.operand for refusal in places.refusals] == [0, 1]
    assert isinstance(places.refusals[0].op, tensor.Concat)
    assert tensor_type(module.function("main").returned[0]) in [tensor_type(value) for value in places.places]


def test_the_pass_plans_for_its_target() -> None:
    def arena_of(text: str) -> str:
        program = Program([(3,)])
        value = program.kernel(program.arguments[0], outputs=2)
        module = program.close(program.kernel(value, *value.owner.results[1:]))  # type: ignore[union-attr]
        (report,) = Pipeline.parse(text).run(module)
        verify(module)
        assert report.counts["kernels called"] == report.counts["functions made"] == 2
        return str(module.function("main").arguments[-1].type)

    assert arena_of("tensor-to-loop{target=x86-64-v3}") == "!loop.buffer<76xi8, [1]>"  # 12 bytes on a line of 64, and 12
    assert arena_of("tensor-to-loop{target=cortex-m4}") == "!loop.buffer<28xi8, [1]>"
    assert arena_of("tensor-to-loop{target=cortex-m4 alignment=4}") == "!loop.buffer<24xi8, [1]>"
