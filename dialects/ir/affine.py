"""Affine expressions over iteration dims, with floor division and remainder by constants, and maps of them.

Expressions are kept in one normal form, a sorted sum of coefficient times atom plus a constant, so that equal expressions
compare equal and differences of addresses cancel. An atom is a dim, a quotient or a remainder. `simplify` uses the ranges of
the dims; lowering relies on it to get rid of quotients, because non-affine addresses make LLVM spill (docs/decisions.md).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

Range: TypeAlias = tuple[int, int]  # inclusive at both ends


@dataclass(frozen=True, slots=True, order=True)
class Dim:
    """The dim at a position of the iteration space."""

    position: int

    def __hash__(self) -> int:
        return self.position  # a dim is the key of every sum; the generated hash of a tuple took a tenth of the lowering

    def __str__(self) -> str:
        return f"d{self.position}"


@dataclass(frozen=True, slots=True)
class Quotient:
    """Floor of `of` divided by a positive constant."""

    of: Affine
    by: int

    def __str__(self) -> str:
        return f"({self.of}) floordiv {self.by}"


@dataclass(frozen=True, slots=True)
class Remainder:
    """What the floor division leaves, 0 to `by` - 1."""

    of: Affine
    by: int

    def __str__(self) -> str:
        return f"({self.of}) mod {self.by}"


Atom: TypeAlias = Dim | Quotient | Remainder


def _rank(atom: Atom) -> tuple[int, int, str]:
    if type(atom) is Dim:
        return (0, atom.position, "")
    match atom:
        case Dim(position):
            return (0, position, "")
        case Quotient(_, by):
            return (1, by, str(atom))
        case Remainder(_, by):
            return (2, by, str(atom))


@dataclass(frozen=True, slots=True)
class Affine:
    """A sum of `coefficient * atom` and a constant; atoms in a fixed order, no coefficient zero."""

    terms: tuple[tuple[Atom, int], ...] = ()
    constant: int = 0

    def __add__(self, other: Affine | int) -> Affine:
        if isinstance(other, int):
            return Affine(self.terms, self.constant + other)
        if not other.terms:
            return Affine(self.terms, self.constant + other.constant)
        if not self.terms:
            return Affine(other.terms, self.constant + other.constant)
        return combination(((self, 1), (other, 1)))

    __radd__ = __add__

    def __sub__(self, other: Affine | int) -> Affine:
        return self + (other * -1 if isinstance(other, Affine) else -other)

    def __mul__(self, factor: int) -> Affine:
        if factor == 0:
            return Affine()
        if factor == 1:
            return self
        return Affine(tuple((atom, c * factor) for atom, c in self.terms), self.constant * factor)

    __rmul__ = __mul__

    def __floordiv__(self, by: int) -> Affine:
        whole, rest = self._split(by)
        if not rest.terms:
            return whole + rest.constant // by
        return whole + Affine(((Quotient(rest, by), 1),))

    def __mod__(self, by: int) -> Affine:
        if by == 1:
            return Affine()
        _, rest = self._split(by)
        if not rest.terms:
            return Affine((), rest.constant % by)
        return Affine(((Remainder(rest, by), 1),))

    def _split(self, by: int) -> tuple[Affine, Affine]:
        """`whole * by + rest` with every multiple of `by` in the first part."""
        whole = tuple((atom, c // by) for atom, c in self.terms if c % by == 0)
        rest = tuple((atom, c) for atom, c in self.terms if c % by != 0)
        return Affine(whole, self.constant // by), Affine(rest, self.constant % by)

    @property
    def is_constant(self) -> bool:
        return not self.terms

    @property
    def is_linear(self) -> bool:
        """Whether it holds no quotient and no remainder."""
        return all(isinstance(atom, Dim) for atom, _ in self.terms)

    def coefficient(self, dim: int) -> int:
        """What the dim at `dim` is multiplied with, outside of quotients and remainders."""
        return next((c for atom, c in self.terms if atom == Dim(dim)), 0)

    def dims(self) -> tuple[int, ...]:
        """Positions of all dims that it depends on, in order."""
        found: dict[int, None] = {}
        for atom, _ in self.terms:
            for position in (atom.position,) if isinstance(atom, Dim) else atom.of.dims():
                found[position] = None
        return tuple(sorted(found))

    def substitute(self, dims: Sequence[Affine] | Mapping[int, Affine]) -> Affine:
        """This expression with the dim at position p replaced by `dims[p]` (by itself where a mapping has no entry)."""
        return combination([(_substitute_atom(atom, dims), c) for atom, c in self.terms], self.constant)

    def range(self, ranges: Sequence[Range]) -> Range:
        """Bounds of its value where dim p lies in `ranges[p]`; exact for linear expressions."""
        low = high = self.constant
        for atom, c in self.terms:
            a, b = _atom_range(atom, ranges)
            low += c * (a if c > 0 else b)
            high += c * (b if c > 0 else a)
        return low, high

    def simplify(self, ranges: Sequence[Range]) -> Affine:
        """An equal expression for dims in `ranges`, with quotients and remainders gone where the ranges decide them."""
        if all(type(atom) is Dim and ranges[atom.position][0] != ranges[atom.position][1] for atom, _ in self.terms):
            return self
        return combination([(_simplify_atom(atom, ranges), c) for atom, c in self.terms], self.constant)

    def evaluate(self, values: Sequence[int]) -> int:
        """Its value at a point; also elementwise on integer arrays that broadcast."""
        total = self.constant
        for atom, c in self.terms:
            match atom:
                case Dim(position):
                    total = total + values[position] * c
                case Quotient(of, by):
                    total = total + of.evaluate(values) // by * c
                case Remainder(of, by):
                    total = total + of.evaluate(values) % by * c
        return total

    def __str__(self) -> str:
        parts = [str(atom) if c == 1 else f"{_factor(atom)} * {c}" for atom, c in self.terms]
        if self.constant or not parts:
            parts.append(str(self.constant))
        return " + ".join(parts)


def _factor(atom: Atom) -> str:
    return str(atom) if isinstance(atom, Dim) else f"({atom})"


def combination(parts: Iterable[tuple[Affine, int]], constant: int = 0) -> Affine:
    """The sum of expressions, each multiplied by its factor, and a constant."""
    totals: dict[Atom, int] = {}
    for value, factor in parts:
        constant += value.constant * factor
        for atom, c in value.terms:
            totals[atom] = totals.get(atom, 0) + c * factor
    kept = [(atom, c) for atom, c in totals.items() if c]
    if len(kept) > 1:
        kept.sort(key=lambda term: _rank(term[0]))
    return Affine(tuple(kept), constant)


def _substitute_atom(atom: Atom, dims: Sequence[Affine] | Mapping[int, Affine]) -> Affine:
    match atom:
        case Dim(position):
            return dims.get(position, d(position)) if isinstance(dims, Mapping) else dims[position]
        case Quotient(of, by):
            return of.substitute(dims) // by
        case Remainder(of, by):
            return of.substitute(dims) % by


def _atom_range(atom: Atom, ranges: Sequence[Range]) -> Range:
    match atom:
        case Dim(position):
            return ranges[position]
        case Quotient(of, by):
            low, high = of.range(ranges)
            return low // by, high // by
        case Remainder(of, by):
            low, high = of.range(ranges)
            return (low % by, high % by) if low // by == high // by else (0, by - 1)


def _simplify_atom(atom: Atom, ranges: Sequence[Range]) -> Affine:
    match atom:
        case Dim(position):
            low, high = ranges[position]
            return Affine((), low) if low == high else Affine(((atom, 1),))
        case Quotient(of, by):
            return _divide(of.simplify(ranges), by, ranges)[0]
        case Remainder(of, by):
            return _divide(of.simplify(ranges), by, ranges)[1]


def _divide(value: Affine, by: int, ranges: Sequence[Range]) -> tuple[Affine, Affine]:
    """Quotient and remainder of `value`; split exactly where the part that is no multiple of `by` stays inside one period.

    Where it does not, a common factor may still be taken out: (4 * a + b) floordiv 12 is a floordiv 3 for b in 0..3.
    """
    whole, rest = value._split(by)
    low, high = rest.range(ranges)
    if low // by == high // by:
        period = low // by
        return whole + period, rest - period * by
    for factor in sorted({math.gcd(c, by) for _, c in rest.terms} - {1}, reverse=True):
        coarse, fine = rest._split(factor)
        low, high = fine.range(ranges)
        if low // factor == high // factor:
            period = low // factor
            quotient, remainder = _divide(coarse + period, by // factor, ranges)
            return whole + quotient, remainder * factor + (fine - period * factor)
    return value // by, value % by


@cache
def d(position: int) -> Affine:
    """The dim at `position` as an expression."""
    return Affine(((Dim(position), 1),))


def constant(value: int) -> Affine:
    """A number as an expression."""
    return Affine((), value)


@dataclass(frozen=True, slots=True)
class AffineMap:
    """A function from `dims` iteration dims to a tuple of subscripts."""

    dims: int
    results: tuple[Affine, ...]

    @staticmethod
    def identity(rank: int) -> AffineMap:
        return AffineMap(rank, tuple(map(d, range(rank))))

    @staticmethod
    def of(function: Callable[..., Sequence[Affine | int]], dims: int) -> AffineMap:
        """The map that `function` computes, called with `dims` dim expressions."""
        results = function(*map(d, range(dims)))
        return AffineMap(dims, tuple(r if isinstance(r, Affine) else constant(r) for r in results))

    def compose(self, inner: Sequence[Affine]) -> tuple[Affine, ...]:
        """The results where dim p is `inner[p]`."""
        return tuple(result.substitute(inner) for result in self.results)

    def evaluate(self, values: Sequence[int]) -> tuple[int, ...]:
        return tuple(result.evaluate(values) for result in self.results)

    @property
    def is_identity(self) -> bool:
        return self.results == tuple(map(d, range(self.dims)))

    def __str__(self) -> str:
        dims = ", ".join(f"d{i}" for i in range(self.dims))
        return f"affine_map<({dims}) -> ({', '.join(map(str, self.results))})>"


MAX_PARENTHESES = 100
_TOKEN = re.compile(r"\s*(?:(d\d+|floordiv|mod|ceildiv)|(\d+)|(->|[-+*(),]))")


def parse_map(text: str) -> AffineMap:
    """The map that stands between `affine_map<` and `>`. Raises ValueError."""
    tokens: list[str] = []
    position = 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"unexpected {text[position : position + 8]!r} in affine map {text!r}")
        tokens.append(match.group().strip())
        position = match.end()
    if tokens.count("(") > MAX_PARENTHESES:
        raise ValueError(f"more than {MAX_PARENTHESES} parentheses in an affine map")
    return _MapParser(tokens).map()


class _MapParser:
    """Recursive descent over the tokens of one map: sum, product, factor."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = [*tokens, ""]
        self.at = 0
        self.dims = 0

    def take(self, expected: str = "") -> str:
        token = self.tokens[self.at]
        if not token or (expected and token != expected):
            raise ValueError(f"expected {expected or 'more'} in affine map, found {token or 'its end'!r}")
        self.at += 1
        return token

    def map(self) -> AffineMap:
        self.take("(")
        dims = 0
        while self.tokens[self.at] != ")":
            if dims:
                self.take(",")
            self.take(f"d{dims}")
            dims += 1
        self.dims = dims
        self.take(")")
        self.take("->")
        self.take("(")
        results: list[Affine] = []
        while self.tokens[self.at] != ")":
            results.append(self.sum())
            if self.tokens[self.at] == ",":
                self.take()
        self.take(")")
        return AffineMap(dims, tuple(results))

    def sum(self) -> Affine:
        value = self.product()
        while self.tokens[self.at] in ("+", "-"):
            sign = 1 if self.take() == "+" else -1
            value = value + self.product() * sign
        return value

    def product(self) -> Affine:
        value = self.factor()
        while self.tokens[self.at] in ("*", "floordiv", "mod"):
            operator, right = self.take(), self.factor()
            if not right.is_constant and operator == "*":
                value, right = right, value
            if not right.is_constant:
                raise ValueError("a product of two dims is not affine")
            if operator != "*" and right.constant < 1:
                raise ValueError(f"{operator} by {right.constant}, which is not positive")
            match operator:
                case "*":
                    value = value * right.constant
                case "floordiv":
                    value = value // right.constant
                case _:
                    value = value % right.constant
        return value

    def factor(self) -> Affine:
        token = self.take()
        if token == "-":
            return self.factor() * -1
        if token == "(":
            value = self.sum()
            self.take(")")
            return value
        if token.isdigit() and len(token) < 20:
            return constant(int(token))
        if not token[1:].isdigit() or int(token[1:]) >= self.dims:
            raise ValueError(f"{token!r} is no dim of the affine map")
        return d(int(token[1:]))
