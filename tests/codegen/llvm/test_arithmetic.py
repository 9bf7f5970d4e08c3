"""Every operation on numbers, compiled, against its reference: scalars, short and wide vectors, and all that is special."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from intaglio.dialects import arith, lanes, math
from intaglio.dialects.ir.operation import Value
from intaglio.dialects.ir.types import Scalar, f16, f32, f64, i1, i8, i16, i32, i64, ui8, vector
from loops import Array, Body, buffer, kernel, model, native, reference

COUNT = 96
FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, 3.0, -7.25, 1e-40, 1e30, np.inf, -np.inf, np.nan, 1e-3]


def values(element: Scalar, seed: int) -> Array:
    """Special ones in all pairings with those of other seeds, then random ones."""
    random = np.random.default_rng(seed)
    dtype = element.dtype
    if dtype.kind == "b":
        return random.integers(0, 2, COUNT).astype(bool)
    if dtype.kind == "f":
        special = random.permutation(np.repeat(FLOATS, 4))
        with np.errstate(over="ignore"):
            return np.concatenate([special, random.normal(0, 10, COUNT - len(special))]).astype(dtype)
    limits = np.iinfo(dtype.str)
    special = random.permutation(np.repeat([limits.min, limits.max, 0, 1, 2, 3, 7, limits.max - 1, 0 if limits.min == 0 else -1], 7))
    return np.concatenate([special, random.integers(limits.min, limits.max, COUNT - len(special), dtype=dtype)]).astype(dtype)


def compare(
    apply: Callable[..., Value], operands: list[Array], elements: list[Scalar], result: Scalar, width: int, exact: bool = True
) -> None:
    """`apply(body, *values)` on every element, compiled and by the reference; with equal NaNs and zeros."""
    names = "abc"[: len(operands)]
    types = {name: buffer(element, COUNT) for name, element in zip(names, elements, strict=True)}
    out = {"y": buffer(result, COUNT)}

    def write(body: Body, *buffers: Value) -> None:
        def turn(inner: Body, i: Value) -> None:
            read = [inner.load(b, [i], lanes=width) for b in buffers[:-1]]
            inner.store(apply(inner, *read), buffers[-1], [i])

        body.count(COUNT, turn, step=width)

    program = model([kernel("k", [*types.values(), *out.values()], write)], types, out)
    inputs = dict(zip(names, operands, strict=True))
    got, wanted = native(program).run(inputs)["y"], reference(program, inputs, out)["y"]
    if exact:
        np.testing.assert_array_equal(got, wanted)
    else:
        np.testing.assert_allclose(got, wanted, rtol=1e-6 if result == f32 else 2e-3, atol=1e-6)


def of(kind: Any, **attributes: Any) -> Callable[..., Value]:
    return lambda body, *operands: body.add(kind(*operands, **attributes)).output


FLOAT_BINARY = [arith.AddF, arith.SubF, arith.MulF, arith.DivF, arith.RemF, arith.MaximumF, arith.MinimumF]
INTEGER_BINARY = [
    arith.AddI,
    arith.SubI,
    arith.MulI,
    arith.FloorDivSI,
    arith.RemSI,
    arith.MaxSI,
    arith.MinSI,
    arith.AndI,
    arith.OrI,
    arith.XOrI,
]


@pytest.mark.parametrize("element", [f32, f64], ids=str)
@pytest.mark.parametrize("kind", FLOAT_BINARY, ids=lambda k: k.name)
@pytest.mark.parametrize("width", [1, 16])
def test_float_binary(kind: Any, element: Scalar, width: int) -> None:
    compare(of(kind), [values(element, 1), values(element, 2)], [element] * 2, element, width)


@pytest.mark.parametrize("kind", [arith.AddF, arith.MulF, arith.MaximumF], ids=lambda k: k.name)
def test_half_precision(kind: Any) -> None:
    compare(of(kind), [values(f16, 1), values(f16, 2)], [f16] * 2, f16, 8)


@pytest.mark.parametrize("element", [i8, i32, i64, ui8], ids=str)
@pytest.mark.parametrize("kind", INTEGER_BINARY, ids=lambda k: k.name)
@pytest.mark.parametrize("width", [1, 8])
def test_integer_binary(kind: Any, element: Scalar, width: int) -> None:
    compare(of(kind), [values(element, 1), values(element, 2)], [element] * 2, element, width)


@pytest.mark.parametrize("element", [i8, i32], ids=str)
def test_truncating_division(element: Scalar) -> None:
    """Without the one quotient that does not exist, for which NumPy's conversion of the float is no reference."""
    a, b = values(element, 1), values(element, 2)
    b[(a == np.iinfo(a.dtype).min) & (b == -1)] = 5
    compare(of(arith.DivSI), [a, b], [element] * 2, element, 4)


def test_the_least_integer_divided_by_minus_one_wraps_around() -> None:
    a, b = np.full(COUNT, -(2**31), np.int32), np.full(COUNT, -1, np.int32)
    types = {"a": buffer(i32, COUNT), "b": buffer(i32, COUNT)}

    def write(body: Body, *buffers: Value) -> None:
        body.count(COUNT, lambda inner, i: inner.store(of(arith.DivSI)(inner, *(inner.load(v, [i]) for v in buffers[:2])), buffers[2], [i]))

    program = model([kernel("k", [*types.values(), types["a"]], write)], types, {"y": types["a"]})
    np.testing.assert_array_equal(native(program).run({"a": a, "b": b})["y"], a)


@pytest.mark.parametrize("kind", [arith.ShLI, arith.ShRSI], ids=lambda k: k.name)
@pytest.mark.parametrize("element", [i16, ui8], ids=str)
def test_shifts(kind: Any, element: Scalar) -> None:
    compare(of(kind), [values(element, 1), (values(element, 2) & 7).astype(element.dtype)], [element] * 2, element, 4)


@pytest.mark.parametrize("constant", [0.0, 6.0, -1.5, np.nan])
@pytest.mark.parametrize("kind", [arith.MaximumF, arith.MinimumF], ids=lambda k: k.name)
@pytest.mark.parametrize("constant_first", [False, True])
def test_extremes_against_a_constant_keep_nan(kind: Any, constant: float, constant_first: bool) -> None:
    def apply(body: Body, a: Value) -> Value:
        c = body.add(arith.number(constant, a.type)).output
        return of(kind)(body, c, a) if constant_first else of(kind)(body, a, c)

    compare(apply, [values(f32, 3)], [f32], f32, 16)


@pytest.mark.parametrize("which", lanes.CmpF.names)
def test_float_comparison(which: str) -> None:
    compare(lambda body, a, b: body.add(lanes.CmpF.of(which, a, b)).output, [values(f32, 1), values(f32, 2)], [f32] * 2, i1, 8)


@pytest.mark.parametrize(
    ("which", "element"),
    [*((w, e) for w in lanes.CmpI.names for e in (i8, i64)), *((w, ui8) for w in lanes.CmpI.names if w[0] != "u")],
    ids=str,
)
def test_integer_comparison(which: str, element: Scalar) -> None:
    """On `ui8` the signed names compare without sign too, as the reference does; it has no others for that type."""
    operands = [values(element, 1), values(element, 2)]
    compare(lambda body, a, b: body.add(lanes.CmpI.of(which, a, b)).output, operands, [element] * 2, i1, 4)


@pytest.mark.parametrize("width", [1, 8])
def test_selection(width: int) -> None:
    compare(of(lanes.Select), [values(i1, 5), values(f32, 1), values(f32, 2)], [i1, f32, f32], f32, width)


@pytest.mark.parametrize(
    ("kind", "source", "to"),
    [
        (lanes.SIToFP, i32, f32), (lanes.SIToFP, i8, f32), (lanes.SIToFP, ui8, f32), (lanes.SIToFP, i64, f64), (lanes.UIToFP, i1, f32),
        (lanes.FPToSI, f32, i32), (lanes.FPToSI, f32, i8), (lanes.FPToSI, f32, ui8), (lanes.FPToSI, f64, i64), (lanes.ExtF, f16, f32),
        (lanes.ExtF, f32, f64), (lanes.TruncF, f64, f32), (lanes.TruncF, f32, f16), (lanes.ExtSI, i8, i32), (lanes.ExtUI, i1, i32),
        (lanes.ExtUI, ui8, i32), (lanes.TruncI, i64, i16), (lanes.Bitcast, f32, i32), (lanes.Bitcast, i64, f64),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("width", [1, 8])
def test_conversion(kind: Any, source: Scalar, to: Scalar, width: int) -> None:
    compare(of(kind, to=vector(width, to)), [values(source, 4)], [source], to, width)


UNARY = [math.AbsF, math.Exp, math.ExpM1, math.Log, math.Log1p, math.Sqrt, math.Tanh, math.Sin, math.Cos, math.Erf, math.Floor, math.Ceil,
         math.RoundEven, math.Trunc]  # fmt: skip


@pytest.mark.parametrize("kind", UNARY, ids=lambda k: k.name)
@pytest.mark.parametrize("width", [1, 16])
def test_functions(kind: Any, width: int) -> None:
    """Their accuracy is tested beside `codegen.math`; here, that each name leads to its function. Waves take no 1e30."""
    a = values(f32, 6)
    compare(of(kind), [np.where(np.abs(a) == np.float32(1e30), 1, a).astype(np.float32)], [f32], f32, width, exact=False)


@pytest.mark.parametrize("kind", [math.Exp, math.Floor], ids=lambda k: k.name)
def test_functions_of_half_precision(kind: Any) -> None:
    compare(of(kind), [np.clip(values(f16, 6), -10, 10)], [f16], f16, 8, exact=False)


@pytest.mark.parametrize("kind", [math.Sqrt, math.Floor, math.RoundEven, math.AbsF], ids=lambda k: k.name)
def test_functions_of_double_precision(kind: Any) -> None:
    compare(of(kind), [values(f64, 6)], [f64], f64, 4)


@pytest.mark.parametrize("element", [f32, f64], ids=str)
def test_fma(element: Scalar) -> None:
    """The reference rounds to f64 first, so a tie may fall the other way: half an ulp more."""
    operands = [np.nan_to_num(values(element, seed), posinf=3, neginf=-3) for seed in (1, 2, 3)]
    compare(of(math.Fma), operands, [element] * 3, element, 8, exact=False)


def test_power() -> None:
    compare(of(math.PowF), [np.abs(values(f32, 1)), np.clip(values(f32, 2), -3, 3)], [f32] * 2, f32, 8, exact=False)


def test_negation_of_zero_and_nan() -> None:
    a = values(f32, 7)
    types = {"a": buffer(f32, COUNT)}

    def write(body: Body, source: Value, target: Value) -> None:
        body.count(COUNT, lambda inner, i: inner.store(inner.add(arith.NegF(inner.load(source, [i], lanes=8))).output, target, [i]), step=8)

    program = model([kernel("k", [types["a"]] * 2, write)], types, {"y": types["a"]})
    got = native(program).run({"a": a})["y"]
    np.testing.assert_array_equal(got.view(np.uint32), a.view(np.uint32) ^ np.uint32(1 << 31))
