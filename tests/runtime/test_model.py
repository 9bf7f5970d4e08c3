"""Calling compiled models: what is accepted, what is refused and how, many callers, teams, saved libraries."""

from __future__ import annotations

import concurrent.futures
import json
import multiprocessing
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from intaglio.dialects import arith, func, loop
from intaglio.dialects.ir.operation import Value
from intaglio.dialects.ir.types import f32, i32
from intaglio.errors import CompileError
from intaglio.runtime.loader import load_library
from intaglio.runtime.manifest import Manifest
from intaglio.runtime.model import NativeModel
from intaglio.targets.linker import link_shared
from loops import Body, buffer, build, kernel, model, native

X = np.arange(128, dtype=np.float32).reshape(16, 8)
SHIFT = np.int32(3)


def program() -> func.Module:
    """y = x + x through the arena by a parallel kernel, twice; z = x[3, 0] + shift as an integer."""

    def twice(body: Body, x: Value, y: Value) -> None:
        def row(b: Body, i: Value) -> None:
            v = b.load(x, [i, b.index(0)], lanes=8, axis=1)
            b.store(b.add(arith.AddF(v, v)).output, y, [i, b.index(0)], axis=1)

        body.count(16, row, parallel=True)

    def last(body: Body, shift: Value, z: Value) -> None:
        body.store(body.add(arith.AddI(body.load(shift, []), body.load(shift, []))).output, z, [])

    def entry(body: Body, x: Value, shift: Value, y: Value, z: Value, arena: Value) -> None:
        middle = body.add(loop.Carve(arena, type=buffer(f32, 16, 8), offset=0)).output
        body.add(loop.Call([x, middle], callee="twice"))
        body.add(loop.Call([middle, y], callee="twice"))
        body.add(loop.Call([shift, z], callee="last"))

    plane, scalar = buffer(f32, 16, 8), buffer(i32)
    kernels = [kernel("twice", [plane, plane], twice), kernel("last", [scalar, scalar], last)]
    return model(kernels, {"image": plane, "shift": scalar}, {"y": plane, "z": scalar}, entry, arena_bytes=512)


@pytest.fixture(scope="module")
def compiled() -> NativeModel:
    return native(program())


def inputs() -> dict[str, Any]:
    return {"image": X, "shift": SHIFT}


def is_right(got: dict[str, Any]) -> bool:
    return list(got) == ["y", "z"] and np.array_equal(got["y"], 4 * X) and got["z"] == 6 and got["z"].dtype == np.int32


class OnlyDlpack:
    def __init__(self, array: Any) -> None:
        self.array = array

    def __dlpack__(self, **options: Any) -> Any:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()


@pytest.mark.parametrize(
    "image",
    [
        X,
        X.tolist(),
        OnlyDlpack(X.copy()),
        np.asfortranarray(X),
        np.repeat(X, 2, axis=0)[::2],
        X.astype(">f4")[:].astype("<f4"),
        memoryview(X.tobytes()).cast("B").cast("f", (16, 8)),
    ],
    ids=["array", "list", "dlpack", "columns first", "strided", "little", "memoryview"],
)
def test_what_can_be_read_as_the_input_is_taken(compiled: NativeModel, image: Any) -> None:
    assert is_right(compiled.run({"image": image, "shift": 3}))


def test_results_are_new_arrays(compiled: NativeModel) -> None:
    first = compiled.run(inputs())
    second = compiled.run({"image": X * 0, "shift": SHIFT})
    assert is_right(first)
    assert not second["y"].any()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image": X.astype(np.float64)}, ["'image' is float64", "takes float32", "astype"]),
        ({"image": X[:15]}, ["'image' has the shape 15 x 8", "takes 16 x 8"]),
        ({"image": X.astype(np.int8)[0]}, ["int8", "shape 8"]),
        ({"image": None}, ["'image' is missing: float32[16 x 8]"]),
        ({"imgae": X}, ["no input 'imgae'", "did you mean 'image'?"]),
        ({"image": "text"}, ["'image' is str"]),
        ({"shift": [1, 2]}, ["'shift' has the shape 2", "takes a scalar"]),
        ({"shift": 1 << 40}, ["'shift' is int"]),
    ],
)
def test_what_does_not_fit_is_named(compiled: NativeModel, change: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(CompileError) as raised:
        compiled.run({**inputs(), **change})
    for word in words:
        assert word in str(raised.value)


def test_all_that_is_missing_is_said_at_once(compiled: NativeModel) -> None:
    with pytest.raises(CompileError) as raised:
        compiled.run({"x": X})
    assert len(raised.value.diagnostics) == 3


@pytest.mark.parametrize("threads", [1, 2])
def test_many_callers_at_once(threads: int) -> None:
    shared = native(program(), threads)

    def call(number: int) -> bool:
        x = np.full((16, 8), number, np.float32)
        return all(np.array_equal(shared.run({"image": x, "shift": SHIFT})["y"], 4 * x) for _ in range(30))

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all(pool.map(call, range(8)))
    shared.close()


def test_a_closed_model_begins_again() -> None:
    again = native(program(), 2)
    for _ in range(3):
        assert is_right(again.run(inputs()))
        again.close()
    again.close()


def test_threads_must_have_been_compiled_in() -> None:
    built = build(program())
    with pytest.raises(CompileError, match="compiled for one thread, not 2"):
        NativeModel(Manifest.from_mapping(built.facts.manifest()), _Nowhere(), 2)


class _Nowhere:
    def address(self, name: str) -> int:
        raise AssertionError(name)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # newer Pythons warn of what is tested here
@pytest.mark.skipif(sys.platform != "linux", reason="forks are Linux's way")
def test_a_forked_child_gets_its_own_team() -> None:
    shared = native(program(), 2)
    assert is_right(shared.run(inputs()))
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()

    def child() -> None:
        results.put(is_right(shared.run(inputs())))

    process = context.Process(target=child)
    process.start()
    process.join(30)
    assert process.exitcode == 0
    assert results.get()
    shared.close()


# Saved models.


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = build(program(), threads=True)
    path = tmp_path_factory.mktemp("saved") / "model.so"
    link_shared([built.object], ["model_run", "model_run_team", "model_worker"], path)
    path.with_suffix(".json").write_text(Manifest.from_mapping(built.facts.manifest()).to_json())
    return path


@pytest.mark.parametrize("threads", [1, 2])
def test_a_saved_model_gives_the_same(saved: Path, threads: int) -> None:
    loaded = load_library(saved, threads)
    assert is_right(loaded.run(inputs()))
    loaded.close()


def test_loading_takes_no_compiler(saved: Path) -> None:
    """NumPy and nothing else: neither llvmlite nor onnx, nor our own compiler (whose empty package holds the version)."""
    code = (
        "import sys; from pathlib import Path; from intaglio.runtime.loader import load_library; "
        f"load_library(Path({str(saved)!r})); "
        "print([m for m in sys.modules if m.partition('.')[0] in ('llvmlite', 'onnx', 'ml_dtypes', 'networkx') "
        "or m.startswith(('intaglio.dialects', 'intaglio.codegen', 'intaglio.passes', 'intaglio.compiler.'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("arena_bytes", -1, "arena_bytes is -1"),
        ("arena_bytes", 1 << 60, "arena_bytes"),
        ("arena_alignment", 48, "aligned to 48"),
        ("name", "a b", "cannot name"),
        ("inputs", [{"name": "x", "shape": [1 << 40, 1 << 40], "element": "f32"}], "shape"),
        ("inputs", [{"name": "x", "shape": [1], "element": "f31"}], "f31"),
        ("inputs", 3, "not iterable"),
        ("format", 99, "format 99"),
    ],
)
def test_a_damaged_manifest_is_refused(saved: Path, field: str, value: Any, words: str) -> None:
    fields = json.loads(saved.with_suffix(".json").read_text())
    with pytest.raises(CompileError, match=words):
        Manifest.from_json(json.dumps({**fields, field: value}))


@pytest.mark.parametrize("content", [b"", b"\xff", b"{}", b"[1]", b"[" * 100_000, b'{"format": 99}'])
def test_a_damaged_manifest_is_named(saved: Path, tmp_path: Path, content: bytes) -> None:
    library = tmp_path / "m.so"
    library.symlink_to(saved)
    library.with_suffix(".json").write_bytes(content)
    with pytest.raises(CompileError, match="the manifest is damaged") as caught:
        load_library(library)
    (fault,) = caught.value.diagnostics
    assert fault.places == (str(tmp_path / "m.json"),)
    assert fault.hint


def test_manifests_survive_their_text(saved: Path) -> None:
    manifest = Manifest.from_json(saved.with_suffix(".json").read_text())
    assert Manifest.from_json(manifest.to_json()) == manifest


def test_a_missing_library_is_named(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match=r"nothing\.so' is no file"):
        load_library(tmp_path / "nothing.so")


def test_elements_that_numpy_has_no_name_for() -> None:
    port = {"name": "x", "shape": [2], "element": "bf16"}
    manifest = Manifest.from_mapping({**build(program()).facts.manifest(), "inputs": [port]})
    assert str(manifest.inputs[0]) == "bfloat16[2]"
