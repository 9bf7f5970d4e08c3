"""Text in MLIR's generic form back to programs: the exact inverse of `printer`, with diagnostics that point into the line.

The text may come from anywhere: every fault is a CompileError, nesting is bounded, and nothing in it is executed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

import numpy as np

from ...errors import CompileError, error, printable
from .affine import parse_map
from .attributes import Attribute, Dense, Number, Symbol
from .definition import attribute_accepts
from .location import UNKNOWN, Location, Node
from .operation import Block, Operation, Region, Value, registered
from .types import (
    BufferType,
    Extent,
    FloatType,
    FunctionType,
    IndexType,
    IntegerType,
    Scalar,
    StringType,
    TensorType,
    Type,
    VectorType,
    element_of,
    f64,
    i1,
    i64,
    parse_scalar,
    string,
)

_TOKEN = re.compile(
    r"""(?P<space>(?:\s+|//[^\n]*)+)
    |(?P<string>"(?:[^"\\\n]|\\.)*")
    |(?P<number>-?(?:0x[0-9A-Fa-f]+|\d+(?:\.\d*(?:[eE][-+]?\d+)?)?))
    |(?P<value>%[A-Za-z0-9_$.]+)
    |(?P<name>[\^@!\#]?[A-Za-z_][A-Za-z0-9_$.]*)
    |(?P<mark>->|\{-\#|\#-\}|[-+*/(){}\[\]<>,:=?@])""",
    re.VERBOSE,
)
_INTEGER = re.compile(r"-?\d{1,20}")
_FLOAT = re.compile(r"-?\d+(\.\d*([eE][-+]?\d+)?)?")
MAX_DEPTH = 100
MAX_ATTRIBUTE_DEPTH = 20


def parse_operation(text: str, source: str = "<text>") -> Operation:
    """The operation (as a rule a module) that `text` holds. Raises CompileError; the program is not verified yet."""
    parser = _Parser(text, source)
    op = parser.operation({}, 0)
    parser.resources()
    if parser.peek():
        parser.fail(f"expected the end of the text, found {parser.peek()!r}")
    return op


def unescape(text: str) -> str:
    """The content of a quoted string: `\\xx` is a byte."""
    raw = re.sub(rb"\\([0-9A-Fa-f]{2}|.)", _unescape_one, text.encode("utf-8", "surrogateescape"), flags=re.DOTALL)
    return raw.decode("utf-8", "surrogateescape")


def _unescape_one(match: re.Match[bytes]) -> bytes:
    code = match.group(1)
    return bytes([int(code, 16)]) if len(code) == 2 else {b"n": b"\n", b"t": b"\t"}.get(code, code)


class _Parser:
    """One pass over the tokens; types and attributes are read by position, so the token list is made first."""

    def __init__(self, text: str, source: str) -> None:
        self.text = text
        self.source = source
        self.tokens: list[str] = []
        self.offsets: list[int] = []
        self.at = 0
        self.depth = 0
        self.pending: list[tuple[Operation, str, str, TensorType]] = []
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
        if offset is None:
            offset = self.offsets[self.at] if self.at < len(self.offsets) else len(self.text)
        line_number = self.text.count("\n", 0, offset) + 1
        start = self.text.rfind("\n", 0, offset) + 1
        line = self.text[start:].split("\n", 1)[0]
        shown, column = (line, offset - start) if len(line) < 200 else ("..." + line[offset - start : offset - start + 100], 3)
        place = f"{printable(self.source)}, line {line_number}\n|  {printable(shown)}\n|  {' ' * column}^"
        raise CompileError(error(printable(message)).at(place))

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

    # Operations, blocks, regions.

    def operation(self, values: dict[str, Value], depth: int) -> Operation:
        if depth > MAX_DEPTH:
            self.fail(f"regions are nested more than {MAX_DEPTH} deep")
        names: list[str] = []
        while self.peek().startswith("%"):
            names.append(self.take())
            self.accept(",")
        if names:
            self.take("=")
        start = self.at
        name = self.quoted()
        class_ = registered(name)
        if class_ is None:
            self.at = start
            self.fail(f"there is no operation {name!r}")
        operands = self.operands(values)
        properties = self.dictionary("<{", "}>") if self.peek() == "<" else {}
        regions = self.regions(values, depth) if self.peek() == "(" else []
        discardable = self.dictionary("{", "}") if self.peek() == "{" else {}
        self.take(":")
        type_ = self.function_type()
        return self.build(class_, start, names, operands, properties, regions, discardable, type_, values)

    def build(
        self,
        class_: type[Operation],
        start: int,
        names: Sequence[str],
        operands: Sequence[Value],
        properties: dict[str, Attribute],
        regions: Sequence[Region],
        discardable: dict[str, Attribute],
        type_: FunctionType,
        values: dict[str, Value],
    ) -> Operation:
        end, self.at = self.at, start
        segments = self.segments(class_, properties.pop("operandSegmentSizes", None), len(operands))
        self.complete(class_, properties, discardable, type_)
        for key in properties:
            if key not in class_.definition.attributes:
                self.fail(f"{class_.name} has no attribute {key!r}")
        if len(regions) != len(class_.definition.regions):
            self.fail(f"{class_.name} has {len(class_.definition.regions)} regions, not {len(regions)}")
        if tuple(v.type for v in operands) != type_.inputs:
            self.fail(f"operands are of types ({', '.join(str(v.type) for v in operands)}), but the text says {type_}")
        if len(names) != len(type_.results):
            self.fail(f"{len(names)} names for {len(type_.results)} results")
        op = class_.create(operands, segments, properties, regions, type_.results, self.location(discardable))
        for name, result in zip(names, op.results, strict=True):
            if name in values:
                self.fail(f"{name} is defined twice")
            values[name] = result
        for key, value in properties.items():
            if isinstance(value, _Resource):
                self.pending.append((op, key, value.name, value.type))
        self.at = end
        return op

    def complete(
        self, class_: type[Operation], properties: dict[str, Attribute], discardable: dict[str, Attribute], type_: FunctionType
    ) -> None:
        """Add to the properties what the text shows elsewhere or leaves out."""
        for key, spec in class_.definition.attributes.items():
            if spec.is_result_type and len(type_.results) == 1:
                properties[key] = type_.results[0]
            elif spec.is_discardable:
                properties[key] = discardable.get(f"ir.{key}", spec.default)  # type: ignore[arg-type]
            elif isinstance(properties.get(key), bool) and not attribute_accepts(spec.annotation, properties[key], class_):
                properties[key] = Number(bool(properties[key]), i1)  # MLIR writes a truth value and the number of type i1 alike
            elif key not in properties:
                if not isinstance(spec.default, bool | int | float | str | tuple | None):
                    self.fail(f"{class_.name} needs the attribute {key!r}")
                properties[key] = spec.default

    def segments(self, class_: type[Operation], given: Attribute, count: int) -> tuple[int, ...]:
        specs = class_.definition.operands
        if class_.definition.is_segmented:
            sizes = tuple(n for n in given if isinstance(n, int) and n >= 0) if isinstance(given, tuple) else ()
            if not isinstance(given, tuple) or not len(given) == len(sizes) == len(specs) or sum(sizes) != count:
                self.fail(f"{class_.name} needs operandSegmentSizes with {len(specs)} numbers that add up to {count}")
            return sizes
        rest = count - sum(spec.kind == "operand" for spec in specs)
        segments = tuple(1 if spec.kind == "operand" else rest for spec in specs)
        if rest < 0 or sum(segments) != count:
            self.fail(f"{class_.name} does not take {count} operands")
        return segments

    def location(self, discardable: dict[str, Attribute]) -> Location:
        nodes = discardable.get("ir.nodes")
        if not isinstance(nodes, tuple):
            return UNKNOWN
        return Location(tuple(Node.parse(node) for node in nodes if isinstance(node, str)))

    def operands(self, values: dict[str, Value]) -> list[Value]:
        self.take("(")
        operands: list[Value] = []
        while not self.accept(")"):
            if operands:
                self.take(",")
            name = self.peek()
            if name not in values:
                self.fail(f"{name!r} is no value that is defined before")
            operands.append(values[self.take()])
        return operands

    def regions(self, values: dict[str, Value], depth: int) -> list[Region]:
        self.take("(")
        regions: list[Region] = []
        while not self.accept(")"):
            if regions:
                self.take(",")
            regions.append(self.region(values, depth))
        return regions

    def region(self, values: dict[str, Value], depth: int) -> Region:
        self.take("{")
        scope = dict(values)
        block = Block()
        if self.peek().startswith("^"):
            self.take()
            if self.accept("("):
                while not self.accept(")"):
                    if block.arguments:
                        self.take(",")
                    name = self.take()
                    self.take(":")
                    scope[name] = block.add_argument(self.type())
            self.take(":")
        while not self.accept("}"):
            if self.peek().startswith("^"):
                self.fail("a region has one block only: control flow is structured")
            block.insert(self.operation(scope, depth + 1))
        return Region(block)

    # Attributes.

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
        """One attribute; nesting is bounded, because it is read by recursion."""
        self.enter()
        value = self.attribute_inside()
        self.depth -= 1
        if self.depth and isinstance(value, _Resource):
            self.fail("a resource stands alone, not in a list or dictionary")
        return value

    def enter(self) -> None:
        self.depth += 1
        if self.depth > MAX_ATTRIBUTE_DEPTH:
            self.fail(f"attributes or types are nested more than {MAX_ATTRIBUTE_DEPTH} deep")

    def attribute_inside(self) -> Attribute:
        token = self.peek()
        match token:
            case "unit" | "true" | "false":
                self.take()
                return {"unit": None, "true": True, "false": False}[token]
            case "[":
                return self.sequence("[", "]")
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

    def sequence(self, opening: str, closing: str) -> tuple[Attribute, ...]:
        self.take(opening)
        items: list[Attribute] = []
        while not self.accept(closing):
            if items:
                self.take(",")
            items.append(self.attribute())
        return tuple(items)

    def integer_array(self) -> tuple[int, ...]:
        self.take("array")
        self.take("<")
        self.take()
        items: list[int] = []
        while not self.accept(">"):
            self.take(":" if not items else ",")
            items.append(self.integer())
        return tuple(items)

    def integer(self) -> int:
        token = self.peek()
        if not _INTEGER.fullmatch(token) or not -(2**63) <= int(token) < 2**64:
            self.fail(f"expected an integer of 64 bits, found {token!r}")
        self.at += 1
        return int(token)

    def affine_map(self) -> Attribute:
        self.take("affine_map")
        start = self.offsets[self.at]
        self.take("<")
        while not (self.peek() == ")" and self.peek(1) == ">"):
            self.take()
        self.take(")")
        stop = self.offsets[self.at]
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
            return _Resource(name, type_)  # type: ignore[return-value]
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

    # Types.

    def function_type(self) -> FunctionType:
        inputs = self.type_list()
        self.take("->")
        results = self.type_list() if self.peek() == "(" else (self.type(),)
        return FunctionType(inputs, results)

    def type_list(self) -> tuple[Type, ...]:
        self.take("(")
        types: list[Type] = []
        while not self.accept(")"):
            if types:
                self.take(",")
            types.append(self.type())
        return tuple(types)

    def type(self) -> Type:
        self.enter()
        type_ = self.type_inside()
        self.depth -= 1
        return type_

    def type_inside(self) -> Type:
        token = self.peek()
        match token:
            case "tensor":
                return self.tensor_type()
            case "vector":
                self.take()
                shape, element = self.shaped(self.angle())
                if len(shape) != 1 or not shape[0]:
                    self.fail("a vector has one extent, which is at least 1")
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

    def angle(self) -> int:
        """Take `<` and return where the text after it begins."""
        self.take("<")
        return self.offsets[self.at]

    def shaped(self, start: int, more: str = "") -> tuple[tuple[Extent, ...], Scalar]:
        """Read `1x?x3xf32` (which the tokens cut in odd places) from the text up to `>` or `,`."""
        while self.peek() not in (">", ",", ""):
            self.at += 1
        text = self.text[start : self.offsets[self.at]].strip() if self.peek() else ""
        *extents, element = re.split(r"x(?!$)", text)  # the x of `index` is its last letter
        try:
            scalar = string if element == "!ir.string" else parse_scalar(element)
            shape: tuple[Extent, ...] = tuple(None if extent == "?" else int(extent) for extent in extents)
            if any(extent is not None and not 0 <= extent < 2**63 for extent in shape):
                raise ValueError(text)
        except ValueError:
            self.fail(f"{text!r} is no shape with an element type", start)
        if not more:
            self.take(">")
        return shape, scalar

    def tensor_type(self) -> TensorType:
        self.take("tensor")
        shape, element = self.shaped(self.angle(), "encoding")
        names: tuple[str, ...] = ()
        order: tuple[int, ...] = ()
        if self.accept(","):
            kind = self.take()
            self.take("<")
            items = self.sequence("[", "]") if kind == "#ir.dims" else self.plain_integers()
            self.take(">")
            if kind == "#ir.dims":
                names = tuple(map(str, items))
            else:
                order = tuple(int(str(item)) for item in items)
        self.take(">")
        return TensorType(shape, element, names, order)

    def plain_integers(self) -> tuple[int, ...]:
        self.take("[")
        items: list[int] = []
        while not self.accept("]"):
            if items:
                self.take(",")
            items.append(self.integer())
        return tuple(items)

    def buffer_type(self) -> BufferType:
        self.take("!loop.buffer")
        shape, element = self.shaped(self.angle(), "strides")
        self.take(",")
        strides = self.plain_integers()
        self.take(">")
        return BufferType(tuple(extent or 0 for extent in shape), element, strides)

    # Resources.

    def resources(self) -> None:
        """The bytes behind `dense_resource` names, at the end of the file."""
        blobs: dict[str, bytes] = {}
        if self.accept("{-#"):
            for token in ("dialect_resources", ":", "{", "builtin", ":", "{"):
                self.take(token)
            while not self.accept("}"):
                name = self.take()
                self.take(":")
                try:
                    blobs[name] = bytes.fromhex(self.quoted()[10:])
                except ValueError:
                    self.at -= 1
                    self.fail(f"the resource {name!r} is not written as hexadecimal bytes")
                self.accept(",")
            self.take("}")
            self.take("#-}")
        for op, key, name, type_ in self.pending:
            if len(blobs.get(name, b"")) != type_.nbytes:
                raise CompileError(error(f"the resource {name!r} of {op.name} has {len(blobs.get(name, b''))} bytes, not {type_.nbytes}"))
            op.attributes[key] = Dense(np.frombuffer(blobs[name], type_.element.dtype).reshape(type_.extents))


class _Resource:
    """Stands for a constant until its bytes are read."""

    __slots__ = ("name", "type")

    def __init__(self, name: str, type_: TensorType) -> None:
        self.name = name
        self.type = type_


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
    return int(token) if _INTEGER.fullmatch(token) and low <= int(token) < high else None


def _float_value(token: str, type_: FloatType) -> float | None:
    if token.startswith("0x"):
        bits = int(token, 16)
        return float(np.frombuffer(bits.to_bytes(8, "little"), type_.dtype)[0]) if bits < 2**type_.bits else None
    return float(token) if _FLOAT.fullmatch(token) else None


__all__ = ["parse_operation", "unescape"]
