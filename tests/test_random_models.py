"""Random nets agree with onnxruntime through the public interface.

The first seeds run with every test run, all of them with `INTAGLIO_RANDOM_MODELS=500 pytest tests/test_random_models.py`, in minutes.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import intaglio
from generate_models import Array, RandomModel, random_model
from onnx_models import expected

SEEDS = int(os.environ.get("INTAGLIO_RANDOM_MODELS", "60"))
# Both sum in f32, in different orders: a few hundred roundings of 6e-8 of the largest magnitude, and nets have up to ten layers.
TOLERANCE = 1e-4


def compiled(model: RandomModel, folder: Path, threads: int = 1) -> dict[str, Array]:
    path = folder / "net.onnx"
    path.write_bytes(model.proto.SerializeToString())
    return intaglio.compile(path, threads=threads, cache=False).run(model.inputs)


def assert_agrees(model: RandomModel, results: dict[str, Array]) -> None:
    """Names, types, shapes and values of the outputs; sums by the largest magnitude, whole numbers to the bit."""
    assert list(results) == [output.name for output in model.proto.graph.output]
    for result, want in zip(results.values(), expected(model.proto, model.inputs), strict=True):
        assert (result.dtype, result.shape) == (want.dtype, want.shape)
        largest = float(np.max(np.abs(want), initial=1.0)) if want.dtype.kind == "f" else 0.0
        np.testing.assert_allclose(result, want, rtol=0, atol=TOLERANCE * largest, err_msg=model.text)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_random_net_agrees_with_onnxruntime(seed: int, tmp_path: Path) -> None:
    model = random_model(seed)
    assert_agrees(model, compiled(model, tmp_path))


def test_a_seed_is_always_the_same_model() -> None:
    first, second = random_model(7), random_model(7)
    assert first.proto.SerializeToString(deterministic=True) == second.proto.SerializeToString(deterministic=True)
    assert all(np.array_equal(first.inputs[name], second.inputs[name]) for name in first.inputs)


def test_the_seeds_hold_what_nets_are_made_of() -> None:
    """Among the models that run are all the kinds of nodes, free batches, and inputs of every rank."""
    models = [random_model(seed) for seed in range(500)]
    kinds = {node.op_type for model in models for node in model.proto.graph.node}
    assert kinds >= {
        "Conv",
        "ConvTranspose",
        "MaxPool",
        "AveragePool",
        "BatchNormalization",
        "Gemm",
        "MatMul",
        "Softmax",
        "Resize",
        "Concat",
        "Split",
    }
    assert kinds >= {
        "Slice",
        "Pad",
        "Transpose",
        "Reshape",
        "ReduceMean",
        "ReduceMax",
        "Gather",
        "Where",
        "Add",
        "Div",
        "GlobalAveragePool",
    }
    assert {len(array.shape) for model in models for array in model.inputs.values()} >= {0, 1, 2, 3, 4, 5}
    assert sum(model.free for model in models) > 50
    assert sum(len(model.proto.graph.output) > 1 for model in models) > 100
