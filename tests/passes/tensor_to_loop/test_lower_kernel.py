"""Kernels mean the same as loops, whatever the target's registers, vectors and masks made of the schedule."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

import intaglio.passes.pipelines  # noqa: F401 - registers every pass
from generate_tensor import tensor_programs
from generate_windows import Layers, window_programs
from intaglio.dialects import arith, tensor
from intaglio.dialects.func import Function, Module
from intaglio.dialects.ir.affine import AffineMap, d
from intaglio.dialects.ir.attributes import Number
from intaglio.dialects.ir.builder import Builder
from intaglio.dialects.ir.operation import Block, Region, Value
from intaglio.dialects.ir.printer import print_operation
from intaglio.dialects.ir.types import Scalar, TensorType, f32
from intaglio.errors import CompileError
from programs import assert_same
from stages import lowered_outcomes

TARGETS = ("x86-64-v4", "x86-64-v2", "cortex-m4")
# Sums in another order: each of at most a few hundred terms is rounded once more in f32, relative to the largest value met.
RTOL = 1e-5
EXAMPLES = settings(
    max_examples=40,
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
        try:
            before, after = lowered_outcomes(module, target, seed)
        except CompileError as refusal:  # kernels that only a generator forms
            if "is no single loop nest" not in str(refusal):
                raise
            return
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


# What random programs found, each as small as it goes.


def program(*shapes: tuple[int, ...]) -> tuple[Module, Function, Layers]:
    module = Module.empty()
    function = module.add(Function.make("main", [TensorType(shape, f32) for shape in shapes], [f"x{i}" for i in range(len(shapes))]))
    return module, function, Layers(block=function.body)


def sum_body(element: Scalar = f32) -> Block:
    body = Block([element, element])
    inner = Builder.at_end(body)
    inner.add(tensor.Yield([inner.add(arith.AddF(*body.arguments)).output]))
    return body


def negated(build: Layers, value: Value, shape: tuple[int, ...]) -> Value:
    body = Block([f32])
    inner = Builder.at_end(body)
    inner.add(tensor.Yield([inner.add(arith.NegF(body.arguments[0])).output]))
    return build.compute([value], [[*map(d, range(len(shape)))]], shape, len(shape), None, body)


@pytest.mark.parametrize("target", TARGETS)
def test_dims_become_one_beside_a_padded_axis(target: str) -> None:
    """Batch and channels are walked as one dim; that it runs beyond the channels is nothing that the padding must guard."""
    module, function, build = program((2, 3, 5))
    view = build.add(
        tensor.View(function.arguments[0], extents=(2, 3, 7), map=AffineMap(3, (d(0), d(1), d(2) - 1)), padding=Number(0.0, f32))
    )
    total = build.compute([view.output], [[d(0), d(1), d(2) + d(3)]], (2, 3, 5, 3), 3, Number(0.0, f32), sum_body())
    function.close([total])
    assert_same(*lowered_outcomes(module, target))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("columns", [15, 16, 17, 33])
def test_the_last_vector_may_be_one_lane(target: str, columns: int) -> None:
    """Also where a reduction is given out beside what follows it."""
    module, function, build = program((4, 3))
    weights = build.constant(f32, (3, columns), 1)
    product = Block([f32, f32, f32])
    inner = Builder.at_end(product)
    term = inner.add(arith.MulF(*product.arguments[:2])).output
    inner.add(tensor.Yield([inner.add(arith.AddF(product.arguments[2], term)).output]))
    total = build.compute([function.arguments[0], weights], [[d(0), d(2)], [d(2), d(1)]], (4, columns, 3), 2, Number(0.0, f32), product)
    function.close([total, negated(build, total, (4, columns))])
    assert_same(*lowered_outcomes(module, target))


def test_a_concatenation_along_an_innermost_dim_of_one_ends() -> None:
    """Its slices are strided for whoever writes them; copies would be no better."""
    module, function, build = program((4, 6, 5))
    x = negated(build, function.arguments[0], (4, 6, 5))
    column = build.add(tensor.View(x, extents=(4, 6, 1), map=AffineMap(3, (d(0), d(1), d(2) + 2)))).output
    function.close([build.add(tensor.Concat([column, x], dim=2)).output])
    assert_same(*lowered_outcomes(module, "cortex-m4"))


@pytest.mark.parametrize("target", TARGETS)
def test_an_argument_is_read_by_map_and_by_lookup(target: str) -> None:
    module, function, build = program((4, 3))
    x = function.arguments[0]
    body = Block([f32, x.type])
    inner = Builder.at_end(body)
    i, j = (inner.add(tensor.Index(dim=dim)).output for dim in (0, 1))
    found = inner.add(tensor.Extract(body.arguments[1], [j, i])).output  # clamped
    inner.add(tensor.Yield([inner.add(arith.AddF(body.arguments[0], found)).output]))
    maps = (AffineMap.identity(2),)
    op = build.add(tensor.Compute([x], [x], contents=Region(body), extents=(4, 3), parallel=2, maps=maps))
    function.close([op.output])
    assert_same(*lowered_outcomes(module, target))
