"""Tensor programs for tests: small functions of kernels, views, concatenations and constants, drawn by hypothesis or written out.

All numbers are small integers in f32, so that results are exact and the order of sums does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st

from intaglio.dialects import arith, func, tensor
from intaglio.dialects.ir.affine import Affine, AffineMap, constant, d
from intaglio.dialects.ir.attributes import Array, Dense, Number
from intaglio.dialects.ir.builder import Builder
from intaglio.dialects.ir.location import Location, Node
from intaglio.dialects.ir.operation import Block, Operation, Region, Value
from intaglio.dialects.ir.types import TensorType, f32
from intaglio.dialects.tensor.view import tensor_type

SHAPES = ((2, 3, 4), (6, 4), (4, 6), (1, 3, 2, 2), (2, 2, 3), (12,), (0, 4), (1, 1), ())


@dataclass
class Program:
    """A module under construction; every method adds one operation to `main` and gives its result."""

    inputs: Sequence[tuple[int, ...]]
    main: func.Function = field(init=False)
    build: Builder = field(init=False)
    count: int = 0

    def __post_init__(self) -> None:
        names = [f"x{i}" for i in range(len(self.inputs))]
        self.main = func.Function.make("main", [TensorType(shape, f32) for shape in self.inputs], names)
        self.build = Builder.at_end(self.main.body)

    @property
    def arguments(self) -> list[Value]:
        return list(self.main.arguments)

    def close(self, *values: Value) -> func.Module:
        self.main.close(values)
        self.main.result_names = tuple(f"y{i}" for i in range(len(values)))
        module = func.Module.empty()
        module.add(self.main)
        return module

    def add(self, op: Operation) -> Value:
        self.count += 1
        op.location = Location((Node(f"node_{self.count}", "Node"),))
        return self.build.add(op).results[0]

    def constant(self, array: Array, order: Sequence[int] = ()) -> Value:
        return self.add(tensor.Constant(value=Dense(array), order=tuple(order)))

    def kernel(self, *inputs: Value, order: Sequence[int] = (), outputs: int = 1) -> Value:
        """`outputs` results: 2 * first + second + ... + number of the output; the inputs have one shape."""
        body = Block([value.type for value in inputs])
        inside = Builder.at_end(body)
        results: list[Value] = []
        for number in range(outputs):
            compute = inside.add(_sum_of(body.arguments, number))
            compute.output.type = tensor_type(compute.output).with_order(order or range(tensor_type(compute.output).rank))
            results.append(compute.output)
        inside.add(tensor.Yield(results))
        return self.add(tensor.Kernel(list(inputs), contents=Region(body)))

    def row_sums(self, value: Value) -> Value:
        """A kernel that sums over the last dim."""
        type_ = tensor_type(value)
        body = Block([type_])
        inside = Builder.at_end(body)
        scalars = Block([f32, f32])
        adding = Builder.at_end(scalars)
        adding.add(tensor.Yield([adding.add(arith.AddF(*scalars.arguments)).output]))
        compute = tensor.Compute(
            [body.arguments[0]],
            [],
            extents=type_.extents,
            parallel=type_.rank - 1,
            maps=(AffineMap.identity(type_.rank),),
            init=Number(0.0, f32),
            contents=Region(scalars),
        )
        inside.add(tensor.Yield([inside.add(compute).output]))
        return self.add(tensor.Kernel([value], contents=Region(body)))

    def compute(self, value: Value) -> Value:
        """A computation outside of any kernel."""
        return self.add(_sum_of([value], 1))

    def view(self, source: Value, extents: Sequence[int], map_: Callable[..., Sequence[Affine | int]], padding: bool = False) -> Value:
        number = Number(7.0, f32) if padding else None
        return self.add(tensor.View(source, extents=tuple(extents), map=AffineMap.of(map_, len(extents)), padding=number))

    def reshape(self, source: Value, extents: Sequence[int]) -> Value:
        old = tensor_type(source)

        def subscripts(*dims: Affine) -> list[Affine]:
            linear = sum((dim * step for dim, step in zip(dims, TensorType(tuple(extents), f32).strides, strict=True)), constant(0))
            steps = old.with_order(()).strides
            return [linear // step % max(extent, 1) for step, extent in zip(steps, old.extents, strict=True)]

        return self.view(source, extents, subscripts)

    def transpose(self, source: Value, permutation: Sequence[int]) -> Value:
        extents = [tensor_type(source).extents[axis] for axis in permutation]
        return self.view(source, extents, lambda *dims: [dims[permutation.index(axis)] for axis in range(len(dims))])

    def slice(self, source: Value, axis: int, start: int, count: int, step: int = 1) -> Value:
        extents = [*tensor_type(source).extents]
        extents[axis] = count
        return self.view(source, extents, lambda *dims: [dim * step + start if i == axis else dim for i, dim in enumerate(dims)])

    def pad(self, source: Value, axis: int) -> Value:
        extents = [*tensor_type(source).extents]
        extents[axis] += 2
        return self.view(source, extents, lambda *dims: [dim - 1 if i == axis else dim for i, dim in enumerate(dims)], padding=True)

    def broadcast(self, source: Value, count: int) -> Value:
        return self.view(source, (count, *tensor_type(source).extents), lambda first, *dims: dims)

    def concat(self, *inputs: Value, dim: int = 0, order: Sequence[int] = ()) -> Value:
        op = tensor.Concat(list(inputs), dim=dim)
        op.output.type = tensor_type(op.output).with_order(order or range(tensor_type(op.output).rank))
        return self.add(op)


def _sum_of(values: Sequence[Value], number: int) -> tensor.Compute:
    type_ = tensor_type(values[0])
    body = Block([f32] * len(values))
    inside = Builder.at_end(body)
    total: Value = inside.add(arith.Constant(value=Number(float(number), f32))).output
    for argument in (body.arguments[0], *body.arguments):
        total = inside.add(arith.AddF(total, argument)).output
    inside.add(tensor.Yield([total]))
    identity = AffineMap(type_.rank, tuple(map(d, range(type_.rank))))
    return tensor.Compute(
        list(values), [], extents=type_.extents, parallel=type_.rank, maps=(identity,) * len(values), contents=Region(body)
    )


def arrays(module: func.Module) -> list[Array]:
    """An array of small integers for every input of `main`, each different."""
    shapes = [tensor_type(argument).extents for argument in module.function("main").arguments]
    return [np.asarray(np.arange(np.prod(shape)) % 50 + 100 * i, np.float32).reshape(shape) for i, shape in enumerate(shapes)]


@st.composite
def programs(draw: st.DrawFn, maximal_operations: int = 8) -> func.Module:
    """A module whose `main` has a few operations of each kind, also unused ones, and returns some of its values."""
    program = Program([draw(st.sampled_from(SHAPES)) for _ in range(draw(st.integers(1, 2)))])
    values = program.arguments
    for _ in range(draw(st.integers(0, maximal_operations))):
        values.append(_draw_operation(draw, program, values))
    return program.close(*draw(st.lists(st.sampled_from(values), min_size=1, max_size=3)))


def _draw_operation(draw: st.DrawFn, program: Program, values: Sequence[Value]) -> Value:
    value = draw(st.sampled_from(values))
    type_ = tensor_type(value)
    rank = type_.rank
    kind = draw(st.sampled_from(_KINDS if rank and type_.elements < 300 else ("kernel", "compute", "constant")))
    axis = draw(st.integers(0, rank - 1)) if rank else 0
    same = [other for other in values if tensor_type(other).extents == type_.extents]
    match kind:
        case "kernel":
            others = draw(st.lists(st.sampled_from(same), max_size=2))
            return program.kernel(value, *others, order=draw(st.permutations(range(rank))), outputs=draw(st.integers(1, 2)))
        case "compute":
            return program.compute(value)
        case "sums":
            return program.row_sums(value)
        case "constant":
            array = np.asarray(np.arange(type_.elements) % 9, np.float32).reshape(type_.extents)
            return program.constant(array, draw(st.permutations(range(rank))))
        case "reshape":
            fitting = [shape for shape in (*SHAPES, (type_.elements,)) if np.prod(shape) == type_.elements]
            return program.reshape(value, draw(st.sampled_from(fitting)))
        case "transpose":
            return program.transpose(value, draw(st.permutations(range(rank))))
        case "slice":
            start = draw(st.integers(0, type_.extents[axis]))
            step = draw(st.integers(1, 2))
            return program.slice(value, axis, start, -(-(type_.extents[axis] - start) // step), step)
        case "reverse":
            extent = type_.extents[axis]
            return program.slice(value, axis, max(extent - 1, 0), extent, -1)
        case "pad":
            return program.pad(value, axis)
        case "broadcast":
            return program.broadcast(value, draw(st.integers(0, 2)))
    parts = draw(st.lists(st.sampled_from(same), min_size=1, max_size=3))
    return program.concat(*parts, dim=axis, order=draw(st.permutations(range(rank))))


_KINDS = (
    *("kernel", "compute", "sums", "constant", "reshape", "transpose", "slice", "reverse", "pad", "broadcast"),
    *("concat", "concat", "kernel", "kernel"),
)
