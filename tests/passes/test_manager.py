"""Pipelines as text, options, reports, instruments, and what happens when a pass breaks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

import intaglio.passes.pipelines  # noqa: F401 - registers every pass
from intaglio.dialects import arith
from intaglio.dialects.func import Function, Module
from intaglio.dialects.ir.builder import Builder
from intaglio.dialects.ir.location import Location, Node
from intaglio.dialects.ir.parser import parse_operation
from intaglio.dialects.ir.types import f32
from intaglio.errors import CompileError, InternalError
from intaglio.passes.instruments import DumpPhases, PrintAfter, PrintDiff, VerifyEach, timing_table
from intaglio.passes.manager import Pass, Pipeline, Report, all_passes, all_pipelines, define_pipeline, option


@dataclass(frozen=True)
class BreakSomething(Pass, name="test-break", runs_on=()):
    """Breaks in the way that it is told, at the last operation."""

    how: str = option("nothing", "exception, wrong or error")
    after: int = option(0, "operations that are left alone")
    ratio: float | None = option(None, "nothing")
    eager: bool = option(False, "nothing")

    def run(self, module: Module, report: Report) -> None:
        for op in module.function("main").body:
            if isinstance(op, arith.AddF):
                self.do(op)

    def do(self, op: arith.AddF) -> None:
        match self.how:
            case "exception":
                raise KeyError("lost")
            case "wrong":
                op.move_before(op.block.first)  # type: ignore[union-attr, arg-type]
                op.set_operand(0, op.output)


define_pipeline("test-named", "test-break{after=7}", "dce")


def program() -> Module:
    module = Module.empty()
    function = module.add(Function.make("main", [f32]))
    build = Builder.at_end(function.body, Location((Node("sum", "Add"),)))
    x = function.arguments[0]
    build.add(arith.MulF(x, x))
    return_value = build.add(arith.AddF(x, x)).output
    function.close([return_value])
    return module


@pytest.mark.parametrize(
    "text",
    [
        "",
        "canonicalize",
        "canonicalize,fold-constants{max-bytes=4096},dce",
        "test-break{how=wrong after=3 ratio=0.5 eager=true}",
        'test-break{how="a b"}',
        *all_pipelines(),
    ],
)
def test_text_is_read_and_written(text: str) -> None:
    pipeline = Pipeline.parse(text)
    assert Pipeline.parse(str(pipeline)) == pipeline
    assert text in all_pipelines() or str(pipeline) == text


def test_a_named_pipeline_hands_options_on() -> None:
    assert str(Pipeline.parse("test-named{how=wrong}")) == "test-break{how=wrong after=7},dce"


@pytest.mark.parametrize(
    ("text", "message", "help"),
    [
        ("canonicalise", "there is no pass 'canonicalise'", "did you mean canonicalize"),
        ("fold-constants{maxbytes=1}", "the pass 'fold-constants' has no option 'maxbytes'", "max-bytes"),
        ("dce{x=1}", "the pass 'dce' has no option 'x'", "it has none"),
        ("fold-constants{max-bytes=few}", "the option 'max-bytes' of the pass 'fold-constants' is a whole number, not 'few'", ""),
        ("test-break{eager=1}", "the option 'eager' of the pass 'test-break' is true or false, not '1'", ""),
        ("test-named{hwo=wrong}", "no pass of the pipeline 'test-named' has the option 'hwo'", "did you mean how"),
        ("dce{", "expected '}', found 'the end' in the pipeline 'dce{'", ""),
        ("dce dce", "expected ',', found 'dce' in the pipeline 'dce dce'", ""),
        ("dce;", "unexpected ';' in the pipeline 'dce;'", ""),
    ],
)
def test_mistakes_in_the_text_are_explained(text: str, message: str, help: str) -> None:
    with pytest.raises(CompileError) as caught:
        Pipeline.parse(text)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.message == message
    assert help in diagnostic.hint


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(CompileError) as caught:
        Pipeline.parse("one,two,dce{x=1}")
    assert len(caught.value.diagnostics) == 3


def test_an_exception_becomes_an_internal_error_with_a_reproducer(tmp_path: Path) -> None:
    module = program()
    with pytest.raises(InternalError) as caught:
        Pipeline.parse("dce,test-break{how=exception},canonicalize").run(module, reproducers=tmp_path)
    text = str(caught.value)
    assert "the pass test-break{how=exception} broke at arith.addf from node 'sum' (Add): KeyError: 'lost'" in text
    (path,) = tmp_path.iterdir()
    assert str(path) in text
    head, _, body = path.read_text().partition("\n")
    assert head == "// opt: test-break{how=exception},canonicalize"
    assert "arith.mulf" not in body  # as it was after dce
    again = parse_operation(body)
    assert isinstance(again, Module)
    with pytest.raises(InternalError):
        Pipeline.parse(head.removeprefix("// opt: ")).run(again, reproducers=tmp_path)


def test_verify_each_blames_the_pass(tmp_path: Path) -> None:
    with pytest.raises(InternalError, match=r"test-break\{how=wrong\} broke.*\n?.*does not verify") as caught:
        Pipeline.parse("test-break{how=wrong}").run(program(), [VerifyEach()], tmp_path)
    assert "not defined before" in str(caught.value)


def test_instruments_see_every_pass(tmp_path: Path) -> None:
    printed: list[str] = []
    differences: list[str] = []
    reports = Pipeline.parse("canonicalize,cse,dce").run(
        program(), [PrintAfter(printed.append, ["dce"]), PrintDiff(differences.append), DumpPhases(tmp_path / "phases")]
    )
    assert [text.split("\n")[0] for text in printed] == ["// after dce"]
    assert "arith.mulf" in differences[0]  # canonicalize has removed it
    assert differences[1:] == ["", ""]
    assert sorted(path.name for path in (tmp_path / "phases").iterdir()) == [
        "00-begin.mlir",
        "01-canonicalize.mlir",
        "02-cse.mlir",
        "03-dce.mlir",
    ]
    assert "canonicalize: 1 removed" in timing_table(reports)


def test_remarks_name_the_nodes() -> None:
    add, end = list(program().function("main").body)[1:]
    report = Report("test")
    report.remark(add, "left alone")
    report.remark(end, "left alone")
    assert str(report.remarks[0]) == "remark: arith.addf: left alone\n  node 'sum' (Add)"
    assert str(report.remarks[1]) == "remark: func.return: left alone\n  func.return from (f32) to (), made by the compiler"


def test_every_pass_is_documented() -> None:
    for each in all_passes():
        text = each.__doc__ or ""
        assert "Before:" in text or each.__module__.endswith("test_manager"), f"{each.name} shows no example"
