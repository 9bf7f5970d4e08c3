"""Random programs of the tensor stage, for hypothesis: small extents (0 and 1 among them), ranks 0 to 4, unused results."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from intaglio.dialects import arith, lanes, math, tensor
from intaglio.dialects.func import Function, Module
from intaglio.dialects.ir.affine import Affine, AffineMap, constant, d
from intaglio.dialects.ir.attributes import Dense, Number
from intaglio.dialects.ir.builder import Builder
from intaglio.dialects.ir.location import Location, Node
from intaglio.dialects.ir.operation import Block, Operation, Region, Value
from intaglio.dialects.ir.types import FloatType, Scalar, TensorType, Type, f32, i1, i32, index
from intaglio.dialects.tensor.compute import Extract
from programs import elements

ELEMENTS: tuple[Scalar, ...] = (f32, i32, i1)


def shape_of(value: Value) -> tuple[int, ...]:
    assert isinstance(value.type, TensorType)
    return value.type.extents


def element_of(value: Value) -> Scalar:
    assert isinstance(value.type, TensorType)
    return value.type.element


shapes = st.lists(st.sampled_from((2, 3, 1, 4, 0)), max_size=4).map(tuple)


@st.composite
def tensor_programs(draw: DrawFn, max_operations: int = 6) -> Module:
    """A module with one function `main` of tensors; it verifies."""
    module = Module.empty()
    inputs = draw(st.lists(st.builds(TensorType, shapes, st.sampled_from(ELEMENTS)), min_size=1, max_size=3))
    function = module.add(Function.make("main", inputs, [f"x{i}" for i in range(len(inputs))]))
    values: list[Value] = [*function.arguments]
    for i in range(draw(st.integers(1, max_operations))):
        step = draw(st.sampled_from(STEPS))
        build = Builder.at_end(function.body, Location((Node(f"n{i}", step.__name__),)))
        made = step(draw, build, values)
        values += made
    function.close(draw(st.lists(st.sampled_from(values[::-1]), min_size=1, max_size=3)))
    return module


# Constants and views.


def add_constant(draw: DrawFn, build: Builder, values: Sequence[Value]) -> list[Value]:
    element, shape, seed = draw(st.sampled_from(ELEMENTS)), draw(shapes), draw(st.integers(0, 3))
    return [build.add(tensor.Constant(value=Dense(elements(element, shape, seed)))).output]


def add_view(draw: DrawFn, build: Builder, values: Sequence[Value]) -> list[Value]:
    source = draw(st.sampled_from(values))
    kind = draw(st.sampled_from((_transposed, _sliced, _broadcast, _reshaped)))
    extents, map_ = kind(draw, shape_of(source))
    return [build.add(tensor.View(source, extents=extents, map=map_)).output]


def add_padding(draw: DrawFn, build: Builder, values: Sequence[Value]) -> list[Value]:
    source = draw(st.sampled_from(values))
    before = [draw(st.integers(0, 2)) for _ in shape_of(source)]
    extents = tuple(low + n + draw(st.integers(0, 2)) for low, n in zip(before, shape_of(source), strict=True))
    map_ = AffineMap(len(extents), tuple(d(i) - low for i, low in enumerate(before)))
    padding = Number(draw(st.sampled_from((0, 1))), element_of(source))
    return [build.add(tensor.View(source, extents=extents, map=map_, padding=padding)).output]


def _transposed(draw: DrawFn, shape: tuple[int, ...]) -> tuple[tuple[int, ...], AffineMap]:
    order = draw(st.permutations(range(len(shape))))
    return tuple(shape[axis] for axis in order), AffineMap(len(shape), tuple(d(order.index(axis)) for axis in range(len(shape))))


def _sliced(draw: DrawFn, shape: tuple[int, ...]) -> tuple[tuple[int, ...], AffineMap]:
    """Some elements of each axis, perhaps every second one, perhaps backwards."""
    extents: list[int] = []
    subscripts: list[Affine] = []
    for axis, n in enumerate(shape):
        step = draw(st.sampled_from((1, 2, -1)))
        start = draw(st.integers(0, max(n - 1, 0)))
        room = (start if step < 0 else max(n - 1 - start, 0)) // abs(step) + 1 if n else 0
        extents.append(draw(st.integers(0, room)))
        subscripts.append(d(axis) * step + start)
    return tuple(extents), AffineMap(len(shape), tuple(subscripts))


def _broadcast(draw: DrawFn, shape: tuple[int, ...]) -> tuple[tuple[int, ...], AffineMap]:
    """A new axis in front, and axes of extent one stretched."""
    extents = tuple(draw(st.sampled_from((1, 3))) if n == 1 else n for n in shape)
    return (draw(st.integers(0, 2)), *extents), AffineMap(
        len(shape) + 1, tuple(constant(0) if n == 1 else d(i + 1) for i, n in enumerate(shape))
    )


def _reshaped(draw: DrawFn, shape: tuple[int, ...]) -> tuple[tuple[int, ...], AffineMap]:
    """All axes merged into one, which is perhaps split again."""
    total = 1
    for n in shape:
        total *= n
    by = draw(st.sampled_from([n for n in (1, 2, 3) if total % n == 0]))
    linear = d(0) * by + d(1)
    subscripts: list[Affine] = []
    rest = total
    for n in shape:
        rest = rest // n if n else 0
        subscripts.append((linear // rest % n) if n and rest else constant(0))
    return (total // by, by), AffineMap(2, tuple(subscripts))


def add_concat(draw: DrawFn, build: Builder, values: Sequence[Value]) -> list[Value]:
    first = draw(st.sampled_from(values))
    shape = shape_of(first)
    if not shape:
        return []
    dim = draw(st.integers(0, len(shape) - 1))
    fits = [
        v
        for v in values
        if element_of(v) == element_of(first) and _off(shape_of(v), dim) == _off(shape, dim) and len(shape_of(v)) == len(shape)
    ]
    parts = [first, *draw(st.lists(st.sampled_from(fits), max_size=2))]
    return [build.add(tensor.Concat(parts, dim=dim)).output]


def _off(shape: tuple[int, ...], dim: int) -> tuple[int, ...]:
    return shape[:dim] + shape[dim + 1 :]


# Computations.


def add_compute(draw: DrawFn, build: Builder, values: Sequence[Value]) -> list[Value]:
    """Any number of dims, parallel and reduction; inputs read through whatever maps fit."""
    extents = tuple(draw(st.lists(st.sampled_from((2, 3, 1, 4, 0)), max_size=4)))
    reductions = draw(st.integers(0, min(2, len(extents))))
    inputs = draw(st.lists(st.sampled_from(values), min_size=1, max_size=3))
    fitting = [(value, _map_into(draw, extents, shape_of(value))) for value in inputs]
    read = [(value, map_) for value, map_ in fitting if map_ is not None]
    captured = [value for value in draw(st.lists(st.sampled_from(values), max_size=1)) if 0 not in shape_of(value)]
    kind: Scalar = draw(st.sampled_from(ELEMENTS[:2]))
    init = Number(draw(st.sampled_from((0, 1, -3))), kind) if reductions else None
    taken: list[Type] = [*(element_of(value) for value, _ in read), *(value.type for value in captured), *([kind] if init else [])]
    body = Block(taken)
    _fill(draw, body, len(extents), kind)
    return [
        build.add(
            tensor.Compute(
                [value for value, _ in read],
                captured,
                contents=Region(body),
                extents=extents,
                parallel=len(extents) - reductions,
                maps=tuple(map_ for _, map_ in read),
                init=init,
            )
        ).output
    ]


def _map_into(draw: DrawFn, extents: tuple[int, ...], shape: tuple[int, ...]) -> AffineMap | None:
    """A map from the iteration space that stays inside of `shape`: dims, sums of two dims, constants."""
    ranges = [(0, n - 1) for n in extents]
    subscripts: list[Affine] = []
    for n in shape:
        candidates = [d(i) for i in range(len(extents))]
        candidates += [d(i) + d(j) for i in range(len(extents)) for j in range(i)]
        candidates += [constant(k) for k in range(min(n, 2))]
        candidates = [each for each in candidates if 0 in extents or (each.range(ranges)[0] >= 0 and each.range(ranges)[1] < n)]
        if not candidates:
            return None
        subscripts.append(draw(st.sampled_from(candidates)))
    return AffineMap(len(extents), tuple(subscripts))


def _fill(draw: DrawFn, body: Block, dims: int, kind: Scalar) -> None:
    """Operations on the arguments (and indices) of a body, and its yield of a `kind`."""
    build = Builder.at_end(body)
    scalars: list[Value] = [a for a in body.arguments if not isinstance(a.type, TensorType)]
    scalars += [build.add(tensor.Index(dim=draw(st.integers(0, dims - 1)))).output] if dims and draw(st.booleans()) else []
    for argument in body.arguments:
        if isinstance(argument.type, TensorType):
            scalars.append(_extract(draw, build, argument, scalars))
    for _ in range(draw(st.integers(0, 4))):
        scalars.append(_scalar_step(draw, build, scalars, kind))
    last = next((v for v in reversed(scalars) if v.type == kind), None)
    build.add(tensor.Yield([last if last is not None else build.add(arith.number(2, kind)).output]))


def _extract(draw: DrawFn, build: Builder, source: Value, scalars: Sequence[Value]) -> Value:
    indices = [v for v in scalars if v.type == index] or [build.add(arith.index_constant(draw(st.integers(0, 3)))).output]
    return build.add(Extract(source, [draw(st.sampled_from(indices)) for _ in shape_of(source)])).output


FLOATS: tuple[Callable[[Value, Value], Operation], ...] = (
    arith.AddF,
    arith.SubF,
    arith.MulF,
    arith.MaximumF,
    arith.MinimumF,
    lambda a, b: math.AbsF(a),
    lambda a, b: arith.NegF(a),
    lambda a, b: math.Floor(a),
    lambda a, b: math.Fma(a, b, a),
)
INTEGERS: tuple[Callable[[Value, Value], Operation], ...] = (
    arith.AddI,
    arith.SubI,
    arith.MulI,
    arith.MaxSI,
    arith.MinSI,
    arith.XOrI,
)


def _scalar_step(draw: DrawFn, build: Builder, scalars: Sequence[Value], kind: Type) -> Value:
    is_float = isinstance(kind, FloatType)
    same = [_as_kind(build, v, kind) for v in draw(st.lists(st.sampled_from(scalars), min_size=0, max_size=2))] if scalars else []
    same += [build.add(arith.number(draw(st.sampled_from((0, 1, 2))), kind)).output for _ in range(2 - len(same))]
    if draw(st.integers(0, 5)) == 5:
        test = lanes.CmpF.of("olt", *same) if is_float else lanes.CmpI.of("slt", *same)
        return build.add(lanes.Select(build.add(test).output, *same)).output
    operation = draw(st.sampled_from(FLOATS if is_float else INTEGERS))(same[0], same[1])
    return build.add(operation).results[0]


def _as_kind(build: Builder, value: Value, kind: Type) -> Value:
    """`value` converted to f32 or i32."""
    if value.type == kind:
        return value
    if value.type == index:
        return _as_kind(build, build.add(lanes.IndexCast(value, to=i32)).output, kind)
    if value.type == i1:
        return _as_kind(build, build.add(lanes.ExtUI(value, to=i32)).output, kind)
    return build.add(lanes.SIToFP(value, to=kind) if kind == f32 else lanes.FPToSI(value, to=kind)).output


def add_kernel(draw: DrawFn, build: Builder, values: Sequence[Value]) -> list[Value]:
    """A kernel around some steps, perhaps with inputs and results that nobody needs."""
    inputs = draw(st.lists(st.sampled_from(values), min_size=1, max_size=3))
    body = Block([value.type for value in inputs])
    inside: list[Value] = [*body.arguments]
    for step in draw(st.lists(st.sampled_from((add_view, add_concat)), max_size=2)):
        inside += step(draw, Builder.at_end(body, build.location), inside)
    inside += add_compute(draw, Builder.at_end(body, build.location), inside)
    given = draw(st.lists(st.sampled_from(inside[len(inputs) :]), min_size=1, max_size=2))
    Builder.at_end(body).add(tensor.Yield(given))
    return build.add(tensor.Kernel(inputs, contents=Region(body))).outputs


STEPS = (add_compute, add_view, add_padding, add_concat, add_constant, add_kernel)
