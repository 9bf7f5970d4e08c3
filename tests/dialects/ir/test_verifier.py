"""The verifier: all faults of a program at once, each with the operation and the nodes that it came from."""

from __future__ import annotations

import pytest

from intaglio.dialects import arith, lanes, tensor
from intaglio.dialects.func import Function, Module, Return
from intaglio.dialects.ir.affine import AffineMap
from intaglio.dialects.ir.attributes import Number
from intaglio.dialects.ir.builder import Builder
from intaglio.dialects.ir.location import Location, Node
from intaglio.dialects.ir.operation import Block, Operation, Region
from intaglio.dialects.ir.types import TensorType, Type, f32, i32
from intaglio.dialects.ir.verifier import faults, verify
from intaglio.errors import CompileError


def one_function(*inputs: Type) -> tuple[Module, Function, Builder]:
    module = Module.empty()
    function = module.add(Function.make("main", inputs))
    return module, function, Builder.at_end(function.body)


def messages(op: Operation) -> list[str]:
    return [diagnostic.message for diagnostic in faults(op)]


def test_every_fault_is_reported_with_its_nodes() -> None:
    module, function, build = one_function(f32, i32)
    x, n = function.arguments
    first = build.add(arith.AddF(x, n))
    first.location = Location((Node("layer\n1", "Add"),))
    build.add(arith.AddI(n, x))
    build.add(lanes.CmpF(x, x, predicate=99))
    function.close([first.output])
    with pytest.raises(CompileError) as caught:
        verify(module)
    assert [diagnostic.message for diagnostic in caught.value.diagnostics] == [
        "arith.addf: operands are f32 and i32",
        "arith.addi: operands are i32 and f32",
        "lanes.cmpf: there is no predicate 99",
    ]
    assert caught.value.diagnostics[0].places[0] == "node 'layer\\n1' (Add)"
    assert '"arith.addf"' in caught.value.diagnostics[0].places[1]


def test_uses_before_definitions_and_across_regions_are_faults() -> None:
    module, function, build = one_function(TensorType((2,), f32))
    (x,) = function.arguments
    outer = build.add(arith.number(1.0, f32))
    body = Block([f32])
    Builder.at_end(body).add(tensor.Yield([outer.output]))  # isolated: nothing from outside
    compute = build.add(tensor.Compute([x], [], contents=Region(body), extents=(2,), parallel=1, maps=(AffineMap.identity(1),)))
    function.close([compute.output])
    assert messages(module) == ["tensor.yield: operand 0 is a result of arith.constant, which is not defined before, or not in scope here"]
    module, function, build = one_function(f32)
    a = build.add(arith.NegF(function.arguments[0]))
    b = build.add(arith.NegF(a.output))
    a.set_operand(0, b.output)
    function.close([b.output])
    assert messages(module) == ["arith.negf: operand 0 is a result of arith.negf, which is not defined before, or not in scope here"]


def test_terminators_stand_at_the_end() -> None:
    module, function, build = one_function(f32)
    build.add(Return([function.arguments[0]]))
    build.add(arith.NegF(function.arguments[0]))
    found = messages(module)
    assert "func.return: a terminator stands at the end of its block" in found
    assert "func.func: a block ends with a terminator" in found


def test_symbols_are_unique() -> None:
    module = Module.empty()
    for _ in range(2):
        module.add(Function.make("twice", [])).close([])
    assert messages(module) == ["builtin.module: the symbol 'twice' is defined twice"]


def test_attributes_have_the_declared_types() -> None:
    module, function, build = one_function(TensorType((2,), f32))
    view = build.add(tensor.View(function.arguments[0], extents=(2,), map=AffineMap.identity(1)))
    view.attributes["extents"] = ("two",)
    del view.attributes["padding"]
    function.close([view.output])
    assert messages(module) == [
        "tensor.view: attribute 'extents' is ('two',), which is not of type tuple[int, ...]",
        "tensor.view: attribute 'padding' is missing",
    ]


def test_results_have_the_inferred_types_or_more_exact_ones() -> None:
    module, function, build = one_function(TensorType((2,), f32))
    view = build.add(tensor.View(function.arguments[0], extents=(2,), map=AffineMap.identity(1)))
    view.output.type = TensorType((3,), f32)
    function.close([view.output])
    assert messages(module) == ["tensor.view: result 0 is tensor<3xf32>, but tensor<2xf32> is inferred"]
    view.output.type = TensorType((None,), f32)
    function.refresh_type()
    assert messages(module) == []


def test_operands_of_the_wrong_kind_are_a_fault_and_no_crash() -> None:
    module, function, build = one_function(f32)
    view = tensor.View.create(
        [function.arguments[0]],
        (1,),
        {"extents": (), "map": AffineMap(0, ()), "padding": Number(0, f32), "margin": ()},
        (),
        [TensorType((), f32)],
    )
    build.add(view)
    function.close([view.results[0]])
    assert messages(module) == ["tensor.view: the operands do not fit: f32 is no tensor"]
