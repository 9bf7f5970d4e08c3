"""A simple `lower_kernel`: scalar loops, every element computed anew where it is read. An oracle, not a compiler.

Whatever the kernel's region holds, an element of a result is pulled through it: from the yielded value back to loads of the arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from intaglio.dialects import arith, func, lanes, loop, tensor
from intaglio.dialects.ir.affine import AffineMap
from intaglio.dialects.ir.builder import Builder
from intaglio.dialects.ir.operation import Block, Region, Value
from intaglio.dialects.ir.types import BufferType, Type, index
from intaglio.dialects.tensor.compute import Extract
from intaglio.dialects.tensor.view import tensor_type
from intaglio.targets.description import Target

Indices = Sequence[Value]
Body = Callable[[Builder, list[Value], list[Value]], Sequence[Value]]


def lower_kernel(
    kernel: tensor.Kernel, name: str, inputs: Sequence[BufferType], outputs: Sequence[BufferType], target: Target, shared: int | None = None
) -> func.Function:
    """A function of the input buffers and then the output buffers."""
    function = func.Function.make(name, [*inputs, *outputs], location=kernel.location)
    pull = _Pull(dict(zip(kernel.body.arguments, function.arguments, strict=False)))
    build = Builder.at_end(function.body, kernel.location)
    for value, buffer in zip(kernel.body.terminator.operands, function.arguments[len(inputs) :], strict=True):
        _store_all(pull, build, value, buffer)
    return function.close([])


def _store_all(pull: _Pull, build: Builder, value: Value, buffer: Value) -> None:
    extents = tensor_type(value).extents

    def body(inner: Builder, point: list[Value], carried: list[Value]) -> Sequence[Value]:
        inner.add(loop.Store(pull.element(inner, value, point), buffer, point, map=AffineMap.identity(len(extents))))
        return ()

    _nest(build, extents, [], body)


def _nest(build: Builder, extents: Sequence[int], carried: list[Value], body: Body, point: Sequence[Value] = ()) -> list[Value]:
    """Loops over `extents` around `body`, which takes the indices and the carried values and gives the next ones."""
    if not extents:
        return list(body(build, list(point), carried))
    types: list[Type] = [index, *(value.type for value in carried)]
    block = Block(types)
    inner = Builder.at_end(block, build.location)
    counter, *arguments = block.arguments
    inner.add(loop.Yield(_nest(inner, extents[1:], list(arguments), body, (*point, counter))))
    lower, upper = (build.add(arith.index_constant(bound)).output for bound in (0, extents[0]))
    return list(build.add(loop.For(lower, upper, carried, contents=Region(block))).outputs)


@dataclass
class _Pull:
    buffers: dict[Value, Value]

    def element(self, build: Builder, value: Value, point: Indices) -> Value:
        """The element of a tensor of the kernel at `point`."""
        if value in self.buffers:
            return _load(build, self.buffers[value], point)
        match value.owner:
            case tensor.Constant() as op:
                return _load(build, build.add(loop.Resource(value=op.value)).output, point)
            case tensor.View() as op:
                return self.viewed(build, op, point)
            case tensor.Concat() as op:
                return self.joined(build, op, list(point), 0)
            case tensor.Compute() as op:
                return self.computed(build, op, point)
        raise NotImplementedError(value.owner)

    def viewed(self, build: Builder, op: tensor.View, point: Indices) -> Value:
        subscripts = [_apply(build, op.map, number, point) for number in range(len(op.map.results))]
        if op.padding is None or not op.reads_outside():
            return self.element(build, op.source, subscripts)
        inside: Value = build.add(lanes.CmpI.of("eq", *[build.add(arith.index_constant(0)).output] * 2)).output
        for subscript, extent in zip(subscripts, tensor_type(op.source).extents, strict=True):
            for which, limit in (("sge", 0), ("slt", extent)):
                holds = build.add(lanes.CmpI.of(which, subscript, build.add(arith.index_constant(limit)).output)).output
                inside = build.add(arith.AndI(inside, holds)).output
        padding = op.padding
        return _choose(
            build,
            inside,
            lambda inner: self.element(inner, op.source, subscripts),
            lambda inner: inner.add(arith.Constant(value=padding)).output,
        )

    def joined(self, build: Builder, op: tensor.Concat, point: list[Value], number: int) -> Value:
        """The element of part `number` or one behind it; `point` counts from its start."""
        if number == len(op.inputs) - 1:
            return self.element(build, op.inputs[number], point)
        extent = build.add(arith.index_constant(tensor_type(op.inputs[number]).extents[op.dim])).output
        within = build.add(lanes.CmpI.of("slt", point[op.dim], extent)).output
        rest = [*point]
        rest[op.dim] = build.add(arith.SubI(point[op.dim], extent)).output
        return _choose(
            build,
            within,
            lambda inner: self.element(inner, op.inputs[number], point),
            lambda inner: self.joined(inner, op, rest, number + 1),
        )

    def computed(self, build: Builder, op: tensor.Compute, point: Indices) -> Value:
        if op.init is None:
            return self.step(build, op, point, [])

        def body(inner: Builder, reduction: list[Value], carried: list[Value]) -> Sequence[Value]:
            return (self.step(inner, op, [*point, *reduction], carried),)

        start = build.add(arith.Constant(value=op.init)).output
        return _nest(build, op.extents[op.parallel :], [start], body)[0]

    def step(self, build: Builder, op: tensor.Compute, point: Indices, carried: list[Value]) -> Value:
        """The body of a compute at a point of its iteration space."""
        values: dict[Value, Value] = {}
        for argument, source, map_ in zip(op.body.arguments, op.inputs, op.maps, strict=False):
            subscripts = [_apply(build, map_, number, point) for number in range(len(map_.results))]
            values[argument] = self.element(build, source, subscripts)
        whole: dict[Value, Value] = dict(zip(op.body.arguments[len(op.inputs) :], op.captured, strict=False))
        if carried:
            values[op.body.arguments[-1]] = carried[0]
        for inner in op.body:
            match inner:
                case tensor.Yield():
                    break
                case tensor.Index():
                    values[inner.output] = point[inner.dim]
                case Extract():
                    source = whole[inner.source]
                    clamped = _clamp(build, [values[s] for s in inner.subscripts], tensor_type(source).extents)
                    values[inner.output] = self.element(build, source, clamped)
                case _:
                    build.add(inner.clone(values))
        return values[op.body.terminator.operands[0]]


def _apply(build: Builder, map_: AffineMap, number: int, point: Indices) -> Value:
    return build.add(loop.Apply(list(point), map=AffineMap(map_.dims, (map_.results[number],)))).output


def _load(build: Builder, buffer: Value, point: Indices) -> Value:
    return build.add(loop.Load(buffer, list(point), map=AffineMap.identity(len(point)))).output


def _clamp(build: Builder, subscripts: Indices, extents: Sequence[int]) -> list[Value]:
    clamped = []
    for subscript, extent in zip(subscripts, extents, strict=True):
        low, high = (build.add(arith.index_constant(bound)).output for bound in (0, extent - 1))
        clamped.append(build.add(arith.MinSI(build.add(arith.MaxSI(subscript, low)).output, high)).output)
    return clamped


def _choose(build: Builder, condition: Value, then: Callable[[Builder], Value], otherwise: Callable[[Builder], Value]) -> Value:
    blocks = [Block(), Block()]
    for block, make in zip(blocks, (then, otherwise), strict=True):
        inner = Builder.at_end(block, build.location)
        inner.add(loop.Yield([make(inner)]))
    choice = loop.If(condition, then=Region(blocks[0]), otherwise=Region(blocks[1]))
    return build.add(choice).outputs[0]
