"""The greedy rewrite driver: applies folding, rewrites and the removal of dead operations until nothing applies.

A rewrite is a function (op, builder) -> replacement value, one value per result, or None where it does not apply. It builds new
operations through the builder, which inserts them before `op`, and changes nothing else: what it makes superfluous is dead and
removed here. New operations get the locations of all that they replace, so that no ONNX node is lost from reports.

The rewrites of `@canonicalize` stand on the operation classes; a pass makes its own with `pattern`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..dialects import arith
from ..dialects.func import Function
from ..dialects.ir.attributes import Array, Attribute, Dense, Number
from ..dialects.ir.builder import Builder
from ..dialects.ir.location import Location
from ..dialects.ir.operation import Operation, Rewrite, Value, registered
from ..dialects.ir.traits import ConstantLike, Pure
from ..dialects.ir.types import TensorType, Type
from ..errors import InternalError, warning
from .manager import Report, located

# A rewrite that applies more often than this per operation of the program is going in circles.
ROUNDS = 50


@dataclass(frozen=True, slots=True)
class Pattern:
    """A rewrite, the classes it is for, and how early it is tried: larger benefits first."""

    classes: tuple[type[Operation], ...]
    rewrite: Rewrite
    benefit: int = 1

    @property
    def name(self) -> str:
        return getattr(self.rewrite, "__name__", "rewrite").replace("_", "-")


def pattern(*classes: type[Operation], benefit: int = 1) -> Callable[[Rewrite], Pattern]:
    """Make a function a pattern for operations of these classes."""
    return lambda rewrite: Pattern(classes, rewrite, benefit)


def rewrite_greedily(
    root: Operation,
    patterns: Iterable[Pattern],
    report: Report,
    *,
    canonicalize: bool = False,
    observe: Callable[[str, Operation], None] | None = None,
) -> None:
    """Apply `patterns` (and, if asked, folding and the rewrites registered on the classes) inside `root` until none applies.

    `observe` is called with the name of each rewrite and its operation before that is replaced.
    """
    driver = _Driver(patterns, report, canonicalize, observe)
    driver.run(root)
    for op in root.walk():
        if isinstance(op, Function) and op.body.last is not None:
            op.refresh_type()  # a replacement may know an extent that was unknown


class _Driver:
    """The worklist and the tables of one run."""

    def __init__(
        self, patterns: Iterable[Pattern], report: Report, canonicalize: bool, observe: Callable[[str, Operation], None] | None
    ) -> None:
        self.patterns = tuple(patterns)
        self.report = report
        self.canonicalize = canonicalize
        self.observe = observe
        self.by_class: dict[type[Operation], tuple[Pattern, ...]] = {}
        self.worklist: list[Operation] = []
        self.waiting: dict[Operation, None] = {}

    def run(self, root: Operation) -> None:
        ops = [op for op in root.walk() if op is not root]
        for op in reversed(ops):
            self.push(op)
        budget = ROUNDS * (len(ops) + 1)
        while self.worklist:
            op = self.worklist.pop()
            if op not in self.waiting:
                continue
            del self.waiting[op]
            budget -= self.visit(op)
            if budget < 0:
                often = max(self.report.counts, key=lambda name: self.report.counts[name])
                message = f"rewriting stopped after {ROUNDS} rewrites per operation; most often applied: {often}"
                self.report.remarks.append(located(warning(message), op))
                return

    def push(self, op: Operation) -> None:
        if op not in self.waiting:
            self.waiting[op] = None
            self.worklist.append(op)

    def visit(self, op: Operation) -> bool:
        """Apply the first thing that applies to `op`."""
        if is_dead(op):
            self.erase(op)
            self.report.count("removed")
            return True
        if self.canonicalize and self.fold(op):
            return True
        for each in self.patterns_of(type(op)):
            build = Builder(op)
            outcome = each.rewrite(op, build)
            if outcome is not None:
                values = (outcome,) if isinstance(outcome, Value) else tuple(outcome)  # type: ignore[arg-type]
                self.replace(op, values, build.inserted, each.name)
                return True
            if build.inserted:
                raise InternalError(f"the rewrite {each.name} built operations for {op.name}, but does not apply")
        return False

    def patterns_of(self, class_: type[Operation]) -> tuple[Pattern, ...]:
        if class_ not in self.by_class:
            own = [Pattern((class_,), rewrite) for rewrite in class_.canonicalizations] if self.canonicalize else []
            own += [each for each in self.patterns if class_ in each.classes]
            self.by_class[class_] = tuple(sorted(own, key=lambda each: -each.benefit))
        return self.by_class[class_]

    def fold(self, op: Operation) -> bool:
        if len(op.results) != 1:
            return False
        folded = op.fold([constant_of(value) for value in op.operands])
        if folded is None:
            return False
        if isinstance(folded, Value):
            self.replace(op, (folded,), [], "fold")
            return True
        build = Builder(op)
        constant = materialise(op, folded)
        if constant is None:
            return False
        self.replace(op, build.add(constant).results, build.inserted, "fold")
        return True

    def replace(self, op: Operation, values: Sequence[Value], inserted: Sequence[Operation], name: str) -> None:
        if self.observe is not None:
            self.observe(name, op)
        self.report.count(name)
        users = [user for result in op.results for user in result.users]
        replace_results(op, values, name)
        move_locations(op, values, inserted)
        self.erase(op)
        for changed in (*inserted, *users):
            for inner in changed.walk():
                self.push(inner)

    def erase(self, op: Operation) -> None:
        """Erase an operation and have a look at what it used, which may be dead or fold differently now."""
        sources = list(_sources(op))
        for inner in op.walk():
            self.waiting.pop(inner, None)
        op.erase()
        for source in sources:
            self.push(source)


def is_dead(op: Operation) -> bool:
    """Whether nobody would miss `op`: pure, and no result is used."""
    return op.has(Pure) and not any(result.uses for result in op.results)


def constant_of(value: Value) -> Array | None:
    """The elements of a constant value, None for others."""
    owner = value.owner
    if not isinstance(owner, Operation) or not owner.has(ConstantLike):
        return None
    match owner.attributes["value"]:
        case Dense() as dense:
            return dense.array
        case Number() as number:
            elements: Array = arith.Constant(value=number).evaluate()
            return elements
    return None


def materialise(op: Operation, value: Attribute) -> Operation | None:
    """A constant that can stand for the only result of `op`: of the same dialect for tensors, `arith.constant` for scalars and vectors."""
    (result,) = op.results
    match value:
        case Dense():
            class_ = registered(f"{op.name.partition('.')[0]}.constant")
            if class_ is None or not isinstance(result.type, TensorType):
                return None
            attributes: dict[str, Attribute] = {"value": value}
            if "order" in class_.definition.attributes:
                attributes["order"] = result.type.order
            return class_.create((), (), attributes, (), [value.type.with_order(result.type.order or range(value.type.rank))])
        case Number():
            return arith.Constant(value=value)
        case bool() | int() | float():
            return arith.Constant(value=Number(value, result.type))
    return None


def rebuilt(op: Operation, operands: Sequence[Value], **changed: Attribute) -> Operation:
    """A new operation like `op` (without regions) on as many other operands, with some attributes changed; its results are inferred."""
    new = type(op).create(operands, op.segments, {**op.attributes, **changed}, (), ())
    new.set_results(new.inferred_types())
    return new


def replace_results(op: Operation, values: Sequence[Value], name: str) -> None:
    """Make the uses of the results of `op` uses of `values`, which must be of the same types or more exact."""
    if len(values) != len(op.results):
        raise InternalError(f"{name} gives {len(values)} values for the {len(op.results)} results of {op.name}")
    for old, new in zip(op.results, values, strict=True):
        if not _stands_for(new.type, old.type):
            raise InternalError(f"{name} replaces a result of {op.name} of type {old.type} by one of type {new.type}")
        old.replace_by(new)
        new.name = new.name or old.name


def _stands_for(new: Type, old: Type) -> bool:
    return new == old or (isinstance(old, TensorType) and old.accepts(new))


def move_locations(op: Operation, values: Sequence[Value], inserted: Sequence[Operation]) -> None:
    """Give the locations of `op`, and of what only it used, to what replaces it."""
    absorbed = Location.fused([*(dead.location for dead in _dead_sources(op)), op.location])
    for new in inserted:
        new.location = Location.fused([absorbed, new.location])
    for value in values:
        owner = value.owner
        if isinstance(owner, Operation) and owner not in inserted and not owner.has(ConstantLike):
            owner.location = Location.fused([owner.location, absorbed])


def _dead_sources(op: Operation) -> Iterator[Operation]:
    """Operations that are used by `op` alone, constants aside; what feeds them first."""
    for source in dict.fromkeys(_sources(op)):
        if source.has(Pure) and not source.has(ConstantLike) and all(user is op for result in source.results for user in result.users):
            yield from _dead_sources(source)
            yield source


def _sources(op: Operation) -> Iterator[Operation]:
    """What makes the operands of `op` and of what is inside it."""
    for inner in op.walk():
        for value in inner.operands:
            if isinstance(value.owner, Operation):
                yield value.owner
