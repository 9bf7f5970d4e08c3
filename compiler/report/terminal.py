"""Tables, JSON and progress on the terminal; the only file that knows rich.

The one thing to know: every cell passes through `printable`, so that a name from a file cannot act on the terminal, and JSON is
ASCII with everything else escaped. On a pipe a table is plain text, as wide as it needs.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import Any

from ...errors import printable

__all__ = ["Column", "bytes_text", "count_text", "json_safe", "message", "print_json", "print_table", "progress", "write"]

WIDE = 10_000  # columns of a pipe: nothing is folded


@dataclass(frozen=True, slots=True)
class Column:
    """A heading; numbers stand on the right. Only a text that may be `long` is folded on a narrow terminal."""

    title: str
    right: bool = False
    long: bool = False


def print_table(title: str, columns: Sequence[Column], rows: Sequence[Sequence[str]], total: Sequence[str] = ()) -> None:
    """A table on stdout; `total` stands below a line."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=printable(title) or None, title_justify="left", box=SIMPLE, pad_edge=False, show_footer=bool(total), title_style="bold"
    )
    for number, column in enumerate(columns):
        table.add_column(
            Text(column.title),
            Text(printable(total[number]) if total else ""),
            justify="right" if column.right else "left",
            no_wrap=not column.long,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    if sys.stdout.isatty():
        Console(highlight=False).print(table)
        return
    page = Console(file=StringIO(), width=WIDE, highlight=False)
    with page.capture() as capture:
        page.print(table)
    write("\n".join(line for line in map(str.rstrip, capture.get().splitlines()) if line))


def print_json(record: dict[str, Any]) -> None:
    """One JSON object on stdout."""
    write(json.dumps(json_safe(record), indent=1, allow_nan=False))


def json_safe(value: Any) -> Any:
    """`value` with what JSON cannot say as text: "nan", "inf", "-inf"."""
    match value:
        case dict():
            return {str(key): json_safe(each) for key, each in value.items()}
        case list() | tuple():
            return [json_safe(each) for each in value]
        case float() if not math.isfinite(value):
            return str(value)
        case complex():
            return [json_safe(value.real), json_safe(value.imag)]
        case None | bool() | int() | float() | str():
            return value
    return str(value)


def write(text: str) -> None:
    """A line of results on stdout."""
    sys.stdout.write(f"{text}\n")


def message(text: str) -> None:
    """A line about the work on stderr."""
    sys.stderr.write(f"{text}\n")


def bytes_text(count: int | None) -> str:
    """A size: `812 B`, `11.3 KB`, `4.0 MB`; `-` where it is not known."""
    if count is None:
        return "-"
    size = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            return f"{count} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError


def count_text(count: float | None) -> str:
    """A number with its thousands parted; `?` where it is not known."""
    return "?" if count is None else f"{count:,.0f}"


@contextmanager
def progress(stages: Sequence[str]) -> Iterator[Callable[[str], None]]:
    """A bar on stderr that goes on when it is told a stage; silent where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield lambda stage: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=len(stages), visible=False)
        yield lambda stage: bar.update(task, description=stage, completed=stages.index(stage) if stage in stages else None, visible=True)
