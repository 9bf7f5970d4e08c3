"""Text in MLIR's generic form back to programs: the exact inverse of `printer`, with diagnostics that point into the line.

The text may come from anywhere: every fault is a CompileError, nesting is bounded, and nothing in it is executed. This file reads
operations and regions; `attribute_parser`, `type_parser` and `tokens` are the floors below.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...errors import CompileError, error
from .attribute_parser import AttributeParser, Resource
from .attributes import Attribute, Dense, Number
from .definition import attribute_accepts
from .location import UNKNOWN, Location, Node
from .operation import Block, Operation, Region, Value, registered
from .types import FunctionType, TensorType, i1

__all__ = ["parse_operation"]

MAX_DEPTH = 100


def parse_operation(text: str, source: str = "<text>") -> Operation:
    """The operation (as a rule a module) that `text` holds. Raises CompileError; the program is not verified yet."""
    parser = _Parser(text, source)
    op = parser.operation({}, 0)
    parser.resources()
    if parser.peek():
        parser.fail(f"expected the end of the text, found {parser.peek()!r}")
    return op


class _Parser(AttributeParser):
    """One pass over the tokens. `pending` are the attributes that wait for their resource."""

    def __init__(self, text: str, source: str) -> None:
        super().__init__(text, source)
        self.pending: list[tuple[Operation, str, str, TensorType]] = []

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
        operands = self.listed("(", ")", lambda: self.operand(values))
        properties = self.dictionary("<{", "}>") if self.peek() == "<" else {}
        regions = self.listed("(", ")", lambda: self.region(values, depth)) if self.peek() == "(" else ()
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
            if isinstance(value, Resource):
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

    def operand(self, values: dict[str, Value]) -> Value:
        name = self.peek()
        if name not in values:
            self.fail(f"{name!r} is no value that is defined before")
        return values[self.take()]

    def region(self, values: dict[str, Value], depth: int) -> Region:
        self.take("{")
        scope = dict(values)
        block = Block()
        if self.peek().startswith("^"):
            self.take()
            if self.peek() == "(":
                self.listed("(", ")", lambda: self.argument(block, scope))
            self.take(":")
        while not self.accept("}"):
            if self.peek().startswith("^"):
                self.fail("a region has one block only: control flow is structured")
            block.insert(self.operation(scope, depth + 1))
        return Region(block)

    def argument(self, block: Block, scope: dict[str, Value]) -> None:
        name = self.take()
        self.take(":")
        scope[name] = block.add_argument(self.type())

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
