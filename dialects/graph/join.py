"""Operators that cut tensors and put them together: Concat, Slice (and Split, which is slices), Pad."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from ..ir.attributes import Array, Number
from ..ir.definition import attribute, operand, result, variadic
from ..ir.operation import Operation, Value
from ..ir.traits import DataMovement, Pure
from ..ir.types import Type
from .extents import UNKNOWN, Axis, axes, from_axes, tensor


class Concat(Operation, name="graph.concat", traits=(Pure, DataMovement)):
    """Join tensors along the dim `axis`.

    inputs [..., n_i, ...]: at least one, of one element type, equal off the axis.
    output [..., sum of n_i, ...].

    **ONNX:** Concat 4, 11, 13.
    """

    inputs: list[Value] = variadic()
    axis: int = attribute()
    output: Value = result()

    def infer(self) -> Type:
        types = [tensor(value) for value in self.inputs]
        parts = [_common(column) for column in zip(*map(axes, types), strict=True)]
        along = [type_.shape[self.axis] for type_ in types]
        parts[self.axis] = UNKNOWN if None in along else (sum(extent or 0 for extent in along), "")
        if len(types) == 1:
            parts = axes(types[0])
        return from_axes(parts, types[0].element)

    def verify(self) -> Iterable[str]:
        first, *rest = (tensor(value) for value in self.inputs)
        for i, other in enumerate(rest, start=1):
            if other.element != first.element or not _agree(first.shape, other.shape, self.axis):
                yield f"input {i} is {other}, but input 0 is {first}, along axis {self.axis}"

    def evaluate(self, inputs: list[Array]) -> Array:
        return np.concatenate(inputs, axis=self.axis)


def _common(column: Sequence[Axis]) -> Axis:
    """The extent that is equal in all: a known one, or a name that all have."""
    known = [axis for axis in column if axis[0] is not None]
    if known:
        return known[0]
    return column[0] if all(axis == column[0] for axis in column) else UNKNOWN


def _agree(a: Sequence[int | None], b: Sequence[int | None], axis: int) -> bool:
    if len(a) != len(b):
        return False
    return all(i == axis or None in (m, n) or m == n for i, (m, n) in enumerate(zip(a, b, strict=True)))


class Slice(Operation, name="graph.slice", traits=(Pure, DataMovement)):
    """`sizes[i]` elements of each dim from `starts[i]`, every `steps[i]`-th (steps may be negative).

    input [...]. output [sizes]: a size of -1 is the whole dim, from 0 in steps of 1, as an unknown extent needs it.

    **ONNX:** Slice 1, 10, 11, 13; Split, all versions.
    """

    input: Value = operand()
    starts: tuple[int, ...] = attribute()
    sizes: tuple[int, ...] = attribute()
    steps: tuple[int, ...] = attribute()
    output: Value = result()

    def infer(self) -> Type:
        source = axes(tensor(self.input))
        parts = [axis if size == -1 else (size, "") for axis, size in zip(source, self.sizes, strict=True)]
        return from_axes(parts, tensor(self.input).element)

    def verify(self) -> Iterable[str]:
        source = tensor(self.input)
        if not len(self.starts) == len(self.sizes) == len(self.steps) == source.rank:
            yield f"{len(self.sizes)} sizes for {source}"
            return
        for axis, (extent, start, size, step) in enumerate(zip(source.shape, self.starts, self.sizes, self.steps, strict=True)):
            last = start + (size - 1) * step
            if size == -1 and (start, step) != (0, 1):
                yield f"axis {axis} is taken as a whole, but from {start} in steps of {step}"
            elif size > 0 and (min(start, last) < 0 or (extent is not None and max(start, last) >= extent)):
                yield f"elements {start} to {last} of axis {axis} are outside of {source}"

    def evaluate(self, input: Array) -> Array:
        for axis, (start, size, step) in enumerate(zip(self.starts, self.sizes, self.steps, strict=True)):
            if size != -1:
                input = np.take(input, start + step * np.arange(size), axis=axis)
        return input


class Pad(Operation, name="graph.pad", traits=(Pure, DataMovement)):
    """More elements before and after each dim; a negative pad takes elements away.

    input [...]. `pads`: before each dim, then after each.
    output [...]: what is added is `value` for the mode constant, the nearest element for edge, the elements mirrored at the first
    (last) element for reflect, the elements from the other end for wrap.

    **ONNX:** Pad 2, 11, 13, 18, 19, 21.
    """

    input: Value = operand()
    pads: tuple[int, ...] = attribute()
    mode: Literal["constant", "edge", "reflect", "wrap"] = attribute(default="constant")
    value: Number | None = attribute(default=None)
    output: Value = result()

    @property
    def begins(self) -> tuple[int, ...]:
        return self.pads[: len(self.pads) // 2]

    @property
    def ends(self) -> tuple[int, ...]:
        return self.pads[len(self.pads) // 2 :]

    def infer(self) -> Type:
        parts: list[Axis] = []
        for axis, begin, end in zip(axes(tensor(self.input)), self.begins, self.ends, strict=True):
            changed = (None if axis[0] is None else axis[0] + begin + end, "")
            parts.append(changed if begin or end else axis)
        return from_axes(parts, tensor(self.input).element)

    def verify(self) -> Iterable[str]:
        source = tensor(self.input)
        if (self.value is not None) != (self.mode == "constant"):
            yield f"the mode {self.mode} {'needs a' if self.mode == 'constant' else 'takes no'} value"
        elif self.value is not None and self.value.type != source.element:
            yield f"the value is {self.value.type}, the input {source}"
        for axis, (extent, begin, end) in enumerate(zip(source.shape, self.begins, self.ends, strict=True)):
            if extent is None:
                continue
            left = extent + min(begin, 0) + min(end, 0)
            if left < 0:
                yield f"pads {begin} and {end} take more than axis {axis} of {source} has"
            elif self.mode != "constant" and max(begin, end) > {"edge": math.inf if left else 0, "reflect": left - 1}.get(self.mode, left):
                yield f"pads {begin} and {end} reach further than axis {axis} of {source}, which the mode {self.mode} cannot fill"

    def evaluate(self, input: Array) -> Array:
        cut = tuple(slice(max(-b, 0), n - max(-e, 0)) for n, b, e in zip(input.shape, self.begins, self.ends, strict=True))
        widths = [(max(b, 0), max(e, 0)) for b, e in zip(self.begins, self.ends, strict=True)]
        if self.value is not None:
            return np.pad(input[cut], widths, constant_values=self.value.scalar())
        return np.pad(input[cut], widths, mode=self.mode)
