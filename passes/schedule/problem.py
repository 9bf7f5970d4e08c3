"""A kernel as the chooser sees it: where its accesses and outputs lie, in elements, over the dims of its loops.

Neighbouring dims that every access walks as one dim become one (`merge_dims`). Constants may be repacked into the order in which they
are read (`packable`), so what they look like now does not count.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...dialects import tensor
from ...dialects.ir.affine import Affine, Dim, Quotient, d
from ...dialects.ir.types import BufferType, Type, element_of
from ...dialects.tensor.view import tensor_type
from ...targets.description import Target
from ..analysis.domain import Access, Domain, Reads, domain, reads

PARALLEL_WORK = 32_768
"""Multiply-adds or elements below which a kernel is not worth sharing among threads: about the cost of a barrier."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Offsets of all accesses and outputs as affine expressions in elements, and the extents of the dims after merging."""

    kernel: tensor.Kernel
    domain: Domain
    reads: Reads
    accesses: tuple[tuple[Access, Affine, bool], ...]  # the flag: a constant that may be repacked
    outputs: tuple[Affine, ...]
    target: Target
    extents: tuple[int, ...]

    @staticmethod
    def of(kernel: tensor.Kernel, inputs: Sequence[BufferType], outputs: Sequence[BufferType], target: Target) -> Problem:
        """The problem of a kernel whose inputs and outputs lie like this."""
        domain_ = domain(kernel)
        reads_ = reads(domain_)
        accesses = []
        for access in reads_.accesses:
            number = access.argument.number
            offset = access.offset(inputs[number].strides).simplify(domain_.ranges)
            accesses.append((access, offset, packable(kernel, access)))
        stores = []
        for output, type_ in zip(domain_.outputs, outputs, strict=True):
            offset = Affine()
            for subscript, stride in zip(output.map.results, type_.strides, strict=True):
                offset = offset + subscript * stride
            stores.append(offset.simplify(domain_.ranges))
        problem = Problem(kernel, domain_, reads_, tuple(accesses), tuple(stores), target, domain_.extents)
        return replace(problem, extents=merge_dims(problem))

    @property
    def parallel(self) -> int:
        """How many parallel dims there are; the dims of the reduction follow."""
        return len(self.domain.parallel)

    @property
    def reduction(self) -> range:
        """The reduction dims."""
        return range(self.parallel, len(self.extents))

    @property
    def steps(self) -> int:
        """Multiply-adds for one element of the result."""
        return math.prod(self.extents[self.parallel :])

    @property
    def offsets(self) -> list[Affine]:
        """Of the accesses, then of the outputs."""
        return [*(offset for _, offset, _ in self.accesses), *self.outputs]

    @property
    def is_worth_sharing(self) -> bool:
        """Whether there are threads, and enough for them to do."""
        return self.target.hosted and math.prod(self.extents) >= PARALLEL_WORK

    @property
    def widest_bits(self) -> int:
        """Bits of the widest element that the kernel computes with."""
        types: list[Type] = [value.type for op in self.kernel.body for value in op.results]
        types += [argument.type for argument in self.kernel.body.arguments]
        return max((max(element_of(t).dtype.itemsize, 1) * 8 for t in types), default=32)


def packable(kernel: tensor.Kernel, access: Access) -> bool:
    """Whether the argument is a constant whose elements may be put in the order in which they are read."""
    source = kernel.inputs[access.argument.number].owner
    if any(access.argument in op.captured for op in kernel.body if isinstance(op, tensor.Compute)):
        return False
    return isinstance(source, tensor.Constant) and access.of_root and all(s.is_linear for s in access.subscripts)


def merge_dims(problem: Problem) -> tuple[int, ...]:
    """Extents after merging: dim a with stride extent(b) * stride(b) in every access becomes part of dim b."""
    extents = list(problem.extents)
    if 0 in extents:
        return tuple(extents)
    groups = [range(problem.parallel), problem.reduction]
    free = [dim for dim in range(len(extents)) if dim not in problem.reads.rigid]
    merged = True
    while merged:
        merged = False
        for group in groups:
            for a in group:
                for b in group:
                    both = a != b and a in free and b in free and extents[a] > 1 and extents[b] > 1
                    if both and _walk_as_one(problem, extents, a, b) and _list_counts_as_one(problem, extents, a, b):
                        extents[b], extents[a] = extents[a] * extents[b], 1
                        merged = True
    return tuple(extents)


def _walk_as_one(problem: Problem, extents: Sequence[int], outer: int, inner: int) -> bool:
    strides = [(coefficient(offset, outer), coefficient(offset, inner)) for offset in problem.offsets]
    if any(a is None or b is None or a != extents[inner] * b for a, b in strides):
        return False
    return not any(is_packable and _uses(access, (outer, inner)) for access, _, is_packable in problem.accesses)


def _list_counts_as_one(problem: Problem, extents: Sequence[int], outer: int, inner: int) -> bool:
    """Whether a list of runs, if there is one, counts along neither dim, or through the inner one and on along the outer one."""
    chosen = [dim for dim in problem.domain.chosen if extents[dim] > 1]
    if outer not in chosen and inner not in chosen:
        return True
    return outer in chosen and inner in chosen and chosen.index(inner) == chosen.index(outer) + 1


def _uses(access: Access, dims: Sequence[int]) -> bool:
    """Whether the subscripts depend on one of the dims."""
    return any(dim in subscript.dims() for subscript in access.subscripts for dim in dims)


def coefficient(offset: Affine, dim: int) -> int | None:
    """The stride along a dim; None where the offset is not linear in it."""
    if any(dim in atom.of.dims() for atom, _ in offset.terms if hasattr(atom, "of")):
        return None
    return offset.coefficient(dim)


def alike_neighbours(problem: Problem) -> list[int] | None:
    """How many neighbours along a dim read the same, wherever that is so; None where subscripts are more than that."""
    atoms = [atom for offset in problem.offsets for atom, _ in offset.terms if not isinstance(atom, Dim)]
    found = [atom.by for atom in atoms if isinstance(atom, Quotient) and atom.of in map(d, atom.of.dims())]
    return found if len(found) == len(atoms) else None


def along_largest_input(problem: Problem) -> list[int]:
    """Dims along which the largest input lies: a square block of them and of the output's uses each cache line whole, both ways."""
    largest = max(problem.accesses, key=lambda entry: tensor_type(entry[0].argument).elements, default=None)
    if largest is None:
        return []
    return [dim for dim in range(problem.parallel) if coefficient(largest[1], dim) == 1 and problem.domain.parallel[dim] > 1]


def by_output_stride(problem: Problem) -> list[int]:
    """The parallel dims, larger strides of the output first."""
    strides = {dim: max((abs(o.coefficient(dim)) for o in problem.outputs), default=0) for dim in range(problem.parallel)}
    return sorted(strides, key=lambda dim: (-strides[dim], dim))


def has_shared_operand(problem: Problem, vector: int) -> bool:
    """Whether something that is reduced is the same all along the vector dim: a contraction, not a window per channel."""
    return any(access.of_root and vector not in offset.dims() for access, offset, _ in problem.accesses)


def weights_bytes(problem: Problem, vector: int) -> int:
    """What the weights take: one for every element along the vector dim and of the reduction."""
    return problem.extents[vector] * problem.steps * 4


def reads_weights_by_blocks(problem: Problem, vector: int) -> bool:
    """Whether blocks of channels stand around the pixels, so that weights are read once: where they fill more than a quarter of L2."""
    if not 0 <= vector < problem.parallel or not has_shared_operand(problem, vector):
        return False
    return 0 < problem.target.caches.l2_bytes // 4 < weights_bytes(problem, vector)


def are_weights_large(problem: Problem, vector: int) -> bool:
    """Whether they fill more than half of L2."""
    return 0 < problem.target.caches.l2_bytes // 2 < weights_bytes(problem, vector)
