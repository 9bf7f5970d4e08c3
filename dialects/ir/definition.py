"""Declaring operations: one class with typed fields gives constructor, accessors, verifier, printer, parser and documentation.

    class Concat(Operation, name="graph.concat", traits=(Pure,)):
        inputs: list[Value] = variadic()
        axis: int = attribute(default=0)
        output: Value = result()

        def infer(self) -> Type: ...

Operands come first and by position, attributes and regions by keyword. The types of results are inferred: `infer` returns
one type, or a sequence of one per result (a variadic result takes what is left). Python checkers see the constructor,
because the base class is a `dataclass_transform` with the field functions as specifiers.
"""

from __future__ import annotations

import functools
import inspect
import sys
import typing
from dataclasses import dataclass, field
from types import UnionType
from typing import Any, Literal, TypeVar, overload

from .attributes import Attribute
from .traits import Trait

T = TypeVar("T")


class Missing:
    """Marks an attribute without a default."""


MISSING = Missing()


@dataclass(slots=True)
class FieldSpec:
    """One declared field of an operation class."""

    kind: Literal["operand", "variadic", "optional", "attribute", "result", "results", "region"]
    default: object = MISSING
    is_result_type: bool = False
    is_discardable: bool = False
    name: str = ""
    annotation: Any = None


def operand() -> Any:
    """One operand."""
    return FieldSpec("operand")


def variadic() -> Any:
    """Any number of operands."""
    return FieldSpec("variadic")


def optional(*, default: None = None) -> Any:
    """An operand that may be missing."""
    return FieldSpec("optional", default)


@overload
def attribute(*, kw_only: Literal[True] = True) -> Any: ...
@overload
def attribute(*, default: T, discardable: bool = False, kw_only: Literal[True] = True) -> T: ...
def attribute(*, default: object = MISSING, discardable: bool = False, kw_only: Literal[True] = True) -> Any:
    """A compile-time fact, given by keyword. A discardable one is written apart, where MLIR does not know it as a property."""
    return FieldSpec("attribute", default, is_discardable=discardable)


def result_type(*, kw_only: Literal[True] = True) -> Any:
    """An attribute that is the type of the only result; the text shows it there and nowhere else."""
    return FieldSpec("attribute", is_result_type=True)


def region(*, kw_only: Literal[True] = True) -> Any:
    """A region, given by keyword."""
    return FieldSpec("region")


def result(*, init: Literal[False] = False) -> Any:
    """One result."""
    return FieldSpec("result")


def results(*, init: Literal[False] = False) -> Any:
    """Any number of results."""
    return FieldSpec("results")


@dataclass(slots=True)
class Definition:
    """What the declaration of an operation class says, in order."""

    name: str
    traits: tuple[type[Trait], ...]
    operands: list[FieldSpec] = field(default_factory=list)
    attributes: dict[str, FieldSpec] = field(default_factory=dict)
    regions: list[FieldSpec] = field(default_factory=list)
    results: list[FieldSpec] = field(default_factory=list)

    @property
    def is_segmented(self) -> bool:
        """Whether the operand list alone does not tell which field an operand belongs to."""
        return sum(spec.kind != "operand" for spec in self.operands) > 1


def normalise(value: object) -> Any:
    """Python's mutable and NumPy's own values as the immutable ones that attributes are."""
    if isinstance(value, list | tuple):
        return tuple(map(normalise, value))
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return value.item()
    return value


def field_specs(cls: type) -> list[FieldSpec]:
    """The fields of a class and its bases, bases first, each once."""
    specs: dict[str, FieldSpec] = {}
    for class_ in reversed(cls.__mro__):
        annotations = inspect.get_annotations(class_)
        for key, member in vars(class_).items():
            spec = member.spec if isinstance(member, FieldAccess) else member
            if isinstance(spec, FieldSpec):
                spec.name, spec.annotation = key, annotations.get(key, spec.annotation)
                specs[key] = spec
    return list(specs.values())


def declare(cls: type, definition: Definition, spec: FieldSpec) -> None:
    """Note a field in the definition and put its accessor on the class."""
    match spec.kind:
        case "attribute":
            definition.attributes[spec.name] = spec
        case "region":
            definition.regions.append(spec)
        case "result" | "results":
            definition.results.append(spec)
        case _:
            definition.operands.append(spec)
    position = len(
        {"region": definition.regions, "result": definition.results, "results": definition.results}.get(spec.kind, definition.operands)
    )
    setattr(cls, spec.name, FieldAccess(spec, position - 1))


class FieldAccess:
    """The descriptor that reads (and, for attributes, writes) one field of an operation."""

    __slots__ = ("position", "spec")

    def __init__(self, spec: FieldSpec, position: int) -> None:
        self.spec = spec
        self.position = position

    def __get__(self, op: Any, owner: type) -> Any:
        if op is None:
            return self
        match self.spec.kind:
            case "attribute":
                return op.attributes[self.spec.name]
            case "region":
                return op.regions[self.position]
            case "result":
                return op.results[self.position]
            case "results":
                return list(op.results[self.position :])
        start = sum(op.segments[: self.position])
        values = op.operands[start : start + op.segments[self.position]]
        if self.spec.kind == "variadic":
            return list(values)
        return values[0] if values else None

    def __set__(self, op: Any, value: object) -> None:
        if self.spec.kind != "attribute":
            raise AttributeError(f"{self.spec.name} of {op.name} is no attribute; operands change through set_operand")
        op.attributes[self.spec.name] = normalise(value)


def attribute_accepts(annotation: object, value: Attribute, owner: type) -> bool:
    """Whether an attribute's value is of the declared Python type (`int`, `float | None`, `tuple[int, ...]`, ...)."""
    return _is_instance(_resolved(annotation, owner) if isinstance(annotation, str) else annotation, value)


@functools.cache
def _resolved(annotation: str, owner: type) -> object:
    for class_ in owner.__mro__:
        try:
            return eval(annotation, vars(sys.modules[class_.__module__]))
        except NameError:
            continue
    raise TypeError(f"{owner.__name__}: the annotation {annotation!r} means nothing")


def _is_instance(annotation: Any, value: Any) -> bool:
    if annotation is Any or isinstance(annotation, str):  # the alias `Attribute` is a string, because it names itself
        return True
    if annotation is None:
        return value is None
    if isinstance(annotation, UnionType) or typing.get_origin(annotation) is typing.Union:
        return any(_is_instance(part, value) for part in typing.get_args(annotation))
    if typing.get_origin(annotation) is tuple:
        parts = typing.get_args(annotation)
        if not isinstance(value, tuple):
            return False
        if len(parts) == 2 and parts[1] is Ellipsis:
            return all(_is_instance(parts[0], item) for item in value)
        return len(parts) == len(value) and all(map(_is_instance, parts, value))
    if typing.get_origin(annotation) is Literal:
        return value in typing.get_args(annotation)
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if annotation is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, typing.get_origin(annotation) or annotation)
