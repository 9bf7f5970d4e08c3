"""The iteration domain of a kernel: its root, the extents of its loops, where its outputs go, what its accesses are like.

The domain has the parallel dims of the root (of the first output where nothing is reduced) followed by the reduction dims. Every value
of the kernel at a point of the domain is found by composing index maps, which `accesses` does without emitting anything.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from ...dialects import arith, math, tensor
from ...dialects.ir.affine import Affine, AffineMap, Dim, Quotient, Range, Remainder, combination, d
from ...dialects.ir.attributes import Number
from ...dialects.ir.operation import Argument, Operation, Value
from ...dialects.ir.types import FloatType, TensorType, Type, element_of
from ...dialects.tensor.view import tensor_type
from ...errors import CompileError, error


def neutral(kind: str, element: Type) -> int | float:
    """What combines with any element to that element. For `max` and `min` the extreme of the type."""
    if kind in ("add", "mul"):
        return int(kind == "mul") if not isinstance(element, FloatType) else float(kind == "mul")
    sign = -1 if kind == "max" else 1
    if isinstance(element, FloatType):
        return sign * float("inf")
    dtype = element_of(element).dtype
    if dtype.kind == "b":
        return int(kind == "min")
    limits = np.iinfo(dtype.type)  # type: ignore[type-var]
    return int(limits.min if kind == "max" else limits.max)


@dataclass(frozen=True, slots=True)
class Output:
    """What a kernel stores: the element of `value` at `map` of a point, `low` further along every dim where a border stands around it.

    `border`: the padded view that is yielded instead of the value; what it adds is stored once.
    """

    value: Value
    map: AffineMap
    border: tensor.View | None = None

    @property
    def low(self) -> tuple[int, ...]:
        """How wide the border is at the beginning of each dim."""
        if self.border is None:
            return (0,) * len(self.map.results)
        return tuple(-subscript.constant for subscript in self.border.map.results)

    def place(self, point: Sequence[Affine]) -> list[Affine]:
        """Subscripts of a point's element in what is stored."""
        return [subscript + low for subscript, low in zip(self.map.compose(point), self.low, strict=True)]


@dataclass(frozen=True, slots=True)
class Domain:
    """Extents of the parallel and the reduction dims, the root (None: nothing is reduced), and what is stored where."""

    parallel: tuple[int, ...]
    reduction: tuple[int, ...]
    root: tensor.Compute | None
    outputs: tuple[Output, ...]

    @property
    def masked(self) -> tensor.Masked | None:
        """The only output, if it is a choice with a list of runs, and these run along dims of the loops."""
        value, map_ = self.outputs[0].value, self.outputs[0].map
        if len(self.outputs) != 1 or not isinstance(value.owner, tensor.Masked) or self.root is None or value.owner.runs is None:
            return None
        along = zip(value.owner.unit, value.owner.extents, map_.results, strict=True)
        plain = all(subscript in map(d, subscript.dims()) for unit, extent, subscript in along if unit == 1 < extent)
        return value.owner if plain else None

    @property
    def chosen(self) -> tuple[int, ...]:
        """The dims along which runs of elements are chosen, outermost first: those by which a list of runs counts."""
        masked = self.masked
        if masked is None:
            return ()
        along = zip(masked.unit, masked.extents, self.outputs[0].map.results, strict=True)
        return tuple(subscript.dims()[0] for unit, extent, subscript in along if unit == 1 < extent)

    def guards_of_chosen(self, guards: Iterable[Guard]) -> list[Guard]:
        """Those that move with what is chosen, so that a run may reach over a border with nothing behind it."""
        return [guard for guard in guards if not guard.stored and set(guard.subscript.dims()) & set(self.chosen)]

    @property
    def extents(self) -> tuple[int, ...]:
        return (*self.parallel, *self.reduction)

    @property
    def ranges(self) -> list[Range]:
        return [(0, max(extent - 1, 0)) for extent in self.extents]


@dataclass(frozen=True, slots=True)
class Access:
    """One read of a kernel argument: subscripts over the domain's dims."""

    argument: Argument
    subscripts: tuple[Affine, ...]
    of_root: bool

    def offset(self, strides: Sequence[int]) -> Affine:
        """Distance from the buffer's base in elements."""
        return combination(zip(self.subscripts, strides, strict=True))


@dataclass(frozen=True, slots=True)
class Guard:
    """A subscript of a padded view that may leave 0..extent-1; `skippable`: the reduction may leave out what is outside.

    `stored`: what is outside is a margin in memory, so it may be read as well.
    """

    view: tensor.View
    axis: int
    subscript: Affine
    extent: int
    skippable: bool
    stored: bool = False


def domain(kernel: tensor.Kernel) -> Domain:
    """The domain of a kernel. Raises CompileError where it is no single loop nest."""
    for op in kernel.body:
        _check_member(kernel, op)
    roots = [op for op in kernel.body if isinstance(op, tensor.Compute) and op.has_reduction]
    if len(roots) > 1:
        raise _refusal(kernel, "has two computations with a reduction")
    yielded = [_inside_border(value) for value in kernel.body.terminator.operands]
    if not roots:
        extents = tensor_type(yielded[0][0]).extents if yielded else ()
        if any(tensor_type(value).extents != extents for value, _ in yielded):
            raise _refusal(kernel, "yields values of different shapes")
        return Domain(extents, (), None, tuple(Output(value, AffineMap.identity(len(extents)), border) for value, border in yielded))
    (root,) = roots
    parallel, reduction = root.extents[: root.parallel], root.extents[root.parallel :]
    members = dict.fromkeys(kernel.body)
    outputs = tuple(Output(value, _checked_store_map(kernel, root, value, members), border) for value, border in yielded)
    return Domain(parallel, reduction, root, outputs)


def _inside_border(value: Value) -> tuple[Value, tensor.View | None]:
    """What a padded view only puts a border around, and that view; other values as they are."""
    view = value.owner
    if not isinstance(view, tensor.View) or view.padding is None or not isinstance(view.source.owner, tensor.Compute | tensor.Masked):
        return value, None
    if any(subscript - subscript.constant != d(i) or subscript.constant > 0 for i, subscript in enumerate(view.map.results)):
        return value, None
    source = tensor_type(view.source).extents
    fits = all(extent - s.constant <= whole for extent, whole, s in zip(source, view.extents, view.map.results, strict=True))
    return (view.source, view) if fits else (value, None)


def _check_member(kernel: tensor.Kernel, op: Operation) -> None:
    match op:
        case tensor.Compute() | tensor.Masked() if not all(isinstance(value, Argument) for value in op.captured):
            raise _refusal(kernel, "looks up elements of a value that it makes itself")
        case tensor.Constant() if op.value.array.size != 1:
            raise _refusal(kernel, "holds a constant with several elements")
        case tensor.Compute() | tensor.Masked() | tensor.View() | tensor.Constant() | tensor.Yield():
            return
    raise _refusal(kernel, f"holds {op.name}")


def _checked_store_map(kernel: tensor.Kernel, root: tensor.Compute, value: Value, members: Container[Operation]) -> AffineMap:
    map_ = store_map(root, value, members)
    if map_ is None:
        raise _refusal(kernel, "yields a value that is no rearrangement of its reduction")
    return map_


def _refusal(kernel: tensor.Kernel, why: str) -> CompileError:
    names = ", ".join(str(node) for node in kernel.location.nodes)
    return CompileError(error(f"tensor.kernel {why}, so it is no single loop nest").at(f"nodes: {names or 'unknown'}"))


def store_map(root: tensor.Compute | tensor.Masked, value: Value, members: Container[Operation]) -> AffineMap | None:
    """Where in `value` the element of the root's point goes: the inverse of the map by which `value` reads the root.

    Only `members` (and views) are followed. None where `value` is no rearrangement of the root's elements.
    """
    if tensor_type(value).elements != prod(root.extents[: root.parallel]):
        return None  # a part of the elements: the others would be written nowhere
    read = _read_of_root(root, value, tuple(map(d, range(tensor_type(value).rank))), members)
    inverse = None if read is None else invert(AffineMap(tensor_type(value).rank, read), tensor_type(value).extents)
    return None if inverse is None else AffineMap(root.parallel, inverse)


def _read_of_root(
    root: tensor.Compute | tensor.Masked, value: Value, at: tuple[Affine, ...], members: Container[Operation]
) -> tuple[Affine, ...] | None:
    """Subscripts of the root that the element `at` of `value` reads; None where it reads it not, or in several ways."""
    ranges = [(0, max(extent - 1, 0)) for extent in tensor_type(value).extents]
    found: dict[tuple[Affine, ...], None] = {}
    pending = [(value, at)]
    while pending:
        current, subscripts = pending.pop()
        match current.owner:
            case tensor.Compute() | tensor.Masked() as op if op is root:
                found[tuple(s.simplify(ranges) for s in subscripts)] = None
            case tensor.Compute() | tensor.Masked() as op if op in members:
                pending += [(v, m.compose(subscripts)) for v, m in zip(op.inputs, op.maps, strict=True)]
            case tensor.View() as op:
                pending.append((op.source, op.map.compose(subscripts)))
            case _:
                continue
    return next(iter(found)) if len(found) == 1 else None


def invert(map_: AffineMap, extents: Sequence[int]) -> tuple[Affine, ...] | None:
    """For a map that rearranges all elements of a tensor (`extents`) one to one: the map back; None where it is no such map.

    Each result must be a part of one dim: the dim itself, or a quotient, remainder, or remainder of a quotient of it.
    """
    parts: dict[int, list[tuple[int, int, int]]] = {}
    for position, result in enumerate(map_.results):
        part = _part(result, extents)
        if part is None:
            if result.is_constant and result.constant == 0:
                continue
            return None
        dim, scale, size = part
        parts.setdefault(dim, []).append((scale, size, position))
    inverse: list[Affine] = []
    for dim, extent in enumerate(extents):
        total, expected = Affine(), 1
        for scale, size, position in sorted(parts.get(dim, [])):
            if scale != expected:
                return None
            total, expected = total + d(position) * scale, expected * size
        if expected != extent:
            return None
        inverse.append(total)
    return tuple(inverse)


def _part(result: Affine, extents: Sequence[int]) -> tuple[int, int, int] | None:
    """(dim, scale, size) with result == (dim floordiv scale) mod size, where size covers what is left of the dim."""
    if len(result.terms) != 1 or result.terms[0][1] != 1 or result.constant:
        return None
    match result.terms[0][0]:
        case Dim(position):
            return position, 1, extents[position]
        case Quotient(of, by):
            inner = _part(of, extents)
            return None if inner is None or inner[2] % by else (inner[0], inner[1] * by, inner[2] // by)
        case Remainder(of, by):
            inner = _part(of, extents)
            return None if inner is None or inner[2] % by else (inner[0], inner[1], by)


@dataclass(frozen=True, slots=True)
class Reads:
    """What a kernel reads: accesses of its arguments, guarded subscripts, and dims that only make sense at their own extents."""

    accesses: tuple[Access, ...]
    guards: tuple[Guard, ...]
    rigid: tuple[int, ...]


def reads(domain_: Domain) -> Reads:
    """Every read of a kernel argument, by the root and by what follows it."""
    walk = _Walk(domain_)
    for output in domain_.outputs:
        walk.visit(output.value, output.map.results, of_root=False, root_input=None)
    guarded = {(guard.view, guard.axis) for guard in walk.guards.values()}
    rigid = {dim: None for view, axis, subscript in walk.padded if (view, axis) in guarded for dim in subscript.dims()}
    return Reads(tuple(walk.accesses.values()), tuple(walk.guards.values()), tuple(sorted({**walk.rigid, **rigid})))


class _Walk:
    """Follows every read from the outputs to the arguments."""

    def __init__(self, domain_: Domain) -> None:
        self.domain = domain_
        self.accesses: dict[tuple[Argument, tuple[Affine, ...]], Access] = {}
        self.guards: dict[tuple[tensor.View, int, Affine], Guard] = {}
        self.padded: dict[tuple[tensor.View, int, Affine], None] = {}
        self.rigid: dict[int, None] = {}

    def visit(self, value: Value, at: Sequence[Affine], of_root: bool, root_input: int | None) -> None:
        """Follow `value` at subscripts. `root_input`: the input of the root that this is, as long as only views whose padding the
        reduction may leave out lie between."""
        for subscript in at:
            if not subscript.is_linear:
                self.rigid.update(dict.fromkeys(subscript.dims()))
        at = tuple(s.simplify(self.domain.ranges) for s in at)
        match value.owner:
            case tensor.Compute() | tensor.Masked() as op:
                self.visit_compute(op, at, of_root)
            case tensor.View() as op:
                inner = op.map.compose(at)
                if op.padding is not None:
                    root_input = root_input if self.may_skip(root_input, op.padding) else None
                    self.note_guards(op, inner, root_input is not None)
                self.visit(op.source, inner, of_root, root_input)
            case Operation():
                return
            case _:
                assert isinstance(value, Argument)
                self.accesses.setdefault((value, at), Access(value, at, of_root))

    def visit_compute(self, op: tensor.Compute | tensor.Masked, at: tuple[Affine, ...], of_root: bool) -> None:
        is_root = op is self.domain.root
        if isinstance(op, tensor.Compute) and (op.captured or any(isinstance(inner, tensor.Index) for inner in op.body)):
            self.rigid.update(dict.fromkeys(range(len(self.domain.extents))))
        parallel = len(self.domain.parallel)
        point = [*at, *(d(parallel + i) for i in range(len(self.domain.reduction)))] if is_root else at
        for i, (source, map_) in enumerate(zip(op.inputs, op.maps, strict=True)):
            self.visit(source, map_.compose(point), of_root or is_root, i if is_root else None)

    def may_skip(self, root_input: int | None, padding: Number) -> bool:
        return self.domain.root is not None and root_input is not None and skips_padding(self.domain.root, root_input, padding)

    def note_guards(self, op: tensor.View, subscripts: Sequence[Affine], skippable: bool) -> None:
        inner = [s.simplify(self.domain.ranges) for s in subscripts]
        for axis, (subscript, whole, (first, extent)) in enumerate(zip(inner, tensor_type(op.source).extents, op.inner, strict=True)):
            low, high = subscript.range(self.domain.ranges)
            self.padded[op, axis, subscript] = None
            if low < first or high >= first + extent:
                stored = low >= 0 and high < whole
                self.guards[op, axis, subscript] = Guard(op, axis, subscript - first, extent, skippable, stored)


def combiner(op: tensor.Compute) -> str | None:
    """How the body combines the accumulator with a new term: add, mul, max or min; None where it is something else."""
    accumulator = op.body.arguments[-1]
    match op.body.terminator.operands[0].owner:
        case math.Fma() as last if last.c is accumulator and list(accumulator.uses) == [(last, 2)]:
            return "add"
        case arith.AddF() | arith.AddI() as last:
            kind = "add"
        case arith.MulF() | arith.MulI() as last:
            kind = "mul"
        case arith.MaximumF() | arith.MaxSI() as last:
            kind = "max"
        case arith.MinimumF() | arith.MinSI() as last:
            kind = "min"
        case _:
            return None
    return kind if len(accumulator.uses) == 1 and accumulator in last.operands else None


def skips_padding(root: tensor.Compute, argument: int, padding: Number) -> bool:
    """Whether the term of the reduction is neutral where input `argument` reads `padding`, so that it may be left out."""
    value, kind = padding.value, combiner(root)
    element = root.body.arguments[argument]
    last = root.body.terminator.operands[0].owner
    if kind in ("max", "min"):
        return element in last.operands and value == neutral(kind, padding.type)  # type: ignore[union-attr]
    if kind != "add" or value != 0:
        return False
    if isinstance(last, math.Fma):
        return element in (last.a, last.b)
    term = next((v for v in last.operands if v is not root.body.arguments[-1]), None)  # type: ignore[union-attr]
    if term is element:
        return True
    product = term.owner if term is not None else None
    return isinstance(product, arith.MulF | arith.MulI) and element in product.operands


def output_types(kernel: tensor.Kernel) -> tuple[TensorType, ...]:
    """Types of what the kernel yields."""
    return tuple(tensor_type(value) for value in kernel.body.terminator.operands)


def access_strides(offset: Affine, dims: Iterable[int]) -> dict[int, int]:
    """What one step along each dim adds to an offset; 0 where it adds nothing or is not linear in the dim."""
    return {dim: offset.coefficient(dim) for dim in dims}
