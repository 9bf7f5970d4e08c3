"""Random masked regions, for hypothesis: convolutions, pools and pads with what stands between them."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from intaglio.dialects import graph
from intaglio.dialects.graph.extents import tensor
from intaglio.dialects.ir.attributes import Dense, Number
from intaglio.dialects.ir.builder import Builder
from intaglio.dialects.ir.operation import Block, Region, Value
from intaglio.dialects.ir.types import TensorType, f32
from programs import elements


@st.composite
def masked_regions(draw: DrawFn) -> graph.Masked:
    """A masked region of convolutions, pools, pads and what stands between them, with branches."""
    source = TensorType((1, 2, draw(st.integers(6, 12)), draw(st.integers(6, 12))), f32)
    block = Block([source])
    build = Builder.at_end(block)
    values: list[Value] = [block.arguments[0]]
    for _ in range(draw(st.integers(1, 5))):
        x = values[-1]
        window = tuple(draw(st.integers(1, 3)) for _ in range(2))
        strides, dilations = tuple(draw(st.integers(1, 2)) for _ in range(2)), tuple(draw(st.integers(1, 2)) for _ in range(2))
        pads = tuple(draw(st.integers(0, 2)) for _ in range(4))
        match draw(st.integers(0, 7)):
            case 0 | 1:
                weights = build.add(graph.Constant(value=Dense(elements(f32, (2, 2, *window), 3)))).output
                made = graph.Conv(x, weights, None, strides=strides, dilations=dilations, pads=pads).output
            case 2:
                count = draw(st.booleans())
                pool = graph.AveragePool(x, kernel=window, strides=strides, dilations=dilations, pads=(0,) * 4, count_include_pad=count)
                made = pool.output
            case 3:
                made = graph.Pad(x, pads=(0, 0, *pads[:2], 0, 0, *pads[2:]), value=Number(1.0, f32)).output
            case 4:
                made = graph.Sub(x, build.add(graph.ReduceMean(x, axes=(1,))).output).output
            case 5:
                made = graph.Softmax(x, axes=(1,)).output
            case 6:  # channels change places
                N, C, H, W = tensor(x).extents
                split = build.add(graph.Reshape(x, shape=(N, C, 1, H, W))).output
                turned = build.add(graph.Transpose(split, perm=(0, 2, 1, 3, 4))).output
                made = graph.Reshape(turned, shape=(N, C, H, W)).output
            case _:
                made = graph.Add(x, build.add(graph.Relu(x)).output).output
        if 0 in tensor(made).extents:
            break
        values.append(build.add(made.operation).results[0])  # type: ignore[attr-defined]
    build.add(graph.Yield(values[-1]))
    outer = Block([source, TensorType((1, 1, *tensor(values[-1]).extents[2:]), f32)])
    x, mask = outer.arguments
    return graph.Masked([x], mask, None, contents=Region(block))
