"""Programs as text, in MLIR's generic form, so that every MLIR tool can read them and `parser` gets back what was printed.

Locations are written as the discardable attribute `ir.nodes`. Constants with more than 16 elements are resources: the text
refers to them by digest, and their bytes stand at the end of the file (or are left out, for reading).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np

from .affine import AffineMap
from .attributes import Attribute, Dense, Number, Symbol
from .operation import Block, Operation, Value
from .types import FloatType, IntegerType, Type, VectorType, element_of, escaped

INLINE_ELEMENTS = 16
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$")


def print_operation(op: Operation, resources: bool = True) -> str:
    """The text of `op` with all it holds; a module with `resources` ends with the bytes of its large constants."""
    printer = _Printer()
    lines = list(printer.operation(op, 0))
    if resources and printer.resources:
        lines += ["", "{-#", "  dialect_resources: {", "    builtin: {"]
        entries = [f'      {name}: "0x10000000{blob(dense).hex().upper()}"' for name, dense in printer.resources.items()]
        lines += [",\n".join(entries), "    }", "  }", "#-}"]
    return "\n".join(lines) + "\n"


def print_attribute(value: Attribute) -> str:
    """The text of one attribute."""
    return _Printer().attribute(value)


def blob(dense: Dense) -> bytes:
    """The bytes of a resource: little-endian elements, row-major."""
    return np.ascontiguousarray(dense.array).tobytes()


class _Printer:
    """Names values in order of appearance and collects the resources that the text mentions."""

    def __init__(self) -> None:
        self.names: dict[Value, str] = {}
        self.resources: dict[str, Dense] = {}

    def operation(self, op: Operation, depth: int) -> Iterator[str]:
        indent = "  " * depth
        head = indent
        if op.results:
            head += ", ".join(self.define(r) for r in op.results) + " = "
        head += f'"{op.name}"({", ".join(self.names.get(v, "%<<unknown>>") for v in op.operands)})'
        properties, discardable = self.split(op)
        if properties:
            head += f" <{{{self.dictionary(properties, segments=True)}}}>"
        tail = f" : ({_types(v.type for v in op.operands)}) -> {_result_types([r.type for r in op.results])}"
        if discardable:
            tail = f" {{{self.dictionary(discardable)}}}{tail}"
        if not op.regions:
            yield head + tail
            return
        yield head + " ({"
        for i, region in enumerate(op.regions):
            if i:
                yield indent + "}, {"
            for block in region.blocks:
                yield from self.block(block, depth)
        yield indent + "})" + tail

    def split(self, op: Operation) -> tuple[dict[str, Attribute], dict[str, Attribute]]:
        """What stands in front of the regions and what behind them."""
        properties: dict[str, Attribute] = {}
        discardable: dict[str, Attribute] = {}
        for key, spec in op.definition.attributes.items():
            if spec.is_discardable:
                if op.attributes[key] != spec.default:
                    discardable[f"ir.{key}"] = op.attributes[key]
            elif not spec.is_result_type and key in op.attributes:
                properties[key] = op.attributes[key]
        if op.definition.is_segmented:
            properties["operandSegmentSizes"] = op.segments
        if op.location:
            discardable["ir.nodes"] = tuple(str(node) for node in op.location.nodes)
        return properties, discardable

    def block(self, block: Block, depth: int) -> Iterator[str]:
        if block.arguments:
            yield "  " * depth + f"^bb0({', '.join(f'{self.define(a)}: {a.type}' for a in block.arguments)}):"
        for op in block:
            yield from self.operation(op, depth + 1)

    def define(self, value: Value) -> str:
        name = self.names[value] = f"%{len(self.names)}"
        return name

    def dictionary(self, entries: dict[str, Attribute], segments: bool = False) -> str:
        parts = []
        for key, value in entries.items():
            name = key if _is_plain(key) else f'"{escaped(key)}"'
            if segments and key == "operandSegmentSizes" and isinstance(value, tuple):
                parts.append(f"{name} = array<i32: {', '.join(map(str, value))}>")
            else:
                parts.append(f"{name} = {self.attribute(value)}")
        return ", ".join(parts)

    def attribute(self, value: Attribute) -> str:
        match value:
            case None:
                return "unit"
            case bool():
                return "true" if value else "false"
            case int():
                return f"{value} : i64"
            case float():
                return f"{_number(value, FloatType('f64'))} : f64"
            case str():
                return f'"{escaped(value)}"'
            case Number():
                return _typed_number(value)
            case Symbol(name):
                return f"@{name}" if _is_plain(name) and not name[0].isdigit() else f'@"{escaped(name)}"'
            case Dense():
                return self.dense(value)
            case tuple():
                if value and all(type(item) is int for item in value):
                    return f"array<i64: {', '.join(map(str, value))}>"
                return f"[{', '.join(map(self.attribute, value))}]"
            case dict():
                return f"{{{self.dictionary(value)}}}"
            case Type() | AffineMap():
                return str(value)

    def dense(self, value: Dense) -> str:
        if value.array.size <= INLINE_ELEMENTS or value.array.dtype == object:
            return f"dense<{_nested(value.array, element_of(value.type)) if value.array.size else ''}> : {value.type}"
        name = f"c{value.digest}"
        self.resources[name] = value
        return f"dense_resource<{name}> : {value.type}"


def _is_plain(name: str) -> bool:
    return bool(name) and all(c in _PLAIN for c in name)


def _types(types: Iterable[Type]) -> str:
    return ", ".join(map(str, types))


def _result_types(types: list[Type]) -> str:
    return str(types[0]) if len(types) == 1 else f"({_types(types)})"


def _number(value: object, type_: Type) -> str:
    match type_:
        case FloatType():
            number = float(value)  # type: ignore[arg-type]
            if not math.isfinite(number):
                return f"0x{int.from_bytes(type_.dtype.type(number).tobytes(), 'little'):0{type_.bits // 4}X}"
            text = repr(number)
            mantissa, e, exponent = text.partition("e")
            return f"{mantissa if '.' in mantissa else mantissa + '.0'}{e}{exponent}"
        case IntegerType(bits=1):
            return "true" if value else "false"
        case IntegerType():
            return str(int(value))  # type: ignore[call-overload]
    return str(value)


def _typed_number(number: Number) -> str:
    text = _number(number.scalar(), element_of(number.type))
    if isinstance(number.type, VectorType):
        return f"dense<{text}> : {number.type}"
    return text if number.type == IntegerType(1) else f"{text} : {number.type}"


def _nested(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]], element: Type) -> str:
    if array.ndim == 0:
        item = array.item() if array.dtype == object else array[()]
        return f'"{escaped(item)}"' if isinstance(item, str) else _number(item, element)
    return f"[{', '.join(_nested(array[i, ...], element) for i in range(len(array)))}]"  # [i, ...]: an array also of one text
