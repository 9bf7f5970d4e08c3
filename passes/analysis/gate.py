"""Kernels of which a choice without a list leaves parts out: what stands between the root and all that is stored.

In comes a domain, out comes the choice. The one thing to know: what is left out is the reduction; everything behind the choice is
computed from its background.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass

from ...dialects import tensor
from ...dialects.ir.affine import Affine, AffineMap
from ...dialects.ir.operation import Operation, Value
from .domain import Domain, store_map

__all__ = ["Gate", "gate_of"]


@dataclass(frozen=True, slots=True)
class Gate:
    """A choice `op` without which nothing needs the root, and where in it the element of the root's point is: a register tile without an
    active element needs no reduction."""

    op: tensor.Masked
    map: AffineMap

    @property
    def active(self) -> tuple[Affine, ...]:
        """Subscripts of what says whether the element of a point is active."""
        return self.op.maps[1].compose(self.map.results)

    @property
    def dims(self) -> tuple[int, ...]:
        """The dims of the domain that this depends on."""
        return tuple(sorted({dim for subscript in self.active for dim in subscript.dims()}))


def gate_of(domain_: Domain) -> Gate | None:
    """The choice through which everything stored reads the root; None where there is none, or a list of runs decides."""
    root, values = domain_.root, [output.value for output in domain_.outputs]
    if root is None or domain_.masked is not None:
        return None
    members = _behind(values, ())
    for op in members:
        if not isinstance(op, tensor.Masked) or op.runs is not None or (op.background is None and values != [op.output]):
            continue
        map_ = store_map(root, op.output, members)
        if map_ is not None and root not in _behind(values, (op.value,)):
            return Gate(op, map_)
    return None


def _behind(values: Iterable[Value], without: Container[Value]) -> dict[Operation, None]:
    """What makes these values, with everything behind it in the kernel, but for what only leads through the values `without`."""
    found: dict[Operation, None] = {}
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        op = value.owner
        if value not in without and isinstance(op, Operation) and op not in found:
            found[op] = None
            waiting += op.operands
    return found
