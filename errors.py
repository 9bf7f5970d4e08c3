"""What can go wrong, and how it is said.

`CompileError` carries diagnostics for the user: their model, their file, their option is at fault, and each says what is
wrong, where, and what to do. `InternalError` is for our own mistakes. Every floor may import this file; it imports nothing
of ours. Texts that come from a foreign file pass through `printable` before they reach a terminal or a generated file.

    Exception
      CompileError     one or many `Diagnostic`s; the command line prints them and exits with 1
      InternalError    a broken invariant of the compiler, with a reproducer where there is one
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

__all__ = ["CompileError", "Diagnostic", "InternalError", "Severity", "error", "printable", "quote", "remark", "warning"]


class Severity(Enum):
    """How much a diagnostic matters; a remark tells of a refusal to optimise, not of a fault."""

    ERROR = "error"
    WARNING = "warning"
    REMARK = "remark"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message. `message` stands alone; `places` say where, in the user's names; `hint` is the way out."""

    severity: Severity
    message: str
    places: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    hint: str = ""

    def at(self, place: object) -> Diagnostic:
        """This diagnostic with one more line of where: a file, an input, a node."""
        return replace(self, places=(*self.places, str(place)))

    def within(self, whole: str) -> Diagnostic:
        """This diagnostic with its place in something larger: a model's file, a test folder."""
        first, rest = self.places[:1], self.places[1:]
        return replace(self, places=(", ".join((whole, *first)), *rest))

    def note(self, text: str) -> Diagnostic:
        """This diagnostic with one more fact."""
        return replace(self, notes=(*self.notes, text))

    def help(self, text: str) -> Diagnostic:
        """This diagnostic with the way out."""
        return replace(self, hint=text)

    def __str__(self) -> str:
        lines = [f"{self.severity.value}: {self.message}"]
        lines += [f"  {line}" for place in self.places for line in place.split("\n")]
        lines += [f"  note: {note}" for note in self.notes]
        if self.hint:
            lines.append(f"  help: {self.hint}")
        return "\n".join(lines)


def error(message: str) -> Diagnostic:
    """A fault in the user's input: lower case, no full stop, with the values that are wrong."""
    return Diagnostic(Severity.ERROR, message)


def warning(message: str) -> Diagnostic:
    """Something that works but will surprise."""
    return Diagnostic(Severity.WARNING, message)


def remark(message: str) -> Diagnostic:
    """What was recognised, or left alone and why."""
    return Diagnostic(Severity.REMARK, message)


class CompileError(Exception):
    """The user's input cannot be compiled; holds every diagnostic that could be found in one go."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        self.diagnostics = diagnostics
        super().__init__("\n".join(map(str, diagnostics)))

    @classmethod
    def of(cls, diagnostics: Iterable[Diagnostic]) -> CompileError:
        """The error that holds all of `diagnostics`."""
        return cls(*diagnostics)

    def within(self, whole: str) -> CompileError:
        """The same error, found in `whole` by somebody who did not know that."""
        return CompileError.of(each.within(whole) for each in self.diagnostics)


class InternalError(Exception):
    """An invariant of the compiler does not hold; the message names the pass and the operation."""


def printable(text: str) -> str:
    """`text` with everything that a terminal or a generated file could act on written as an escape.

    >>> printable("conv\\n1")
    'conv\\\\n1'
    """
    return "".join(c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode() for c in text)


def quote(text: str) -> str:
    """A name from a foreign file, printable and in single quotes, for use in messages."""
    return f"'{printable(text)}'"
