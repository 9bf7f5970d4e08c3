"""Dialect conversion: every operation of one dialect is replaced by what its lowering builds.

A lowering is registered for an operation class and gives the values that stand for the results:

    @lowering(graph.Relu)
    def lower_relu(op: graph.Relu, build: Builder) -> Value: ...

The program comes in verified and with static shapes, and goes out without the dialect. What has no lowering, or is refused by it,
is reported for all operations in one go, in the names of the user's nodes; the module is then spoiled and must be dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn, TypeAlias, TypeVar

from ..dialects.ir.builder import Builder
from ..dialects.ir.operation import Operation, Value
from ..dialects.ir.types import TensorType, Type
from ..errors import CompileError, Diagnostic, InternalError, error
from .manager import Report, located

Lowering: TypeAlias = Callable[[Any, Builder], Value | Sequence[Value]]
L = TypeVar("L", bound=Lowering)

_LOWERINGS: dict[type[Operation], Lowering] = {}


def lowering(*classes: type[Operation]) -> Callable[[L], L]:
    """Register a function (op, builder) -> values that replaces operations of these classes."""

    def register(function: L) -> L:
        for class_ in classes:
            assert class_ not in _LOWERINGS, f"{class_.name} has two lowerings"
            _LOWERINGS[class_] = function
        return function

    return register


def has_lowering(class_: type[Operation]) -> bool:
    """Whether a lowering is registered for operations of `class_`."""
    return class_ in _LOWERINGS


def refuse(op: Operation, message: str, help: str = "take the node out of the model") -> NoReturn:
    """Say in a lowering that this operation cannot be lowered: a CompileError with its nodes."""
    raise CompileError(located(error(f"{op.location.operators or op.name}: {message}"), op).help(help))


def convert_dialect(root: Operation, dialect: str, report: Report) -> None:
    """Lower every operation `dialect.*` inside `root`, inner ones first, in order. Raises CompileError with all that cannot be."""
    ops = list(_of_dialect(root, f"{dialect}."))
    problems = [_no_lowering(op) for op in ops if type(op) not in _LOWERINGS]
    if problems:
        raise CompileError.of(problems)
    refused: set[Operation] = set()
    for op in ops:
        if not refused.isdisjoint(value.owner for value in op.operands):  # types, for instance, are wrong because of those
            refused.add(op)
            continue
        try:
            _lower(op)
        except CompileError as problem:
            problems += problem.diagnostics
            refused.add(op)
        else:
            report.count(op.name)
    if problems:
        raise CompileError.of(problems)


def _of_dialect(root: Operation, prefix: str) -> Iterator[Operation]:
    for region in root.regions:
        for block in region.blocks:
            for op in block:
                yield from _of_dialect(op, prefix)
                if op.name.startswith(prefix):
                    yield op


def _no_lowering(op: Operation) -> Diagnostic:
    types = ", ".join(str(value.type) for value in op.operands)
    fault = error(f"{op.location.operators or op.name} on ({types}) cannot be compiled yet")
    return located(fault, op).help("take the node out of the model")


def _lower(op: Operation) -> None:
    outcome = _LOWERINGS[type(op)](op, Builder(op))
    values = (outcome,) if isinstance(outcome, Value) else tuple(outcome)
    if len(values) != len(op.results):
        raise InternalError(f"the lowering of {op.name} gives {len(values)} values for {len(op.results)} results")
    for old, new in zip(op.results, values, strict=True):
        if not _stands_for(new.type, old.type):
            raise InternalError(f"the lowering of {op.name} gives {new.type} for {old.type}")
        old.replace_by(new)
    op.erase()


def _stands_for(new: Type, old: Type) -> bool:
    if isinstance(new, TensorType) and isinstance(old, TensorType):
        return new.shape == old.shape and new.element == old.element
    return new == old
