"""The command line about masks: remarks, decisions, calibration, pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from intaglio.compiler.cli.main import main
from intaglio.compiler.driver import compile
from intaglio.compiler.masks import MaskOptions
from intaglio.errors import CompileError
from mask_models import Net

CHOSEN = Net().mask(4)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INTAGLIO_CACHE", str(tmp_path / "cache"))
    net = Net()
    mask = net.mask(4)
    net.add("Mul", net.branch(), mask, out="y")
    onnx.save(net.model(), tmp_path / "m.onnx")
    (tmp_path / "inputs").mkdir()
    np.save(tmp_path / "inputs" / "a.npy", net.feed())
    return tmp_path / "m.onnx"


def records(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[dict[str, list[dict[str, object]]], str]:
    assert main([*words, "--json"]) == 0
    out, err = capsys.readouterr()
    return json.loads(out), err


def test_inspect(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record, err = records(capsys, "inspect", str(model), "--remarks", "--target", "cortex-m4", "--density", f"{CHOSEN}=0.1")
    (region,) = record["masked_regions"]
    assert (region["mask"], region["kind"], region["granularity"], region["decision"]) == (CHOSEN, "spatial", 4, "masked")
    assert region["expected_density"] == 0.1
    assert set(region["predicted"]) == {"dense_cycles", "masked_cycles"}  # type: ignore[call-overload]
    assert f"spatial mask '{CHOSEN}'" in err
    assert "Mul@y" in err


def test_strict(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record, err = records(capsys, "inspect", str(model), "--remarks", "--strict-masks")
    assert record["masked_regions"] == []
    assert "strict masks keep" in err


def test_calibrated(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record, _ = records(capsys, "inspect", str(model), "--calibrate", str(model.parent / "inputs"))
    mask = compile(model, masks=MaskOptions(observe=True)).run({"x": np.load(model.parent / "inputs" / "a.npy")})[f"mask:0:{CHOSEN}"]
    assert record["masked_regions"][0]["expected_density"] == pytest.approx(mask.mean())


def test_calibrated_in_groups(tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The density is the share of the pixels that any group chooses."""
    net = Net()
    mask = net.mask(4, groups=2)
    net.add("Mul", net.branch(), mask, out="y")
    onnx.save(net.model(), model)
    record, _ = records(capsys, "inspect", str(model), "--calibrate", str(tmp_path / "inputs"))
    (chosen,) = [
        each for name, each in compile(model, masks=MaskOptions(observe=True)).run({"x": net.feed()}).items() if name.startswith("mask")
    ]
    assert chosen.shape[1] == 2
    assert chosen.mean() < chosen.max(axis=1).mean()
    assert record["masked_regions"][0]["expected_density"] == pytest.approx(chosen.max(axis=1).mean())


def test_pictures(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = model.parent / "pictures"
    words = ("run", str(model), "--input", str(model.parent / "inputs" / "a.npy"), "--masks", str(folder), "--mask-decision", "masked")
    record, _ = records(capsys, *words)
    assert record["masks"][0]["layer"] == ""
    assert len(record["masks"]) == 3
    assert [output["name"] for output in record["outputs"]] == ["y"]
    for picture in record["masks"]:
        with Image.open(folder / str(picture["file"])) as image:
            assert min(image.size) >= 224
        assert f"d{picture['density']:.2f}" in str(picture["file"])


def test_pictures_that_cannot_be_written(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", str(model), "--input", str(model.parent / "inputs" / "a.npy"), "--mask-decision", "masked"]
    assert main([*words, "--masks", str(model)]) == 1  # a file
    assert "--masks DIR" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--density", "2"], ["--density", "=0.1"], ["--density", "other=0.1"], ["--calibrate", "nowhere"]])
def test_bad_words(model: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(model), *words]) == 1
    assert "help:" in capsys.readouterr().err


def test_observe(model: Path) -> None:
    compiled = compile(model, observe=[CHOSEN])
    assert [port.name for port in compiled.outputs] == ["y"]
    values = compiled.run({"x": np.load(model.parent / "inputs" / "a.npy")})
    assert set(np.unique(values[CHOSEN])) == {0, 1}
    with pytest.raises(CompileError, match="no inner value 'choosen'"):
        compile(model, observe=["choosen"])
    with pytest.raises(CompileError, match="is an output already"):
        compile(model, observe=["y"])
