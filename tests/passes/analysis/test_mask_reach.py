"""What a mask is said to need is enough: with everything else poisoned by NaN, the chosen pixels stay as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from intaglio.dialects import graph
from intaglio.dialects.graph.extents import tensor
from intaglio.dialects.ir.attributes import Array, Dense, Number
from intaglio.dialects.ir.builder import Builder
from intaglio.dialects.ir.evaluator import Frame
from intaglio.dialects.ir.operation import Block, Region, Value
from intaglio.dialects.ir.types import TensorType, f32
from intaglio.passes.analysis.mask_reach import Reach, masked_reaches
from programs import elements

EXAMPLES = settings(max_examples=120, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate, Phase.shrink))


@st.composite
def chains(draw: DrawFn) -> graph.Masked:
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
        match draw(st.integers(0, 4)):
            case 0 | 1:
                weights = build.add(graph.Constant(value=Dense(elements(f32, (2, 2, *window), 3)))).output
                made = graph.Conv(x, weights, None, strides=strides, dilations=dilations, pads=pads).output
            case 2:
                count = draw(st.booleans())
                pool = graph.AveragePool(x, kernel=window, strides=strides, dilations=dilations, pads=(0,) * 4, count_include_pad=count)
                made = pool.output
            case 3:
                made = graph.Pad(x, pads=(0, 0, *pads[:2], 0, 0, *pads[2:]), value=Number(1.0, f32)).output
            case _:
                made = graph.Add(x, build.add(graph.Relu(x)).output).output
        if 0 in tensor(made).extents:
            break
        values.append(build.add(made.operation).results[0])  # type: ignore[attr-defined]
    build.add(graph.Yield(values[-1]))
    outer = Block([source, TensorType((1, 1, *tensor(values[-1]).extents[2:]), f32)])
    x, mask = outer.arguments
    return graph.Masked([x], mask, None, contents=Region(block))


@EXAMPLES
@given(chains(), st.integers(0, 99))
def test_the_reach_is_enough(op: graph.Masked, seed: int) -> None:
    reaches = masked_reaches(op)
    random = np.random.default_rng(seed)
    mask = random.random(tensor(op.mask).extents) < 0.15
    source = elements(f32, tensor(op.inputs[0]).extents, seed)
    note(str(reaches))
    (wanted,) = Frame(None).run(op.contents, [source])
    frame = Frame(None)
    frame.values[op.body.arguments[0]] = source
    for inner in op.body:
        if isinstance(inner, graph.Yield):
            break
        frame.step(inner)
        if inner in reaches:
            frame.values[inner.results[0]] = _poisoned(frame.values[inner.results[0]], mask, reaches[inner])
    result = frame.values[op.body.terminator.operands[0]]
    chosen = np.broadcast_to(mask, wanted.shape)
    np.testing.assert_array_equal(result[chosen], wanted[chosen])


def _poisoned(array: Array, mask: Array, reach: Reach) -> Array:
    """NaN wherever no chosen pixel reaches."""
    needed = np.zeros(array.shape[2:], bool)
    for row, column in np.argwhere(mask[0, 0]):
        window: Any = tuple(
            slice(max(o * reach.scale[i] + reach.low[i], 0), max(o * reach.scale[i] + reach.high[i] + 1, 0))
            for i, o in enumerate((int(row), int(column)))
        )
        needed[window] = True
    return np.where(needed, array, np.nan).astype(array.dtype)
