"""Operators that give a tensor's elements another shape or order: Reshape and its spellings, Transpose, Expand, Tile, and blocks of
channels as blocks of space. All of them move elements and compute nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from ..ir.attributes import Array
from ..ir.builder import Builder
from ..ir.definition import attribute, operand, result
from ..ir.operation import Operation, Value, canonicalize
from ..ir.traits import DataMovement, Pure
from ..ir.types import Extent, TensorType, Type
from .extents import UNKNOWN, Axis, axes, broadcast, broadcast_faults, from_axes, tensor


class Reshape(Operation, name="graph.reshape", traits=(Pure, DataMovement)):
    """The elements in row-major order under another shape.

    input [...]: any element type.
    output [shape]: as many elements. A -1, at most one, stands for what the others leave. `copied` lists pairs (axis of the output,
    axis of the input) whose extents are equal; only an unknown extent needs it.

    **ONNX:** Reshape 5, 13, 14, 19, 21; Flatten, Squeeze and Unsqueeze in all versions.
    """

    input: Value = operand()
    shape: tuple[int, ...] = attribute()
    copied: tuple[tuple[int, int], ...] = attribute(default=())
    output: Value = result()

    def infer(self) -> Type:
        source, copies = axes(tensor(self.input)), dict(self.copied)
        from_ = list(copies.values())
        left = [axis for i, axis in enumerate(source) if i not in from_]
        fixed = [(extent, "") for i, extent in enumerate(self.shape) if i not in copies and extent >= 0]
        rest = _quotient(left, fixed)
        parts = [source[copies[i]] if i in copies else rest if extent < 0 else (extent, "") for i, extent in enumerate(self.shape)]
        return from_axes(parts, tensor(self.input).element)

    def verify(self) -> Iterable[str]:
        open_ = [extent for i, extent in enumerate(self.shape) if extent < 0 and i not in dict(self.copied)]
        if open_ not in ([], [-1]):
            yield f"the shape {list(self.shape)} leaves more than one extent open"
        source, target = tensor(self.input), tensor(self.output)
        if source.is_static and target.is_static and source.elements != target.elements:
            yield f"{source} has {source.elements} elements, and the shape {list(self.shape)} does not hold as many"

    def fold(self, constants: Sequence[Array | None]) -> Value | None:
        same = self.input.type == self.output.type and tensor(self.input).is_static
        return self.input if same else None

    def evaluate(self, input: Array) -> Array:
        shape = list(self.shape)
        for axis, from_ in self.copied:
            shape[axis] = input.shape[from_]
        if -1 in shape and 0 in shape:  # NumPy finds this ambiguous
            shape[shape.index(-1)] = 0
        return input.reshape(shape)


@canonicalize
def reshape_of_reshape(op: Reshape, build: Builder) -> Value | None:
    """reshape(reshape(x)) -> reshape(x), where the outer one does not look at the extents between."""
    match op.input.owner:
        case Reshape() as inner if not op.copied:
            return build.add(Reshape(inner.input, shape=op.shape)).output
    return None


def _quotient(left: Sequence[Axis], fixed: Sequence[Axis]) -> Axis:
    """The extent that `left` has over `fixed`; unknown where one of them is."""
    divisor = dividend = 1
    for extent, _ in fixed:
        divisor *= extent or 0
    open_ = [axis for axis in left if axis[0] is None]
    for extent, _ in left:
        dividend *= 1 if extent is None else extent
    if open_:
        return open_[0] if len(open_) == 1 and dividend == divisor else UNKNOWN
    return (dividend // divisor if divisor else 0, "")


class Transpose(Operation, name="graph.transpose", traits=(Pure, DataMovement)):
    """Dims in another order: dim i of the output is dim `perm[i]` of the input. **ONNX:** Transpose, all versions."""

    input: Value = operand()
    perm: tuple[int, ...] = attribute()
    output: Value = result()

    def infer(self) -> Type:
        source = axes(tensor(self.input))
        return from_axes([source[p] for p in self.perm], tensor(self.input).element)

    def verify(self) -> Iterable[str]:
        if sorted(self.perm) != list(range(tensor(self.input).rank)):
            yield f"{list(self.perm)} is no order of the dims of {self.input.type}"

    def fold(self, constants: Sequence[Array | None]) -> Value | None:
        return self.input if self.perm == tuple(range(len(self.perm))) else None

    def evaluate(self, input: Array) -> Array:
        return np.array(input.transpose(self.perm), order="C")


@canonicalize
def transpose_of_transpose(op: Transpose, build: Builder) -> Value | None:
    """transpose(transpose(x, p), q) -> transpose(x, p of q)"""
    match op.input.owner:
        case Transpose() as inner:
            return build.add(Transpose(inner.input, perm=tuple(inner.perm[q] for q in op.perm))).output
    return None


class Expand(Operation, name="graph.expand", traits=(Pure, DataMovement)):
    """The input broadcast with a tensor of the shape `shape`, from behind, as in NumPy. **ONNX:** Expand 8, 13; ConstantOfShape."""

    input: Value = operand()
    shape: tuple[int, ...] = attribute()
    output: Value = result()

    def infer(self) -> Type:
        source = tensor(self.input)
        return from_axes(broadcast([source, TensorType(self.shape, source.element)]), source.element)

    def verify(self) -> Iterable[str]:
        source = tensor(self.input)
        yield from broadcast_faults([source, TensorType(self.shape, source.element)])

    def evaluate(self, input: Array) -> Array:
        return np.broadcast_to(input, np.broadcast_shapes(input.shape, self.shape)).copy()


@canonicalize
def expand_of_expand(op: Expand, build: Builder) -> Value | None:
    """expand(expand(x)) -> expand(x); to its own shape -> x"""
    own = tensor(op.input).shape
    if len(op.shape) <= len(own) and all(want in (1, have) for want, have in zip(op.shape[::-1], own[::-1], strict=False)):
        return op.input
    match op.input.owner:
        case Expand() as inner if tensor(op.output).is_static:
            return build.add(Expand(inner.input, shape=tensor(op.output).extents)).output
    return None


class Tile(Operation, name="graph.tile", traits=(Pure, DataMovement)):
    """The input, `repeats[i]` times along each dim. **ONNX:** Tile 6, 13."""

    input: Value = operand()
    repeats: tuple[int, ...] = attribute()
    output: Value = result()

    def infer(self) -> Type:
        source = axes(tensor(self.input))
        return from_axes([_times(axis, repeat) for axis, repeat in zip(source, self.repeats, strict=True)], tensor(self.input).element)

    def verify(self) -> Iterable[str]:
        if min(self.repeats, default=0) < 0:
            yield f"cannot repeat {list(self.repeats)} times"

    def evaluate(self, input: Array) -> Array:
        return np.tile(input, self.repeats)


def _times(axis: Axis, factor: int) -> Axis:
    if factor == 1:
        return axis
    return UNKNOWN if axis[0] is None else (axis[0] * factor, "")


def _over(extent: Extent, divisor: int) -> Axis:
    return UNKNOWN if extent is None else (extent // divisor, "")


class DepthToSpace(Operation, name="graph.depth_to_space", traits=(Pure, DataMovement)):
    """Blocks of channels become blocks of space, b = `blocksize`.

    input [N, b*b*C, H, W]. output [N, C, b*H, b*W]: (n, c, h, w) is input channel (h % b, w % b, c) for the mode DCR, channel
    (c, h % b, w % b) for CRD, at h / b, w / b.

    **ONNX:** DepthToSpace 1, 11, 13.
    """

    input: Value = operand()
    blocksize: int = attribute()
    mode: Literal["DCR", "CRD"] = attribute(default="DCR")
    output: Value = result()

    def infer(self) -> Type:
        n, c, h, w = axes(tensor(self.input))
        b = self.blocksize
        return from_axes([n, _over(c[0], b * b), _times(h, b), _times(w, b)], tensor(self.input).element)

    def verify(self) -> Iterable[str]:
        yield from _block_faults(self.blocksize, tensor(self.input), ((1, self.blocksize**2),))

    def evaluate(self, input: Array) -> Array:
        n, c, h, w = input.shape
        b = self.blocksize
        inner = (b, b, c // (b * b)) if self.mode == "DCR" else (c // (b * b), b, b)
        order = (0, 3, 4, 1, 5, 2) if self.mode == "DCR" else (0, 1, 4, 2, 5, 3)
        return input.reshape(n, *inner, h, w).transpose(order).reshape(n, c // (b * b), h * b, w * b)


class SpaceToDepth(Operation, name="graph.space_to_depth", traits=(Pure, DataMovement)):
    """Blocks of space become blocks of channels, b = `blocksize`: the inverse of DepthToSpace in the mode DCR.

    input [N, C, b*H, b*W]. output [N, b*b*C, H, W].

    **ONNX:** SpaceToDepth 1, 13.
    """

    input: Value = operand()
    blocksize: int = attribute()
    output: Value = result()

    def infer(self) -> Type:
        n, c, h, w = axes(tensor(self.input))
        b = self.blocksize
        return from_axes([n, _times(c, b * b), _over(h[0], b), _over(w[0], b)], tensor(self.input).element)

    def verify(self) -> Iterable[str]:
        yield from _block_faults(self.blocksize, tensor(self.input), ((2, self.blocksize), (3, self.blocksize)))

    def evaluate(self, input: Array) -> Array:
        n, c, h, w = input.shape
        b = self.blocksize
        return input.reshape(n, c, h // b, b, w // b, b).transpose(0, 3, 5, 1, 2, 4).reshape(n, c * b * b, h // b, w // b)


def _block_faults(block: int, source: TensorType, divided: Iterable[tuple[int, int]]) -> Iterable[str]:
    if block < 1:
        yield f"the block is {block}"
        return
    for axis, divisor in divided:
        extent = source.shape[axis]
        if extent is not None and extent % divisor:
            yield f"axis {axis} of {source} cannot be cut into blocks of {divisor}"
