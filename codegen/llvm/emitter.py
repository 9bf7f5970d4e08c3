"""What is known while one function is translated: values, index expressions, places of buffers.

In: operations, one after another, by the functions that `@translation` registers. Out: instructions in a `text.Function`. The one
thing to know: an index is an affine expression over *roots* (loop counters, and what no expression says) as long as possible. Only
what differs in its variable part takes an address register; constant parts end up in the instructions. Whatever is computed is
remembered for the block and the blocks inside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from ...dialects.ir.affine import Affine, Atom, Dim, Quotient, Range, Remainder
from ...dialects.ir.operation import Block, Operation, Value
from ...dialects.ir.types import IndexType
from ...errors import InternalError
from .text import Function, Ref, constant
from .types import register_type
from .unit import Unit

__all__ = ["ANYTHING", "Emitter", "Place", "translation"]

ANYTHING: Range = (-(1 << 62), 1 << 62)

Op = TypeVar("Op", bound=Operation)
Rule = Callable[[Any, "Emitter"], Ref | Sequence[Ref] | None]
_RULES: dict[type[Operation], Rule] = {}


def translation(*kinds: type[Operation]) -> Callable[[Rule], Rule]:
    """Registers the function that translates operations of these classes: it returns the results, or binds them itself."""

    def register(rule: Rule) -> Rule:
        for kind in kinds:
            _RULES[kind] = rule
        return rule

    return register


@dataclass(frozen=True, slots=True)
class Place:
    """A buffer's first element: `offset` bytes after `base`, which is a multiple of `alignment`."""

    base: Ref
    offset: int
    alignment: int

    def moved(self, bytes_: int) -> Place:
        return Place(self.base, self.offset + bytes_, self.alignment)


class Emitter:
    """One function in the making."""

    def __init__(self, unit: Unit, f: Function) -> None:
        self.unit = unit
        self.f = f
        self.word = f"i{unit.target.pointer_bits}"
        self.values: dict[Value, Ref] = {}
        self.places: dict[Value, Place] = {}
        self.counters: Ref | None = None  # the caller's array, if this function counts
        self.starts: dict[int, Ref] = {}  # when the open sites began
        self.team: tuple[Ref, Ref] | None = None  # team and number of the thread, if this function is run by all of them
        self._indices: dict[Value, Affine] = {}
        self._roots: list[Ref] = []
        self.ranges: list[Range] = []
        self._known: list[dict[object, Ref]] = [{}]

    # Values.

    def type(self, value: Value) -> str:
        """The LLVM type of a value in a register."""
        return register_type(value.type, self.unit.target.pointer_bits)

    def ref(self, value: Value) -> Ref:
        """A value that has been translated."""
        return self.integer(self.index(value)) if isinstance(value.type, IndexType) else self.values[value]

    def bind(self, value: Value, ref: Ref, range_: Range = ANYTHING) -> None:
        """Say what a value is; an index becomes a root, between the bounds of `range_`."""
        if isinstance(value.type, IndexType):
            self._indices[value] = self.root(ref, range_)
        else:
            self.values[value] = ref

    def root(self, ref: Ref, range_: Range = ANYTHING) -> Affine:
        """A register as an index that no expression says."""
        self._roots.append(ref)
        self.ranges.append(range_)
        return Affine(((Dim(len(self._roots) - 1), 1),))

    def block(self, block: Block) -> tuple[Value, ...]:
        """Translate the operations of a block; what its terminator is given."""
        for op in block:
            if op is block.last:
                return op.operands
            self.operation(op)
        return ()

    def operation(self, op: Operation) -> None:
        rule = _RULES.get(type(op))
        if rule is None:
            raise InternalError(f"codegen: {op.name} at {op.location} has no translation")
        made = rule(op, self)
        if made is not None:
            for result, ref in zip(op.results, [made] if isinstance(made, Ref) else made, strict=True):
                self.bind(result, ref)

    # Indices.

    def index(self, value: Value) -> Affine:
        """An index as an expression over roots."""
        return self._indices[value]

    def bind_index(self, value: Value, expression: Affine) -> None:
        """Say that an index is an expression; no instruction is made for it until one is needed."""
        self._indices[value] = expression.simplify(self.ranges)

    def range(self, expression: Affine) -> Range:
        return expression.range(self.ranges)

    def integer(self, expression: Affine) -> Ref:
        """The value of an expression in a register."""
        if not expression.terms:
            return constant(self.word, expression.constant)
        return self._remembered(("integer", expression), lambda: self._sum(expression))

    def _sum(self, expression: Affine) -> Ref:
        total: Ref | None = None
        for atom, c in expression.terms:
            part = self._atom(atom)
            part = part if c == 1 else self.f.binary("mul nsw", part, constant(self.word, c))
            total = part if total is None else self.f.binary("add nsw", total, part)
        assert total is not None
        return total if not expression.constant else self.f.binary("add nsw", total, constant(self.word, expression.constant))

    def _atom(self, atom: Atom) -> Ref:
        match atom:
            case Dim(position):
                return self._roots[position]
            case Quotient(of, by):
                return self._remembered(atom, lambda: self._floor(of, by, "sdiv", "udiv", "ashr"))
            case Remainder(of, by):
                return self._remembered(atom, lambda: self._floor(of, by, "srem", "urem", "and"))

    def _floor(self, of: Affine, by: int, signed: str, unsigned: str, power: str) -> Ref:
        """Quotient or remainder of a floor division by a positive constant."""
        a = self.integer(of)
        if by & (by - 1) == 0:
            return self.f.binary(power, a, constant(self.word, by - 1 if power == "and" else by.bit_length() - 1))
        divisor, zero = constant(self.word, by), constant(self.word, 0)
        if self.range(of)[0] >= 0:
            return self.f.binary(unsigned, a, divisor)
        rest = self.f.binary("srem", a, divisor)
        below = self.f.icmp("slt", rest, zero)
        if signed == "srem":
            return self.f.select(below, self.f.binary("add", rest, divisor), rest)
        return self.f.binary("add", self.f.binary("sdiv", a, divisor), self.f.cast("sext", below, self.word))

    # Addresses.

    def pointer(self, place: Place, elements: Affine, itemsize: int) -> tuple[Ref, int]:
        """The address `elements` beyond a place, and a power of two that divides it."""
        distance = elements.simplify(self.ranges) * itemsize + place.offset
        pointer, alignment = place.base, place.alignment
        key: tuple[tuple[Atom, int], ...] = ()
        for atom, c in distance.terms:
            key = (*key, (atom, c))
            pointer = self._remembered((place.base.name, key), partial(self._moved, pointer, atom, c))
            alignment = math.gcd(alignment, c)
        if distance.constant:
            pointer = self._offset(pointer, distance.constant)
        return pointer, math.gcd(alignment, distance.constant)

    def address(self, place: Place) -> Ref:
        """The address of a place."""
        return self._offset(place.base, place.offset) if place.offset else place.base

    def _offset(self, pointer: Ref, bytes_: int) -> Ref:
        return self.f.emit("ptr", f"getelementptr i8, {pointer}, {self.word} {bytes_}")

    def _moved(self, base: Ref, atom: Atom, factor: int) -> Ref:
        """`base + atom * factor`; not `inbounds`: the constant part that follows may be negative."""
        if factor > 0:
            return self.f.emit("ptr", f"getelementptr [{factor} x i8], {base}, {self._atom(atom)}")
        step = self.f.binary("mul nsw", self._atom(atom), constant(self.word, factor))
        return self.f.emit("ptr", f"getelementptr i8, {base}, {step}")

    # Scopes.

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is computed inside is forgotten afterwards, because it does not dominate what follows."""
        self._known.append({})
        try:
            yield
        finally:
            self._known.pop()

    def _remembered(self, key: object, make: Callable[[], Ref]) -> Ref:
        for known in reversed(self._known):
            if key in known:
                return known[key]
        made = self._known[-1][key] = make()
        return made
