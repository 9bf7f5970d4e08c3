"""Random kernels of the tensor stage that look like layers: windows with padding, strides, dilation and groups, products, reductions, each
with constant or given weights and what may follow it. For hypothesis."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from intaglio.dialects import arith, math, tensor
from intaglio.dialects.func import Function, Module
from intaglio.dialects.ir.affine import Affine, AffineMap, d
from intaglio.dialects.ir.attributes import Dense, Number
from intaglio.dialects.ir.builder import Builder
from intaglio.dialects.ir.location import Location, Node
from intaglio.dialects.ir.operation import Block, Region, Value
from intaglio.dialects.ir.types import Scalar, TensorType, f32, f64, i32
from programs import elements

ELEMENTS: tuple[Scalar, ...] = (f32, f32, f32, f64, i32)
CHANNELS = (1, 2, 3, 8, 16, 17, 33)
_FLOAT: dict[str, tuple[type, float]] = {
    "add": (arith.AddF, 0.0),
    "max": (arith.MaximumF, float("-inf")),
    "min": (arith.MinimumF, float("inf")),
}
_INTEGER: dict[str, tuple[type, int]] = {"add": (arith.AddI, 0), "max": (arith.MaxSI, -(2**31)), "min": (arith.MinSI, 2**31 - 1)}


class Layers(Builder):
    """A builder at the end of `main` that knows shapes."""

    def constant(self, element: Scalar, shape: Sequence[int], seed: int) -> Value:
        return self.add(tensor.Constant(value=Dense(elements(element, tuple(shape), seed)))).output

    def compute(
        self,
        inputs: Sequence[Value],
        maps: Sequence[Sequence[Affine]],
        extents: Sequence[int],
        parallel: int,
        init: Number | None,
        body: Block,
    ) -> Value:
        maps_ = tuple(AffineMap(len(extents), tuple(results)) for results in maps)
        op = tensor.Compute(list(inputs), [], contents=Region(body), extents=tuple(extents), parallel=parallel, maps=maps_, init=init)
        return self.add(op).output


def shape_of(value: Value) -> tuple[int, ...]:
    assert isinstance(value.type, TensorType)
    return value.type.extents


@st.composite
def window_programs(draw: DrawFn) -> Module:
    """A module with one function `main`: one or two layers on a picture (or rows) of f32, f64 or i32."""
    element = draw(st.sampled_from(ELEMENTS))
    rank = draw(st.integers(0, 2))
    shape = (draw(st.integers(1, 2)), draw(st.sampled_from(CHANNELS)), *(draw(st.integers(3, 7)) for _ in range(rank)))
    module = Module.empty()
    function = module.add(Function.make("main", [TensorType(shape, element)], ["x"]))
    value: Value = function.arguments[0]
    made: list[Value] = []
    for i in range(draw(st.integers(1, 2))):
        build = Layers(block=function.body, location=Location((Node(f"n{i}", "Layer"),)))
        value = draw(st.sampled_from((_contraction, _contraction, _depthwise, _reduction)))(draw, build, value, element)
        if draw(st.booleans()):
            value = _follow(draw, build, value, element)
        made.append(value)
    function.close([value, *(made[:1] if draw(st.booleans()) else [])])
    return module


def _padded(draw: DrawFn, build: Layers, value: Value, element: Scalar, padding: float) -> Value:
    shape = shape_of(value)
    before = [draw(st.integers(0, 2)) for _ in shape[2:]]
    after = [draw(st.integers(0, 2)) for _ in shape[2:]]
    if not any((*before, *after)):
        return value
    extents = (*shape[:2], *(a + n + b for a, n, b in zip(before, shape[2:], after, strict=True)))
    map_ = AffineMap(len(shape), (d(0), d(1), *(d(2 + i) - low for i, low in enumerate(before))))
    return build.add(tensor.View(value, extents=extents, map=map_, padding=Number(padding, element))).output


def _window(draw: DrawFn, shape: tuple[int, ...]) -> tuple[list[int], list[int], list[int], list[int]]:
    """Kernel, strides, dilations, and how many windows fit along each axis."""
    kernel = [draw(st.integers(1, min(3, n))) for n in shape]
    dilations = [draw(st.integers(1, 2)) if (k - 1) * 2 < n else 1 for k, n in zip(kernel, shape, strict=True)]
    strides = [draw(st.integers(1, 3)) for _ in shape]
    each = zip(shape, kernel, dilations, strides, strict=True)
    return kernel, strides, dilations, [(n - (k - 1) * dilation - 1) // s + 1 for n, k, dilation, s in each]


def _body(taken: int, element: Scalar, kind: str) -> Block:
    """Combine the accumulator with the product of the elements (or with the one element)."""
    body = Block([element] * (taken + 1))
    build = Builder.at_end(body)
    *factors, accumulator = body.arguments
    is_float = element in (f32, f64)
    if taken == 2 and is_float and kind == "add":
        result = build.add(math.Fma(factors[0], factors[1], accumulator)).output
    else:
        term = factors[0] if taken == 1 else build.add((arith.MulF if is_float else arith.MulI)(*factors)).output
        result = build.add((_FLOAT if is_float else _INTEGER)[kind][0](accumulator, term)).output
    build.add(tensor.Yield([result]))
    return body


def _init(element: Scalar, kind: str) -> Number:
    return Number((_INTEGER if element == i32 else _FLOAT)[kind][1], element)


def _contraction(draw: DrawFn, build: Layers, value: Value, element: Scalar) -> Value:
    value = _padded(draw, build, value, element, 0)
    n, channels, *space = shape_of(value)
    kernel, strides, dilations, out = _window(draw, tuple(space))
    rank, made = len(space), draw(st.sampled_from(CHANNELS))
    weights = build.constant(element, (made, channels, *kernel), draw(st.integers(0, 3)))
    first = 2 + rank
    extents = (n, made, *out, channels, *kernel)
    read = [d(0), d(first), *(d(2 + i) * strides[i] + d(first + 1 + i) * dilations[i] for i in range(rank))]
    weight = [d(1), d(first), *(d(first + 1 + i) for i in range(rank))]
    return build.compute([value, weights], [read, weight], extents, first, _init(element, "add"), _body(2, element, "add"))


def _depthwise(draw: DrawFn, build: Layers, value: Value, element: Scalar) -> Value:
    kind = draw(st.sampled_from(("add", "max")))
    value = _padded(draw, build, value, element, 0 if kind == "add" else _init(element, "max").value)
    n, channels, *space = shape_of(value)
    kernel, strides, dilations, out = _window(draw, tuple(space))
    rank, multiplier = len(space), draw(st.integers(1, 2))
    first = 2 + rank
    extents = (n, channels * multiplier, *out, *kernel, *(() if rank else (1,)))
    read = [d(0), d(1) // multiplier, *(d(2 + i) * strides[i] + d(first + i) * dilations[i] for i in range(rank))]
    if kind == "max":
        return build.compute([value], [read], extents, first, _init(element, kind), _body(1, element, kind))
    weights = build.constant(element, (channels * multiplier, *kernel), draw(st.integers(0, 3)))
    weight = [d(1), *(d(first + i) for i in range(rank))]
    return build.compute([value, weights], [read, weight], extents, first, _init(element, kind), _body(2, element, kind))


def _reduction(draw: DrawFn, build: Layers, value: Value, element: Scalar) -> Value:
    """Some dims summed up (kept with extent 1), or the extreme of them."""
    kind = draw(st.sampled_from(("add", "max", "min")))
    shape = shape_of(value)
    axes = draw(st.lists(st.sampled_from(range(len(shape))), min_size=1, unique=True))
    extents = [*(1 if i in axes else n for i, n in enumerate(shape)), *(shape[i] for i in axes)]
    read = [d(len(shape) + axes.index(i)) if i in axes else d(i) for i in range(len(shape))]
    return build.compute([value], [read], extents, len(shape), _init(element, kind), _body(1, element, kind))


def _follow(draw: DrawFn, build: Layers, value: Value, element: Scalar) -> Value:
    """A bias, perhaps with a rearrangement after it: what an epilogue absorbs."""
    shape = shape_of(value)
    bias = build.constant(element, (shape[1],), draw(st.integers(0, 3)))
    body = Block([element, element])
    inner = Builder.at_end(body)
    inner.add(tensor.Yield([inner.add((arith.AddI if element == i32 else arith.AddF)(*body.arguments)).output]))
    value = build.compute([value, bias], [[*map(d, range(len(shape)))], [d(1)]], shape, len(shape), None, body)
    if draw(st.booleans()):
        order = draw(st.permutations(range(len(shape))))
        map_ = AffineMap(len(shape), tuple(d(order.index(i)) for i in range(len(shape))))
        value = build.add(tensor.View(value, extents=tuple(shape[i] for i in order), map=map_)).output
        body = Block([element])
        Builder.at_end(body).add(tensor.Yield([body.arguments[0]]))
        value = build.compute([value], [[*map(d, range(len(shape)))]], shape_of(value), len(shape), None, body)
    return value
