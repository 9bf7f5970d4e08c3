"""Control flow: counted loops with carried values, parallel loops and shares, conditions, calls of kernels, probes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..ir.affine import AffineMap
from ..ir.attributes import Array
from ..ir.definition import attribute, operand, region, result, results, variadic
from ..ir.operation import Operation, Region, Value
from ..ir.traits import Pure, Terminator
from ..ir.types import Type, i1, index


class Yield(Operation, name="loop.yield", traits=(Terminator,)):
    """End a region with what it carries on or gives out."""

    values: list[Value] = variadic()


class Apply(Operation, name="loop.apply", traits=(Pure,)):
    """An index computed from others by an affine map with one result (MLIR: `affine.apply`)."""

    dims: list[Value] = variadic()
    map: AffineMap = attribute()
    output: Value = result()

    def infer(self) -> Type:
        return index

    def verify(self) -> Iterable[str]:
        if self.map.dims != len(self.dims) or len(self.map.results) != 1:
            yield f"{self.map} does not take {len(self.dims)} indices to one"

    def evaluate(self, dims: list[Array]) -> Any:
        return np.int64(self.map.results[0].evaluate([int(v) for v in dims]))


class For(Operation, name="loop.for"):
    """Count from `lower` to below `upper` by `step`, carrying values from turn to turn (MLIR: `scf.for`).

    The body takes the counter and the carried values and yields their next values. `step` is at least 1.
    """

    lower: Value = operand()
    upper: Value = operand()
    inits: list[Value] = variadic()
    contents: Region = region()
    step: int = attribute(default=1)
    outputs: list[Value] = results()

    def infer(self) -> Sequence[Type]:
        return tuple(value.type for value in self.inits)

    def verify(self) -> Iterable[str]:
        if self.step < 1:
            yield f"the step is {self.step}"
        if self.lower.type != index or self.upper.type != index:
            yield f"counts from {self.lower.type} to {self.upper.type}, not over index"
        carried = [value.type for value in self.inits]
        if [a.type for a in self.body.arguments] != [index, *carried]:
            yield "the body takes the counter and the carried values"
        if self.body.last is not None and [v.type for v in self.body.last.operands] != carried:
            yield "the body yields the carried values"

    def execute(self, frame: Any, *operands: Any) -> Any:
        lower, upper, carried = operands
        for i in range(int(lower), int(upper), self.step):
            carried = frame.run(self.contents, [np.int64(i), *carried])
        return tuple(carried)


class Parallel(Operation, name="loop.parallel"):
    """As `for`, with turns that may run in any order and at the same time; nothing is carried.

    Stands at the outermost level of a kernel; the threads of a run share its turns.
    """

    lower: Value = operand()
    upper: Value = operand()
    contents: Region = region()
    step: int = attribute(default=1)

    def verify(self) -> Iterable[str]:
        if self.step < 1:
            yield f"the step is {self.step}"
        if [a.type for a in self.body.arguments] != [index]:
            yield "the body takes the counter"

    def execute(self, frame: Any, *operands: Any) -> None:
        for i in range(int(operands[0]), int(operands[1]), self.step):
            frame.run(self.contents, [np.int64(i)])


class Share(Operation, name="loop.share"):
    """Deal out `parts` equal parts: the body is run once by every thread, with the first of its parts and the one behind its last.

    The ranges of the threads are disjoint and together 0 to `parts`; what a part is, is the body's affair. Stands at the outermost level
    of a kernel, as `parallel` does, where a loop over turns would do the same things anew in every turn.
    """

    parts: int = attribute()
    contents: Region = region()

    def verify(self) -> Iterable[str]:
        if self.parts < 1:
            yield f"{self.parts} parts"
        if [a.type for a in self.body.arguments] != [index, index]:
            yield "the body takes the first part and the end"

    def execute(self, frame: Any, *operands: Any) -> None:
        half = self.parts // 2
        for first, end in ((0, half), (half, self.parts)):
            frame.run(self.contents, [np.int64(first), np.int64(end)])


class If(Operation, name="loop.if"):
    """One of two regions, by a condition; both yield values of the same types (MLIR: `scf.if`)."""

    condition: Value = operand()
    then: Region = region()
    otherwise: Region = region()
    outputs: list[Value] = results()

    def infer(self) -> Sequence[Type]:
        return tuple(value.type for value in self.then.block.terminator.operands)

    def verify(self) -> Iterable[str]:
        if self.condition.type != i1:
            yield f"the condition is {self.condition.type}"
        first, second = ([v.type for v in r.block.terminator.operands] for r in self.regions)
        if first != second:
            yield "the two regions yield different types"

    def execute(self, frame: Any, *operands: Any) -> Any:
        return tuple(frame.run(self.then if operands[0] else self.otherwise, []))


class Call(Operation, name="loop.call"):
    """Call a kernel of the module with buffers; it writes into those that it has for outputs."""

    buffers: list[Value] = variadic()
    callee: str = attribute()

    def execute(self, frame: Any, *operands: Any) -> None:
        frame.call(self.callee, operands[0])


class Probe(Operation, name="loop.probe"):
    """Begin or end of the measured site `site`: counts nothing in the evaluator and where profiling is off."""

    site: int = attribute()
    begin: bool = attribute()

    def evaluate(self) -> None:
        return None


class Fence(Operation, name="loop.fence"):
    """Keep the loads and stores behind this place behind those before it, so that few values are alive at a time. Computes nothing.

    Code generation heeds it for targets whose instruction scheduler would otherwise fill registers beyond what there is.
    """

    def evaluate(self) -> None:
        return None
