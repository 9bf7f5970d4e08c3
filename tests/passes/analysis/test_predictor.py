"""What masked regions are predicted to cost: bounds and directions that any cost model must keep."""

from __future__ import annotations

import pytest

from intaglio.dialects import graph
from intaglio.passes.analysis.mask_reach import HERE, Reach
from intaglio.passes.analysis.predictor import active_share, predict_region
from intaglio.passes.manager import Pipeline
from intaglio.targets.load import load_target
from mask_models import Net, gated_channels
from onnx_models import imported

TARGETS = ("cortex-m4", "rv32imafc", "host")


def region(tile: int) -> graph.Masked:
    net = Net()
    mask = net.mask(tile)
    net.add("Mul", net.branch(), mask, out="y")
    return only_region(net)


def only_region(net: Net) -> graph.Masked:
    module = imported(net.model())
    Pipeline.parse("recognize-masks").run(module)
    (op,) = [op for op in module.walk() if isinstance(op, graph.Masked)]
    return op


@pytest.mark.parametrize("target", TARGETS)
def test_more_is_dearer(target: str) -> None:
    op, machine = region(4), load_target(target)
    found = [predict_region(op, density, machine) for density in (0.0, 0.1, 0.5, 1.0)]
    assert len({each.dense_cycles for each in found}) == 1
    assert sorted(each.masked_cycles for each in found) == [each.masked_cycles for each in found]
    assert found[0].ratio < 0.6 < found[-1].ratio


@pytest.mark.parametrize("target", TARGETS)
def test_channels(target: str) -> None:
    """Of blocks of channels the share is the density; of channels that are all different it is more, never more than all."""
    machine, densities = load_target(target), (0.0, 0.25, 0.5, 1.0)
    blocks, single = (
        [predict_region(only_region(gated_channels(groups, 64)), density, machine).masked_cycles for density in densities]
        for groups in (4, 64)
    )
    assert sorted(blocks) == blocks
    assert sorted(single) == single
    assert blocks[1] - blocks[0] == pytest.approx(0.25 * (blocks[-1] - blocks[0]))
    assert single[1] - single[0] > 0.4 * (single[-1] - single[0])


@pytest.mark.parametrize("density", [0.0, 0.25, 1.0])
def test_share(density: float) -> None:
    """The mask's own tiles are its density; a halo is never less, and never more than everything."""
    around = Reach((1, 1), (-1, -1), (1, 1))
    assert active_share(HERE, (32, 32), (32, 32), density) == density
    assert density <= active_share(around, (32, 32), (32, 32), density) <= 1
