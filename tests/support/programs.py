"""Running programs of any stage on seeded inputs, and comparing what they give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from intaglio.dialects import arith, graph, lanes, loop, math, tensor  # noqa: F401 - the parser knows what is imported
from intaglio.dialects.func import Function, Module
from intaglio.dialects.ir.attributes import Array
from intaglio.dialects.ir.evaluator import evaluate
from intaglio.dialects.ir.parser import parse_operation
from intaglio.dialects.ir.printer import print_operation
from intaglio.dialects.ir.types import BufferType, FloatType, IndexType, IntegerType, Scalar, TensorType, Type, element_of, lanes_of
from intaglio.dialects.ir.verifier import verify
from intaglio.dialects.loop.memory import strided

UNKNOWN_EXTENT = 2  # what an unknown extent is in the inputs
SPECIAL = (0.0, -0.0, np.nan, np.inf, -np.inf, 1.0, 3.0e38, 1.0e-40)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a function gave out, what stood in its buffers afterwards, and the largest finite magnitude on the way."""

    results: tuple[Array, ...]
    buffers: tuple[Array, ...]
    largest: float = 0.0


def inputs_of(function: Function, seed: int = 0, special: bool = False) -> list[Array]:
    """Arrays for the arguments of `function`: small numbers, with NaN, infinities and denormals among them if `special`."""
    random = np.random.default_rng(seed)
    return [_array(argument.type, random, special) for argument in function.arguments]


def elements(element: Scalar, shape: tuple[int, ...], seed: int) -> Array:
    """An array of small numbers."""
    return _draw(element, shape, np.random.default_rng(seed), special=False)


def _array(type_: Type, random: np.random.Generator, special: bool) -> Array:
    match type_:
        case TensorType():
            shape = tuple(UNKNOWN_EXTENT if extent is None else extent for extent in type_.shape)
        case BufferType():
            shape = (type_.elements,)
        case _:
            shape = (lanes_of(type_),) if lanes_of(type_) > 1 else ()
    return _draw(element_of(type_), shape, random, special)


def _draw(element: Scalar, shape: tuple[int, ...], random: np.random.Generator, special: bool) -> Array:
    match element:
        case FloatType():
            values = random.integers(-32, 33, shape) / 8.0  # few bits, so that reassociated sums are still exact
            if special:
                values = np.where(random.random(shape) < 0.2, random.choice(SPECIAL, shape), values)
            with np.errstate(over="ignore"):  # a narrow type holds infinity instead
                return np.asarray(values).astype(element.dtype)
        case IntegerType(bits=1):
            return np.asarray(random.random(shape) < 0.5)
        case IntegerType() | IndexType():
            low = 0 if isinstance(element, IntegerType) and element.unsigned else -4
            return np.asarray(random.integers(low, 8, shape)).astype(element.dtype)
    return np.full(shape, "text", dtype=object)


def run_lowered(module: Module, inputs: Sequence[Array], before: Outcome) -> Outcome:
    """The outcome of a `main` that tensor-to-loop made: after the inputs it takes buffers for the results, and the arena."""
    main = module.function("main")
    rest = [_array(argument.type, np.random.default_rng(1), special=False) for argument in main.arguments[len(inputs) :]]
    arguments = [*(array.reshape(-1) for array in inputs), *rest]
    after = run(module, main, arguments)
    made = after.buffers[len(inputs) : len(inputs) + len(before.results)]
    return Outcome(tuple(new.reshape(old.shape) for new, old in zip(made, before.results, strict=True)), (), after.largest)


def run(module: Module, function: Function, inputs: Sequence[Array]) -> Outcome:
    """The outcome of `function` on `inputs`, which stay as they are."""
    bases = [array.copy() for array in inputs]
    arguments: list[Any] = [
        strided(base, argument.type) if isinstance(argument.type, BufferType) else base if base.shape else base[()]
        for base, argument in zip(bases, function.arguments, strict=True)
    ]
    magnitudes = [0.0, *map(_magnitude, arguments)]
    results = evaluate(module, function.sym_name, arguments, lambda op, made: magnitudes.extend(map(_magnitude, made)))
    buffers = [base for base, argument in zip(bases, function.arguments, strict=True) if isinstance(argument.type, BufferType)]
    return Outcome(tuple(map(np.asarray, results)), tuple(buffers), max(magnitudes))


def _magnitude(value: Any) -> float:
    array = np.asarray(value)
    if array.dtype.kind != "f":
        return 0.0
    return float(np.max(np.abs(array), initial=0.0, where=np.isfinite(array)))


def assert_same(before: Outcome, after: Outcome, rtol: float = 0.0) -> None:
    """Both outcomes are equal to the bit (NaN is NaN). With `rtol`, floats that were finite are within that of the largest magnitude
    that was met, because what is left of a difference of large numbers carries their rounding."""
    for old, new in zip((*before.results, *before.buffers), (*after.results, *after.buffers), strict=True):
        assert (old.dtype, old.shape) == (new.dtype, new.shape)
        if rtol and old.dtype.kind == "f":
            finite = np.isfinite(old)
            np.testing.assert_allclose(new[finite], old[finite], rtol=0, atol=rtol * before.largest)
        elif old.dtype == object:
            assert old.tolist() == new.tolist()
        else:
            nan = (old != old) & (new != new)
            same = np.ascontiguousarray(np.where(nan, 0, old)).tobytes() == np.ascontiguousarray(np.where(nan, 0, new)).tobytes()
            assert same, f"{new} is not {old}"


def assert_round_trip(module: Module) -> None:
    """The program verifies, and its text gives it back."""
    verify(module)
    text = print_operation(module)
    again = parse_operation(text)
    verify(again)
    assert print_operation(again) == text


def copy(module: Module) -> Module:
    """A copy that passes may change."""
    duplicate = module.clone({})
    assert isinstance(duplicate, Module)
    return duplicate


def assert_specified(got: tuple[Array, ...] | list[Array], wanted: list[Array]) -> None:
    """Equal wherever the evaluator shows a number; what nobody needs may be anything."""
    for have, want in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(np.where(np.isnan(want), np.nan, have), want)
