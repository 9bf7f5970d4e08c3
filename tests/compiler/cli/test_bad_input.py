"""Everything that can be wrong with what the user gives: a diagnostic with the way out, status 1, nothing written, no traceback."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from intaglio.compiler.cli.main import main
from small_models import load, save_model, save_relu, save_test_set

Capture = pytest.CaptureFixture[str]
EVIL = "a\nb\x1b[2J\"'*/ ;%s\u202e"


def refused(capsys: Capture, *words: str) -> str:
    """Run a command line that must be refused; its message."""
    assert main([*words]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert "Traceback" not in err
    assert "\x1b" not in err
    assert "\u202e" not in err
    return err


def truncated(path: Path) -> None:
    save_relu(path)
    path.write_bytes(path.read_bytes()[:-20])


def cyclic(path: Path) -> None:
    nodes = [helper.make_node("Add", ["x", "b"], ["a"], name="first"), helper.make_node("Relu", ["a"], ["b"], name="second")]
    save_model(path, nodes, {"x": [2]}, {"b": [2]})


def wrong_size(path: Path) -> None:
    save_model(path, [helper.make_node("Add", ["x", "w"], ["y"])], {"x": [2]}, {"y": [2]}, {"w": np.zeros(2, np.float32)})
    model = load(path)
    model.graph.initializer[0].dims[0] = 1_000_000_000
    path.write_bytes(model.SerializeToString())


def outside(path: Path) -> None:
    save_model(path, [helper.make_node("Add", ["x", "w"], ["y"])], {"x": [2]}, {"y": [2]}, {"w": np.zeros(2, np.float32)})
    model = load(path)
    (weights,) = model.graph.initializer
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="../secret.bin")
    (path.parent.parent / "secret.bin").write_bytes(bytes(8))
    path.write_bytes(model.SerializeToString())


def linked(path: Path) -> None:
    outside(path)
    model = load(path)
    model.graph.initializer[0].external_data[0].value = "inside.bin"
    (path.parent / "inside.bin").symlink_to(path.parent.parent / "secret.bin")
    path.write_bytes(model.SerializeToString())


def gigabytes(path: Path) -> None:
    shape = numpy_helper.from_array(np.array([1 << 16, 1 << 16], np.int64), "s")
    nodes = [helper.make_node("Constant", [], ["s"], value=shape), helper.make_node("ConstantOfShape", ["s"], ["big"], name="huge")]
    nodes += [helper.make_node("ReduceMax", ["big"], ["m"], keepdims=0), helper.make_node("Add", ["x", "m"], ["y"])]
    save_model(path, nodes, {"x": [2]}, {"y": [2]})


def operator(path: Path) -> None:
    save_model(path, [helper.make_node("Frobnicate", ["x"], ["y"], name="odd one")], {"x": [2]}, {"y": [2]})


def dtype(path: Path) -> None:
    save_model(path, [helper.make_node("Identity", ["x"], ["y"])], {"x": [2]}, {"y": [2]}, element=TensorProto.STRING)


def no_nodes(path: Path) -> None:
    save_model(path, [], {"x": [2]}, {"x": [2]})


def directory(path: Path) -> None:
    path.mkdir()


def missing(path: Path) -> None:
    """Nothing is there."""


def text(path: Path) -> None:
    path.write_text("<html>not found</html>")


def empty(path: Path) -> None:
    path.touch()


CASES: list[tuple[Callable[[Path], None], list[str]]] = [
    (missing, ["does not exist"]),
    (empty, ["empty"]),
    (directory, ["cannot be read"]),
    (truncated, ["not an ONNX model"]),
    (text, ["HTML"]),
    (cyclic, ["cycle", "first", "second"]),
    (wrong_size, ["'w'"]),
    (outside, ["outside the model's folder", "'w'"]),
    (linked, ["outside the model's folder", "'w'"]),
    (gigabytes, ["huge", "ConstantOfShape"]),
    (no_nodes, ["no nodes"]),
    (operator, ["odd one", "Frobnicate"]),
    (dtype, ["string", "'x'"]),
]


@pytest.mark.parametrize(("make", "words"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_bad_models(make: Callable[[Path], None], words: list[str], tmp_path: Path, capsys: Capture) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    path = folder / "m.onnx"
    make(path)
    for command in (["run", str(path), "--no-cache"], ["inspect", str(path)]):
        said = refused(capsys, *command)
        assert all(word in said for word in [*words, "m.onnx"]), said
        assert "  help: " in said
    for target in ("cortex-m4", "host"):
        refused(capsys, "compile", str(path), "--target", target, "-o", str(tmp_path / "out"), "--no-cache")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--input", "z=FILE"], "no input 'z'"),
        (["--input", "x=nowhere.npy"], "does not exist"),
        (["--input", "x=FILE", "--input", "x=FILE"], "twice"),
        (["--input", "x=wrong.txt"], "suffix"),
        ([], "the input 'x' is not given: float32 2 x 3"),
        (["--dim", "batch=1"], "no dim 'batch'"),
        (["--shape", "z=1"], "no input 'z'"),
        (["--shape", "x=5x5"], "does not fit"),
        (["--target", "aarch64"], "aarch64 is not emulated"),
        (["--target", "cortex-m44"], "no target is named 'cortex-m44'"),
        (["--shape", "x="], "the shape of a scalar does not fit the input, which is 2 x 3"),
        (["--threads", "0"], "0 threads"),
        (["--rtol", "nan"], "--rtol nan"),
        (["--atol", "-1"], "--atol -1.0"),
        (["--atol", "inf"], "--atol inf"),
        (["--test-data", "nowhere"], "does not exist"),
        (["--input", "x=FILE", "--labels", "nowhere"], "does not exist"),
    ],
)
def test_bad_options_of_run(words: list[str], said: str, tmp_path: Path, capsys: Capture) -> None:
    path = save_relu(tmp_path / "m.onnx")
    array = tmp_path / "x.npy"
    np.save(array, np.zeros((2, 3), np.float32))
    assert said in refused(capsys, "run", str(path), "--no-cache", *(word.replace("FILE", str(array)) for word in words))


@pytest.mark.parametrize("array", [np.zeros((2, 3)), np.zeros((3, 2), np.float32), np.zeros((2, 3), np.int8)])
def test_arrays_of_another_type_or_shape(array: np.ndarray, tmp_path: Path, capsys: Capture) -> None:
    np.save(tmp_path / "x.npy", array)
    said = refused(capsys, "run", str(save_relu(tmp_path / "m.onnx")), "--no-cache", "--input", f"x={tmp_path / 'x.npy'}")
    assert "float32 2 x 3" in said
    assert str(array.dtype) in said


def test_a_test_folder_of_another_model(tmp_path: Path, capsys: Capture) -> None:
    path = save_relu(tmp_path / "m.onnx")
    folder = save_test_set(tmp_path / "test", [np.zeros((2, 3), np.float32)] * 2, [np.zeros((2, 3), np.float32)])
    said = refused(capsys, "run", str(path), "--no-cache", "--test-data", str(folder))
    assert "holds 2 inputs, and the model has 1" in said
    assert f"{path}, test folder {folder}" in said


@pytest.mark.parametrize("extents", [(2, 3), ("n", 3)])
@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((2, 4), np.float32), ["x 3, and was given 2 x 4", "reshape the array"]),
        (np.zeros((2, 3)), ["float32, and was given float64", "convert it"]),
    ],
)
def test_a_test_folder_of_other_arrays(
    extents: tuple[int | str, ...], array: np.ndarray, words: list[str], tmp_path: Path, capsys: Capture
) -> None:
    path = save_relu(tmp_path / "m.onnx", extents)
    folder = save_test_set(tmp_path / "test", [array], [array])
    said = refused(capsys, "run", str(path), "--no-cache", "--test-data", str(folder))
    assert all(word in said for word in [*words, f"{path}, test folder {folder}", "'x'"]), said


@pytest.mark.parametrize("target", ["host", "cortex-m4"])
def test_what_cannot_be_lowered_is_named_as_onnx_does(target: str, tmp_path: Path, capsys: Capture) -> None:
    nodes = [
        helper.make_node("Cast", ["x"], ["shape"], to=TensorProto.INT64),
        helper.make_node("Reshape", ["x", "shape"], ["y"], name="odd"),
    ]
    path = save_model(tmp_path / "m.onnx", nodes, {"x": [2]}, {"y": ["n", "m"]})
    said = refused(capsys, "compile", str(path), "--target", target, "--no-cache", "-o", str(tmp_path / "out"))
    assert said.startswith("error: Reshape: the result has a shape that is known at run time only\n")
    assert f"  {path}, node 'odd' (Reshape)\n  help: " in said


def test_what_a_chip_does_not_compute_is_named_as_onnx_does(tmp_path: Path, capsys: Capture) -> None:
    node = helper.make_node("Exp", ["x"], ["y"], name="grow")
    path = save_model(tmp_path / "m.onnx", [node], {"x": [2]}, {"y": [2]}, element=TensorProto.DOUBLE)
    said = refused(capsys, "compile", str(path), "--target", "cortex-m4", "--no-cache", "-o", str(tmp_path / "out"))
    assert said.startswith("error: Exp of f64 is not available on cortex-m4\n")
    assert f"  {path}, node 'grow' (Exp)\n  help: " in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--name", "2fast"], "'2fast'"),
        (["--name", "a\nb"], "'a\\nb'"),
        (["--emit", "object"], "--emit does not know 'object'"),
        (["--emit", "shared"], "cortex-m4 has no shared libraries"),
        (["-o", "FILE"], "nothing can be written"),
    ],
)
def test_bad_options_of_compile(words: list[str], said: str, tmp_path: Path, capsys: Capture) -> None:
    path = save_relu(tmp_path / "m.onnx")
    (tmp_path / "taken").touch()
    words = [word.replace("FILE", str(tmp_path / "taken")) for word in words]
    assert said in refused(capsys, "compile", str(path), "--target", "cortex-m4", "--no-cache", "-o", str(tmp_path / "out"), *words)
    assert not (tmp_path / "out").exists()


def test_a_chip_that_needs_every_extent(tmp_path: Path, capsys: Capture) -> None:
    path = save_relu(tmp_path / "m.onnx", ("batch", 3))
    said = refused(capsys, "compile", str(path), "--target", "cortex-m4", "--no-cache", "-o", str(tmp_path / "out"))
    assert "dimension 'batch' of input 'x' has no value" in said
    assert "--dim batch=1" in said


def test_a_model_too_large_for_the_chip_leaves_nothing(tmp_path: Path, capsys: Capture) -> None:
    path = save_relu(tmp_path / "m.onnx", (200_000,))
    said = refused(capsys, "compile", str(path), "--target", "cortex-m4", "--no-cache", "-o", str(tmp_path / "out"))
    assert "bytes of RAM, and cortex-m4 has 655360" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("target", ["host", "cortex-m4"])
def test_extents_beyond_all_memory(target: str, tmp_path: Path, capsys: Capture) -> None:
    path = save_relu(tmp_path / "m.onnx", ("n", "m"))
    said = refused(
        capsys,
        "compile",
        str(path),
        "--target",
        target,
        "--no-cache",
        "-o",
        str(tmp_path),
        "--dim",
        "n=10000000000",
        "--dim",
        "m=100000000",
    )
    assert "4000000000000000000 bytes" in said
    assert "the relu" in said


def test_large_extents_cost_no_time(tmp_path: Path) -> None:
    path = save_relu(tmp_path / "m.onnx", ("n",))
    assert main(["compile", str(path), "--target", "host", "--no-cache", "-o", str(tmp_path), "--dim", "n=100000000"]) == 0


def test_the_folder_of_an_output_stays_clean_when_writing_fails(tmp_path: Path, capsys: Capture) -> None:
    path = save_relu(tmp_path / "m.onnx")
    out = tmp_path / "out"
    (out / "m.h").mkdir(parents=True)  # in the way of the header
    refused(capsys, "compile", str(path), "--target", "cortex-m4", "--no-cache", "-o", str(out), "--emit", "header,obj")
    assert [each.name for each in out.iterdir()] == ["m.h"]


def no_space(path: Path, content: bytes) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def test_a_full_disk_leaves_no_folder(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_relu(tmp_path / "m.onnx")
    monkeypatch.setattr(Path, "write_bytes", no_space)
    said = refused(capsys, "compile", str(path), "--target", "cortex-m4", "--no-cache", "-o", str(tmp_path / "new" / "out"))
    assert "no space left on device" in said
    assert [each.name for each in tmp_path.iterdir()] == ["m.onnx"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_results_that_cannot_be_written(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_relu(tmp_path / "m.onnx")
    with open("/dev/full", "w", buffering=1) as full:  # noqa: PTH123 - a device
        monkeypatch.setattr("sys.stdout", full)
        assert main(["inspect", str(path)]) == 1
    assert capsys.readouterr().err.startswith("error: the results cannot be written: no space left on device")


# Names from a file are harmless wherever they are written.


def evil_model(path: Path, extent: int | str = 2) -> Path:
    node = helper.make_node("Relu", [EVIL], [f"{EVIL}y"], name=f"{EVIL}n")
    return save_model(path, [node], {EVIL: [extent]}, {f"{EVIL}y": [extent]})


def test_names_on_the_terminal_and_in_json(tmp_path: Path, capsys: Capture) -> None:
    path = evil_model(tmp_path / "m.onnx")
    np.save(tmp_path / "x.npy", np.array([-1, 2], np.float32))
    for words in (["run", str(path), "--no-cache", "--input", str(tmp_path / "x.npy")], ["inspect", str(path)]):
        assert main(words) == 0
        plain = capsys.readouterr().out
        assert "\x1b" not in plain
        assert "\u202e" not in plain
        assert main([*words, "--json"]) == 0
        out = capsys.readouterr().out
        assert out.isascii()
        assert f"{EVIL}y" in [output["name"] for output in json.loads(out)["outputs"]]


def test_names_of_dims_in_tables(tmp_path: Path, capsys: Capture) -> None:
    assert main(["inspect", str(evil_model(tmp_path / "m.onnx", EVIL))]) == 0
    out = capsys.readouterr().out
    assert "total" in out
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_names_in_written_files(tmp_path: Path, capsys: Capture) -> None:
    path = evil_model(tmp_path / "m.onnx")
    emit = "obj,header,asm,llvm,loop,tensor,graph,example"
    assert main(["compile", str(path), "--target", "cortex-m4", "--no-cache", "-o", str(tmp_path / "out"), "--emit", emit]) == 0
    capsys.readouterr()
    for written in filter(Path.is_file, (tmp_path / "out").rglob("*")):
        content = written.read_bytes()
        assert b"\x1b" not in content or written.suffix == ".o"
        assert EVIL.encode() not in content
