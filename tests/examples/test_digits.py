"""The bundled model is what its README says; onnxruntime is the judge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sources import ROOT

DIGITS = ROOT / "examples" / "digits"
LABELS = (DIGITS / "labels.txt").read_text().split()
PICTURES = sorted(DIGITS.glob("*.png"))


@pytest.fixture(scope="module")
def session() -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(DIGITS / "digits.onnx", providers=["CPUExecutionProvider"])


def tensor(path: Path) -> NDArray[np.float32]:
    return numpy_helper.to_array(onnx.TensorProto.FromString(path.read_bytes())).astype(np.float32)


def test_the_file_is_small_valid_and_named() -> None:
    assert (DIGITS / "digits.onnx").stat().st_size < 100_000
    model = onnx.load(DIGITS / "digits.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert [item.name for item in model.graph.input] == ["image"]
    assert [d.dim_param or d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim] == ["batch", 1, 8, 8]
    assert len({node.name for node in model.graph.node} - {""}) == len(model.graph.node)


def test_the_stated_size_is_true() -> None:
    parameters = sum(int(np.prod(item.dims)) for item in onnx.load(DIGITS / "digits.onnx").graph.initializer)
    # pixels x filter volume x filters: stem, down, depthwise, pointwise, dense
    macs = 64 * 9 * 16 + 16 * 9 * 16 * 32 + 16 * 9 * 32 + 16 * 32 * 32 + 512 * 10
    text = (DIGITS / "README.md").read_text()
    assert f"{parameters:,} parameters" in text
    assert f"{macs:,} multiply-accumulates" in text


def test_the_stated_accuracy_is_true(session: onnxruntime.InferenceSession) -> None:
    digits = load_digits()
    images = (np.round(digits.images * (255 / 16)) / 255).astype(np.float32)[:, None]
    _, x, _, y = train_test_split(images, digits.target, test_size=360, random_state=8, stratify=digits.target)
    hits = int((session.run(None, {"image": x})[0].argmax(1) == y).sum())
    assert f"{hits} of 360 held-out pictures" in (DIGITS / "README.md").read_text()
    assert hits / 360 > 0.98


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_each_picture_is_read_as_its_name_says(session: onnxruntime.InferenceSession, path: Path) -> None:
    with Image.open(path) as picture:
        assert (picture.mode, picture.size) == ("L", (8, 8))
        pixels = np.asarray(picture, np.float32)[None, None] / 255
    assert LABELS[session.run(None, {"image": pixels})[0].argmax()] == path.stem


@pytest.mark.parametrize(("folder", "count"), [("test_data_set_0", 1), ("test_data_set_1", 5)])
def test_the_onnx_test_folders_hold(session: onnxruntime.InferenceSession, folder: str, count: int) -> None:
    image, expected = tensor(DIGITS / folder / "input_0.pb"), tensor(DIGITS / folder / "output_0.pb")
    assert image.shape == (count, 1, 8, 8)
    # other CPUs sum in another order: a few ulp of values below 1
    np.testing.assert_allclose(session.run(None, {"image": image})[0], expected, rtol=1e-4, atol=1e-6)
