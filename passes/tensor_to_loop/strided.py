"""Views as strides: which reads through an index map are another look at the same memory.

An element of a view lies at the sum of `strides[j] * map(i)[j]`. The view is strided if that sum is linear in i. To see it, remainders
are written as `a - (a floordiv n) * n`, nested quotients as one, and then either all quotients cancel or the view is not strided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ...dialects.ir.affine import Affine, Atom, Dim, Quotient, Remainder, constant
from ...dialects.ir.types import TensorType
from ...dialects.tensor.view import View, tensor_type


@dataclass(frozen=True, slots=True)
class Strided:
    """Where elements lie: `offset` elements from a base, plus index times stride for each dim."""

    offset: int
    strides: tuple[int, ...]


def view_layout(view: View, source: Strided) -> Strided | None:
    """Where the elements of a view lie, given its source; None if it is not strided, reads backwards, or pads."""
    if 0 in view.extents:
        return Strided(source.offset, tensor_type(view.output).strides)
    if view.padding is not None and view.reads_outside():
        return None
    total = constant(source.offset)
    for subscript, stride in zip(subscripts(view), source.strides, strict=True):
        total = total + subscript * stride
    strides = tuple(total.coefficient(d) for d in range(len(view.extents)))
    if not total.is_linear or min(strides, default=0) < 0 or total.constant < 0:
        return None
    return Strided(total.constant, _unit_dims_filled(view.extents, strides))


def source_layout(view: View, wanted: Strided) -> Strided | None:
    """Where a source must lie so that this view of it lies as wanted; None if that does not determine it, or there is no such place.

    The unknown strides s solve `sum of s[j] * map(i)[j] = wanted(i)` for every i, that is, for every atom of the maps.
    """
    source = tensor_type(view.source)
    reads = subscripts(view) if 0 not in view.extents else ()
    if view.padding is not None or source.elements != tensor_type(view.output).elements or not reads:
        return None
    atoms: dict[Atom, None] = dict.fromkeys(Dim(d) for d, extent in enumerate(view.extents) if extent > 1)
    atoms.update(dict.fromkeys(atom for read in reads for atom, _ in read.terms))
    unknown = [j for j, extent in enumerate(source.extents) if extent > 1]
    rows = [[_coefficient(reads[j], atom) for j in unknown] + [_wanted(atom, wanted)] for atom in atoms]
    solution = _solve(rows, len(unknown))
    if solution is None or min(solution, default=0) < 0:
        return None
    strides = [0] * source.rank
    for j, stride in zip(unknown, solution, strict=True):
        strides[j] = stride
    offset = wanted.offset - sum(read.constant * stride for read, stride in zip(reads, strides, strict=True))
    return Strided(offset, _unit_dims_filled(source.extents, strides)) if offset >= 0 else None


def respects_order(type_: TensorType, strides: Sequence[int]) -> bool:
    """Whether memory with these strides is a window into one laid out by the type's order.

    The innermost stride may be more than 1 (a concatenation along an innermost dim of extent 1): a copy would have to write there, too.
    """
    inner = 1
    dims = [d for d in reversed(type_.order or range(type_.rank)) if type_.extents[d] > 1]
    for dim in dims:
        if strides[dim] < inner:
            return False
        inner = strides[dim] * type_.extents[dim]
    return True


def subscripts(view: View) -> tuple[Affine, ...]:
    """The map's results without remainders, as simple as the extents allow."""
    ranges = [(0, extent - 1) for extent in view.extents]
    return tuple(_without_remainders(read.simplify(ranges)).simplify(ranges) for read in view.map.results)


def _without_remainders(value: Affine) -> Affine:
    result = constant(value.constant)
    for atom, factor in value.terms:
        match atom:
            case Dim():
                result = result + Affine(((atom, factor),))
            case Quotient(of, by):
                result = result + _quotient(_without_remainders(of), by) * factor
            case Remainder(of, by):
                whole = _without_remainders(of)
                result = result + (whole - _quotient(whole, by) * by) * factor
    return result


def _quotient(value: Affine, by: int) -> Affine:
    """(a floordiv m + c) floordiv n is (a + c * m) floordiv (m * n)."""
    match value.terms:
        case ((Quotient(of, inner), 1),):
            return (of + value.constant * inner) // (inner * by)
    return value // by


def _unit_dims_filled(extents: Sequence[int], strides: Sequence[int]) -> tuple[int, ...]:
    """Dims of extent 1 are never walked; they get the stride that a row-major tensor would have, so that equal places compare equal."""
    filled = list(strides)
    for d in reversed(range(len(filled))):
        if extents[d] == 1:
            filled[d] = filled[d + 1] * extents[d + 1] if d + 1 < len(filled) else 1
    return tuple(filled)


def _coefficient(read: Affine, atom: Atom) -> Fraction:
    return Fraction(next((factor for other, factor in read.terms if other == atom), 0))


def _wanted(atom: Atom, wanted: Strided) -> Fraction:
    return Fraction(wanted.strides[atom.position]) if isinstance(atom, Dim) else Fraction(0)


def _solve(rows: list[list[Fraction]], unknowns: int) -> list[int] | None:
    """The only integer solution of a linear system (right-hand sides in the last column); None if there is none or more."""
    for column in range(unknowns):
        pivot = next((i for i in range(column, len(rows)) if rows[i][column]), None)
        if pivot is None:
            return None
        rows[column], rows[pivot] = rows[pivot], rows[column]
        head = [value / rows[column][column] for value in rows[column]]
        rows[column] = head
        for i, row in enumerate(rows):
            if i != column and row[column]:
                rows[i] = [value - row[column] * by for value, by in zip(row, head, strict=True)]
    if any(row[-1] for row in rows[unknowns:]):
        return None
    solution = [rows[i][-1] for i in range(unknowns)]
    return [int(value) for value in solution] if all(value.denominator == 1 for value in solution) else None
