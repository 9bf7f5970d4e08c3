"""Instruments: what can watch a pipeline. Each writes through a function that is handed to it, or into a folder."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..dialects.func import Module
from ..dialects.ir.printer import print_operation
from ..dialects.ir.verifier import faults
from ..errors import InternalError
from .manager import Instrument, Pass, Report


@dataclass(frozen=True, slots=True)
class PrintAfter(Instrument):
    """Print the program after every pass (or after those named)."""

    write: Callable[[str], object]
    only: Sequence[str] = ()

    def after(self, pass_: Pass, module: Module, report: Report) -> None:
        if not self.only or pass_.name in self.only:
            self.write(f"// after {pass_}\n{print_operation(module, resources=False)}")


@dataclass(slots=True)
class PrintDiff(Instrument):
    """Print what each pass has changed, as a unified diff; nothing for one that changed nothing."""

    write: Callable[[str], object]
    old: list[str] = field(default_factory=list)

    def before(self, pass_: Pass, module: Module) -> None:
        self.old = self.old or _lines(module)

    def after(self, pass_: Pass, module: Module, report: Report) -> None:
        new = _lines(module)
        self.write("".join(difflib.unified_diff(self.old, new, f"before {pass_}", f"after {pass_}")))
        self.old = new


@dataclass(frozen=True, slots=True)
class VerifyEach(Instrument):
    """Verify the program after every pass; a fault is the pass's."""

    def after(self, pass_: Pass, module: Module, report: Report) -> None:
        found = list(faults(module))
        if found:
            raise InternalError(f"the program does not verify after {pass_}:\n" + "\n".join(map(str, found)))


@dataclass(slots=True)
class DumpPhases(Instrument):
    """Write the program before the first and after every pass into a folder: `00-begin.mlir`, `01-canonicalize.mlir`, ..."""

    folder: Path
    count: int = 0

    def before(self, pass_: Pass, module: Module) -> None:
        if not self.count:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.write("begin", module)

    def after(self, pass_: Pass, module: Module, report: Report) -> None:
        self.write(pass_.name, module)

    def write(self, name: str, module: Module) -> None:
        (self.folder / f"{self.count:02}-{name}.mlir").write_text(print_operation(module))
        self.count += 1


def timing_table(reports: Sequence[Report]) -> str:
    """Milliseconds per pass, the slowest first, with what each has done."""
    total = sum(report.seconds for report in reports)
    lines = [f"{'ms':>8}  {'share':>5}  pass"]
    for report in sorted(reports, key=lambda report: -report.seconds):
        done = ", ".join(f"{count} {name}" for name, count in report.counts.items())
        share = report.seconds / total if total else 0.0
        lines.append(f"{report.seconds * 1e3:8.1f}  {share:5.0%}  {report.pass_name}" + (f": {done}" if done else ""))
    return "\n".join([*lines, f"{total * 1e3:8.1f}  total"]) + "\n"


def _lines(module: Module) -> list[str]:
    return print_operation(module, resources=False).splitlines(keepends=True)
