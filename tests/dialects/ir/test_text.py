"""The text of programs: everything printed comes back equal, other MLIR tools read it, and faults point at their place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foreign import read_elsewhere
from generate_tensor import tensor_programs
from intaglio.dialects import arith, tensor
from intaglio.dialects.func import Function, Module
from intaglio.dialects.ir.affine import AffineMap, d
from intaglio.dialects.ir.attributes import Attribute, Dense, Number, Symbol
from intaglio.dialects.ir.builder import Builder
from intaglio.dialects.ir.definition import attribute, optional, region, variadic
from intaglio.dialects.ir.location import Location, Node
from intaglio.dialects.ir.operation import Block, Operation, Region, Value
from intaglio.dialects.ir.parser import parse_operation
from intaglio.dialects.ir.printer import print_operation
from intaglio.dialects.ir.types import (
    BufferType,
    FloatType,
    FunctionType,
    IntegerType,
    TensorType,
    Type,
    VectorType,
    bf16,
    f32,
    f64,
    i1,
    i8,
    i32,
    i64,
    index,
    string,
    ui8,
)
from intaglio.errors import CompileError


class Holder(Operation, name="test.holder"):
    """Any attribute."""

    value: Attribute = attribute()


class Segmented(Operation, name="test.segmented"):
    """Operand fields that the list alone does not tell apart."""

    some: list[Value] = variadic()
    perhaps: Value | None = optional()
    inner: Region = region()
    note: str = attribute(default="", discardable=True)


TYPES: list[Type] = [
    *map(FloatType, ("f64", "f32", "f16", "bf16", "f8E4M3FN", "f8E4M3FNUZ", "f8E5M2", "f8E5M2FNUZ", "f8E8M0FNU", "f4E2M1FN")),
    *(IntegerType(bits, unsigned) for bits in (4, 8, 16, 32, 64) for unsigned in (False, True)),
    i1,
    index,
    string,
    TensorType((), f32),
    TensorType((0, 1, 2), i8),
    TensorType((None, 3), bf16),
    TensorType((None, 3), f32, ('ba"tch\n', "")),
    TensorType((2, 3), f32, order=(1, 0)),
    TensorType((2,), string),
    BufferType((2, 3), f32, (3, 1)),
    BufferType((), ui8, ()),
    VectorType(4, f32),
    VectorType(16, i1),
    FunctionType((f32, index), (TensorType((2,), f32),)),
    FunctionType((), ()),
]
ATTRIBUTES: list[Attribute] = [
    None,
    True,
    False,
    0,
    -(2**63),
    2**63 - 1,
    0.0,
    -0.0,
    1e300,
    5e-324,
    float("inf"),
    float("-inf"),
    float("nan"),
    0.1,
    "",
    'quotes " backslash \\ newline \n tab \t euro € bell \a',
    "not utf-8: \udcff",
    Symbol("kernel_0"),
    Symbol("odd name\n"),
    (),
    (1, 2, 3),
    (1, "two", 3.0),
    ((1,), (), ("x", (True,))),
    {},
    {"a": 1, "odd key\n": (None, {"b": 2.5})},
    Number(-7, i8),
    Number(200, ui8),
    Number(1.5, f32),
    Number(float("nan"), f32),
    Number(float("-inf"), bf16),
    Number(3, index),
    Number(2.0, VectorType(4, f32)),
    Number(-1, VectorType(8, i32)),
    Dense(np.array(3.5, np.float32)),
    Dense(np.zeros((0, 3), np.float32)),
    Dense(np.array([[1, -2], [3, 4]], np.int8)),
    Dense(np.array([True, False])),
    Dense(np.array([np.nan, np.inf, -0.0, 1e-45], np.float32)),
    Dense(np.arange(40, dtype=np.float64)),
    Dense(np.arange(40, dtype=np.uint16).reshape(5, 8)),
    Dense(np.array(["a", 'b"\n', ""], dtype=object)),
    Dense(np.array([f"text {i}" for i in range(20)], dtype=object)),
    Dense(np.linspace(-2, 2, 20).astype(bf16.dtype)),
    AffineMap(0, ()),
    AffineMap(3, (d(0) * 2 + d(1) - 5, d(2) // 4, (d(0) + d(1)) % 7 * 3)),
    *TYPES,
]


def module_of(op: Operation) -> Module:
    module = Module.empty()
    module.body.insert(op)
    return module


@pytest.mark.parametrize("value", ATTRIBUTES, ids=repr)
def test_every_attribute_comes_back(value: Attribute) -> None:
    module = module_of(Holder(value=value))
    text = print_operation(module)
    again = parse_operation(text)
    back = again.body.first
    assert isinstance(back, Holder)
    if not isinstance(value, float):  # NaN and -0.0 are compared by their text
        assert (back.value, type(back.value)) == (value, type(value))
    assert print_operation(again) == text
    if "f4E2M1FN" not in text and "f8" not in text and "#ir." not in text and "!loop." not in text and "!ir." not in text:
        read_elsewhere(text)  # xDSL does not know every float, and the encodings and types of our own


def test_segments_locations_and_notes_come_back() -> None:
    function = Function.make("f", [f32, f32], ["in\n", "other"], location=Location((Node("a:b", "Conv"), Node('"', "Add"))))
    x, y = function.arguments
    given: list[tuple[list[Value], Value | None]] = [([x, y], None), ([x], y), ([], x), ([], None)]
    for some, perhaps in given:
        Builder.at_end(function.body).add(Segmented(some, perhaps, inner=Region(Block([i64])), note="n"))
    function.close([x])
    text = print_operation(module_of(function))
    again = parse_operation(text)
    assert print_operation(again) == text
    assert [op.segments for op in again.walk() if isinstance(op, Segmented)] == [(2, 0), (1, 1), (0, 1), (0, 0)]
    read_elsewhere(text)


@settings(max_examples=30)
@given(tensor_programs())
def test_other_tools_read_tensor_programs(module: Module) -> None:
    read_elsewhere(print_operation(module))


@settings(max_examples=200)
@given(st.floats(width=32), st.floats())
def test_floats_come_back_to_the_bit(narrow: float, wide: float) -> None:
    constants = (Number(narrow, f32), Number(wide, f64))
    text = print_operation(module_of(Holder(value=constants)))
    back = parse_operation(text).body.first
    assert isinstance(back, Holder)
    assert back.value == (constants[0], float(wide)) or np.isnan(wide)
    assert print_operation(module_of_text(text)) == text


def module_of_text(text: str) -> Operation:
    return parse_operation(text)


@pytest.mark.parametrize(
    ("text", "message", "caret"),
    [
        ('"builtin.modul"() ({}) : () -> ()', "there is no operation 'builtin.modul'", 0),
        ('"test.holder"() <{value = 300 : i8}> : () -> ()', "300 is no number of type i8", 26),
        ('"test.holder"() <{value = tensor<2xq>}> : () -> ()', "'2xq' is no shape with an element type", 33),
        ('"test.holder"() <{valeu = 1 : i64}> : () -> ()', "test.holder needs the attribute 'value'", 0),
        ('"test.holder"(%0) <{value = 1 : i64}> : () -> ()', "'%0' is no value that is defined before", 14),
        ('"test.holder"() <{value = affine_map<(d0) -> (d0 mod 0)>}> : () -> ()', "mod by 0, which is not positive", 36),
        ('"test.holder"() <{value = affine_map<(d0) -> (d1)>}> : () -> ()', "'d1' is no dim of the affine map", 36),
        ('"test.holder"() <{value = 1 : i64}> : () -> () "', "unexpected character '\"'", 47),
        ('"test.holder"() <{value = tensor<2x3xf32, #ir.dims<["a"]>>}> : () -> ()', "#ir.dims does not fit a tensor of 2 dims", 42),
        ('"test.holder"() <{value = tensor<2x3xf32, #ir.order<[0, 0]>>}> : () -> ()', "#ir.order does not fit a tensor of 2 dims", 42),
        ('"test.holder"() <{value = !loop.buffer<2x3xf32, [1]>}> : () -> ()', "a stride for every dim", 38),
        ('"test.holder"() <{value = !loop.buffer<?xf32, [1]>}> : () -> ()', "a number and a stride", 38),
        ('"test.holder"() <{value = ' + "[" * 30, "nested more than 20 deep", 46),
    ],
)
def test_faults_point_at_their_place(text: str, message: str, caret: int) -> None:
    with pytest.raises(CompileError) as caught:
        parse_operation(text, "case.mlir")
    (diagnostic,) = caught.value.diagnostics
    assert message in diagnostic.message
    first, shown, marker = diagnostic.places[0].split("\n")
    assert first == "case.mlir, line 1"
    assert shown == f"|  {text}"
    assert marker == f"|  {' ' * caret}^"


@pytest.mark.parametrize("value", ATTRIBUTES, ids=repr)
def test_a_text_that_breaks_off_is_a_fault_of_the_text(value: Attribute) -> None:
    text = print_operation(module_of(Holder(value=value))).rstrip()
    for stop in range(len(text)):
        with pytest.raises(CompileError):
            parse_operation(text[:stop])


def test_names_from_files_are_harmless() -> None:
    module = Module.empty()
    function = module.add(Function.make("main", [f32], ['x"]} // \x1b[31m']))
    function.close(function.arguments)
    text = print_operation(module)
    assert "\x1b" not in text
    assert print_operation(parse_operation(text)) == text


def test_resources_are_shared_and_may_be_left_out() -> None:
    module = Module.empty()
    function = module.add(Function.make("main", []))
    build = Builder.at_end(function.body)
    values = [build.add(tensor.Constant(value=Dense(np.arange(64.0) + k))).output for k in (0, 0, 1)]
    values.append(build.add(arith.number(1.0, f32)).output)
    function.close(values)
    text = print_operation(module)
    assert text.count("0x10000000") == 2
    assert "dialect_resources" not in print_operation(module, resources=False)
    with pytest.raises(CompileError, match="has 0 bytes, not 512"):
        parse_operation(print_operation(module, resources=False))
