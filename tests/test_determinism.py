"""Equal input gives equal bytes, whatever the hash seed, the state of the cache or the number of threads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import intaglio
from generate_models import random_model
from sources import ROOT

DIGITS = ROOT / "examples" / "digits" / "digits.onnx"
SEEDS = (4, 35)

# Digests of the text at every stage, of the object and of the header, for a host and a chip; the batch is 1 where it is open.
PROGRAM = """
import hashlib, sys
from pathlib import Path
from intaglio.codegen.build import build_object
from intaglio.compiler.frontend.reader import read_model
from intaglio.compiler.options import Options
from intaglio.compiler.stages import STAGES, build, import_graph
from intaglio.dialects.ir.printer import print_operation
for name in sys.argv[1:]:
    for target in ("x86-64-v3", "cortex-m4"):
        dims = {"batch": 1} if b"batch" in Path(name).read_bytes() else {}
        options = Options.of(Path(name), target=target, dims=dims)
        file = read_model(Path(name))
        module = import_graph(file, options)
        texts = []
        artefact = build(file, module, options, observe=lambda stage, module: texts.append(print_operation(module).encode()))
        for data in (*texts, artefact.object, artefact.header.encode()):
            print(hashlib.sha256(data).hexdigest())
"""


def test_two_processes_with_different_hash_seeds_emit_the_same_bytes(tmp_path: Path) -> None:
    paths = [DIGITS]
    for seed in SEEDS:
        paths.append(tmp_path / f"net{seed}.onnx")
        paths[-1].write_bytes(random_model(seed).proto.SerializeToString(deterministic=True))
    printed = []
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *map(str, paths)], capture_output=True, text=True, check=False, env=environment
        )
        assert done.returncode == 0, done.stderr[-2000:]
        printed.append(done.stdout.split())
    assert len(printed[0]) == len(paths) * 2 * 5
    assert printed[0] == printed[1]


def test_cold_and_warm_caches_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTAGLIO_CACHE", str(tmp_path / "cache"))
    image = {"image": np.random.default_rng(0).random((1, 1, 8, 8)).astype(np.float32)}
    models = [intaglio.compile(DIGITS, dims={"batch": 1}, cache=cache) for cache in (False, True, True)]
    results = [model.run(image)["probabilities"] for model in models]
    without, cold, warm = (model.artefact for model in models)
    assert without.object == cold.object == warm.object
    assert without.header == cold.header == warm.header
    assert without.manifest.record() == cold.manifest.record() == warm.manifest.record()
    assert results[0].tobytes() == results[1].tobytes() == results[2].tobytes()


@pytest.mark.parametrize("seed", [4, 104, 109])
def test_every_number_of_threads_gives_the_same_bits(seed: int, tmp_path: Path) -> None:
    model = random_model(seed)
    path = tmp_path / "net.onnx"
    path.write_bytes(model.proto.SerializeToString())
    one, two = (intaglio.compile(path, threads=threads, cache=False).run(model.inputs) for threads in (1, 2))
    assert all(one[name].tobytes() == two[name].tobytes() for name in one)
