"""Lowering of GatherND; NonZero, Compress and ScatterND have no static form of their own and are refused with the way out."""

from __future__ import annotations

from typing import NoReturn

from ...dialects import arith, graph, lanes, tensor
from ...dialects.ir.affine import AffineMap, constant, d
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Block, Region, Value
from ...dialects.ir.types import index
from ..conversion import lowering, refuse
from .maps import tensor_type


@lowering(graph.NonZero, graph.Compress, graph.ScatterND)
def lower_selection(op: graph.NonZero | graph.Compress | graph.ScatterND, build: Builder) -> NoReturn:
    """What is picked is written back nowhere, or by something that mixes the picked rows."""
    refuse(
        op,
        "how many elements are picked, or where they go, is known at run time only",
        "between NonZero or Compress and ScatterND, use operators that work row by row: elementwise ones, products with constants",
    )


@lowering(graph.Deferred)
def lower_deferred(op: graph.Deferred, build: Builder) -> NoReturn:
    """It waits for a value, not for a dim: those are bound by now."""
    refuse(
        op,
        "the result has a shape that is known at run time only",
        "give the shape as a constant, or compute it from the shapes of inputs",
    )


@lowering(graph.GatherND)
def lower_gather_nd(op: graph.GatherND, build: Builder) -> Value:
    """Each element by its subscripts, which count from the end below 0; `tensor.extract_at` takes the nearest one."""
    source, indices = tensor_type(op.input), tensor_type(op.indices)
    if not indices.is_static:
        refuse(op, f"the indices are {indices}: how many rows are picked is known at run time only", "give indices of a fixed shape")
    extents, depth, batch = tensor_type(op.output).extents, op.depth, op.batch_dims
    rows = indices.rank - 1
    body = Block([*[indices.element] * depth, source])
    inner = Builder.at_end(body, op.location)
    along = [_from_start(inner, body.arguments[i], source.extents[batch + i]) for i in range(depth)]
    dims = [inner.add(tensor.Index(dim=dim)).output for dim in (*range(batch), *range(rows, len(extents)))]
    subscripts = [*dims[:batch], *along, *dims[batch:]]
    inner.add(tensor.Yield([inner.add(tensor.Extract(body.arguments[-1], subscripts)).output]))
    maps = tuple(AffineMap(len(extents), (*map(d, range(rows)), constant(i))) for i in range(depth))
    region = Region(body)
    compute = tensor.Compute([op.indices] * depth, [op.input], contents=region, extents=extents, parallel=len(extents), maps=maps)
    return build.add(compute).output


def _from_start(build: Builder, subscript: Value, extent: int) -> Value:
    number = build.add(lanes.IndexCast(subscript, to=index)).output
    from_end = build.add(arith.AddI(number, build.add(arith.index_constant(extent)).output)).output
    is_below = build.add(lanes.CmpI.of("slt", number, build.add(arith.index_constant(0)).output)).output
    return build.add(lanes.Select(is_below, from_end, number)).output
