"""The greedy driver and dialect conversion: order, locations, what is refused, and the bound on rewrites."""

from __future__ import annotations

import pytest

from intaglio.dialects import arith, math
from intaglio.dialects.func import Function, Module
from intaglio.dialects.ir.builder import Builder
from intaglio.dialects.ir.definition import operand, result
from intaglio.dialects.ir.location import Location, Node
from intaglio.dialects.ir.operation import Operation, Value
from intaglio.dialects.ir.types import Type, f32, f64
from intaglio.dialects.ir.verifier import verify
from intaglio.errors import CompileError, InternalError, Severity
from intaglio.passes.conversion import convert_dialect
from intaglio.passes.manager import Report
from intaglio.passes.rewrite import pattern, rewrite_greedily


def chain(*classes: type[Operation]) -> Module:
    """x through functions of one operand, each from a node of its own."""
    module = Module.empty()
    function = module.add(Function.make("main", [f32]))
    value: Value = function.arguments[0]
    for i, class_ in enumerate(classes):
        made = class_(value, location=Location((Node(f"n{i}", class_.__name__),)))
        value = Builder.at_end(function.body).add(made).results[0]
    function.close([value])
    verify(module)
    return module


def names(module: Module) -> list[str]:
    return [op.name for op in module.function("main").body][:-1]


@pattern(math.Floor)
def floor_of_ceil(op: math.Floor, build: Builder) -> Value | None:
    return build.add(math.RoundEven(op.a.owner.a)).output if isinstance(op.a.owner, math.Ceil) else None


def test_locations_of_all_that_is_replaced_are_kept() -> None:
    module = chain(math.Sqrt, math.Ceil, math.Floor, math.Exp)
    report = Report()
    seen: list[str] = []
    rewrite_greedily(module, [floor_of_ceil], report, observe=lambda name, op: seen.append(f"{name} {op.name}"))
    assert names(module) == ["math.sqrt", "math.roundeven", "math.exp"]
    new = next(op for op in module.walk() if isinstance(op, math.RoundEven))
    assert [node.name for node in new.location.nodes] == ["n1", "n2"]
    assert seen == ["floor-of-ceil math.floor"]
    assert report.counts == {"floor-of-ceil": 1, "removed": 1}


def test_a_value_that_takes_over_gets_the_location() -> None:
    @pattern(math.Floor)
    def drop_floor(op: math.Floor, build: Builder) -> Value | None:
        return op.a

    module = chain(math.Ceil, math.Floor)
    rewrite_greedily(module, [drop_floor], Report())
    (ceil,) = (op for op in module.walk() if isinstance(op, math.Ceil))
    assert [node.name for node in ceil.location.nodes] == ["n0", "n1"]


def test_the_larger_benefit_is_tried_first() -> None:
    @pattern(math.Floor, benefit=5)
    def floor_into_trunc(op: math.Floor, build: Builder) -> Value | None:
        return build.add(math.Trunc(op.a)).output

    module = chain(math.Ceil, math.Floor)
    rewrite_greedily(module, [floor_of_ceil, floor_into_trunc], Report())
    assert names(module) == ["math.ceil", "math.trunc"]


def test_rewrites_in_circles_are_stopped_and_told() -> None:
    @pattern(math.Floor)
    def floor_into_ceil(op: math.Floor, build: Builder) -> Value | None:
        return build.add(math.Ceil(op.a)).output

    @pattern(math.Ceil)
    def ceil_into_floor(op: math.Ceil, build: Builder) -> Value | None:
        return build.add(math.Floor(op.a)).output

    report = Report()
    module = chain(math.Floor)
    rewrite_greedily(module, [floor_into_ceil, ceil_into_floor], report)
    verify(module)
    assert report.remarks[0].severity is Severity.WARNING
    assert "rewriting stopped" in report.remarks[0].message


def test_a_replacement_of_another_type_is_our_fault() -> None:
    @pattern(math.Floor)
    def floor_into_f64(op: math.Floor, build: Builder) -> Value | None:
        return build.add(arith.number(1.0, f64)).output

    @pattern(math.Ceil)
    def ceil_into_two(op: math.Ceil, build: Builder) -> list[Value]:
        return [op.a, op.a]

    with pytest.raises(InternalError, match="of type f32 by one of type f64"):
        rewrite_greedily(chain(math.Floor), [floor_into_f64], Report())
    with pytest.raises(InternalError, match="gives 2 values for the 1 results"):
        rewrite_greedily(chain(math.Ceil), [ceil_into_two], Report())


class Unheard(Operation, name="test.unheard"):
    """Has no lowering."""

    a: Value = operand()
    output: Value = result()

    def infer(self) -> Type:
        return self.a.type


def test_all_operators_without_a_lowering_are_named_at_once() -> None:
    module = Module.empty()
    function = module.add(Function.make("main", [f32]))
    value: Value = function.arguments[0]
    for name in ("first", "second\n"):
        value = Builder.at_end(function.body, Location((Node(name, "Unheard"),))).add(Unheard(value)).output
    function.close([value])
    with pytest.raises(CompileError) as caught:
        convert_dialect(module, "test", Report())
    assert [diagnostic.places for diagnostic in caught.value.diagnostics] == [("node 'first' (Unheard)",), ("node 'second\\n' (Unheard)",)]
    assert "error: Unheard on (f32) cannot be compiled yet" in str(caught.value)
