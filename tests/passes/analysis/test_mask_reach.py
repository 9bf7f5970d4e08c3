"""What a mask is said to need is enough: with everything else poisoned by NaN, the chosen pixels stay as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from generate_masked import masked_regions
from intaglio.dialects import graph
from intaglio.dialects.graph.extents import tensor
from intaglio.dialects.ir.attributes import Array
from intaglio.dialects.ir.evaluator import Frame
from intaglio.dialects.ir.types import f32
from intaglio.passes.analysis.mask_reach import Reach, masked_reaches
from programs import elements

EXAMPLES = settings(max_examples=120, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate, Phase.shrink))


@EXAMPLES
@given(masked_regions(), st.integers(0, 99))
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
    needed = np.zeros(array.shape[-2:], bool)
    for row, column in np.argwhere(mask[0, 0]):
        window: Any = tuple(
            slice(max(o * reach.scale[i] + reach.low[i], 0), max(o * reach.scale[i] + reach.high[i] + 1, 0))
            for i, o in enumerate((int(row), int(column)))
        )
        needed[window] = True
    return np.where(needed, array, np.nan).astype(array.dtype)
