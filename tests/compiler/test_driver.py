"""`intaglio.compile` on the bundled model, against onnxruntime; the cache, specialisations, what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

import intaglio
from intaglio.compiler import driver
from intaglio.compiler.masks import MaskOptions
from small_models import save_model, save_relu
from sources import ROOT

DIGITS = ROOT / "examples" / "digits" / "digits.onnx"
DYNAMIC = ROOT / "examples" / "dynamic" / "dynamic.onnx"
RTOL, ATOL = 1e-4, 1e-6  # probabilities of f32 sums in another order


def images(count: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(count).random((count, 1, 8, 8), np.float32)


def expected(x: np.ndarray[Any, np.dtype[np.float32]]) -> np.ndarray[Any, np.dtype[np.float32]]:
    session = onnxruntime.InferenceSession(str(DIGITS), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"image": x})
    assert isinstance(found, np.ndarray)
    return found


@pytest.fixture(scope="module")
def digits() -> intaglio.Model:
    return intaglio.compile(DIGITS, cache=False)


@pytest.mark.parametrize("count", [3, 1])
def test_open_extents_are_taken_from_the_arrays(digits: intaglio.Model, count: int) -> None:
    x = images(count)
    np.testing.assert_allclose(digits.run({"image": x})["probabilities"], expected(x), RTOL, ATOL)
    np.testing.assert_array_equal(digits(x)["probabilities"], digits.run({"image": x})["probabilities"])


def test_inputs_and_outputs_have_the_names_of_the_file(digits: intaglio.Model) -> None:
    (image,), (probabilities,) = digits.inputs, digits.outputs
    assert (image.name, image.extents, image.element) == ("image", ("batch", 1, 8, 8), "f32")
    assert (probabilities.name, probabilities.extents) == ("probabilities", ("batch", 10))


def test_layers_have_all_the_work(digits: intaglio.Model) -> None:
    digits(images(1))
    assert sum(layer.macs for layer in digits.manifest.layers) == 109_056  # as examples/digits/README.md has it


def test_convolutions_under_a_mask_have_their_own_work() -> None:
    """Each is the first node of its kernel, though lists and masks carry all nodes of their region."""
    layers = intaglio.compile(DYNAMIC, dims={"batch": 1}, masks=MaskOptions(decision="masked"), cache=False).manifest.layers
    found = {layer.nodes[0][0]: layer.macs for layer in layers if layer.macs and layer.nodes[0][0].startswith("/block3/conv")}
    pixels = 16 * 16
    assert found == {
        "/block3/conv1/conv/Conv": pixels * 64 * 48,
        "/block3/conv2/conv/Conv": pixels * 48 * 48 * 9,
        "/block3/conv3/conv/Conv": pixels * 48 * 64,
    }


def test_specialisations_are_bounded(tmp_path: Path) -> None:
    model = intaglio.compile(save_relu(tmp_path / "m.onnx", ("n",)), cache=False)
    for count in range(1, driver.MOST_SPECIALISATIONS + 3):
        x = np.linspace(-1, 1, count, dtype=np.float32)
        np.testing.assert_array_equal(model(x)["y"], np.maximum(x, 0))
    assert len(model._native) == driver.MOST_SPECIALISATIONS


def test_the_chip_computes_what_the_host_does(digits: intaglio.Model) -> None:
    chip = intaglio.compile(DIGITS, "rv64gc", dims={"batch": 1}, cache=False)
    x = images(1)
    run = chip.measure({"image": x})
    np.testing.assert_allclose(run.outputs["probabilities"], digits(x)["probabilities"], 1e-5, 1e-9)
    assert run.instructions == chip.measure({"image": x}).instructions
    assert run.instructions is not None
    assert 0 < sum(run.by_layer) <= run.instructions
    assert run.stack_bytes is not None
    assert chip.manifest.stack_bytes is not None
    assert run.stack_bytes <= chip.manifest.stack_bytes


def test_dlpack_and_lists_are_arrays(tmp_path: Path) -> None:
    class Foreign:
        """Another library's array."""

        def __init__(self, array: np.ndarray[Any, Any]) -> None:
            self.array = array

        def __dlpack__(self, **options: Any) -> Any:
            return self.array.__dlpack__(**options)

        def __dlpack_device__(self) -> Any:
            return self.array.__dlpack_device__()

    x = np.array([[-1.0, 2.0, 3.0], [4.0, -5.0, 6.0]], np.float32)
    for shape in ((2, 3), ("n", "m")):
        model = intaglio.compile(save_relu(tmp_path / "m.onnx", shape), cache=False)
        for value in (x, Foreign(x), x.tolist(), np.asfortranarray(x), x.astype(">f4").astype("<f4")):
            np.testing.assert_array_equal(model(value)["y"], np.maximum(x, 0))


@pytest.mark.parametrize("shape", [(2, 3), ("n", 3)])
@pytest.mark.parametrize(
    ("feeds", "words"),
    [
        ({}, ["'x'"]),
        ({"z": np.zeros((2, 3), np.float32)}, ["'x'", "'z'"]),
        ({"x": np.zeros((2, 3))}, ["float64", "float32"]),
        ({"x": np.zeros((2, 4), np.float32)}, ["2 x 4", "x 3"]),
        ({"x": np.zeros(3, np.float32)}, ["'x'", "3"]),
        ({"x": "text"}, ["'x'"]),
        ({"x": np.zeros((2, 3), np.float32), "evil\x1b[2J": 0}, ["evil\\x1b[2J"]),
    ],
)
def test_wrong_arrays_are_refused(tmp_path: Path, shape: tuple[int | str, ...], feeds: dict[str, object], words: list[str]) -> None:
    model = intaglio.compile(save_relu(tmp_path / "m.onnx", shape), cache=False)
    with pytest.raises(intaglio.CompileError) as caught:
        model.run(feeds)
    assert all(word in str(caught.value) for word in words)


def test_several_inputs_need_names(tmp_path: Path) -> None:
    path = save_model(tmp_path / "m.onnx", [helper.make_node("Add", ["a", "b"], ["y"])], {"a": [2], "b": [2]}, {"y": [2]})
    model = intaglio.compile(path, cache=False)
    one = np.ones(2, np.float32)
    np.testing.assert_array_equal(model.run({"a": one, "b": one})["y"], one + one)
    with pytest.raises(intaglio.CompileError, match="has 2 inputs: 'a', 'b'"):
        model(one)


def test_a_chip_needs_every_extent(tmp_path: Path) -> None:
    with pytest.raises(intaglio.CompileError) as caught:
        intaglio.compile(save_relu(tmp_path / "m.onnx", ("batch", None)), "cortex-m4", cache=False)
    text = str(caught.value)
    assert "error: dimension 'batch' of input 'x' has no value, and cortex-m4 needs every extent at compile time" in text
    assert "--dim batch=1" in text
    assert "--shape x=1x1" in text
    bound = intaglio.compile(tmp_path / "m.onnx", "cortex-m4", shapes={"x": (2, 2)}, cache=False)
    assert bound.is_compiled


def test_a_model_that_is_too_large_for_the_chip(tmp_path: Path) -> None:
    weights = np.zeros((1024, 1024), np.float32)  # 4 MiB of flash, and the chip has 2
    path = save_model(
        tmp_path / "m.onnx", [helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": [1, 1024]}, {"y": [1, 1024]}, {"w": weights}
    )
    with pytest.raises(intaglio.CompileError, match=r"the model takes 4\d{6} bytes of flash, and cortex-m4 has 2097152"):
        intaglio.compile(path, "cortex-m4", cache=False)
    path = save_relu(tmp_path / "n.onnx", (200_000,))  # input and output alone are 1.6 MB
    with pytest.raises(intaglio.CompileError, match="bytes of RAM, and cortex-m4 has 655360"):
        intaglio.compile(path, "cortex-m4", cache=False)


# The cache.


def test_a_second_compilation_comes_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTAGLIO_CACHE", str(tmp_path / "cache"))
    path = save_relu(tmp_path / "m.onnx")
    first = intaglio.compile(path)
    program = (
        "import sys, intaglio\n"
        f"m = intaglio.compile({str(path)!r})\n"
        "assert m([[1, -1, 2], [3, 4, -5]])['y'].tolist() == [[1, 0, 2], [3, 4, 0]]\n"
        "print(*[name for name in ('onnx', 'intaglio.passes', 'intaglio.compiler.stages') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
    again = intaglio.compile(path)
    assert again.artefact == first.artefact


def test_another_model_or_option_is_compiled_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTAGLIO_CACHE", str(tmp_path / "cache"))
    x = np.array([-1.0, 2.0], np.float32)
    path = save_relu(tmp_path / "m.onnx", (2,))
    assert intaglio.compile(path)(x)["y"].tolist() == [0, 2]
    save_model(path, [helper.make_node("Neg", ["x"], ["y"])], {"x": [2]}, {"y": [2]})
    assert intaglio.compile(path)(x)["y"].tolist() == [1, -2]
    assert intaglio.compile(path, name="other").manifest.name == "other"


def test_data_files_are_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTAGLIO_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "model"
    folder.mkdir()
    path = save_model(
        folder / "m.onnx", [helper.make_node("Add", ["x", "w"], ["y"])], {"x": [2]}, {"y": [2]}, {"w": np.zeros(2, np.float32)}
    )
    from small_models import load

    model = load(path)
    (weights,) = model.graph.initializer
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="w.bin")
    path.write_bytes(model.SerializeToString())
    x = np.zeros(2, np.float32)
    for value in (1.0, 1.0, 5.0):
        (folder / "w.bin").write_bytes(np.full(2, value, np.float32).tobytes())
        assert intaglio.compile(path)(x)["y"].tolist() == [value, value]
    (folder / "w.bin").unlink()
    with pytest.raises(intaglio.CompileError, match=r"w\.bin"):
        intaglio.compile(path)
    (tmp_path / "w.bin").write_bytes(np.full(2, 5.0, np.float32).tobytes())
    (folder / "w.bin").symlink_to(tmp_path / "w.bin")  # the same bytes, but outside
    with pytest.raises(intaglio.CompileError, match="outside the model's folder"):
        intaglio.compile(path)


def test_a_damaged_cache_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTAGLIO_CACHE", str(tmp_path / "cache"))
    path = save_relu(tmp_path / "m.onnx", (2,))
    intaglio.compile(path)
    for entry in (tmp_path / "cache").rglob("*.object"):
        entry.write_bytes(entry.read_bytes()[:-3])
    assert intaglio.compile(path)(np.array([-1.0, 2.0], np.float32))["y"].tolist() == [0, 2]


# Saved models.


def test_saved_models_load_without_a_compiler(digits: intaglio.Model, tmp_path: Path) -> None:
    x = images(2)
    want = digits(x)["probabilities"]
    paths = digits.save(tmp_path / "saved")
    assert {path.suffix for path in paths} == {".o", ".h", ".json", ".so"}
    np.save(tmp_path / "x.npy", x)
    program = (
        "import sys, numpy as np, intaglio\n"
        f"model = intaglio.load({str(tmp_path / 'saved')!r})\n"
        f"np.save({str(tmp_path / 'y.npy')!r}, model.run({{'image': np.load({str(tmp_path / 'x.npy')!r})}})['probabilities'])\n"
        "print(*[name for name in ('onnx', 'llvmlite', 'intaglio.compiler.driver', 'intaglio.dialects') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), want)


def test_nothing_can_be_saved_before_there_is_code(tmp_path: Path) -> None:
    model = intaglio.compile(save_relu(tmp_path / "m.onnx", ("n",)), cache=False)
    with pytest.raises(intaglio.CompileError, match="extents of 'x' are open"):
        model.save(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


def test_threads_give_the_same_bits() -> None:
    x = images(3)
    one = intaglio.compile(DIGITS, dims={"batch": 3}, cache=False)(x)["probabilities"]
    np.testing.assert_array_equal(intaglio.compile(DIGITS, threads=2, dims={"batch": 3}, cache=False)(x)["probabilities"], one)
