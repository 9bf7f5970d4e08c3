"""A part of a graph that is needed only where a mask says so: what spatially dynamic networks skip.

The mask is computed before and outside; the region holds what may be skipped. Everything else (which pixels of an inner convolution are
read, how tiles are walked) follows from the region and is nobody's attribute.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np

from ..ir.attributes import Array, Dense
from ..ir.builder import Builder
from ..ir.definition import attribute, operand, optional, region, result, variadic
from ..ir.operation import Argument, Operation, Region, Value, canonicalize
from ..ir.traits import IsolatedFromAbove, Pure, Terminator
from ..ir.types import TensorType, Type
from .constant import Constant
from .extents import broadcast_faults, tensor
from .shape import Expand


class Yield(Operation, name="graph.yield", traits=(Terminator,)):
    """End a region with its result."""

    value: Value = operand()


class Masked(Operation, name="graph.masked", traits=(Pure, IsolatedFromAbove)):
    """What the region computes where the mask is not zero, the background elsewhere.

    inputs [...]: the arguments of the region, in order.
    mask: any element type; its values are 0 or 1. [N, 1, H, W] for the kind `spatial`, or [N, g, H, W] with `mask_groups` g, where group i
    stands for the channels i * K/g to (i + 1) * K/g - 1; [N, 1, 1, 1] for `layer`; [N, K, 1, 1] for `channel`. N may be 1 for all pictures.
    background [...]: broadcasts to the output; zeros if it is missing.
    output [N, K, H, W]: of the type of what the region yields. It is exactly the one or the other: no product is computed, so a NaN or an
    infinity that is not chosen does not show. A mask that is NaN counts as not zero.
    `droppable` says that the dense value is as good everywhere: the mask only saves time, and may go where it does not.
    `granularity` S promises that the mask is equal within every tile of S x S pixels, S dividing H and W; 1 promises nothing.
    """

    inputs: list[Value] = variadic()
    mask: Value = operand()
    background: Value | None = optional()
    contents: Region = region()
    kind: Literal["spatial", "layer", "channel"] = attribute(default="spatial")
    granularity: int = attribute(default=1)
    mask_groups: int = attribute(default=1)
    droppable: bool = attribute(default=False)
    output: Value = result()

    def infer(self) -> Type:
        return tensor(self.body.terminator.operands[0])

    def verify(self) -> Iterable[str]:
        given = [value.type for value in self.inputs]
        taken = [argument.type for argument in self.body.arguments]
        if given != taken:
            yield f"the region takes ({', '.join(map(str, taken))}), but is given ({', '.join(map(str, given))})"
        last = self.body.last
        if not isinstance(last, Yield):
            yield "the region ends with graph.yield"
            return
        out = tensor(last.value)
        if out.rank != 4:
            yield f"the region yields {out}, which is not N x K x H x W"
            return
        yield from self._mask_faults(out)
        if self.background is not None:
            background = tensor(self.background)
            if background.element != out.element or background.rank > out.rank:
                yield f"the background is {background}, the region yields {out}"
            yield from broadcast_faults([out, background])

    def _mask_faults(self, out: TensorType) -> Iterable[str]:
        mask = tensor(self.mask)
        batch, channels, height, width = out.shape
        wanted = {"spatial": (self.mask_groups, height, width), "layer": (1, 1, 1), "channel": (channels, 1, 1)}[self.kind]
        fits = mask.rank == 4 and all(
            None in (have, want) or have == want for have, want in zip(mask.shape[1:], wanted, strict=True)
        )
        if not fits or mask.shape[0] not in (1, None, batch):
            yield f"the mask is {mask}, which is no {self.kind} mask in {self.mask_groups} groups for {out}"
        whole = self.mask_groups >= 1 and (channels is None or channels % self.mask_groups == 0)
        if not whole or (self.kind != "spatial" and self.mask_groups > 1):
            yield f"{channels} channels in {self.mask_groups} mask groups"
        if self.granularity < 1 or any(extent is not None and extent % self.granularity for extent in (height, width)):
            yield f"tiles of {self.granularity} x {self.granularity} do not divide {out}"

    def execute(self, frame: Any, *operands: Any) -> Any:
        inputs, mask, background = operands
        (made,) = frame.run(self.contents, inputs)
        zero = np.zeros((), made.dtype)
        return np.where(spread_mask(mask, made.shape[1]) != 0, made, zero if background is None else background)


def spread_mask(mask: Array, channels: int) -> Array:
    """The mask with one entry per channel, or one for all."""
    groups = mask.shape[1]
    return mask if groups in (1, channels) else np.repeat(mask, channels // groups, axis=1)


@canonicalize
def masked_by_constant(op: Masked, build: Builder) -> Value | None:
    """masked by ones -> the region itself; masked by zeros -> the background"""
    owner = op.mask.owner
    if not isinstance(owner, Constant) or not tensor(op.output).is_static:
        return None
    elements = owner.value.array
    if np.all(elements != 0):
        return inlined(op, build)
    return None if np.any(elements != 0) else spread_background(op, build)


@canonicalize
def masked_of_nothing(op: Masked, build: Builder) -> Value | None:
    """masked(x, mask, x) { yield x } -> x"""
    (yielded,) = op.body.terminator.operands
    same = isinstance(yielded, Argument) and yielded.block is op.body and op.inputs[yielded.number] is op.background
    return op.background if same else None


def inlined(op: Masked, build: Builder) -> Value:
    """Copies of what the region holds, in place; the value that it yields."""
    mapping: dict[Value, Value] = dict(zip(op.body.arguments, op.inputs, strict=True))
    for inner in op.body:
        if not inner.has(Terminator):
            build.add(inner.clone(mapping))
    (value,) = op.body.terminator.operands
    return mapping.get(value, value)


def spread_background(op: Masked, build: Builder) -> Value:
    """The background in the shape of the output."""
    out = tensor(op.output)
    source = op.background
    if source is None:
        source = build.add(Constant(value=Dense(np.zeros((), out.element.dtype)))).output
    return source if source.type == out else build.add(Expand(source, shape=out.extents)).output
