"""The bundled model on emulated chips: the very object for each, held against the JIT."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

import intaglio
from sources import ROOT

DIGITS = ROOT / "examples" / "digits"


@pytest.fixture(scope="module")
def feeds() -> dict[str, NDArray[Any]]:
    tensor = onnx.TensorProto.FromString((DIGITS / "test_data_set_1" / "input_0.pb").read_bytes())
    return {"image": numpy_helper.to_array(tensor)[:1]}


@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m0plus", "rv32imafc"])
def test_a_chip_computes_what_the_host_does(target: str, feeds: dict[str, NDArray[Any]]) -> None:
    """To 1e-5 of the largest probability; the same instructions twice; no more memory than the layers need."""
    pytest.importorskip("unicorn", reason="the emulator comes with the extra 'mcu'")
    shapes = {name: array.shape for name, array in feeds.items()}
    wanted = intaglio.compile(DIGITS / "digits.onnx", shapes=shapes).run(feeds)
    model = intaglio.compile(DIGITS / "digits.onnx", target, shapes=shapes)
    first, second = model.measure(feeds), model.measure(feeds)
    for name, array in wanted.items():
        np.testing.assert_allclose(first.outputs[name], array, rtol=1e-5, atol=1e-5 * float(np.abs(array).max()))
    assert first.instructions == second.instructions
    assert first.instructions
    if target != "cortex-m0plus":  # which has no floating point of its own
        assert first.instructions < 2.5 * sum(layer.macs for layer in model.manifest.layers)
    assert model.manifest.arena_bytes <= 6144 + 1024  # the first two convolutions: 16 x 8 x 8 and 32 x 4 x 4 floats
