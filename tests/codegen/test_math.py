"""Every function of `codegen.math` against f64, on a dense sample of f32 and on the edges, with fma and without."""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from intaglio.codegen.llvm.text import Abilities, Module, Ref, vector
from intaglio.codegen.math import FUNCTIONS
from intaglio.codegen.object import emit_assembly, emit_object
from intaglio.runtime.jit import load_object
from machines import chip, chip_abilities, host

Array = npt.NDArray[np.float32]
FULL = Abilities(fma=True, rounding=True, sqrt=True)
BARE = Abilities()


def map_module(name: str, lanes: int, abilities: Abilities, operands: int) -> str:
    """map(x, [y,] out, count): the function over `count` elements, a multiple of `lanes`."""
    module = Module(abilities)
    f = module.function("map", "void", [("ptr", "")] * (operands + 1) + [("i64", "")])
    *inputs, output, count = f.parameters
    loop, done = f.label("loop"), f.label("done")
    f.br(loop)
    f.start(loop)
    index = f.phi("i64")
    index.add(Ref("0", "i64"), "entry")
    values = [f.load(vector("float", lanes), f.gep(p, index.ref, "float"), 4) for p in inputs]
    f.store(FUNCTIONS[name](f, *values), f.gep(output, index.ref, "float"), 4)
    following = f.binary("add", index.ref, Ref(str(lanes), "i64"))
    index.add(following, f.here)
    f.cond_br(f.icmp("ult", following, count), loop, done)
    f.start(done)
    f.ret()
    return str(module)


def apply(name: str, *inputs: Array, lanes: int = 8, abilities: Abilities = FULL) -> Array:
    padded = [np.ascontiguousarray(np.resize(x, -(-x.size // lanes) * lanes), np.float32) for x in inputs]
    out = np.empty_like(padded[0])
    with load_object(emit_object(map_module(name, lanes, abilities, len(inputs)), host())) as loaded:
        pointers = [ctypes.c_void_p] * (len(inputs) + 1)
        call = ctypes.CFUNCTYPE(None, *pointers, ctypes.c_int64)(loaded.address("map"))
        call(*(x.ctypes.data for x in padded), out.ctypes.data, out.size)
    return out[: inputs[0].size]


EDGES = [
    0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 0.5, -0.5, 2.0**-126, 2.0**-149, -(2.0**-149), 3.4028235e38, -3.4028235e38,
    88.72284, 88.7229, -87.34, -103.97, -103.98, -104, 9.01, 9.02, 2**23, 2**23 - 0.5, 1.5, 2.5, -2.5, 0.49999997,
]  # fmt: skip
POWERS = [
    0.0, -0.0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 1.5, -1.5, np.inf, -np.inf, np.nan,
    2.0**23 + 1, 2.0**24 + 2, -(2.0**23) - 1, 2.0**-149, -3e38, 3e38,
]  # fmt: skip


def sample(low: float = -math.inf, high: float = math.inf) -> Array:
    """Every 9973rd bit pattern, a uniform sweep, and the edges; the part in [low, high] with NaN, if nothing is cut off."""
    patterns = np.arange(0, 1 << 32, 9973, dtype=np.uint64).astype(np.uint32).view(np.float32)
    sweep = np.linspace(max(low, -110), min(high, 110), 300_001).astype(np.float32)
    every = np.concatenate([patterns, sweep, np.array(EDGES, np.float32)])
    inside = (every >= low) & (every <= high)
    return every[inside | np.isnan(every)] if math.isinf(low) and math.isinf(high) else every[inside]


def ulps(value: Array, exact: npt.NDArray[np.float64]) -> float:
    """The largest error in units of the exact result's last place; both NaN, or both infinite, is none."""
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = exact.astype(np.float32)
    special = ~np.isfinite(rounded)
    assert np.array_equal(value[special], rounded[special], equal_nan=True), "infinities and NaN"
    assert np.isfinite(value[~special]).all(), "finite where the exact result is"
    unit = np.ldexp(1.0, np.maximum(np.frexp(rounded[~special])[1], -125) - 24)
    return float((np.abs(value[~special].astype(np.float64) - exact[~special]) / unit).max())


def _sigmoid(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(x < 0, np.exp(np.minimum(x, 0)) / (1 + np.exp(np.minimum(x, 0))), 1 / (1 + np.exp(-np.maximum(x, 0))))


# name, f64 oracle, range, allowed error in ulp.
CASES: list[tuple[str, Callable[..., npt.NDArray[np.float64]], float, float, float]] = [
    ("exp", np.exp, -math.inf, math.inf, 1.1),
    ("expm1", np.expm1, -math.inf, math.inf, 2.0),
    ("log", np.log, -math.inf, math.inf, 1.0),
    ("log1p", np.log1p, -math.inf, math.inf, 2.0),
    ("sigmoid", _sigmoid, -math.inf, math.inf, 2.6),
    ("tanh", np.tanh, -math.inf, math.inf, 2.6),
    ("erf", np.vectorize(math.erf, otypes=[np.float64]), -math.inf, math.inf, 1.6),
    ("softplus", lambda x: np.logaddexp(0, x), -math.inf, math.inf, 3.0),
    ("sin", np.sin, -1e5, 1e5, 2.5),
    ("cos", np.cos, -1e5, 1e5, 2.5),
    ("tan", np.tan, -1e5, 1e5, 5.0),
    ("asin", np.arcsin, -math.inf, math.inf, 2.6),
    ("acos", np.arccos, -math.inf, math.inf, 2.6),
    ("atan", np.arctan, -math.inf, math.inf, 2.1),
    ("sinh", np.sinh, -math.inf, math.inf, 3.5),
    ("cosh", np.cosh, -math.inf, math.inf, 3.5),
    ("asinh", np.arcsinh, -math.inf, math.inf, 3.5),
    ("acosh", np.arccosh, -math.inf, math.inf, 3.5),
    ("atanh", np.arctanh, -math.inf, math.inf, 3.5),
    ("sqrt", np.sqrt, -math.inf, math.inf, 0.5),
    ("rsqrt", lambda x: 1 / np.sqrt(x), -math.inf, math.inf, 1.5),
]


@pytest.mark.parametrize("abilities", [FULL, BARE], ids=["fma", "bare"])
@pytest.mark.parametrize(("name", "oracle", "low", "high", "limit"), CASES, ids=[case[0] for case in CASES])
def test_errors_stay_below_the_limit(
    name: str, oracle: Callable[..., npt.NDArray[np.float64]], low: float, high: float, limit: float, abilities: Abilities
) -> None:
    x = sample(low, high)
    with np.errstate(all="ignore"):
        exact = np.asarray(oracle(x.astype(np.float64)))
    error = ulps(apply(name, x, abilities=abilities), exact)
    assert error <= limit


def test_pow_is_close_where_it_is_a_number() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([np.exp(rng.uniform(-88, 88, 200_000)), rng.uniform(0.5, 2, 200_000), np.full(2, 2.0**-140)]).astype(np.float32)
    y = np.concatenate([rng.uniform(-3, 3, 200_000), rng.uniform(-150, 150, 200_000), np.array([0.5, 1.0])]).astype(np.float32)
    for abilities in (FULL, BARE):
        with np.errstate(all="ignore"):
            exact = x.astype(np.float64) ** y.astype(np.float64)
        inside = np.abs(exact / 3.4028235e38 - 1) > 1e-5  # a rounding decides there
        error = ulps(apply("powf", x, y, abilities=abilities)[inside], exact[inside])
        assert error <= 10


@pytest.mark.parametrize("abilities", [FULL, BARE], ids=["fma", "bare"])
def test_pow_has_the_special_cases_of_c99(abilities: Abilities) -> None:
    points = np.array(POWERS, np.float32)
    x, y = (a.ravel() for a in np.meshgrid(points, points))
    with np.errstate(all="ignore"):
        exact = np.power(x, y)  # NumPy calls the C library's powf
    got = apply("powf", x, y, abilities=abilities)
    assert np.allclose(got, exact, rtol=1e-6, atol=0, equal_nan=True)
    number = ~np.isnan(exact)
    assert np.array_equal(np.signbit(got[number]), np.signbit(exact[number]))


ROUNDINGS: list[tuple[str, Callable[[Array], Array]]] = [
    ("floor", np.floor),
    ("ceil", np.ceil),
    ("trunc", np.trunc),
    ("roundeven", np.rint),
]


@pytest.mark.parametrize("abilities", [FULL, BARE], ids=["instruction", "bare"])
@pytest.mark.parametrize(("name", "oracle"), ROUNDINGS, ids=[name for name, _ in ROUNDINGS])
def test_rounding_is_exact_with_the_sign_of_zero(name: str, oracle: Callable[[Array], Array], abilities: Abilities) -> None:
    x = sample()
    x = x[~np.isnan(x)]
    assert np.array_equal(apply(name, x, abilities=abilities).view(np.uint32), oracle(x).view(np.uint32))
    assert np.isnan(apply(name, np.full(1, np.nan, np.float32), lanes=1, abilities=abilities))


def test_half_away_from_zero() -> None:
    x = np.array([0.5, -0.5, 1.5, 2.5, -2.5, 0.49999997, -0.49999997, 8388607.5, 2.0**23 + 1, 2.0**24, -(2.0**30), np.inf], np.float32)
    exact = np.array([1, -1, 2, 3, -3, 0, 0, 8388608, 2.0**23 + 1, 2.0**24, -(2.0**30), np.inf], np.float32)
    for abilities in (FULL, BARE):
        assert np.array_equal(apply("round", x, abilities=abilities), exact)


@pytest.mark.parametrize(("name", "oracle"), [("maximumf", np.maximum), ("minimumf", np.minimum)])
def test_extremes_pass_nan_on(name: str, oracle: Callable[[Array, Array], Array]) -> None:
    points = np.array([0, 1, -1, np.inf, -np.inf, np.nan, 3.5], np.float32)
    x, y = (a.ravel() for a in np.meshgrid(points, points))
    assert np.array_equal(apply(name, x, y), oracle(x, y), equal_nan=True)


def test_relu_passes_nan_on() -> None:
    x = np.array([-1, 0, 2, np.nan, np.inf, -np.inf], np.float32)
    assert np.array_equal(apply("relu", x), np.array([0, 0, 2, np.nan, np.inf, 0], np.float32), equal_nan=True)


@pytest.mark.parametrize("lanes", [1, 2, 3, 4, 7, 16])
def test_every_width_gives_the_same_bits(lanes: int) -> None:
    x = np.linspace(-20, 20, 16 * 21).astype(np.float32)
    for name in ("exp", "tanh", "log", "sin", "erf"):
        assert np.array_equal(apply(name, x, lanes=lanes), apply(name, x, lanes=8), equal_nan=True)


CHIPS = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55", "rv32imc", "rv32imafc", "rv64gc")
# Soft float belongs to every toolchain's own runtime library (libgcc, compiler-rt); the mathematical library does not.
RUNTIME = re.compile(r"__(aeabi_(f|i2f|ui2f|cf|l|ll|u?idiv)|[a-z]+[sd]i?[fi]\d?|[a-z]+sf2|fix|float)\w*")


@pytest.mark.parametrize("name_of_chip", CHIPS)
def test_no_function_calls_a_mathematical_library(name_of_chip: str) -> None:
    machine, abilities = chip(name_of_chip), chip_abilities(name_of_chip)
    for name in FUNCTIONS:
        operands = 2 if name in ("powf", "maximumf", "minimumf") else 1
        module = Module(abilities)
        f = module.function("f", "float", [("float", "")] * operands)
        f.ret(FUNCTIONS[name](f, *f.parameters))
        calls = re.findall(r"^\s(?:bl|b|call|tail)\s+([A-Za-z_]\w*)", emit_assembly(str(module), machine), re.MULTILINE)
        foreign = {callee for callee in calls if not RUNTIME.fullmatch(callee)}
        assert not foreign, f"{name} calls {sorted(foreign)}"
