"""Lowerings of Concat, Slice and Pad: views and concatenations."""

from __future__ import annotations

from ...dialects import graph, tensor
from ...dialects.ir.affine import Affine, d
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Value
from ..conversion import lowering
from .maps import tensor_type, view


@lowering(graph.Concat)
def lower_concat(op: graph.Concat, build: Builder) -> Value:
    """The same; inputs without elements are left out."""
    inputs = [value for value in op.inputs if tensor_type(value).elements] or op.inputs[:1]
    return inputs[0] if len(inputs) == 1 else build.add(tensor.Concat(inputs, dim=op.axis)).output


@lowering(graph.Slice)
def lower_slice(op: graph.Slice, build: Builder) -> Value:
    """Subscripts with a start and a step."""
    subscripts = [d(i) * step + start for i, (start, step) in enumerate(zip(op.starts, op.steps, strict=True))]
    return view(build, op.input, tensor_type(op.output).extents, subscripts)


@lowering(graph.Pad)
def lower_pad(op: graph.Pad, build: Builder) -> Value:
    """A constant is the padding of one view; for the other modes each axis is joined from what stands before, in and after it."""
    if op.value is not None:
        subscripts = [d(i) - begin for i, begin in enumerate(op.begins)]
        return view(build, op.input, tensor_type(op.output).extents, subscripts, op.value)
    value = op.input
    for axis, (begin, end) in enumerate(zip(op.begins, op.ends, strict=True)):
        value = _padded(op.mode, value, axis, begin, end, build)
    return value


def _padded(mode: str, source: Value, axis: int, begin: int, end: int, build: Builder) -> Value:
    """One axis. Modes are read after negative pads have taken elements away."""
    source = _along(build, source, axis, tensor_type(source).extents[axis] + min(begin, 0) + min(end, 0), d(axis) + max(-begin, 0))
    extent = tensor_type(source).extents[axis]
    before = {"edge": d(axis) * 0, "reflect": d(axis) * -1 + begin, "wrap": d(axis) + (extent - begin)}[mode]
    after = {"edge": d(axis) * 0 + (extent - 1), "reflect": d(axis) * -1 + (extent - 2), "wrap": d(axis)}[mode]
    parts: list[Value] = [
        *([_along(build, source, axis, begin, before)] if begin > 0 else []),
        source,
        *([_along(build, source, axis, end, after)] if end > 0 else []),
    ]
    return source if len(parts) == 1 else build.add(tensor.Concat(parts, dim=axis)).output


def _along(build: Builder, source: Value, axis: int, extent: int, subscript: Affine) -> Value:
    """The view that reads another way along one axis."""
    extents = tensor_type(source).with_extent(axis, extent).extents
    subscripts = [subscript if i == axis else d(i) for i in range(len(extents))]
    return view(build, source, extents, subscripts)
