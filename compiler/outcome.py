"""What a model is run on, and whether what came out is right.

In come files and test folders; out come `Case`s, and `Comparison`s of their results. The one thing to know: an element is right
when it is within atol + rtol * |expected|; integers and truth values must be equal; NaN is right where NaN is expected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import CompileError, Diagnostic, error, quote
from .feeds import Array, checked_feeds, shape_text
from .frontend.problems import shown_path
from .parameters import input_file

if TYPE_CHECKING:
    from .artefact import Port
    from .driver import Model
    from .frontend.inputs import TestData

__all__ = ["Case", "Comparison", "cases_of", "compare"]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One set of inputs; `expected` is empty where nothing is known about the outputs."""

    name: str
    inputs: Mapping[str, Array]
    expected: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One output of one case. `fault` says what is wrong besides numbers; `worst_at` is where the largest error stands."""

    case: str
    output: str
    max_abs_err: float
    wrong: int
    elements: int
    worst_at: tuple[int, ...] = ()
    fault: str = ""

    @property
    def passed(self) -> bool:
        return not self.wrong and not self.fault


def cases_of(model: Model, words: Sequence[str], folders: Sequence[Path]) -> list[Case]:
    """The case that `--input` words make, and those in test folders."""
    cases = [case for folder in folders for case in _folder_cases(model, folder)]
    if words or not cases:
        cases.insert(0, Case("", _inputs(model, words), {}))
    return cases


def _inputs(model: Model, words: Sequence[str]) -> dict[str, Array]:
    from .frontend.inputs import load_input
    from .report.terminal import message

    ports = {port.name: port for port in model.inputs}
    found: dict[str, Array] = {}
    for word in words:
        name, path = _named(model, word, ports)
        if name in found:
            raise CompileError(error(f"--input gives {quote(name)} twice").help("give it once"))
        port = ports[name]
        loaded = load_input(path, port.dtype, port.extents, name)
        for each in loaded.warnings:
            message(str(each))
        found[name] = loaded.array
    missing = [port for port in model.inputs if port.name not in found]
    if missing:
        raise CompileError.of(_missing(model, port) for port in missing)
    return found


def _named(model: Model, word: str, ports: Mapping[str, Port]) -> tuple[str, Path]:
    """Input and file. A sole input's name may be left out; a name may hold `=` itself, so known names are tried first."""
    for known in ports:
        if word.startswith(f"{known}=") and len(word) > len(known) + 1:
            return known, Path(word[len(known) + 1 :])
    name, path = input_file(word)
    if not name and len(ports) == 1:
        return next(iter(ports)), path
    wrong = f"the model has no input {quote(name)}" if name else f"--input {quote(word)} names no input"
    raise CompileError(
        error(wrong).at(shown_path(model.path)).help(f"its inputs are {', '.join(map(quote, ports)) or 'none'}: --input NAME=FILE")
    )


def _missing(model: Model, port: Port) -> Diagnostic:
    wanted = f"{port.dtype} {shape_text(port.extents)}"
    return (
        error(f"the input {quote(port.name)} is not given: {wanted}")
        .at(shown_path(model.path))
        .help("give it a file, --input NAME=FILE, or a test folder, --test-data DIR")
    )


def _folder_cases(model: Model, folder: Path) -> list[Case]:
    from .frontend.inputs import load_test_data

    return [_case(model, test) for test in load_test_data(folder)]


def _case(model: Model, test: TestData) -> Case:
    """A test with the names of the model, whose inputs it must fit; outputs that it does not fit are told of when they are there."""
    place = f"{shown_path(model.path)}, test folder {shown_path(test.folder)}"
    for kind, arrays, ports in (("inputs", test.inputs, model.inputs), ("outputs", test.expected, model.outputs)):
        if len(arrays) != len(ports):
            fault = error(f"the test folder holds {len(arrays)} {kind}, and the model has {len(ports)}")
            raise CompileError(fault.at(place).help("take the folder that belongs to the model"))
    inputs = {port.name: array for port, array in zip(model.inputs, test.inputs, strict=True)}
    try:
        checked_feeds(model.inputs, inputs)
    except CompileError as fault:
        raise fault.within(place) from None
    expected = {port.name: array for port, array in zip(model.outputs, test.expected, strict=True)}
    return Case(str(test.folder), inputs, expected)


def compare(case: Case, outputs: Mapping[str, Array], rtol: float, atol: float) -> list[Comparison]:
    """Every expected output against what came out."""
    return [_compared(case.name, name, expected, outputs[name], rtol, atol) for name, expected in case.expected.items()]


def _compared(case: str, name: str, expected: Array, actual: Array, rtol: float, atol: float) -> Comparison:
    if expected.shape != actual.shape or expected.dtype != actual.dtype:
        fault = f"is {actual.dtype} {actual.shape}, and {expected.dtype} {expected.shape} is expected"
        return Comparison(case, name, float("inf"), 0, expected.size, (), fault)
    if not expected.size:
        return Comparison(case, name, 0.0, 0, 0)
    want, got = (array.astype(np.complex128 if array.dtype.kind == "c" else np.float64) for array in (expected, actual))
    with np.errstate(invalid="ignore"):
        errors = np.where((want == got) | (np.isnan(want) & np.isnan(got)), 0.0, np.abs(got - want))
    errors = np.where(np.isnan(errors), np.inf, errors)
    allowed = atol + rtol * np.abs(want) if expected.dtype.kind in "fcV" else np.zeros(want.shape)
    worst = np.unravel_index(int(np.argmax(errors)), errors.shape)
    return Comparison(case, name, float(errors.max()), int((errors > np.nan_to_num(allowed)).sum()), expected.size, tuple(map(int, worst)))
