"""One program before and after a pipeline, evaluated on the same seeded inputs.

In come two modules; out comes a sentence, or a CompileError that names the result that differs. The one thing to know: a border pass
changes how `main` is called (buffers for results, an arena), so both forms are called here and their results compared as plain arrays.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..dialects import func
from ..dialects.ir.evaluator import evaluate
from ..dialects.ir.types import BufferType, FloatType, IndexType, IntegerType, Scalar, StringType, TensorType, Type
from ..dialects.loop.memory import strided
from ..errors import CompileError, Diagnostic, error, quote

__all__ = ["check_equal", "run_function", "seeded_inputs"]

Array = NDArray[np.generic]
SEED = 20261122
OPEN_EXTENT = 3  # stands for an unknown one; equal names give equal extents anyway
RTOL, ATOL = 1e-4, 1e-5  # of inexact passes, in parts of the result's largest element: f32 sums in another order


def check_equal(before: func.Module, after: func.Module, exact: bool) -> str:
    """Evaluate every function that both have; `exact` wants the same bits."""
    checked = 0
    for function in before.functions():
        if function.sym_name not in [other.sym_name for other in after.functions()]:
            continue
        inputs = seeded_inputs(function)
        expected = run_function(before, function.sym_name, inputs)
        actual = run_function(after, function.sym_name, inputs, len(expected))
        _compare(function.sym_name, expected, actual, exact)
        checked += 1
    if not checked:
        raise CompileError(error("no function is left that could be compared").help("leave out --check"))
    kind = "bit for bit" if exact else f"within {RTOL:g} of the largest element"
    return f"{checked} function{'s' * (checked != 1)} on inputs with seed {SEED}: equal {kind}"


def seeded_inputs(function: func.Function) -> tuple[Array, ...]:
    """An array for every argument of a function that returns its results; for one that writes them, for those before them."""
    random = np.random.default_rng(SEED)
    count = len(function.arguments) - _written(function)
    return tuple(_draw(random, argument.type) for argument in function.arguments[:count])


def run_function(module: func.Module, name: str, inputs: Sequence[Array], results: int | None = None) -> list[Array]:
    """Results of a function on `inputs`, in either form."""
    function = module.function(name)
    given = [array.copy() for array in inputs]
    made = [_buffer(argument.type) for argument in function.arguments[len(given) :]]
    returned = evaluate(module, name, [*given, *made])
    if function.returned or not made:
        return [np.asarray(each) for each in returned]
    return made[:results] if results is not None else made[: _written(function) - 1]


def _written(function: func.Function) -> int:
    """Of a loop program: how many of the last arguments are results and arena."""
    if function.returned or not all(isinstance(a.type, BufferType) for a in function.arguments):
        return 0
    return len(function.result_names) + 1


def _buffer(type_: Type) -> Array:
    """Memory for a result or the arena, filled with what nobody has written."""
    assert isinstance(type_, BufferType)
    raw = np.full(type_.nbytes, 0xA5, np.uint8).view(type_.element.dtype)
    return strided(raw, type_)


def _draw(random: np.random.Generator, type_: Type) -> Array:
    match type_:
        case TensorType():
            shape = tuple(OPEN_EXTENT if extent is None else extent for extent in type_.shape)
            return _values(random, shape, type_.element)
        case BufferType():
            buffer = _buffer(type_)
            buffer[...] = _values(random, type_.shape, type_.element)
            return buffer
        case FloatType() | IntegerType() | IndexType():
            return _values(random, (), type_)
    raise CompileError(error(f"no input can be drawn for {type_}").help("leave out --check"))


def _values(random: np.random.Generator, shape: tuple[int, ...], element: Scalar) -> Array:
    if isinstance(element, StringType):
        raise CompileError(error("no input can be drawn for texts").help("leave out --check"))
    if isinstance(element, FloatType):
        return random.standard_normal(shape).astype(element.dtype)
    return random.integers(0, 2 if element.dtype == np.bool_ else 5, shape).astype(element.dtype)


def _compare(name: str, expected: Sequence[Array], actual: Sequence[Array], exact: bool) -> None:
    if len(expected) != len(actual):
        raise CompileError(error(f"{quote(name)} had {len(expected)} results and has {len(actual)}"))
    for number, (want, got) in enumerate(zip(expected, actual, strict=True)):
        if want.shape != got.shape or want.dtype != got.dtype:
            raise CompileError(error(f"result {number} of {quote(name)} was {want.dtype} {want.shape} and is {got.dtype} {got.shape}"))
        if not _agree(want, got, exact):
            raise CompileError(_difference(name, number, want, got))


def _agree(want: Array, got: Array, exact: bool) -> bool:
    if want.dtype.kind not in "fcV" or exact:
        return bool(np.array_equal(want, got, equal_nan=want.dtype.kind in "fc"))
    a, b = want.astype(np.float64), got.astype(np.float64)
    finite = np.abs(a[np.isfinite(a)])
    scale = float(finite.max()) if finite.size else 1.0
    return bool(np.allclose(b, a, RTOL, ATOL + RTOL * scale, equal_nan=True))


def _difference(name: str, number: int, want: Array, got: Array) -> Diagnostic:
    different = np.argwhere(~((want == got) | ((want != want) & (got != got))))
    at = tuple(map(int, different[0]))
    fault = error(f"the program computes something else than before: result {number} of {quote(name)} was {want[at]} at {at} and is {got[at]}")
    return fault.note(f"{len(different)} of {want.size} elements differ").help("find the pass by running a part of the pipeline")
