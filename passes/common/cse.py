"""The pass `share-equal` (elsewhere: common subexpression elimination, CSE)."""

from __future__ import annotations

import struct
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from ...dialects.func import Module
from ...dialects.ir.attributes import Attribute
from ...dialects.ir.location import Location
from ...dialects.ir.operation import Block, Operation, Value
from ...dialects.ir.traits import Commutative, ConstantLike, IsolatedFromAbove, Pure
from ..manager import Pass, Report


@dataclass(frozen=True)
class ShareEqual(Pass, name="cse"):
    """Compute equal things once: a pure operation that repeats an earlier one in scope is replaced by it.

    Before: `%1 = graph.relu(%0)`, `%2 = graph.relu(%0)`. After: `%1` alone, used twice.

    Runs on: all stages. Needs: nothing. Operations with regions are equal if their regions are, up to the names of values; the two
    operands of a commutative operation may have changed places. Leaves: what has an effect, such as loads.
    """

    def run(self, module: Module, report: Report) -> None:
        _Numbering(report).block(module.body, [{}])


@dataclass(slots=True)
class _Numbering:
    """Values by number, so that keys do not depend on addresses; scopes, innermost last, find operations by key."""

    report: Report
    numbers: dict[Value, int] = field(default_factory=dict)

    def block(self, block: Block, scopes: Sequence[dict[Hashable, Operation]]) -> None:
        for op in block:
            for region in op.regions:
                for inner in region.blocks:
                    self.block(inner, [{}] if op.has(IsolatedFromAbove) else [*scopes, {}])
            if op.has(Pure) and op.results:
                self.share(op, scopes)

    def share(self, op: Operation, scopes: Sequence[dict[Hashable, Operation]]) -> None:
        key = self.key(op, self.numbers)
        earlier = next((scope[key] for scope in scopes if key in scope), None)
        if earlier is None:
            scopes[-1][key] = op
            return
        for old, new in zip(op.results, earlier.results, strict=True):
            old.replace_by(new)
        if not op.has(ConstantLike):
            earlier.location = Location.fused([earlier.location, op.location])
        op.erase()
        self.report.count("shared")

    def key(self, op: Operation, numbers: dict[Value, int]) -> Hashable:
        """What two operations have in common if and only if they compute the same."""
        operands = [numbers.setdefault(value, len(numbers)) for value in op.operands]
        if op.has(Commutative):
            operands.sort()
        attributes = tuple((name, _frozen(value)) for name, value in op.attributes.items())
        types = tuple(result.type for result in op.results)
        regions = tuple(self.block_key(region.block) for region in op.regions)
        return (type(op), tuple(operands), op.segments, attributes, types, regions)

    def block_key(self, block: Block) -> Hashable:
        """Values defined inside are numbered from -1 downwards, by place; those from outside as everywhere."""
        return _BlockKey(self).block(block)


class _BlockKey:
    """The structure of a region."""

    def __init__(self, outer: _Numbering) -> None:
        self.outer = outer
        self.local: dict[Value, int] = {}

    def block(self, block: Block) -> Hashable:
        self.define(block.arguments)
        return (tuple(argument.type for argument in block.arguments), tuple(map(self.operation, block)))

    def operation(self, op: Operation) -> Hashable:
        operands = [self.number(value) for value in op.operands]
        attributes = tuple((name, _frozen(value)) for name, value in op.attributes.items())
        regions = tuple(self.block(region.block) for region in op.regions)
        self.define(op.results)
        return (type(op), tuple(operands), op.segments, attributes, tuple(result.type for result in op.results), regions)

    def number(self, value: Value) -> int:
        if value in self.local:
            return self.local[value]
        return self.outer.numbers.setdefault(value, len(self.outer.numbers))

    def define(self, values: Sequence[Value]) -> None:
        for value in values:
            self.local[value] = -1 - len(self.local)


def _frozen(value: Attribute) -> Hashable:
    """An attribute as a key: 1, 1.0 and True are three, and so are 0.0 and -0.0; NaN is itself."""
    match value:
        case float():
            return struct.pack("<d", value)
        case bool():
            return ("bool", value)
        case tuple():
            return tuple(map(_frozen, value))
        case dict():
            return tuple((key, _frozen(item)) for key, item in value.items())
    return value
