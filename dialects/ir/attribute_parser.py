"""Attributes from their text.

The one thing to know: a constant whose bytes stand at the end of the file is a `Resource` until they are read, and `parser` puts the
elements in its place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from .affine import parse_map
from .attributes import Attribute, Dense, Number, Symbol
from .tokens import INTEGER, unescape
from .type_parser import TypeParser
from .types import FloatType, IndexType, IntegerType, Scalar, StringType, TensorType, Type, VectorType, element_of, f64, i64, string

__all__ = ["AttributeParser", "Resource"]

_FLOAT = re.compile(r"-?\d+(\.\d*([eE][-+]?\d+)?)?")


@dataclass(frozen=True, slots=True)
class Resource:
    """Stands for a constant until its bytes are read."""

    name: str
    type: TensorType


class AttributeParser(TypeParser):
    """Reads attributes, and types."""

    def dictionary(self, opening: str, closing: str) -> dict[str, Attribute]:
        for mark in opening:
            self.take(mark)
        entries: dict[str, Attribute] = {}
        while self.peek() != "}":
            if entries:
                self.take(",")
            name = self.quoted() if self.peek().startswith('"') else self.take()
            entries[name] = self.attribute() if self.accept("=") else None
        for mark in closing:
            self.take(mark)
        return entries

    def attribute(self) -> Attribute:
        value = self.nested(self.attribute_inside)
        if self.depth and isinstance(value, Resource):
            self.fail("a resource stands alone, not in a list or dictionary")
        return value

    def attribute_inside(self) -> Attribute:
        token = self.peek()
        match token:
            case "unit" | "true" | "false":
                self.take()
                return {"unit": None, "true": True, "false": False}[token]
            case "[":
                return self.listed("[", "]", self.attribute)
            case "{":
                return self.dictionary("{", "}")
            case "array":
                return self.integer_array()
            case "affine_map":
                return self.affine_map()
            case "dense" | "dense_resource":
                return self.dense()
        if token.startswith('"'):
            return self.quoted()
        if token.startswith("@"):
            return Symbol(self.quoted() if self.take() == "@" else token[1:])
        if token[:1].isdigit() or token.startswith("-"):
            return self.number()
        return self.type()

    def integer_array(self) -> tuple[int, ...]:
        self.take("array")
        self.take("<")
        self.take()
        items: list[int] = []
        while not self.accept(">"):
            self.take(":" if not items else ",")
            items.append(self.integer())
        return tuple(items)

    def affine_map(self) -> Attribute:
        self.take("affine_map")
        start = self.offset()
        self.take("<")
        while not (self.peek() == ")" and self.peek(1) == ">"):
            self.take()
        self.take(")")
        stop = self.offset()
        self.take(">")
        try:
            return parse_map(self.text[start + 1 : stop])
        except ValueError as problem:
            self.fail(str(problem), start)

    def number(self) -> Attribute:
        start = self.at
        token = self.take()
        self.take(":")
        type_ = self.type()
        value = self.scalar(token, type_, start)
        if type_ == i64:
            return int(value)
        return float(value) if type_ == f64 else Number(value, type_)

    def scalar(self, token: str, type_: Type, start: int) -> int | float | bool:
        """The value of `token` as an element of `type_`, which it must fit."""
        value = _scalar_value(token, element_of(type_)) if isinstance(type_, FloatType | IntegerType | IndexType | VectorType) else None
        if value is None or isinstance(value, str):
            self.at = start
            self.fail(f"{token} is no number of type {type_}")
        return value

    def dense(self) -> Attribute:
        kind = self.take()
        self.take("<")
        if kind == "dense_resource":
            name = self.take()
            self.take(">")
            self.take(":")
            type_ = self.type()
            if not isinstance(type_, TensorType) or not type_.is_static or type_.element == string:
                self.fail(f"a resource needs a static tensor type of numbers, not {type_}")
            return Resource(name, type_)  # type: ignore[return-value]
        items: list[str] = []
        while not self.accept(">"):
            token = self.take()
            if token not in "[],":
                items.append(token)
        self.take(":")
        type_ = self.type()
        if isinstance(type_, VectorType) and len(items) == 1:
            return Number(self.scalar(items[0], type_, self.at), type_)
        if not isinstance(type_, TensorType) or not type_.is_static or type_.elements != len(items):
            self.fail(f"{len(items)} elements for {type_}")
        elements = [_scalar_value(item, type_.element) for item in items]
        if None in elements:
            self.fail(f"{items[elements.index(None)]} is no {type_.element}")
        return Dense(np.array(elements, dtype=type_.element.dtype).reshape(type_.extents))


def _scalar_value(token: str, type_: Scalar) -> int | float | bool | str | None:
    """What `token` says as a scalar of this type; None where it says nothing, or something that the type does not hold."""
    match type_:
        case FloatType():
            return _float_value(token, type_)
        case IntegerType(bits=1):
            return {"true": True, "1": True, "false": False, "0": False}.get(token)
        case StringType():
            return unescape(token[1:-1]) if token.startswith('"') else None
    bits, unsigned = (type_.bits, type_.unsigned) if isinstance(type_, IntegerType) else (64, False)
    low, high = (0, 2**bits) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1))
    return int(token) if INTEGER.fullmatch(token) and low <= int(token) < high else None


def _float_value(token: str, type_: FloatType) -> float | None:
    if token.startswith("0x"):
        bits = int(token, 16)
        return float(np.frombuffer(bits.to_bytes(8, "little"), type_.dtype)[0]) if bits < 2**type_.bits else None
    return float(token) if _FLOAT.fullmatch(token) else None
