"""The pages of the documentation that are made from the code. `python tests/support/pages.py` writes them anew.

What a page says stands in the code: rules of import, docstrings of operations and passes. `tests/test_pages.py` compares.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import TypeVar

from intaglio.compiler.frontend import operators
from intaglio.compiler.frontend.operators.registry import imported
from intaglio.compiler.frontend.versions import OLDEST
from intaglio.dialects.ir.operation import Operation, all_operations
from intaglio.passes.manager import all_passes, all_pipelines
from sources import ROOT, modules

T = TypeVar("T")

MADE = "<!-- Written by tests/support/pages.py; do not edit. -->"

ABOUT_OPERATORS = f"""\
Opsets {OLDEST} to the newest of the installed onnx package are read. A number is the opset from which a rule holds; it holds until
the next. An operator that is not here is imported too if the model, or ONNX itself, defines it as a function of others that are here.
A shape, axis or pad that an operator takes as an input must be known at compile time, at the latest when the inputs' shapes are. A
rule may refuse a mode of its operator, and then names the node and the mode. Element types are f16, f32, f64, integers and truth values."""


def operators_page() -> str:
    """Every ONNX operator with an import rule, by family."""
    assert operators.__doc__  # imported for its effect: it registers every rule
    families: dict[str, list[str]] = {}
    for domain, op_type, versions, family in imported():
        holds_from = dict.fromkeys(max(since, OLDEST) for since in versions)
        families.setdefault(family, []).append(f"| {f'{domain}.' if domain else ''}{op_type} | {', '.join(map(str, holds_from))} |")
    text = f"# Operators\n\n{MADE}\n\n{ABOUT_OPERATORS}"
    for family in sorted(families):
        text += f"\n\n## {family}\n\n| operator | opset |\n|---|---|\n" + "\n".join(families[family])
    return text + "\n"


def ir_page() -> str:
    """Every operation, by dialect."""
    _import_all("dialects")
    dialects: dict[str, list[type[Operation]]] = {}
    for class_ in sorted(_ours(all_operations()), key=lambda each: each.name):
        dialects.setdefault(class_.name.partition(".")[0], []).append(class_)
    text = f"# Operations\n\n{MADE}\n\nThe first line of each operation's docstring, which is its specification."
    for dialect in sorted(dialects):
        rows = (f"| `{each.name}` | {_first_line(each)} |" for each in dialects[dialect])
        text += f"\n\n## {dialect}\n\n| operation | what it is |\n|---|---|\n" + "\n".join(rows)
    return text + "\n"


def passes_page() -> str:
    """Every pass and pipeline."""
    _import_all("passes")
    rows = (f"| `{each.name}` | {_first_line(each)} |" for each in _ours(all_passes()))
    text = f"# Passes\n\n{MADE}\n\nThe first line of each pass's docstring.\n\n| pass | what it does |\n|---|---|\n" + "\n".join(rows)
    text += "\n\n## Pipelines\n\nWhy each pass stands where it does is said in `passes/pipelines.py`.\n\n| pipeline | passes |\n|---|---|\n"
    known = {*all_pipelines(), *(each.name for each in _ours(all_passes()))}
    pipelines = {name: steps for name, steps in all_pipelines().items() if known.issuperset(steps)}  # without what tests define
    return text + "\n".join(f"| `{name}` | {', '.join(f'`{each}`' for each in steps)} |" for name, steps in pipelines.items()) + "\n"


PAGES: dict[str, Callable[[], str]] = {"docs/operators.md": operators_page, "docs/ir.md": ir_page, "docs/passes.md": passes_page}


def _import_all(folder: str) -> None:
    for module in modules():
        if module.name.startswith(f"intaglio.{folder}"):
            import_module(module.name)


def _ours(classes: Iterable[type[T]]) -> Iterator[type[T]]:
    """Without what tests declare."""
    return (each for each in classes if each.__module__.startswith("intaglio."))


def _first_line(class_: type[object]) -> str:
    paragraph = re.sub(r"\s+", " ", inspect.cleandoc(class_.__doc__ or "").partition("\n\n")[0])
    return paragraph.replace("|", "\\|")


if __name__ == "__main__":
    for name, make in PAGES.items():
        (ROOT / name).write_text(make(), encoding="utf-8")
