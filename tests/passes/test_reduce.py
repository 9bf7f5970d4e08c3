"""Reduction of programs that show a fault."""

from __future__ import annotations

from hypothesis import given, settings

from generate_tensor import tensor_programs
from intaglio.dialects import math
from intaglio.dialects.func import Function, Module
from intaglio.dialects.ir.builder import Builder
from intaglio.dialects.ir.operation import Value
from intaglio.dialects.ir.types import f32
from intaglio.dialects.ir.verifier import verify
from intaglio.dialects.tensor import Compute
from intaglio.passes.reduce import reduce_module


def has_log_of_sqrt(module: Module) -> bool:
    return any(isinstance(op, math.Log) and isinstance(op.a.owner, math.Sqrt) for op in module.walk())


def test_a_long_chain_becomes_what_matters() -> None:
    module = Module.empty()
    function = module.add(Function.make("main", [f32, f32, f32], ["a", "b", "c"], ["x", "y"]))
    value: Value = function.arguments[1]
    build = Builder.at_end(function.body)
    for class_ in (*[math.Exp, math.Floor] * 10, math.Sqrt, math.Log, *[math.Sin, math.Cos] * 10):
        value = build.add(class_(value)).results[0]
    function.close([value, function.arguments[0]])
    small = reduce_module(module, has_log_of_sqrt)
    verify(small)
    assert [op.name for op in small.function("main").body] == ["math.sqrt", "math.log", "func.return"]
    assert len(small.function("main").arguments) == 1
    assert len(small.function("main").argument_names) == 1
    assert sum(1 for _ in module.walk()) == 44 + 1  # the module itself is as it was


@settings(max_examples=10)
@given(tensor_programs())
def test_any_program_stays_interesting_and_correct(module: Module) -> None:
    def interesting(candidate: Module) -> bool:
        return any(isinstance(op, Compute) and op.has_reduction for op in candidate.walk())

    if not interesting(module):
        return
    small = reduce_module(module, interesting, max_attempts=100)
    verify(small)
    assert interesting(small)
    assert sum(1 for _ in small.walk()) <= sum(1 for _ in module.walk())
