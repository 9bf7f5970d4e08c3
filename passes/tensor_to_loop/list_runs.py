"""`tensor.list_runs` as a function: one scan over the elements, which carries the number of runs and where the last one ends.

for every row: free = 0
    for every x: if x >= free and active[row, x]: the next run begins at min(x, extent - length); free = x + length
"""

from __future__ import annotations

from collections.abc import Sequence

from ...dialects import arith, lanes, loop, tensor
from ...dialects.func import Function
from ...dialects.ir.affine import Affine
from ...dialects.ir.attributes import Number
from ...dialects.ir.operation import Argument, Block, Region, Value
from ...dialects.ir.types import BufferType, FloatType, i32, index
from .emit import Emitter

__all__ = ["lower_list_runs"]


def lower_list_runs(op: tensor.ListRuns, name: str, active: BufferType, output: BufferType) -> Function:
    """A function of the activity and the list."""
    assert isinstance(op.active, Argument)
    function = Function.make(name, [active, output], location=op.location)
    emit = Emitter(function.body, {})
    source, target = function.arguments
    extents = active.shape

    def row(axes: Sequence[int], at: list[Affine], count: Value) -> Value:
        """The count after all rows from `at` on."""
        if not axes:
            return scan(at, count)
        body = Block([index, index])
        with emit.scope(body):
            here = emit.symbol(body.arguments[0], 0, extents[axes[0]] - 1)
            emit.add(loop.Yield([row(axes[1:], [*at, here], body.arguments[1])]))
        return emit.add(loop.For(emit.index(0), emit.index(extents[axes[0]]), [count], contents=Region(body))).outputs[0]

    def scan(at: list[Affine], count: Value) -> Value:
        """The count after one row."""
        body = Block([index, index, index])
        x, found, free = body.arguments
        with emit.scope(body):
            here = emit.symbol(x, 0, extents[-1] - 1)
            dims, map_ = emit.operands([*at, here])
            element = emit.add(loop.Load(source, dims, map=map_)).output
            zero = emit.constant(Number(0, active.element))
            is_float = isinstance(active.element, FloatType)
            is_active = emit.add(lanes.CmpF.of("une", element, zero) if is_float else lanes.CmpI.of("ne", element, zero)).output
            is_free = emit.add(lanes.CmpI.of("sge", x, free)).output
            condition = emit.add(arith.AndI(is_active, is_free)).output
            emit.add(loop.Yield(note(condition, at, here, found, free)))
        inits = [count, emit.index(0)]
        return emit.add(loop.For(emit.index(0), emit.index(extents[-1]), inits, contents=Region(body))).outputs[0]

    def note(condition: Value, at: list[Affine], here: Affine, found: Value, free: Value) -> list[Value]:
        """Begin a run, if there is one to begin; what is carried on."""
        then, otherwise = Block(), Block()
        with emit.scope(then):
            number = Affine()
            for subscript, extent in zip(at, extents[:-1], strict=True):
                number = number * extent + subscript
            first = emit.add(arith.MinSI(emit.affine(here), emit.index(extents[-1] - op.length))).output
            begin = emit.affine(number * extents[-1] + emit.symbol(first, 0, extents[-1] - op.length))
            following = emit.affine(emit.symbol(found, 0, output.elements - 2) + 1)
            place, map_ = emit.operands([emit.symbol(following, 1, output.elements - 1)])
            emit.add(loop.Store(emit.add(lanes.IndexCast(begin, to=i32)).output, target, place, map=map_))
            emit.add(loop.Yield([following, emit.affine(here + op.length)]))
        with emit.scope(otherwise):
            emit.add(loop.Yield([found, free]))
        return emit.add(loop.If(condition, then=Region(then), otherwise=Region(otherwise))).outputs

    total = row(range(len(extents) - 1), [], emit.index(0))
    dims, map_ = emit.operands([Affine()])
    emit.add(loop.Store(emit.add(lanes.IndexCast(total, to=i32)).output, target, dims, map=map_))
    emit.finish()
    return function.close([])
