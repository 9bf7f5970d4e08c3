"""Between the stages: a module printed at every phase parses back, means the same, and is text that other readers of MLIR take."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from generate_models import RandomModel, random_model
from intaglio.codegen.build import build_object
from intaglio.compiler.frontend.reader import read_model
from intaglio.compiler.options import Options
from intaglio.compiler.stages import STAGES, import_graph, lower
from intaglio.dialects.func import Module
from intaglio.dialects.ir.attributes import Array
from intaglio.dialects.ir.evaluator import evaluate
from intaglio.dialects.ir.parser import parse_operation
from intaglio.dialects.ir.printer import print_operation
from intaglio.runtime.jit import load_object
from intaglio.runtime.manifest import Manifest
from intaglio.runtime.model import NativeModel
from intaglio.targets.load import load_target
from onnx_models import expected
from programs import assert_round_trip
from sources import ROOT
from stages import run_loops

# A convolution with statistics and a transposed one, a net with an open batch, a dense one, whole numbers, rank 5.
SEEDS = (4, 18, 35, 61, 90)
# Stages differ by the order of f32 sums: a few hundred roundings of 6e-8 of the largest value.
TOLERANCE = 1e-4


def digits() -> RandomModel:
    import onnx

    proto = onnx.load(ROOT / "examples" / "digits" / "digits.onnx")
    image = np.random.default_rng(0).random((2, 1, 8, 8)).astype(np.float32)
    return RandomModel(-1, proto, {"image": image}, free=True)


MODELS: dict[str, Callable[[], RandomModel]] = {"digits": digits, **{f"seed{seed}": partial(random_model, seed) for seed in SEEDS}}


def modules(model: RandomModel, folder: Path, until: str = "loop") -> Module:
    """The module as it stands at the end of a stage."""
    path = folder / "net.onnx"
    path.write_bytes(model.proto.SerializeToString())
    options = Options.of(path, shapes={name: array.shape for name, array in model.inputs.items()})
    file = read_model(path)
    module = import_graph(file, options)
    lower(file, module, options, until=until)
    return module


def outcome(module: Module, stage: str, model: RandomModel, like: list[Array]) -> list[Array]:
    arguments = [array if array.shape else array[()] for array in model.inputs.values()]
    if stage == "loop":
        return list(run_loops(module, list(model.inputs.values()), like))
    return [np.asarray(each) for each in evaluate(module, "main", arguments)]


def assert_near(results: list[Array], wanted: list[Array]) -> None:
    for result, want in zip(results, wanted, strict=True):
        assert (result.dtype, result.shape) == (want.dtype, want.shape)
        largest = float(np.max(np.abs(want), initial=1.0)) if want.dtype.kind == "f" else 0.0
        np.testing.assert_allclose(result, want, rtol=0, atol=TOLERANCE * largest)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("name", MODELS)
def test_a_printed_module_parses_back_and_means_the_same(name: str, stage: str, tmp_path: Path) -> None:
    model = MODELS[name]()
    module = modules(model, tmp_path, stage)
    assert_round_trip(module)
    again = parse_operation(print_operation(module))
    assert isinstance(again, Module)
    wanted = expected(model.proto, model.inputs)
    first, second = (outcome(each, stage, model, wanted) for each in (module, again))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    assert_near(first, wanted)


@pytest.mark.parametrize("name", MODELS)
def test_compiled_code_agrees_with_the_evaluator(name: str, tmp_path: Path) -> None:
    model = MODELS[name]()
    module = modules(model, tmp_path)
    evaluated = outcome(module, "loop", model, expected(model.proto, model.inputs))
    built = build_object(module, load_target("host"), "net")
    native = NativeModel(Manifest.from_mapping(built.facts.manifest()), load_object(built.object), 1)
    assert_near(list(native.run(model.inputs).values()), evaluated)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("name", ["digits", "seed4"])
def test_other_readers_take_the_text(name: str, stage: str, tmp_path: Path) -> None:
    pytest.importorskip("xdsl", reason="xdsl, which reads the text of MLIR, is not installed")
    tool = shutil.which("xdsl-opt", path=str(Path(sys.executable).parent)) or shutil.which("xdsl-opt")
    if tool is None:
        pytest.skip("xdsl-opt, which reads the text of MLIR, is not on the path")
    text = print_operation(modules(MODELS[name](), tmp_path, stage))
    path = tmp_path / "module.mlir"
    path.write_text(text)
    done = subprocess.run([tool, "--allow-unregistered-dialect", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(re.findall(r"loop\.call|tensor\.kernel|graph\.", done.stdout)) == len(re.findall(r"loop\.call|tensor\.kernel|graph\.", text))
