"""Checks a program against the declarations and reports everything that is wrong, not only the first.

For each operation: operand counts per field, attributes present and of the declared Python type, result types those that
`infer` gives (or more exact ones), what the operation's own `verify` yields; for each block: operands defined before their
use and in scope, a terminator at the end and only there; symbols unique in their table.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import CompileError, Diagnostic, error, printable
from .definition import attribute_accepts
from .operation import Argument, Block, Operation, Value
from .printer import print_operation
from .traits import IsolatedFromAbove, SymbolTable, Terminator
from .types import TensorType, Type


def verify(op: Operation) -> None:
    """Raise a CompileError with every fault in `op` and what it holds; silent on a correct program."""
    diagnostics = list(faults(op))
    if diagnostics:
        raise CompileError.of(diagnostics)


def faults(op: Operation) -> Iterator[Diagnostic]:
    """Every fault as a diagnostic with the node names and the text of the operation."""
    for where, message in _check(op, {}):
        yield _diagnostic(where, message)


def _diagnostic(op: Operation, message: str) -> Diagnostic:
    diagnostic = error(f"{op.name}: {printable(message)}")
    for place in op.location.places:
        diagnostic = diagnostic.at(place)
    line = print_operation(op, resources=False).split("\n", 1)[0]
    return diagnostic.at(f"|  {printable(line if len(line) <= 160 else line[:157] + '...')}")


def _check(op: Operation, scope: dict[Value, None]) -> Iterator[tuple[Operation, str]]:
    problems = list(_own_faults(op))
    yield from ((op, problem) for problem in problems)
    if op.has(SymbolTable):
        yield from ((op, text) for text in _symbol_faults(op))
    for region in op.regions:
        if len(region.blocks) != 1:
            yield op, "a region has exactly one block"
        inner: dict[Value, None] = {} if op.has(IsolatedFromAbove) else dict(scope)
        for block in region.blocks:
            yield from _check_block(block, inner, needs_terminator=not op.has(SymbolTable))


def _check_block(block: Block, scope: dict[Value, None], needs_terminator: bool) -> Iterator[tuple[Operation, str]]:
    scope.update(dict.fromkeys(block.arguments))
    for op in block:
        for i, value in enumerate(op.operands):
            if value not in scope:
                yield op, f"operand {i} is {_describe(value)}, which is not defined before, or not in scope here"
        if op.has(Terminator) and op is not block.last:
            yield op, "a terminator stands at the end of its block"
        yield from _check(op, scope)
        scope.update(dict.fromkeys(op.results))
    owner = block.owner
    if needs_terminator and owner is not None and (block.last is None or not block.last.has(Terminator)):
        yield owner, "a block ends with a terminator"


def _describe(value: Value) -> str:
    if isinstance(value, Argument):
        return f"block argument {value.number}"
    return f"a result of {value.owner.name}" if isinstance(value.owner, Operation) else "an unknown value"


def _own_faults(op: Operation) -> Iterator[str]:
    for spec, count in zip(op.definition.operands, op.segments, strict=True):
        if (spec.kind == "operand" and count != 1) or (spec.kind == "optional" and count > 1):
            yield f"operand {spec.name!r} is given {count} times"
    complete = True
    for key, spec in op.definition.attributes.items():
        if key not in op.attributes:
            complete = False
            yield f"attribute {key!r} is missing"
        elif not attribute_accepts(spec.annotation, op.attributes[key], type(op)):
            complete = False
            yield f"attribute {key!r} is {op.attributes[key]!r}, which is not of type {spec.annotation}"
    if not complete:
        return
    try:
        problems = list(op.verify())
        problems += [] if problems else list(_result_faults(op))
    except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError) as problem:
        # The checks take operands of the right kind for granted; a program from a file may have others.
        problems = [f"the operands do not fit: {problem}"]
    yield from problems


def _result_faults(op: Operation) -> Iterator[str]:
    inferred = op.inferred_types()
    if len(inferred) != len(op.results):
        yield f"has {len(op.results)} results, but {len(inferred)} are inferred"
        return
    for i, (result, type_) in enumerate(zip(op.results, inferred, strict=True)):
        if not _fits(type_, result.type):
            yield f"result {i} is {result.type}, but {type_} is inferred"


def _fits(inferred: Type, actual: Type) -> bool:
    """Whether one of the types is as exact as the other or more so; a layout is chosen, not inferred."""
    if isinstance(inferred, TensorType) and isinstance(actual, TensorType):
        inferred, actual = inferred.with_order(()), actual.with_order(())
        return inferred.accepts(actual) or actual.accepts(inferred)
    return inferred == actual


def _symbol_faults(op: Operation) -> Iterator[str]:
    seen: dict[object, None] = {}
    for inner in op.body:
        name = inner.attributes.get("sym_name")
        if name is not None and name in seen:
            yield f"the symbol {name!r} is defined twice"
        seen[name] = None
