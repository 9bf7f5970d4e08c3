"""Gather, Where; Cast and CastLike."""

from __future__ import annotations

import numpy as np

from ....dialects import graph
from ....dialects.ir.operation import Value
from ....dialects.ir.types import FloatType, Scalar
from ..bindings import scalar_of
from .registry import NodeContext, importer

NARROW = 16  # bits, below which the rounding of floats is a matter of its own


@importer("Gather", since=1)
def gather(node: NodeContext) -> Value:
    """Constant subscripts are checked and counted from 0; others take the nearest element."""
    source = node.type(0)
    axis = node.axis(node.int("axis", 0), source.rank)
    indices, known, extent = node.input(1), node.constant(1), source.shape[axis]
    if known is not None and extent is not None and known.size:
        if known.min() < -extent or known.max() >= extent:
            node.fail(f"the indices run from {known.min()} to {known.max()}, outside of axis {axis} of {source}")
        if known.min() < 0:
            indices = node.array(np.where(known < 0, known + extent, known).astype(known.dtype))
    return node.add(graph.Gather(node.input(0), indices, axis=axis)).output


@importer("Where", since=9)
def where(node: NodeContext) -> Value:
    """As it stands."""
    return node.add(graph.Where(node.input(0), node.input(1), node.input(2))).output


@importer("Cast", since=6)
def cast(node: NodeContext) -> Value:
    """The type by its number."""
    to = scalar_of(node.int("to"))
    if to is None:
        node.fail(f"the element type number {node.int('to')} is not supported yet", "use another element type")
    return _cast(node, to)


@importer("CastLike", since=15)
def cast_like(node: NodeContext) -> Value:
    """The type of the other input."""
    return _cast(node, node.type(1).element)


def _cast(node: NodeContext, to: Scalar) -> Value:
    source = node.type(0).element
    if source == to:
        return node.input(0)
    for type_ in (source, to):
        if isinstance(type_, FloatType) and type_.bits < NARROW:
            node.fail(f"conversion between {source} and {to} is not supported yet", "use another element type")
    return node.add(graph.Cast(node.input(0), to=to)).output
