"""What a mask costs on a chip where it chooses everything, counted by the emulator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

import intaglio
from intaglio.compiler.masks import MaskOptions
from mask_models import C, Net

pytest.importorskip("unicorn", reason="the emulator is not installed (extra mcu)")
pytest.importorskip("ziglang", reason="the linker is not installed (extra mcu)")


@pytest.mark.parametrize("chip", ["cortex-m4", "rv32imafc"])
def test_runs_cost_little_more_than_neighbours(chip: str, tmp_path: Path) -> None:
    """Nothing is spilled in the innermost loops of register tiles of runs, neither in a short reduction (8) nor in a long one (32)."""
    net = Net()
    wide = net.add("Relu", net.conv("x", outputs=32))
    narrow = net.add("Relu", net.conv(wide, inputs=32, outputs=8))
    pooled = net.add("MaxPool", "x", kernel_shape=[4, 4], strides=[4, 4])
    level = net.add("Conv", pooled, net.constant(np.ones((1, C, 1, 1))))
    mask = net.spread(net.add("Cast", net.add("Greater", level, net.constant(0.0)), to=onnx.TensorProto.FLOAT), 4)
    net.add("Mul", net.conv(narrow, inputs=8, outputs=32), mask, out="y")
    onnx.save(net.model(), tmp_path / "m.onnx")
    masked, dense = (intaglio.compile(tmp_path / "m.onnx", chip, masks=MaskOptions(decision=decision)) for decision in ("masked", "dense"))
    everything = {"x": np.ones((1, C, 8, 8), np.float32)}
    ours, theirs = (sum(model.measure(everything).by_layer) for model in (masked, dense))
    assert ours <= 1.03 * theirs
