"""Concat, Slice, Split, Pad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from ....dialects import graph
from ....dialects.ir.attributes import Number
from ....dialects.ir.operation import Value
from ....dialects.ir.types import TensorType
from .registry import NodeContext, as_ints, importer
from .shape import deferred

Mode = Literal["constant", "edge", "reflect", "wrap"]


@importer("Concat", since=4)
def concat(node: NodeContext) -> Value:
    """One input is itself."""
    inputs = node.present()
    ranks = [node.type(i).rank for i in range(len(inputs))]
    if len(set(ranks)) != 1:
        node.fail(f"its inputs are {', '.join(str(node.type(i)) for i in range(len(inputs)))}: they have different ranks")
    axis = node.axis(node.int("axis"), ranks[0])
    return inputs[0] if len(inputs) == 1 else node.add(graph.Concat(inputs, axis=axis)).output


@importer("Slice", since=1)
def slice_attributes(node: NodeContext) -> Value:
    """Where from and to stand in attributes, steps are 1."""
    starts, ends = node.ints("starts"), node.ints("ends")
    return _sliced(node, starts, ends, node.ints("axes", range(len(starts))), (1,) * len(starts))


@importer("Slice", since=10)
def slice_inputs(node: NodeContext) -> Value:
    """Where from and to are inputs."""
    given = [as_ints(array) if (array := node.constant(i)) is not None else None for i in range(1, 5)]
    if any(numbers is None and node.optional(i) is not None for i, numbers in enumerate(given, start=1)):
        return deferred(node, (None,) * node.type(0).rank)
    starts, ends, axes, steps = given
    if starts is None or ends is None:
        node.fail("starts or ends are missing")
    return _sliced(node, starts, ends, range(len(starts)) if axes is None else axes, (1,) * len(starts) if steps is None else steps)


def _sliced(node: NodeContext, starts: Sequence[int], ends: Sequence[int], axes: Sequence[int], steps: Sequence[int]) -> Value:
    source = node.type(0)
    if not len(starts) == len(ends) == len(axes) == len(steps):
        node.fail(f"{len(starts)} starts, {len(ends)} ends, {len(axes)} axes and {len(steps)} steps")
    firsts, sizes, strides = [0] * source.rank, [-1] * source.rank, [1] * source.rank
    for axis, start, end, step in zip(node.axes(axes, source.rank), starts, ends, steps, strict=True):
        extent = source.shape[axis]
        if step == 0:
            node.fail(f"the step along axis {axis} is 0")
        if extent is None:
            if (start, step) == (0, 1) and end >= 2**31 - 1:
                continue  # all of it
            return deferred(node, (*source.shape[:axis], None, *source.shape[axis + 1 :]))
        picked = range(*slice(start, end, step).indices(extent))
        firsts[axis], sizes[axis], strides[axis] = picked.start if picked else 0, len(picked), step
    if all(size in (-1, extent) and step == 1 for size, extent, step in zip(sizes, source.shape, strides, strict=True)):
        return node.input(0)
    known = tuple(extent if size == -1 and extent is not None else size for size, extent in zip(sizes, source.shape, strict=True))
    return node.add(graph.Slice(node.input(0), starts=tuple(firsts), sizes=known, steps=tuple(strides))).output


@importer("Split", since=1)
def split(node: NodeContext) -> Sequence[Value]:
    """Slices. The sizes are an attribute before version 13, then an input; without them the parts are equal but for the last."""
    source = node.type(0)
    axis = node.axis(node.int("axis", 0), source.rank)
    extent = source.shape[axis]
    sizes = _split_sizes(node, extent)
    if extent is None or sizes is None:
        parts = [size if sizes is not None else None for size in sizes or (None,) * node.outputs]
        types = tuple(source.with_extent(axis, part) for part in parts)
        return node.add(graph.Deferred(node.present(), op_type=node.op_type, types=types)).outputs
    if sum(sizes) != extent or min(sizes, default=0) < 0:
        node.fail(f"the parts {list(sizes)} do not make up axis {axis} of {source}")
    return [_part(node, source, axis, sum(sizes[:i]), size) for i, size in enumerate(sizes)]


def _split_sizes(node: NodeContext, extent: int | None) -> tuple[int, ...] | None:
    """The sizes of the parts; None where they hang on what is not known."""
    if node.version < 13 and node.has("split"):
        return node.ints("split")
    if node.optional(1) is not None and node.version >= 13:
        given = node.constant(1)
        return None if given is None else as_ints(given)
    if extent is None:
        return None
    count = node.int("num_outputs", node.outputs)
    if count < 1:
        node.fail(f"cannot make {count} parts")
    size = -(-extent // count)
    return tuple(max(min(size, extent - i * size), 0) for i in range(count))


def _part(node: NodeContext, source: TensorType, axis: int, start: int, size: int) -> Value:
    if size == source.shape[axis]:
        return node.input(0)
    starts = [start if i == axis else 0 for i in range(source.rank)]
    sizes = [size if i == axis else -1 if extent is None else extent for i, extent in enumerate(source.shape)]
    return node.add(graph.Slice(node.input(0), starts=tuple(starts), sizes=tuple(sizes), steps=(1,) * source.rank)).output


@importer("Pad", since=2)
def pad_attributes(node: NodeContext) -> Value:
    """Pads and value are attributes."""
    return _padded(node, node.ints("pads"), node.float("value", 0.0))


@importer("Pad", since=11)
def pad_inputs(node: NodeContext) -> Value:
    """Pads, value and (since version 18) axes are inputs."""
    source = node.type(0)
    pads = node.constant(1)
    value, axes = node.constant(2), node.constant(3)
    if pads is None or (axes is None and node.optional(3) is not None):
        return deferred(node, (None,) * source.rank)
    if value is None and node.optional(2) is not None:
        node.fail("the value is computed from the inputs of the model, which is not supported yet", "make it constant")
    chosen = range(source.rank) if axes is None else node.axes(as_ints(axes), source.rank)
    numbers = as_ints(pads)
    if len(numbers) != 2 * len(chosen):
        node.fail(f"{len(numbers)} pads for {len(chosen)} axes")
    full = [0] * (2 * source.rank)
    for i, axis in enumerate(chosen):
        full[axis], full[source.rank + axis] = numbers[i], numbers[len(chosen) + i]
    return _padded(node, full, 0 if value is None or value.size == 0 else value.reshape(-1)[0].item())


def _padded(node: NodeContext, pads: Sequence[int], value: float) -> Value:
    source = node.type(0)
    mode = next((known for known in get_args(Mode) if known == node.string("mode", "constant")), None)
    if mode is None:
        node.fail(f"the mode {node.string('mode')!r} is not supported", f"the modes are {', '.join(get_args(Mode))}")
    if len(pads) != 2 * source.rank:
        node.fail(f"{len(pads)} pads for {source}")
    if not any(pads):
        return node.input(0)
    number = Number(np.asarray(value).astype(source.element.dtype).item(), source.element) if mode == "constant" else None
    return node.add(graph.Pad(node.input(0), pads=tuple(pads), mode=mode, value=number)).output
