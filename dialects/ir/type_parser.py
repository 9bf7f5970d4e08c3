"""Types from their text.

The one thing to know: extents and the element type of a shape are read from the text, not from the tokens, which would be `1`, `x3xf32`.
"""

from __future__ import annotations

import re

from .tokens import Tokens
from .types import BufferType, Extent, FunctionType, Scalar, TensorType, Type, VectorType, parse_scalar, string

__all__ = ["TypeParser"]


class TypeParser(Tokens):
    """Reads types."""

    def function_type(self) -> FunctionType:
        inputs = self.type_list()
        self.take("->")
        results = self.type_list() if self.peek() == "(" else (self.type(),)
        return FunctionType(inputs, results)

    def type_list(self) -> tuple[Type, ...]:
        return self.listed("(", ")", self.type)

    def type(self) -> Type:
        return self.nested(self.type_inside)

    def type_inside(self) -> Type:
        token = self.peek()
        match token:
            case "tensor":
                return self.tensor_type()
            case "vector":
                self.take()
                shape, element = self.shaped()
                self.take(">")
                if len(shape) != 1 or not shape[0] or element == string:
                    self.fail("a vector has one extent, which is at least 1, and elements that are numbers")
                return VectorType(shape[0], element)
            case "!loop.buffer":
                return self.buffer_type()
            case "!ir.string":
                self.take()
                return string
            case "(":
                return self.function_type()
        try:
            scalar = parse_scalar(token)
        except ValueError:
            self.fail(f"expected a type, found {token!r}")
        self.take()
        return scalar

    def shaped(self) -> tuple[tuple[Extent, ...], Scalar]:
        """Read `<1x?x3xf32` from the text, up to `>` or `,`."""
        self.take("<")
        start = self.offset()
        while self.peek() not in (">", ",", ""):
            self.at += 1
        text = self.text[start : self.offset()].strip()
        *extents, element = re.split(r"x(?!$)", text)  # the x of `index` is its last letter
        try:
            scalar = string if element == "!ir.string" else parse_scalar(element)
            shape: tuple[Extent, ...] = tuple(None if extent == "?" else int(extent) for extent in extents)
            if any(extent is not None and not 0 <= extent < 2**63 for extent in shape):
                raise ValueError(text)
        except ValueError:
            self.fail(f"{text!r} is no shape with an element type", start)
        return shape, scalar

    def tensor_type(self) -> TensorType:
        self.take("tensor")
        shape, element = self.shaped()
        names, order = self.encoding(len(shape)) if self.accept(",") else ((), ())
        self.take(">")
        return TensorType(shape, element, names, order)

    def encoding(self, rank: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """The names of the dims, or their order in memory."""
        start = self.offset()
        kind = self.take()
        self.take("<")
        names = self.listed("[", "]", self.quoted) if kind == "#ir.dims" else ()
        order = self.integers() if kind == "#ir.order" else ()
        if (names and len(names) != rank) or (order and sorted(order) != list(range(rank))):
            self.fail(f"{kind} does not fit a tensor of {rank} dims", start)
        self.take(">")
        return names, order

    def integers(self) -> tuple[int, ...]:
        return self.listed("[", "]", self.integer)

    def buffer_type(self) -> BufferType:
        self.take("!loop.buffer")
        start = self.offset()
        shape, element = self.shaped()
        self.take(",")
        strides = self.integers()
        extents = tuple(extent for extent in shape if extent is not None)
        if not len(extents) == len(shape) == len(strides):
            self.fail("a buffer has a number and a stride for every dim", start)
        self.take(">")
        return BufferType(extents, element, strides)
