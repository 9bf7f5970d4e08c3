"""`tensor.compute`, the one computation: an iteration space, an index map per operand, a scalar body.

Dims 0 to `parallel`-1 of the iteration space are parallel and are the dims of the result, in order; the others are reduction
dims. The evaluator vectorises over the parallel dims and steps through the reduction, so that memory stays that of the result.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..ir.affine import AffineMap
from ..ir.attributes import Array, Number
from ..ir.builder import Builder
from ..ir.definition import attribute, operand, region, result, variadic
from ..ir.evaluator import Frame
from ..ir.operation import Operation, Region, Value, canonicalize
from ..ir.traits import IsolatedFromAbove, Pure, Terminator
from ..ir.types import TensorType, Type, index
from .view import View, tensor_type


class Yield(Operation, name="tensor.yield", traits=(Terminator,)):
    """End the body of a compute or a kernel with its results."""

    values: list[Value] = variadic()


class Index(Operation, name="tensor.index", traits=(Pure,)):
    """The value of the iteration dim `dim`, inside the body of a compute."""

    dim: int = attribute()
    output: Value = result()

    def infer(self) -> Type:
        return index


class Extract(Operation, name="tensor.extract_at", traits=(Pure,)):
    """One element of a whole tensor at computed subscripts, inside the body of a compute: lookups and gathers.

    source [...]: a tensor that the compute captures as a whole (an operand whose map has no results is not enough).
    subscripts: one index per dim; a value outside is clamped to the nearest element.
    """

    source: Value = operand()
    subscripts: list[Value] = variadic()
    output: Value = result()

    def infer(self) -> Type:
        return tensor_type(self.source).element

    def verify(self) -> Iterable[str]:
        if len(self.subscripts) != tensor_type(self.source).rank:
            yield f"{len(self.subscripts)} subscripts for {self.source.type}"

    def evaluate(self, source: Array, subscripts: list[Array]) -> Array:
        clamped = tuple(np.clip(s, 0, n - 1) for s, n in zip(subscripts, source.shape, strict=True))
        element: Array = source[clamped]
        return element


class Compute(Operation, name="tensor.compute", traits=(Pure, IsolatedFromAbove)):
    """A structured computation (MLIR: `linalg.generic`).

    inputs [...]: read element by element through `maps`, which never leave them (padding is a `tensor.view`).
    captured [...]: tensors that the body reads at computed places by `tensor.extract_at`.
    output [extents of the parallel dims]: for every point of the parallel dims the body's result; with reduction dims (extents
    after the first `parallel`) the body also takes the value so far, which begins as `init`, and yields the next one.
    An empty reduction gives `init`. The order of the reduction is not fixed.

    The body's arguments are the elements of the inputs, the captured tensors, and, if there is a reduction, the accumulator.
    """

    inputs: list[Value] = variadic()
    captured: list[Value] = variadic()
    contents: Region = region()
    extents: tuple[int, ...] = attribute()
    parallel: int = attribute()
    maps: tuple[AffineMap, ...] = attribute()
    init: Number | None = attribute(default=None)
    output: Value = result()

    @property
    def has_reduction(self) -> bool:
        return len(self.extents) > self.parallel

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """Inclusive range of each iteration dim."""
        return [(0, extent - 1) for extent in self.extents]

    def infer(self) -> Type:
        (value,) = self.body.terminator.operands
        return TensorType(self.extents[: self.parallel], value.type)  # type: ignore[arg-type]

    def verify(self) -> Iterable[str]:
        if not 0 <= self.parallel <= len(self.extents) or any(extent < 0 for extent in self.extents):
            yield f"{self.parallel} of the dims {self.extents} cannot be parallel"
        if len(self.maps) != len(self.inputs):
            yield f"{len(self.maps)} maps for {len(self.inputs)} inputs"
            return
        if (self.init is not None) != self.has_reduction:
            yield "a reduction needs an `init`, and only a reduction"
        yield from self._verify_body()
        for i, (value, map_) in enumerate(zip(self.inputs, self.maps, strict=True)):
            yield from self._verify_map(i, tensor_type(value), map_)

    def _verify_body(self) -> Iterable[str]:
        expected: list[Type] = [tensor_type(value).element for value in self.inputs]
        expected += [value.type for value in self.captured]
        expected += [self.init.type] if self.init is not None else []
        actual = [argument.type for argument in self.body.arguments]
        if actual != expected:
            yield f"the body takes ({', '.join(map(str, actual))}), but is given ({', '.join(map(str, expected))})"
        if self.body.last is None or len(self.body.terminator.operands) != 1:
            yield "the body yields one value"
        elif self.init is not None and self.body.terminator.operands[0].type != self.init.type:
            yield f"the body yields {self.body.terminator.operands[0].type}, but `init` is {self.init.type}"

    def _verify_map(self, i: int, source: TensorType, map_: AffineMap) -> Iterable[str]:
        if map_.dims != len(self.extents) or len(map_.results) != source.rank:
            yield f"{map_} of input {i} does not lead from {len(self.extents)} dims to {source}"
            return
        if 0 in self.extents:
            return
        for axis, (subscript, extent) in enumerate(zip(map_.results, source.extents, strict=True)):
            low, high = subscript.simplify(self.ranges).range(self.ranges)
            if low < 0 or high >= extent:
                yield f"input {i} is {source}, but is read along axis {axis} from {low} to {high}"

    def execute(self, frame: Any, *operands: Any) -> Array:
        inputs, captured = operands
        shape = self.extents[: self.parallel]
        grid: list[Any] = list(np.ogrid[tuple(slice(0, n) for n in shape)]) if shape else []
        element = self.output.type.element  # type: ignore[attr-defined]
        if 0 in shape:
            return np.empty(shape, element.dtype)  # maps may leave inputs that are never read
        state: Any = None
        if self.init is not None:
            state = np.full(shape, self.init.scalar())
        for point in itertools.product(*map(range, self.extents[self.parallel :])):
            state = self._step(frame, inputs, captured, [*grid, *point], state)
        return np.broadcast_to(np.asarray(state, dtype=element.dtype), shape).copy()  # ascontiguousarray would make rank 0 rank 1

    def _step(self, frame: Frame, inputs: Sequence[Array], captured: Sequence[Array], point: list[Any], state: Any) -> Any:
        elements = [source[tuple(np.asarray(s) for s in map_.evaluate(point))] for source, map_ in zip(inputs, self.maps, strict=True)]
        arguments = [*elements, *captured, *([state] if self.init is not None else [])]
        inner = Frame(frame.module)
        inner.values.update(zip(self.body.arguments, arguments, strict=True))
        for op in self.body:
            if isinstance(op, Yield):
                break
            if isinstance(op, Index):
                inner.values[op.output] = np.asarray(point[op.dim], dtype=np.int64)
            else:
                inner.step(op)
        return inner.values[self.body.terminator.operands[0]]


@canonicalize
def absorb_views(op: Compute, build: Builder) -> Value | None:
    """compute(view(x, inner)) -> compute(x) with the maps composed, where the view never pads and the result is linear.

    Quotients and remainders stay outside: in the loops of a reduction they cost more than a copy.
    """
    inputs, maps = list(op.inputs), list(op.maps)
    changed = False
    for i, (value, map_) in enumerate(zip(op.inputs, op.maps, strict=True)):
        view = value.owner
        if not isinstance(view, View) or view.reads_outside() or 0 in op.extents:
            continue
        subscripts = tuple(s.simplify(op.ranges) for s in view.map.compose(map_.results))
        if all(s.is_linear for s in subscripts):
            inputs[i], maps[i], changed = view.source, AffineMap(map_.dims, subscripts), True
    if not changed:
        return None
    copy = op.clone({})
    assert isinstance(copy, Compute)
    copy.set_operands([*inputs, *op.captured], copy.segments)
    copy.maps = tuple(maps)
    return build.add(copy).output
