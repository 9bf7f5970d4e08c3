"""IR text from people: files and stdin to modules, and the pipeline that they ask for.

In comes a path or nothing; out come a verified module and a pipeline. The one thing to know: every operation must be registered, so all
dialects are imported here.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ..dialects import arith, func, graph, lanes, loop, math, tensor  # noqa: F401 - registers the operations
from ..dialects.ir.parser import parse_operation
from ..dialects.ir.verifier import verify
from ..errors import CompileError, error, quote
from ..passes import pipelines  # noqa: F401 - registers the passes
from ..passes.manager import Pipeline
from .frontend.files import read_bytes

__all__ = ["parse_module", "pipeline_of", "read_text"]

MOST_TEXT_BYTES = 2**31 - 1
HEADLINE = "// opt:"


def read_text(path: Path | None) -> tuple[str, str]:
    """The text of a file, or of stdin, and what messages call it."""
    data = sys.stdin.buffer.read(MOST_TEXT_BYTES) if path is None else read_bytes(path, "IR", MOST_TEXT_BYTES)
    source = "<stdin>" if path is None else str(path)
    try:
        return data.decode(), source
    except UnicodeDecodeError as fault:
        raise CompileError(error(f"the IR text is not UTF-8: byte {fault.start}").at(source).help("print it with intaglio")) from None


def parse_module(text: str, source: str) -> func.Module:
    """The verified module that `text` holds."""
    module = parse_operation(text, source)
    if not isinstance(module, func.Module):
        raise CompileError(error(f"the text holds a {quote(module.name)}, not a module").at(source).help('wrap it in "builtin.module"() ({...})'))
    verify(module)
    return module


def pipeline_of(text: str, given: str | None) -> Pipeline:
    """The pipeline that was given, else the one of the text's first line."""
    first = text.split("\n", 1)[0]
    if given is None and not first.startswith(HEADLINE):
        raise CompileError(error("no pipeline is given").help("give one: -p canonicalize"))
    return Pipeline.parse(given if given is not None else first.removeprefix(HEADLINE).strip())
