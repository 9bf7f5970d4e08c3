"""Passes and pipelines: what a pass is, how a list of them is written as text, and how it is run.

A pass is a frozen dataclass with a name and options; it registers itself when its module is imported. A pipeline is text,
`absorb-pads,fold-constants{max-bytes=4096}`, or names a list that `define_pipeline` was given. A module comes in and is changed in
place; what comes out beside it is one `Report` per pass. Errors of the user (`CompileError`) go through as they are, every other
exception becomes an `InternalError` with a file that reproduces it.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import tempfile
import time
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType, TracebackType
from typing import ClassVar, Literal, TypeAlias, TypeVar

from ..dialects.func import Module
from ..dialects.ir.operation import Operation
from ..dialects.ir.printer import print_operation
from ..errors import CompileError, Diagnostic, InternalError, error, printable, remark

T = TypeVar("T")
Stage: TypeAlias = Literal["graph", "tensor", "loop"]
Setting: TypeAlias = bool | int | float | str | None
ANY: tuple[Stage, ...] = ("graph", "tensor", "loop")


def option(default: T, help: str) -> T:
    """A field of a pass that the text of a pipeline can set."""
    return dataclasses.field(default=default, metadata={"help": help})


class Pass:
    """Base of all passes: a frozen dataclass that changes a module in place.

        class FoldConstants(Pass, name="fold-constants", runs_on=("graph", "tensor")): ...

    `runs_on` names the stages whose programs it accepts, `exact` says that results stay the same to the bit; the property tests
    draw such programs and hold it to that (an inexact pass must keep finite results within rounding).
    """

    name: ClassVar[str]
    runs_on: ClassVar[tuple[Stage, ...]]
    exact: ClassVar[bool]

    def __init_subclass__(cls, *, name: str = "", runs_on: Sequence[Stage] = ANY, exact: bool = True) -> None:
        if name:
            cls.name, cls.runs_on, cls.exact = name, tuple(runs_on), exact
        elif "name" not in vars(cls):  # a dataclass with slots is made twice, the second time without keywords
            return
        known = _PASSES.get(cls.name)
        assert known is None or known.__qualname__ == cls.__qualname__, f"two passes are called {cls.name}"
        _PASSES[cls.name] = cls

    def run(self, module: Module, report: Report) -> None:
        """Change `module`; say in `report` what was done and what was left."""
        raise NotImplementedError

    def __str__(self) -> str:
        """The text that the pipeline parser reads back: options that differ from their defaults."""
        given = [
            f"{_kebab(each.name)}={_setting_text(getattr(self, each.name))}"
            for each in _fields(type(self))
            if getattr(self, each.name) != each.default
        ]
        return f"{self.name}{{{' '.join(given)}}}" if given else self.name


_PASSES: dict[str, type[Pass]] = {}
_PIPELINES: dict[str, tuple[str, ...]] = {}


def all_passes() -> tuple[type[Pass], ...]:
    """Every registered pass, by name."""
    return tuple(_PASSES[name] for name in sorted(_PASSES))


def all_pipelines() -> dict[str, tuple[str, ...]]:
    """The named pipelines, in the order of their definition."""
    return dict(_PIPELINES)


def define_pipeline(name: str, *passes: str) -> None:
    """Let `name` stand for a list of passes (or pipelines) in the text of a pipeline."""
    assert name not in {**_PASSES, **_PIPELINES}, f"{name} is defined twice"
    _PIPELINES[name] = passes


def _option_names(class_: type[Pass]) -> list[str]:
    return [each.name for each in _fields(class_)]


def _fields(class_: type) -> tuple[dataclasses.Field[object], ...]:
    return dataclasses.fields(class_) if dataclasses.is_dataclass(class_) else ()


def _kebab(name: str) -> str:
    return name.replace("_", "-")


def _snake(name: str) -> str:
    return name.replace("-", "_")


@dataclass(slots=True)
class Report:
    """What one run of one pass did: how often, what it left alone and why, how long it took."""

    pass_name: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    remarks: list[Diagnostic] = field(default_factory=list)
    seconds: float = 0.0

    def remark(self, op: Operation, text: str) -> None:
        """Note something about `op`, in the names of the user's nodes."""
        self.remarks.append(located(remark(f"{op.name}: {text}"), op))

    def count(self, name: str, n: int = 1) -> None:
        """Add `n` to what was done under this name."""
        if n:
            self.counts[name] = self.counts.get(name, 0) + n


def located(diagnostic: Diagnostic, op: Operation) -> Diagnostic:
    """`diagnostic` with the ONNX nodes that `op` came from as its places; with its types where there are none."""
    for place in op.location.places:
        diagnostic = diagnostic.at(place)
    if not op.location:
        operands, results = (", ".join(str(value.type) for value in values) for values in (op.operands, op.results))
        diagnostic = diagnostic.at(f"{op.name} from ({operands}) to ({results}), made by the compiler")
    return diagnostic


class Instrument:
    """Watches a pipeline: called around every pass."""

    def before(self, pass_: Pass, module: Module) -> None:
        """The pass is about to run."""

    def after(self, pass_: Pass, module: Module, report: Report) -> None:
        """The pass has run."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Passes in order."""

    passes: tuple[Pass, ...]

    @staticmethod
    def parse(text: str) -> Pipeline:
        """The pipeline that `text` writes. Raises CompileError with every unknown name and option in it."""
        problems: list[Diagnostic] = []
        passes = list(_Text(text, problems).passes())
        if problems:
            raise CompileError.of(problems)
        return Pipeline(tuple(passes))

    def __str__(self) -> str:
        return ",".join(map(str, self.passes))

    def run(self, module: Module, instruments: Sequence[Instrument] = (), reproducers: Path | None = None) -> list[Report]:
        """Run the passes on `module`. The file about a crash is written into `reproducers` (else the system's temporary folder)."""
        original = module.clone({})
        reports: list[Report] = []
        for i, pass_ in enumerate(self.passes):
            report = Report(pass_.name)
            try:
                _run_one(pass_, module, report, instruments)
            except CompileError:
                raise
            except Exception as problem:
                path = _write_reproducer(self.passes, i, original, reproducers)
                raise InternalError(_crash_text(pass_, problem, path)) from problem
            reports.append(report)
        return reports


def _run_one(pass_: Pass, module: Module, report: Report, instruments: Sequence[Instrument]) -> None:
    for instrument in instruments:
        instrument.before(pass_, module)
    start = time.perf_counter()
    pass_.run(module, report)
    report.seconds = time.perf_counter() - start
    for instrument in instruments:
        instrument.after(pass_, module, report)


# Crashes.


def _crash_text(pass_: Pass, problem: Exception, path: Path) -> str:
    op = _operation_at_fault(problem.__traceback__)
    where = ""
    if op is not None:
        where = f" at {op.name}" + (f" from {', '.join(op.location.places)}" if op.location else "")
    return (
        f"the pass {pass_} broke{where}: {type(problem).__name__}: {problem}\n"
        f"  this is a fault of the compiler, not of the model; please send {path}, which reproduces it"
    )


def _operation_at_fault(trace: TracebackType | None) -> Operation | None:
    """The innermost operation that a function on the stack was called for: its variable `op`."""
    found = None
    while trace is not None:
        candidate = trace.tb_frame.f_locals.get("op")
        found = candidate if isinstance(candidate, Operation) else found
        trace = trace.tb_next
    return found


def _write_reproducer(passes: Sequence[Pass], broken: int, original: Operation, folder: Path | None) -> Path:
    """The program before pass number `broken`, with a first line for `opt`. It is made by running the passes before it again,
    so that a pipeline that does not crash pays for one copy and not for one per pass."""
    module = original.clone({})
    assert isinstance(module, Module)
    for pass_ in passes[:broken]:
        pass_.run(module, Report(pass_.name))
    rest = ",".join(map(str, passes[broken:]))
    with tempfile.NamedTemporaryFile("w", prefix="intaglio-crash-", suffix=".mlir", dir=folder, delete=False) as file:
        file.write(f"// opt: {rest}\n{print_operation(module)}")
    return Path(file.name)


# The text of pipelines.

_TOKEN = re.compile(r'\s*([A-Za-z0-9_.+/:-]+|"[^"]*"|[{}=,])')


class _Text:
    """Recursive descent over `name{key=value key=value},name`; faults are collected, not raised."""

    def __init__(self, text: str, problems: list[Diagnostic]) -> None:
        self.text = text
        self.problems = problems
        self.tokens: list[str] = []
        position = 0
        while position < len(text.rstrip()):
            match = _TOKEN.match(text, position)
            if match is None:
                raise CompileError(error(f"unexpected {text[position:].strip()[:1]!r} in the pipeline {printable(text)!r}"))
            self.tokens.append(match.group(1))
            position = match.end()
        self.at = 0

    def take(self, expected: str = "") -> str:
        token = self.tokens[self.at] if self.at < len(self.tokens) else ""
        if not token or (expected and token != expected):
            what = repr(expected) if expected else "a name"
            raise CompileError(error(f"expected {what}, found {token or 'the end'!r} in the pipeline {printable(self.text)!r}"))
        self.at += 1
        return token

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def passes(self) -> Iterator[Pass]:
        while self.peek():
            name = self.take()
            options = self.options() if self.peek() == "{" else {}
            yield from _make(name, options, self.problems)
            if self.peek():
                self.take(",")

    def options(self) -> dict[str, str]:
        self.take("{")
        options: dict[str, str] = {}
        while self.peek() not in ("}", ""):
            key = self.take()
            self.take("=")
            options[key] = self.take().strip('"')
        self.take("}")
        return options


def _make(name: str, options: Mapping[str, str], problems: list[Diagnostic]) -> Iterator[Pass]:
    if name in _PIPELINES:
        yield from _make_named(name, options, problems)
        return
    class_ = _PASSES.get(name)
    if class_ is None:
        problems.append(error(f"there is no pass {name!r}").help(_nearest(name, [*_PASSES, *_PIPELINES])))
        return
    own = _option_names(class_)
    problems += [
        error(f"the pass {name!r} has no option {key!r}").help(_nearest(key, map(_kebab, own))) for key in options if _snake(key) not in own
    ]
    yield class_(**_settings(class_, options, problems))


def _make_named(name: str, options: Mapping[str, str], problems: list[Diagnostic]) -> Iterator[Pass]:
    """The passes of a named pipeline. An option goes to all of them that have it; none having it is a fault."""
    passes = [pass_ for text in _PIPELINES[name] for pass_ in _Text(text, problems).passes()]
    known = list(dict.fromkeys(key for pass_ in passes for key in _option_names(type(pass_))))
    problems += [
        error(f"no pass of the pipeline {name!r} has the option {key!r}").help(_nearest(key, map(_kebab, known)))
        for key in options
        if _snake(key) not in known
    ]
    for pass_ in passes:
        kept = {key: getattr(pass_, key) for key in _option_names(type(pass_))}
        yield type(pass_)(**{**kept, **_settings(type(pass_), options, problems)})


def _settings(class_: type[Pass], options: Mapping[str, str], problems: list[Diagnostic]) -> dict[str, Setting]:
    """The options that `class_` has, as values of their types."""
    hints = typing.get_type_hints(class_)
    settings: dict[str, Setting] = {}
    for key, text in options.items():
        if _snake(key) not in _option_names(class_):
            continue
        try:
            settings[_snake(key)] = _setting(text, hints[_snake(key)])
        except ValueError:
            problems.append(error(f"the option {key!r} of the pass {class_.name!r} is {_type_name(hints[_snake(key)])}, not {text!r}"))
    return settings


def _nearest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"there is {', '.join(names)}" if names else "it has none"


def _setting(text: str, type_: object) -> Setting:
    """The value of an option of this type. Raises ValueError."""
    alternatives = typing.get_args(type_) or (type_,)
    if NoneType in alternatives and text == "none":
        return None
    if typing.get_origin(type_) is Literal:
        if text not in alternatives:
            raise ValueError(text)
        return text
    if bool in alternatives:
        if text not in ("true", "false"):
            raise ValueError(text)
        return text == "true"
    for kind in (int, float):
        if kind in alternatives:
            return kind(text)
    return text


def _setting_text(value: Setting) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    text = str(value)
    return text if _TOKEN.fullmatch(text) and text not in "{}=," else f'"{text}"'


def _type_name(type_: object) -> str:
    if typing.get_origin(type_) is Literal:
        return f"one of {', '.join(map(str, typing.get_args(type_)))}"
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "a text", NoneType: "none"}
    kinds = typing.get_args(type_) or (type_,)
    return " or ".join(names.get(kind, str(kind)) for kind in kinds)
