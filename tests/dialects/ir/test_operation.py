"""Operations, blocks and values: uses and lists stay true whatever is inserted, moved, replaced and erased."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generate_tensor import tensor_programs
from intaglio.dialects import arith, math, tensor
from intaglio.dialects.func import Function, Module
from intaglio.dialects.ir.affine import AffineMap
from intaglio.dialects.ir.builder import Builder
from intaglio.dialects.ir.operation import Block, Operation, Value
from intaglio.dialects.ir.printer import print_operation
from intaglio.dialects.ir.types import TensorType, f32


def check_uses(root: Operation) -> None:
    """Every use is noted once, on the value that is used; lists are linked both ways."""
    uses: dict[Value, list[tuple[Operation, int]]] = {}
    for op in root.walk():
        for i, value in enumerate(op.operands):
            uses.setdefault(value, []).append((op, i))
        for region in op.regions:
            for block in region.blocks:
                assert list(reversed(block)) == list(block)[::-1]
                assert all(inner.block is block for inner in block)
    for op in root.walk():
        for value in (*op.results, *(a for region in op.regions for a in region.block.arguments)):
            assert sorted(map(str, value.uses)) == sorted(map(str, uses.get(value, [])))


@settings(max_examples=40)
@given(tensor_programs(), st.randoms(use_true_random=False))
def test_uses_survive_random_changes(module: Module, chance: random.Random) -> None:
    check_uses(module)
    text = print_operation(module)
    copy = module.clone({})
    check_uses(copy)
    assert print_operation(copy) == text
    body = module.function("main").body
    for op in [op for op in body if op is not body.last]:
        choice = chance.randrange(3)
        others = [a for a in body.arguments if op.results and a.type == op.results[0].type]
        if choice == 0 and not any(result.uses for result in op.results):
            op.erase()
        elif choice == 1 and others:
            op.results[0].replace_by(others[0])
        elif choice == 2 and op.previous is not None:
            op.move_before(body.first)  # type: ignore[arg-type]
    check_uses(module)
    assert print_operation(copy) == text


def test_insertion_keeps_the_order() -> None:
    block = Block([f32])
    (x,) = block.arguments
    last = Builder.at_end(block).add(math.Exp(x))
    before = Builder(last)
    before.add(math.Sin(x))
    before.add(math.Cos(x))
    assert [op.name for op in block] == ["math.sin", "math.cos", "math.exp"]
    assert [op.name for op in before.inserted] == ["math.sin", "math.cos"]


def test_what_is_used_cannot_be_erased() -> None:
    function = Function.make("f", [f32])
    op = Builder.at_end(function.body).add(math.Exp(function.arguments[0]))
    function.close([op.output])
    with pytest.raises(AssertionError, match=r"math\.exp still has uses"):
        op.erase()


@pytest.mark.parametrize(
    ("class_", "operands", "named", "message"),
    [
        (arith.AddF, 1, {}, "arith.addf needs the operand 'b'"),
        (arith.AddF, 3, {}, "arith.addf takes 2 operands, not 3"),
        (tensor.View, 1, {"extents": (2,)}, "tensor.view needs the attribute 'map'"),
        (tensor.View, 1, {"extents": (2,), "map": AffineMap.identity(1), "pading": None}, "tensor.view has no field 'pading'"),
    ],
)
def test_constructors_refuse_what_was_not_declared(
    class_: Callable[..., Operation], operands: int, named: dict[str, object], message: str
) -> None:
    function = Function.make("f", [TensorType((2,), f32)])
    with pytest.raises(TypeError, match=message):
        class_(*[function.arguments[0]] * operands, **named)
