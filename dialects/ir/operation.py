"""Operations, blocks, regions and values: the containers of every program, and the base class of all operations.

Blocks are linked lists, values know their uses, and both are kept true by the methods here; nobody writes to operand lists
directly. What an operation of a certain kind has (its fields) is declared with the functions of `definition`.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import UnionType
from typing import Any, ClassVar, TypeVar, dataclass_transform

from .attributes import Array, Attribute
from .definition import (
    Definition,
    Missing,
    attribute,
    declare,
    field_specs,
    normalise,
    operand,
    optional,
    region,
    result,
    result_type,
    results,
    variadic,
)
from .location import UNKNOWN, Location
from .traits import Trait
from .types import Type


class Value:
    """What an operation makes or a block is given. `uses` holds (operation, operand number) in order of insertion."""

    __slots__ = ("name", "type", "uses")

    def __init__(self, type_: Type, name: str = "") -> None:
        self.type = type_
        self.name = name
        self.uses: dict[tuple[Operation, int], None] = {}

    @property
    def owner(self) -> Operation | Block:
        """What defines this value."""
        raise NotImplementedError

    @property
    def users(self) -> tuple[Operation, ...]:
        """The operations that use this value, each once."""
        return tuple(dict.fromkeys(op for op, _ in self.uses))

    def replace_by(self, other: Value) -> None:
        """Make every use of this value a use of `other`."""
        for op, number in list(self.uses):
            op.set_operand(number, other)


class Result(Value):
    """Result `number` of an operation."""

    __slots__ = ("number", "operation")

    def __init__(self, type_: Type, operation: Operation, number: int) -> None:
        super().__init__(type_)
        self.operation = operation
        self.number = number

    @property
    def owner(self) -> Operation:
        return self.operation


class Argument(Value):
    """Argument `number` of a block."""

    __slots__ = ("block", "number")

    def __init__(self, type_: Type, block: Block, number: int, name: str = "") -> None:
        super().__init__(type_, name)
        self.block = block
        self.number = number

    @property
    def owner(self) -> Block:
        return self.block


class Block:
    """A list of operations with arguments; the last operation is a terminator where the region needs one."""

    __slots__ = ("arguments", "first", "last", "region")

    def __init__(self, argument_types: Sequence[Type] = ()) -> None:
        self.arguments: list[Argument] = [Argument(t, self, i) for i, t in enumerate(argument_types)]
        self.first: Operation | None = None
        self.last: Operation | None = None
        self.region: Region | None = None

    def __iter__(self) -> Iterator[Operation]:
        """The operations in order; the current one may be erased meanwhile."""
        op = self.first
        while op is not None:
            following = op.next
            yield op
            op = following

    def __reversed__(self) -> Iterator[Operation]:
        op = self.last
        while op is not None:
            previous = op.previous
            yield op
            op = previous

    @property
    def terminator(self) -> Operation:
        """The last operation. Raises ValueError in an empty block."""
        if self.last is None:
            raise ValueError("an empty block has no terminator")
        return self.last

    @property
    def owner(self) -> Operation | None:
        """The operation that holds this block."""
        return self.region.operation if self.region is not None else None

    def add_argument(self, type_: Type, name: str = "") -> Argument:
        argument = Argument(type_, self, len(self.arguments), name)
        self.arguments.append(argument)
        return argument

    def erase_argument(self, number: int) -> None:
        """Remove an argument that has no uses."""
        assert not self.arguments[number].uses
        del self.arguments[number]
        for i, argument in enumerate(self.arguments):
            argument.number = i

    def insert(self, op: Operation, before: Operation | None = None) -> None:
        """Put a detached operation in front of `before`, or at the end."""
        assert op.block is None
        assert before is None or before.block is self
        previous = self.last if before is None else before.previous
        op.block, op.previous, op.next = self, previous, before
        if previous is None:
            self.first = op
        else:
            previous.next = op
        if before is None:
            self.last = op
        else:
            before.previous = op

    def detach(self, op: Operation) -> None:
        """Take an operation out without touching its operands."""
        assert op.block is self
        if op.previous is None:
            self.first = op.next
        else:
            op.previous.next = op.next
        if op.next is None:
            self.last = op.previous
        else:
            op.next.previous = op.previous
        op.block = op.previous = op.next = None


class Region:
    """A list of blocks inside an operation; all ours have exactly one block, control flow is structured."""

    __slots__ = ("blocks", "operation")

    def __init__(self, *blocks: Block) -> None:
        self.blocks: list[Block] = list(blocks)
        self.operation: Operation | None = None
        for block in blocks:
            block.region = self

    @property
    def block(self) -> Block:
        """The only block."""
        (block,) = self.blocks
        return block

    def walk(self) -> Iterator[Operation]:
        """All operations inside, outer before inner, in order."""
        for block in self.blocks:
            for op in block:
                yield op
                for inner in op.regions:
                    yield from inner.walk()


Rewrite = Callable[[Any, Any], object]


@dataclass_transform(field_specifiers=(operand, variadic, optional, attribute, result_type, region, result, results))
class Operation:
    """Base of all operations. Subclasses declare fields and, where only a person can say it, the methods below."""

    __slots__ = ("attributes", "block", "location", "next", "operands", "previous", "regions", "results", "segments")

    attributes: dict[str, Attribute]
    operands: tuple[Value, ...]
    results: tuple[Result, ...]
    regions: tuple[Region, ...]
    segments: tuple[int, ...]
    location: Location
    block: Block | None
    previous: Operation | None
    next: Operation | None

    definition: ClassVar[Definition]
    canonicalizations: ClassVar[list[Rewrite]]
    name: ClassVar[str]

    def __init_subclass__(cls, *, name: str = "", traits: tuple[type[Trait], ...] = ()) -> None:
        if not name:
            return
        cls.name = name
        cls.definition = Definition(name, traits)
        cls.canonicalizations = []
        for spec in field_specs(cls):
            assert spec.name not in Operation.__slots__, f"{name}: {spec.name!r} is what every operation has"
            declare(cls, cls.definition, spec)
        assert name not in _REGISTRY or _REGISTRY[name].__qualname__ == cls.__qualname__, f"{name} is declared twice"
        _REGISTRY[name] = cls

    def __init__(self, *operands: object, location: Location = UNKNOWN, **named: object) -> None:
        definition = self.definition
        values, segments = _flatten(definition, operands)
        attributes: dict[str, Attribute] = {}
        for key, spec in definition.attributes.items():
            value = named.pop(key, spec.default)
            if isinstance(value, Missing):
                raise TypeError(f"{self.name} needs the attribute {key!r}")
            attributes[key] = normalise(value)
        regions = [typing.cast(Region, named.pop(spec.name)) for spec in definition.regions]
        if named:
            raise TypeError(f"{self.name} has no field {next(iter(named))!r}")
        self.initialise(values, segments, attributes, regions, location)
        self.set_results(self.inferred_types())

    @classmethod
    def create(
        cls,
        operands: Sequence[Value],
        segments: Sequence[int],
        attributes: Mapping[str, Attribute],
        regions: Sequence[Region],
        result_types: Sequence[Type],
        location: Location = UNKNOWN,
    ) -> Operation:
        """An operation from its lists, with the result types as given; for the parser and for cloning."""
        op = cls.__new__(cls)
        op.initialise(operands, segments, attributes, regions, location)
        op.set_results(result_types)
        return op

    @classmethod
    def has(cls, trait: type[Trait]) -> bool:
        """Whether the declaration names the trait."""
        return trait in cls.definition.traits

    def inferred_types(self) -> tuple[Type, ...]:
        """What `infer` says, one type per result."""
        if not self.definition.results:
            return ()
        types = self.infer()
        return (types,) if isinstance(types, Type) else tuple(types)

    # What only a person can say: each class overrides what applies to it.

    def infer(self) -> Type | Sequence[Type]:
        """Types of the results, from operands, attributes and regions."""
        raise NotImplementedError(f"{self.name} has results but no type inference")

    def verify(self) -> Iterable[str]:
        """Everything that is wrong with this operation alone; each a sentence without its end."""
        return ()

    def evaluate(self, *operands: Any) -> Any:
        """The reference semantics in NumPy: an array (list, None) per operand field in, an array (tuple) out."""
        raise NotImplementedError(f"{self.name} has no reference evaluator")

    def execute(self, frame: Any, *operands: Any) -> Any:
        """As `evaluate`, for operations with regions: `frame.run(region, values)` evaluates one."""
        return self.evaluate(*operands)

    def fold(self, constants: Sequence[Array | None]) -> Value | Attribute | None:
        """A simpler equal of the only result: another value, or a constant; None where there is none."""
        return None

    def clone(self, mapping: dict[Value, Value]) -> Operation:
        """A copy with regions; operands through `mapping` (themselves where it has none), which learns the copies of results."""
        regions = [_clone_region(region_, mapping) for region_ in self.regions]
        operands = [mapping.get(v, v) for v in self.operands]
        copy = self.create(operands, self.segments, self.attributes, regions, [r.type for r in self.results], self.location)
        for old, new in zip(self.results, copy.results, strict=True):
            mapping[old] = new
            new.name = old.name
        return copy

    def field_operands(self) -> Iterator[object]:
        """What each declared operand field holds: a value, a list, or None."""
        start = 0
        for spec, count in zip(self.definition.operands, self.segments, strict=True):
            values = self.operands[start : start + count]
            start += count
            match spec.kind:
                case "variadic":
                    yield list(values)
                case "optional":
                    yield values[0] if values else None
                case _:
                    yield values[0]

    def initialise(
        self,
        operands: Sequence[Value],
        segments: Sequence[int],
        attributes: Mapping[str, Attribute],
        regions: Sequence[Region],
        location: Location = UNKNOWN,
    ) -> None:
        """Fill a new operation; result types come afterwards, because they may be inferred from all of this."""
        self.block = self.previous = self.next = None
        self.operands = ()
        self.results = ()
        self.attributes = dict(attributes)
        self.location = location
        self.regions = tuple(regions)
        for inner in regions:
            inner.operation = self
        self.set_operands(operands, segments)

    def set_results(self, types: Sequence[Type]) -> None:
        """Give a new operation its results."""
        self.results = tuple(Result(type_, self, i) for i, type_ in enumerate(types))

    def set_operand(self, number: int, value: Value) -> None:
        """Replace one operand."""
        old = self.operands[number]
        del old.uses[self, number]
        value.uses[self, number] = None
        self.operands = (*self.operands[:number], value, *self.operands[number + 1 :])

    def set_operands(self, values: Sequence[Value], segments: Sequence[int]) -> None:
        """Replace all operands; `segments` counts those of each declared operand field."""
        for i, old in enumerate(self.operands):
            del old.uses[self, i]
        self.operands, self.segments = tuple(values), tuple(segments)
        for i, value in enumerate(self.operands):
            value.uses[self, i] = None

    def drop_operands(self) -> None:
        """Give up all uses, also of the operations inside, before erasing."""
        self.set_operands((), (0,) * len(self.segments))
        for inner in self.regions:
            for op in inner.walk():
                for i, old in enumerate(op.operands):
                    del old.uses[op, i]
                op.operands = ()

    def erase(self) -> None:
        """Remove the operation; its results must have no uses left."""
        assert not any(result.uses for result in self.results), f"{self.name} still has uses"
        if self.block is not None:
            self.block.detach(self)
        self.drop_operands()

    def move_before(self, other: Operation) -> None:
        """Move the operation in front of `other`."""
        if self.block is not None:
            self.block.detach(self)
        assert other.block is not None
        other.block.insert(self, other)

    @property
    def parent(self) -> Operation | None:
        """The operation whose region holds this one."""
        return self.block.owner if self.block is not None else None

    def walk(self) -> Iterator[Operation]:
        """This operation and all inside, outer before inner, in order."""
        yield self
        for inner in self.regions:
            yield from inner.walk()

    @property
    def body(self) -> Block:
        """The block of the only region."""
        (region,) = self.regions
        return region.block


_REGISTRY: dict[str, type[Operation]] = {}


def registered(name: str) -> type[Operation] | None:
    """The class of the operation with this name, if its dialect has been imported."""
    return _REGISTRY.get(name)


def all_operations() -> tuple[type[Operation], ...]:
    """Every declared operation, in the order of declaration."""
    return tuple(_REGISTRY.values())


def _clone_region(source: Region, mapping: dict[Value, Value]) -> Region:
    blocks = []
    for block in source.blocks:
        copy = Block([a.type for a in block.arguments])
        for old, new in zip(block.arguments, copy.arguments, strict=True):
            mapping[old] = new
            new.name = old.name
        for op in block:
            copy.insert(op.clone(mapping))
        blocks.append(copy)
    return Region(*blocks)


def _flatten(definition: Definition, operands: Sequence[object]) -> tuple[list[Value], list[int]]:
    specs = definition.operands
    if len(operands) > len(specs):
        raise TypeError(f"{definition.name} takes {len(specs)} operands, not {len(operands)}")
    values: list[Value] = []
    segments: list[int] = []
    for i, spec in enumerate(specs):
        given: Any = operands[i] if i < len(operands) else None
        if spec.kind == "variadic":
            given = list(given or ())
        elif given is None and spec.kind == "operand":
            raise TypeError(f"{definition.name} needs the operand {spec.name!r}")
        else:
            given = [] if given is None else [given]
        values += given
        segments.append(len(given))
    return values, segments


R = TypeVar("R", bound=Rewrite)


def canonicalize(function: R) -> R:
    """Register a rewrite (op, builder) -> replacement values or None with the operation class that its first parameter names."""
    first = next(iter(inspect.signature(function).parameters))
    class_ = typing.get_type_hints(function)[first]
    for one in typing.get_args(class_) if isinstance(class_, UnionType) else (class_,):
        one.canonicalizations.append(function)
    return function
