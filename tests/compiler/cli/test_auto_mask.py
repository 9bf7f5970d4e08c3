"""Masks for a dense model from a folder of inputs: what they cost, and that nothing happens unasked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from intaglio.compiler.auto_mask import auto_masked
from intaglio.compiler.cli.main import main
from intaglio.compiler.driver import compile
from intaglio.compiler.options import Options
from onnx_models import Array, model

SIDE = 24


def picture(place: int) -> Array:
    """Whole numbers, so that every sum is exact, on a background of zeros."""
    x = np.zeros((1, 4, SIDE, SIDE), np.float32)
    x[:, :, place : place + 4, 8:12] = np.random.default_rng(place).integers(-3, 4, (1, 4, 4, 4))
    return x


def save(folder: Path, bias: float, stride: int = 1) -> Path:
    """Two convolutions; with a bias the second one's input is nowhere zero."""
    rng = np.random.default_rng(0)
    weights = {f"w{i}": rng.integers(-2, 3, (8, (4, 8)[i], 3, 3)).astype(np.float32) for i in range(2)}
    nodes = [
        helper.make_node("Conv", ["x", "w0", "b"], ["a"], name="first", pads=[1] * 4, strides=[stride] * 2),
        helper.make_node("Relu", ["a"], ["r"]),
        helper.make_node("Conv", ["r", "w1", "b"], ["c"], name="second", pads=[1] * 4, strides=[stride] * 2),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    proto = model(nodes, {"x": picture(0)}, ["y"], 13, weights | {"b": np.full(8, bias, np.float32)})
    onnx.save(proto, folder / "m.onnx")
    (folder / "inputs").mkdir()
    for place in (0, 4, 8):
        np.save(folder / "inputs" / f"{place}.npy", picture(place))
    return folder / "m.onnx"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTAGLIO_CACHE", str(tmp_path / "cache"))


def test_exact_on_an_empty_background(tmp_path: Path) -> None:
    path = save(tmp_path, bias=0)
    options, curve = auto_masked(path, Options.of(path), 0.5, tmp_path / "inputs", True)
    assert [point.share for point in curve] == [0, 0.1, 0.25, 0.5]
    assert all(point.error == 0 for point in curve)
    assert [point.regions for point in curve] == [0, 2, 2, 2]
    assert curve[-1].skipped > 0.5
    assert curve[-1].macs < 0.5 * curve[0].macs
    assert all(point.latency_ms is not None for point in curve)
    masked, dense = compile(path, masks=options.masks), compile(path)
    np.testing.assert_array_equal(masked.run({"x": picture(16)})["y"], dense.run({"x": picture(16)})["y"])


def test_an_error_is_told(tmp_path: Path) -> None:
    path = save(tmp_path, bias=1)
    options, (dense, *points) = auto_masked(path, Options.of(path), 0.75, tmp_path / "inputs", True)
    assert dense.error == 0
    assert all(point.error > 0 for point in points)
    x = {"x": picture(4)}
    wanted, made = compile(path).run(x)["y"], compile(path, masks=options.masks).run(x)["y"]
    assert not np.array_equal(wanted, made)


def test_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = save(tmp_path, bias=1)
    words = ["--auto-mask", "0.25", "--calibrate", str(tmp_path / "inputs")]
    assert main(["run", str(path), "--input", str(tmp_path / "inputs" / "0.npy"), *words, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)["auto_mask"]
    assert "yours to judge" in record["note"]
    assert [point["share"] for point in record["curve"]] == [0, 0.1, 0.25]
    assert main(["inspect", str(path), *words, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert [region["mask"] for region in record["masked_regions"]] == ["auto:first", "auto:second"]
    assert len(record["auto_mask"]["curve"]) == 3
    assert main(["compile", str(path), "--target", "host", "-o", str(tmp_path / "out"), "--auto-mask", "0.1", *words[2:]]) == 0
    out = capsys.readouterr().out
    assert "masks from calibration" in out
    assert "yours to judge" in out


def test_off_unless_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = save(tmp_path, bias=1)
    assert main(["compile", str(path), "--target", "host", "-o", str(tmp_path / "a")]) == 0
    assert main(["compile", str(path), "--target", "host", "-o", str(tmp_path / "b"), "--calibrate", str(tmp_path / "inputs")]) == 0
    words = ["--auto-mask", "0.5", "--calibrate", str(tmp_path / "inputs")]
    assert main(["compile", str(path), "--target", "host", "-o", str(tmp_path / "c"), *words]) == 0
    plain, calibrated, masked = ((tmp_path / name / "m.o").read_bytes() for name in "abc")
    assert plain == calibrated != masked
    assert "masks from calibration" not in capsys.readouterr().out.split("flash")[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--auto-mask", "0.5"], "--calibrate DIR"),
        (["--auto-mask", "1.5", "--calibrate", "inputs"], "a share between 0 and 1"),
        (["--auto-mask", "half", "--calibrate", "inputs"], "a share between 0 and 1"),
    ],
)
def test_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str) -> None:
    path = save(tmp_path, bias=1)
    assert main(["inspect", str(path), *words]) == 1
    assert message in capsys.readouterr().err


def test_nothing_to_mask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = save(tmp_path, bias=1, stride=2)
    assert main(["inspect", str(path), "--auto-mask", "0.5", "--calibrate", str(tmp_path / "inputs")]) == 1
    assert "finds no convolution" in capsys.readouterr().err
