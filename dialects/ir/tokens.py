"""Text of programs cut into tokens, and a cursor over them, with diagnostics that point into the line.

In comes the whole text; out come tokens one by one. The one thing to know: the list of tokens is made first, with the
place of each in the text, because readers look ahead, step back, and read shapes and maps from the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn, TypeVar

from ...errors import CompileError, error, printable

__all__ = ["INTEGER", "Tokens", "unescape"]

Item = TypeVar("Item")

INTEGER = re.compile(r"-?\d{1,20}")
_TOKEN = re.compile(
    r"""(?P<space>(?:\s+|//[^\n]*)+)
    |(?P<string>"(?:[^"\\\n]|\\.)*")
    |(?P<number>-?(?:0x[0-9A-Fa-f]+|\d+(?:\.\d*(?:[eE][-+]?\d+)?)?))
    |(?P<value>%[A-Za-z0-9_$.]+)
    |(?P<name>[\^@!\#]?[A-Za-z_][A-Za-z0-9_$.]*)
    |(?P<mark>->|\{-\#|\#-\}|[-+*/(){}\[\]<>,:=?@])""",
    re.VERBOSE,
)
MAX_NESTING = 20


def unescape(text: str) -> str:
    """The content of a quoted string: `\\xx` is a byte."""
    raw = re.sub(rb"\\([0-9A-Fa-f]{2}|.)", _unescape_one, text.encode("utf-8", "surrogateescape"), flags=re.DOTALL)
    return raw.decode("utf-8", "surrogateescape")


def _unescape_one(match: re.Match[bytes]) -> bytes:
    code = match.group(1)
    return bytes([int(code, 16)]) if len(code) == 2 else {b"n": b"\n", b"t": b"\t"}.get(code, code)


class Tokens:
    """A cursor: `at` is the token to be read next."""

    def __init__(self, text: str, source: str) -> None:
        self.text = text
        self.source = source
        self.tokens: list[str] = []
        self.offsets: list[int] = []
        self.at = 0
        self.depth = 0
        self._tokenise()

    def _tokenise(self) -> None:
        position = 0
        while position < len(self.text):
            match = _TOKEN.match(self.text, position)
            if match is None:
                self.fail(f"unexpected character {self.text[position]!r}", position)
            if match.lastgroup != "space":
                self.tokens.append(match.group())
                self.offsets.append(position)
            position = match.end()

    def fail(self, message: str, offset: int | None = None) -> NoReturn:
        offset = self.offset() if offset is None else offset
        line_number = self.text.count("\n", 0, offset) + 1
        start = self.text.rfind("\n", 0, offset) + 1
        line = self.text[start:].split("\n", 1)[0]
        shown, column = (line, offset - start) if len(line) < 200 else ("..." + line[offset - start : offset - start + 100], 3)
        place = f"{printable(self.source)}, line {line_number}\n|  {printable(shown)}\n|  {' ' * column}^"
        raise CompileError(error(printable(message)).at(place))

    def offset(self) -> int:
        """Where the next token begins in the text; at the end of the tokens, the end of the text."""
        return self.offsets[self.at] if self.at < len(self.offsets) else len(self.text)

    def peek(self, ahead: int = 0) -> str:
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        if not token or (expected and token != expected):
            self.fail(f"expected {expected or 'more'!r}, found {token or 'the end'!r}")
        self.at += 1
        return token

    def accept(self, token: str) -> bool:
        if self.peek() == token:
            self.at += 1
            return True
        return False

    def quoted(self) -> str:
        if not self.peek().startswith('"'):
            self.fail(f"expected a quoted name, found {self.peek()!r}")
        return unescape(self.take()[1:-1])

    def integer(self) -> int:
        token = self.peek()
        if not INTEGER.fullmatch(token) or not -(2**63) <= int(token) < 2**64:
            self.fail(f"expected an integer of 64 bits, found {token!r}")
        self.at += 1
        return int(token)

    def listed(self, opening: str, closing: str, item: Callable[[], Item]) -> tuple[Item, ...]:
        """What `item` reads, between commas."""
        self.take(opening)
        items: list[Item] = []
        while not self.accept(closing):
            if items:
                self.take(",")
            items.append(item())
        return tuple(items)

    def nested(self, item: Callable[[], Item]) -> Item:
        """What `item` reads; it may come back here only so often, because types and attributes are read by recursion."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            self.fail(f"attributes or types are nested more than {MAX_NESTING} deep")
        value = item()
        self.depth -= 1
        return value
