"""External data: inside the model's folder only, within the file, mapped once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from intaglio.compiler.frontend.external import ExternalFiles
from intaglio.compiler.frontend.reader import read_model
from intaglio.compiler.frontend.tensors import tensor_array, tensor_faults
from intaglio.errors import CompileError

VALUES = np.arange(6, dtype=np.float32).reshape(2, 3)


def external(location: str, element: int = TensorProto.FLOAT, dims: tuple[int, ...] = (2, 3), **entries: object) -> TensorProto:
    tensor = TensorProto(name="w", data_type=element, dims=dims, data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), *entries.items()):
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def faults(folder: Path, tensor: TensorProto) -> str:
    return "; ".join(tensor_faults(tensor, ExternalFiles(folder)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "model"
    inside.mkdir()
    (inside / "w.bin").write_bytes(b"???" + VALUES.tobytes() + b"!")
    (tmp_path / "secret.bin").write_bytes(bytes(100))
    return inside


def test_offset_and_length(folder: Path) -> None:
    files = ExternalFiles(folder)
    array = tensor_array(external("w.bin", offset=3, length=24), files)
    np.testing.assert_array_equal(array, VALUES)
    assert array.flags.aligned
    assert not array.flags.writeable
    np.testing.assert_array_equal(tensor_array(external("w.bin", offset=3), files), VALUES)


def test_aligned_data_is_mapped_without_a_copy(folder: Path) -> None:
    (folder / "a.bin").write_bytes(VALUES.tobytes())
    files = ExternalFiles(folder)
    array = tensor_array(external("./a.bin"), files)
    assert np.shares_memory(array, tensor_array(external("./a.bin"), files))
    np.testing.assert_array_equal(array, VALUES)


def test_what_was_checked_stays_readable(folder: Path) -> None:
    files = ExternalFiles(folder)
    tensor = external("w.bin", offset=3)
    assert not list(tensor_faults(tensor, files))
    (folder / "w.bin").unlink()
    (folder / "w.bin").symlink_to("../secret.bin")
    np.testing.assert_array_equal(tensor_array(tensor, files), VALUES)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"offset": 5}, "lie at bytes 5 to 29 of 'w.bin', which has 28 bytes"),
        ({"offset": 10**18}, "which has 28 bytes"),
        ({"offset": 3, "length": 23}, "needs 24 bytes, but its external data has a length of 23"),
        ({"offset": -1}, "offset '-1' of its external data is not a number"),
        ({"offset": "1e3"}, "offset '1e3'"),
        ({"offset": "9" * 30}, "offset"),
        ({"length": ""}, "length ''"),
    ],
)
def test_wrong_spans(folder: Path, entries: dict[str, Any], message: str) -> None:
    assert message in faults(folder, external("w.bin", **entries))


def test_claims_are_compared_before_anything_is_made(folder: Path) -> None:
    assert "4000000000000" in faults(folder, external("w.bin", dims=(10**12,)))


@pytest.mark.parametrize("location", ["../secret.bin", "sub/../../secret.bin", "link.bin", "up/secret.bin", "chain.bin"])
def test_paths_and_links_out_of_the_folder(folder: Path, location: str) -> None:
    (folder / "sub").mkdir()
    (folder / "link.bin").symlink_to("../secret.bin")
    (folder / "chain.bin").symlink_to("link.bin")
    (folder / "up").symlink_to("..")
    assert faults(folder, external(location)) == f"its data file '{location}' lies outside the model's folder"


def test_absolute_paths(folder: Path) -> None:
    assert "outside" in faults(folder, external(str(folder / "w.bin"), offset=3))
    assert "outside" in faults(folder, external("/etc/passwd"))


def test_links_inside_the_folder_are_fine(folder: Path) -> None:
    (folder / "link.bin").symlink_to("w.bin")
    assert not faults(folder, external("link.bin", offset=3))
    outside = folder.parent / "alias"  # a link to the folder itself says nothing about what is inside
    outside.symlink_to(folder)
    assert not faults(outside, external("w.bin", offset=3))


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("", "has no location"),
        ("gone.bin", "cannot be found"),
        ("a\0b", "cannot be found"),
        ("n" * 5000, "cannot be found"),
        ("loop.bin", "cannot be found"),
        (".", "is a directory"),
        ("pipe", "not a regular file"),
        ("empty.bin", "which has 0 bytes"),
    ],
)
def test_locations_without_data(folder: Path, location: str, message: str) -> None:
    (folder / "loop.bin").symlink_to("loop.bin")
    (folder / "empty.bin").touch()
    os.mkfifo(folder / "pipe")
    fault = faults(folder, external(location))
    assert message in fault
    assert len(fault) < 400


def test_an_empty_tensor_needs_no_bytes(folder: Path) -> None:
    (folder / "empty.bin").touch()
    assert tensor_array(external("empty.bin", dims=(0, 4)), ExternalFiles(folder)).shape == (0, 4)


def test_strings_and_double_data(folder: Path) -> None:
    assert "is string" in faults(folder, external("w.bin", TensorProto.STRING))
    tensor = external("w.bin", offset=3)
    tensor.float_data.append(1)
    assert "in several places" in faults(folder, tensor)


def test_a_model_with_external_data(folder: Path) -> None:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 3]) for name in "xy")
    add = helper.make_node("Add", ["x", "w"], ["y"], name="add")
    model = helper.make_model(helper.make_graph([add], "g", [x], [y], [external("w.bin", offset=3)]))
    (folder / "m.onnx").write_bytes(model.SerializeToString())
    file = read_model(folder / "m.onnx")
    np.testing.assert_array_equal(file.array(file.model.graph.initializer[0]), VALUES)
    (folder / "w.bin").write_bytes(b"short")
    with pytest.raises(CompileError, match=r"m.onnx, initialiser 'w'\n  help: put the data file"):
        read_model(folder / "m.onnx")
