"""Textual cases: programs with their expectations as comments, beside the tests of their subject.

A `.mlir` file begins with `// opt: <pipeline>` and holds cases parted by `// -----`. Expectations stand under the line they speak of:

    // check: "graph.concat"(%[[x]], {{.*}})     a line of the result, at or after the last one found; %[[x]] binds where it first stands
    // check-next: ...                            the very next line
    // check-not: ...                             no line between the expectations around it
    // error: text                                the operation above is refused with a message that contains the text
    // remark: text                               a pass says this of such an operation
    // rtol: 1e-6                                 results may differ by rounding; the reason stands beside it

Every case is also verified, printed, reparsed, and evaluated before and after on seeded inputs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from intaglio.dialects.func import Module
from intaglio.dialects.ir.parser import parse_operation
from intaglio.dialects.ir.printer import print_operation
from intaglio.dialects.ir.verifier import verify
from intaglio.errors import CompileError, Diagnostic
from intaglio.passes.instruments import VerifyEach
from intaglio.passes.manager import Pipeline, Report
from programs import assert_round_trip, assert_same, inputs_of, run

_DIRECTIVE = re.compile(r"//\s*(opt|check|check-next|check-not|error|remark|rtol):\s*(.*?)\s*$")


@dataclass(frozen=True, slots=True)
class Directive:
    """One expectation, and the name of the operation that it stands under."""

    kind: str
    text: str
    op: str


@dataclass(frozen=True, slots=True)
class Case:
    """One program of a file."""

    path: Path
    number: int
    pipeline: str
    text: str
    directives: tuple[Directive, ...]

    @property
    def name(self) -> str:
        found = re.search(r'sym_name = "([^"]*)"', self.text)
        return f"{self.path.stem}-{found.group(1) if found else self.number}"

    def of(self, *kinds: str) -> list[Directive]:
        return [each for each in self.directives if each.kind in kinds]


def cases_in(path: Path) -> Iterator[Case]:
    """The cases of a file, in order."""
    pipeline = ""
    for number, text in enumerate(re.split(r"^// -----.*\n", path.read_text(), flags=re.MULTILINE)):
        directives = tuple(_directives(text))
        pipeline = next((each.text for each in directives if each.kind == "opt"), pipeline)
        yield Case(path, number, pipeline, text, directives)


def _directives(text: str) -> Iterator[Directive]:
    op = ""
    for line in text.splitlines():
        code, _, _ = line.partition("//")
        named = re.search(r'^\s*(?:%[^=]*= )?"([^"]+)"\(', code)
        op = named.group(1) if named else op
        found = _DIRECTIVE.search(line)
        if found:
            yield Directive(found.group(1), found.group(2), op)


def parse_case(text: str) -> Module:
    """The module of a case; functions alone are wrapped into one."""
    if '"builtin.module"' not in text:
        body, mark, resources = text.partition("\n{-#")
        text = f'"builtin.module"() ({{ {body}\n}}) : () -> (){mark}{resources}'
    module = parse_operation(text)
    assert isinstance(module, Module)
    return module


def run_case(case: Case) -> None:
    """Hold a case to all that it says."""
    if case.of("error"):
        _expect_errors(case)
        return
    module = parse_case(case.text)
    assert_round_trip(module)
    inputs = {function.sym_name: inputs_of(function, seed=case.number) for function in module.functions()}
    before = {function.sym_name: run(module, function, inputs[function.sym_name]) for function in module.functions()}
    reports = Pipeline.parse(case.pipeline).run(module, [VerifyEach()])
    assert_round_trip(module)
    check_text(print_operation(module, resources=False), case.of("check", "check-next", "check-not"))
    _expect_remarks(case, reports)
    rtol = next((float(each.text.split()[0]) for each in case.of("rtol")), 0.0)
    for function in module.functions():
        if function.sym_name in before:
            assert_same(before[function.sym_name], run(module, function, inputs[function.sym_name]), rtol)


def _expect_errors(case: Case) -> None:
    found: Sequence[Diagnostic] = ()
    try:
        module = parse_case(case.text)
        verify(module)
        Pipeline.parse(case.pipeline).run(module, [VerifyEach()])
    except CompileError as refused:
        found = refused.diagnostics
    for each in case.of("error"):
        assert any(each.text in str(one) and each.op in str(one) for one in found), (
            f"nothing says {each.text!r} of {each.op}: {list(map(str, found))}"
        )
    assert len(found) == len(case.of("error")), f"more errors than expected: {list(map(str, found))}"


def _expect_remarks(case: Case, reports: Sequence[Report]) -> None:
    remarks = [remark for report in reports for remark in report.remarks]
    for each in case.of("remark"):
        assert any(each.text in remark.message for remark in remarks), f"no remark says {each.text!r}: {list(map(str, remarks))}"


def check_text(text: str, directives: Sequence[Directive]) -> None:
    """Hold the lines of `text` to check, check-next and check-not, in order."""
    lines = text.splitlines()
    bound: dict[str, str] = {}
    at = -1
    refused: list[Directive] = []
    for each in directives:
        if each.kind == "check-not":
            refused.append(each)
            continue
        candidates = range(at + 1, len(lines)) if each.kind == "check" else range(at + 1, min(at + 2, len(lines)))
        found = next((i for i in candidates if _matches(each.text, lines[i], bound)), None)
        assert found is not None, f"no line matches {each.kind}: {each.text} (with {bound}) from line {at + 2} on of\n{text}"
        _check_none(refused, lines[at + 1 : found], bound)
        at, refused = found, []
    _check_none(refused, lines[at + 1 :], bound)


def _check_none(refused: Sequence[Directive], lines: Sequence[str], bound: dict[str, str]) -> None:
    for each in refused:
        for line in lines:
            assert not _matches(each.text, line, dict(bound)), f"check-not: {each.text} matches {line.strip()}"


def _matches(pattern: str, line: str, bound: dict[str, str]) -> bool:
    """Whether the line contains the pattern; new captures are bound if so."""
    seen: list[str] = []
    expression = ""
    for part in re.split(r"(\[\[\w+\]\]|\{\{.*?\}\})", pattern):
        name = part[2:-2]
        if part.startswith("{{") and part.endswith("}}"):
            expression += f"(?:{name})"
        elif not part.startswith("[["):
            expression += re.escape(part)
        elif name in bound:
            expression += re.escape(bound[name]) + r"(?![\w$.])"
        elif name in seen:
            expression += f"(?P={name})"
        else:
            seen.append(name)
            expression += rf"(?P<{name}>[\w$.]+)"
    found = re.search(expression, line)
    if found is not None:
        bound.update({name: found.group(name) for name in seen})
    return found is not None
