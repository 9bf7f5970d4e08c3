"""Lowerings of Gather, GatherElements and Where."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...dialects import arith, graph, lanes, tensor
from ...dialects.ir.affine import Affine, AffineMap, constant, d
from ...dialects.ir.attributes import Array, Dense
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Block, Operation, Region, Value
from ...dialects.ir.traits import ConstantLike
from ...dialects.ir.types import i1, index
from ..conversion import lowering
from .maps import broadcast_map, tensor_type, view


@lowering(graph.Gather)
def lower_gather(op: graph.Gather, build: Builder) -> Value:
    """A view where the subscripts are constants in equal steps; else each element is looked up."""
    indices = _constant(op.indices)
    steps = _progression(indices, tensor_type(op.input).extents[op.axis], op.axis) if indices is not None else None
    if steps is None:
        return _lookup(op, build)
    return view(build, op.input, tensor_type(op.output).extents, _subscripts(op, steps))


def _constant(value: Value) -> Array | None:
    owner = value.owner
    content = owner.attributes.get("value") if isinstance(owner, Operation) and owner.has(ConstantLike) else None
    return content.array if isinstance(content, Dense) else None


def _progression(indices: Array, extent: int, first_dim: int) -> Affine | None:
    """The affine expression over the dims of the indices that they are, from `first_dim` on; None where they are none."""
    if not indices.size:
        return None
    numbers = np.where(indices < 0, indices + extent, indices).clip(0, extent - 1)
    expression = constant(int(numbers[(0,) * numbers.ndim]))
    for axis, length in enumerate(numbers.shape):
        if length > 1:
            step = int(np.take(numbers, 1, axis).flat[0]) - int(np.take(numbers, 0, axis).flat[0])
            expression = expression + d(axis) * step
    grid: Any = np.ogrid[tuple(slice(0, length) for length in numbers.shape)] if numbers.ndim else []
    if not np.array_equal(np.broadcast_to(expression.evaluate(list(grid)), numbers.shape), numbers):
        return None
    return expression.substitute([d(first_dim + axis) for axis in range(numbers.ndim)])


def _subscripts(op: graph.Gather, along: Affine) -> list[Affine]:
    """Subscripts into the input: those of the result without the dims of the indices, and `along` at the axis."""
    after = op.axis + tensor_type(op.indices).rank
    rest = tensor_type(op.input).rank - op.axis - 1
    return [*map(d, range(op.axis)), along, *map(d, range(after, after + rest))]


def _lookup(op: graph.Gather, build: Builder) -> Value:
    """Each element by its subscript."""
    after = op.axis + tensor_type(op.indices).rank
    dims = [*range(op.axis), *range(after, tensor_type(op.output).rank)]
    return _looked_up(op, build, dims, range(op.axis, after))


@lowering(graph.GatherElements)
def lower_gather_elements(op: graph.GatherElements, build: Builder) -> Value:
    """Each element by its subscript along the axis, and its own place along the others."""
    every = range(tensor_type(op.output).rank)
    return _looked_up(op, build, [dim for dim in every if dim != op.axis], every)


def _looked_up(op: graph.Gather | graph.GatherElements, build: Builder, dims: list[int], read: range) -> Value:
    """Elements at a subscript each, which is read at the dims `read` and counts from the end below 0, and elsewhere at `dims`;
    `tensor.extract_at` takes the nearest one."""
    source, indices, extents = tensor_type(op.input), tensor_type(op.indices), tensor_type(op.output).extents
    body = Block([indices.element, source])
    inner = Builder.at_end(body, op.location)
    number = inner.add(lanes.IndexCast(body.arguments[0], to=index)).output
    extent = inner.add(arith.index_constant(source.extents[op.axis])).output
    zero = inner.add(arith.index_constant(0)).output
    from_end = inner.add(arith.AddI(number, extent)).output
    is_below = inner.add(lanes.CmpI.of("slt", number, zero)).output
    along = inner.add(lanes.Select(is_below, from_end, number)).output
    subscripts = [inner.add(tensor.Index(dim=dim)).output for dim in dims]
    subscripts.insert(op.axis, along)
    inner.add(tensor.Yield([inner.add(tensor.Extract(body.arguments[1], subscripts)).output]))
    maps = (AffineMap(len(extents), tuple(map(d, read))),)
    region = Region(body)
    compute = tensor.Compute([op.indices], [op.input], contents=region, extents=extents, parallel=len(extents), maps=maps)
    return build.add(compute).output


@lowering(graph.Where)
def lower_where(op: graph.Where, build: Builder) -> Value:
    """One selection per element."""
    types = [tensor_type(value) for value in op.operands]
    extents = tensor_type(op.output).extents
    body = Block([i1, types[1].element, types[2].element])
    inner = Builder.at_end(body, op.location)
    inner.add(tensor.Yield([inner.add(lanes.Select(*body.arguments)).output]))
    maps = tuple(broadcast_map(type_, extents) for type_ in types)
    region = Region(body)
    return build.add(tensor.Compute(list(op.operands), [], contents=region, extents=extents, parallel=len(extents), maps=maps)).output
