"""Collects what is wrong with one foreign file, so that all of it is reported in one go.

In come messages and where they were found; out comes one `CompileError`. Everything a hostile file can multiply is bounded
here: the number of diagnostics and, through `shown`, the length of every name that is quoted.
"""

from __future__ import annotations

from pathlib import Path

from ...errors import CompileError, Diagnostic, error, printable, quote, remark

__all__ = ["Problems", "fault_reason", "join", "refuse", "shown", "shown_path"]

MOST_PROBLEMS = 20
LONGEST_NAME = 120


def shown(name: str) -> str:
    """A name from a foreign file, quoted, and cut in the middle when it is absurdly long."""
    if len(name) <= LONGEST_NAME:
        return quote(name)
    half = LONGEST_NAME // 2
    return f"{quote(name[:half])}...{quote(name[-half:])} ({len(name)} characters)"


def shown_path(path: Path) -> str:
    """A path as it stands in messages: the user's own words, harmless on a terminal."""
    return printable(str(path))


def join(*where: str) -> str:
    """The parts of a place, from the outside in; empty ones are left out."""
    return ", ".join(part for part in where if part)


def fault_reason(fault: Exception) -> str:
    """What the system or a library says; without the path, which messages name themselves."""
    text = (fault.strerror if isinstance(fault, OSError) else None) or str(fault) or type(fault).__name__
    return printable(text[:LONGEST_NAME].lower())


def refuse(path: Path, message: str, hint: str) -> CompileError:
    """The error for a file of which nothing more can be said."""
    return CompileError(error(message).at(shown_path(path)).help(hint))


class Problems:
    """The diagnostics about one file; raises by itself when there are too many to read."""

    def __init__(self, path: Path) -> None:
        self.file = shown_path(path)
        self.found: list[Diagnostic] = []
        self.remarks: list[Diagnostic] = []

    def report(self, message: str, where: str = "", hint: str = "", note: str = "") -> None:
        """Keep one problem; `where` names graph, node and attribute."""
        found = error(message).at(join(self.file, where)).help(hint)
        self.found.append(found.note(note) if note else found)
        if len(self.found) == MOST_PROBLEMS:
            self.found[-1] = self.found[-1].note(f"stopped after {MOST_PROBLEMS} problems; there may be more")
            self.raise_any()

    def remark(self, message: str, where: str = "") -> None:
        """Keep something that was put right, and that the user may ask for."""
        if len(self.remarks) < MOST_PROBLEMS:
            self.remarks.append(remark(message).at(join(self.file, where)))

    def raise_any(self) -> None:
        """Raise what was found, if anything was."""
        if self.found:
            raise CompileError.of(self.found)
