"""Kernels of one operation: copies, where a value must lie somewhere else or in another way, and what nothing is fused with."""

from __future__ import annotations

from collections.abc import Sequence

from ...dialects.ir.affine import AffineMap
from ...dialects.ir.builder import Builder
from ...dialects.ir.location import Location
from ...dialects.ir.operation import Block, Operation, Region, Result, Value
from ...dialects.tensor import Compute, Kernel, View, Yield
from ...dialects.tensor.view import tensor_type

__all__ = ["copy_kernel", "wrap"]


def copy_kernel(build: Builder, value: Value, order: Sequence[int]) -> Result:
    """A kernel with the elements of `value` in another place; it reads through the view that made `value`, if one did."""
    view = value.owner if isinstance(value.owner, View) else None
    source = value if view is None else view.source
    body = Block([source.type])
    inside = Builder.at_end(body, build.location)
    element: Value = body.arguments[0]
    if view is not None:
        element = inside.add(view.clone({source: element})).results[0]
    copied = inside.add(_identity(element, build.location))
    copied.output.type = tensor_type(value).with_order(order or range(tensor_type(value).rank))
    inside.add(Yield([copied.output]))
    return build.add(Kernel([source], contents=Region(body))).results[0]


def _identity(value: Value, location: Location) -> Compute:
    type_ = tensor_type(value)
    body = Block([type_.element])
    Builder.at_end(body, location).add(Yield([body.arguments[0]]))
    return Compute([value], [], extents=type_.extents, parallel=type_.rank, maps=(AffineMap.identity(type_.rank),), contents=Region(body))


def wrap(op: Operation) -> None:
    """Put an operation alone into a kernel."""
    body = Block([value.type for value in op.operands])
    build = Builder(before=op)
    inner = op.clone({})
    inner.set_operands(body.arguments, op.segments)
    body.insert(inner)
    body.insert(Yield(list(inner.results)))
    kernel = build.add(Kernel(list(op.operands), contents=Region(body)))
    for old, new in zip(op.results, kernel.results, strict=True):
        old.replace_by(new)
    op.erase()
