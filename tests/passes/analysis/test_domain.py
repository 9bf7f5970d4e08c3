"""What a kernel's domain says of its loops, reads and stores."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from intaglio.dialects import arith, tensor
from intaglio.dialects.func import Function, Module
from intaglio.dialects.ir.affine import Affine, AffineMap, d
from intaglio.dialects.ir.attributes import Dense, Number
from intaglio.dialects.ir.builder import Builder
from intaglio.dialects.ir.operation import Block, Region, Value
from intaglio.dialects.ir.types import FloatType, IntegerType, TensorType, Type, f16, f32, f64, i1, i8, i32, i64, ui8
from intaglio.errors import CompileError
from intaglio.passes.analysis.domain import domain, invert, neutral, reads
from programs import assert_same
from stages import lowered_outcomes

LOWEST = float("-inf")


def kernel_of(type_: TensorType, write: Callable[[Builder, Value], Value]) -> tuple[Module, tensor.Kernel]:
    """A module whose `main` is one kernel of one input."""
    module = Module.empty()
    function = module.add(Function.make("main", [type_], ["x"]))
    body = Block([type_])
    inside = Builder.at_end(body)
    inside.add(tensor.Yield([write(inside, body.arguments[0])]))
    kernel = Builder.at_end(function.body).add(tensor.Kernel([function.arguments[0]], contents=Region(body)))
    function.close(kernel.outputs)
    return module, kernel


def padded(build: Builder, source: Value, before: int, after: int, padding: float) -> Value:
    """Elements before and after the only dim."""
    assert isinstance(source.type, TensorType)
    extents = (source.type.extents[0] + before + after,)
    return build.add(tensor.View(source, extents=extents, map=AffineMap(1, (d(0) - before,)), padding=Number(padding, f32))).output


def window_maximum(build: Builder, source: Value, out: int, size: int) -> Value:
    body = Block([f32, f32])
    inner = Builder.at_end(body)
    inner.add(tensor.Yield([inner.add(arith.MaximumF(body.arguments[1], body.arguments[0])).output]))
    maps = (AffineMap(2, (d(0) + d(1),)),)
    return build.add(
        tensor.Compute([source], [], contents=Region(body), extents=(out, size), parallel=1, maps=maps, init=Number(LOWEST, f32))
    ).output


def test_padding_that_the_maximum_never_takes_may_be_left_out() -> None:
    _, kernel = kernel_of(TensorType((5,), f32), lambda build, x: window_maximum(build, padded(build, x, 1, 1, LOWEST), 5, 3))
    (guard,) = reads(domain(kernel)).guards
    assert (guard.axis, guard.extent, guard.skippable) == (0, 5, True)
    assert guard.subscript == d(0) + d(1) - 1
    assert reads(domain(kernel)).rigid == (0, 1)


def test_zeros_under_such_padding_may_not() -> None:
    """A maximum over -inf around zeros around negative numbers: the zeros count."""
    module, kernel = kernel_of(
        TensorType((5,), f32), lambda build, x: window_maximum(build, padded(build, padded(build, x, 2, 0, 0.0), 1, 1, LOWEST), 7, 3)
    )
    skippable = {guard.extent: guard.skippable for guard in reads(domain(kernel)).guards}
    assert skippable == {7: True, 5: False}
    for target in ("x86-64-v3", "cortex-m4"):
        assert_same(*lowered_outcomes(module, target))


def test_lookups_in_what_a_kernel_makes_itself_are_refused() -> None:
    def write(build: Builder, x: Value) -> Value:
        table = padded(build, x, 1, 1, 0.0)
        body = Block([table.type])
        inner = Builder.at_end(body)
        zero = inner.add(arith.index_constant(0)).output
        inner.add(tensor.Yield([inner.add(tensor.Extract(body.arguments[0], [zero])).output]))
        return build.add(tensor.Compute([], [table], contents=Region(body), extents=(3,), parallel=1, maps=())).output

    with pytest.raises(CompileError, match="looks up elements of a value that it makes itself"):
        domain(kernel_of(TensorType((5,), f32), write)[1])


def test_concatenations_and_tables_inside_are_refused() -> None:
    def join(build: Builder, x: Value) -> Value:
        return build.add(tensor.Concat([x, x], dim=0)).output

    def table(build: Builder, x: Value) -> Value:
        return build.add(tensor.Constant(value=Dense(np.zeros(3, np.float32)))).output

    for write, why in ((join, "holds tensor.concat"), (table, "holds a constant with several elements")):
        with pytest.raises(CompileError, match=why):
            domain(kernel_of(TensorType((5,), f32), write)[1])


@pytest.mark.parametrize(
    ("results", "extents", "back"),
    [
        ((d(1), d(0)), (2, 3), (d(1), d(0))),
        ((d(0) // 4, d(0) % 4), (12,), (d(0) * 4 + d(1),)),
        ((d(0) // 6, d(0) // 2 % 3, d(0) % 2), (12,), (d(0) * 6 + d(1) * 2 + d(2),)),
        ((Affine(), d(0)), (3,), (d(1),)),
        ((d(0) * 2,), (3,), None),  # every second element
        ((d(0), d(0)), (3,), None),  # a diagonal
        ((d(0) // 4,), (12,), None),  # four elements at one place
        ((d(0) + d(1),), (2, 3), None),
    ],
)
def test_a_rearrangement_is_inverted_and_nothing_else(
    results: tuple[Affine, ...], extents: tuple[int, ...], back: tuple[Affine, ...] | None
) -> None:
    assert invert(AffineMap(len(extents), results), extents) == back


@pytest.mark.parametrize("kind", ["add", "mul", "max", "min"])
@pytest.mark.parametrize("element", [f16, f32, f64, i1, i8, i32, i64, ui8], ids=str)
def test_neutral_elements_change_nothing(kind: str, element: Type) -> None:
    assert isinstance(element, FloatType | IntegerType)
    start = Number(neutral(kind, element), element).scalar()
    combine = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}[kind]
    values = [False, True] if element == i1 else [0, 1, 100] if element == ui8 else [-100, 0, 1, 100]
    for value in np.array(values).astype(element.dtype):
        assert combine(start, value) == value
    assert not math.isnan(float(start))
