"""Arrays for inputs from files, and ONNX test folders; broken files are refused in bounded memory."""

from __future__ import annotations

import contextlib
import io
import tracemalloc
import zipfile
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib import format as npy_format
from onnx import OptionalProto, SequenceProto, TensorProto, numpy_helper

from intaglio.compiler.frontend.inputs import load_input, load_test_data
from intaglio.errors import CompileError

F32 = np.dtype(np.float32)
VALUES = np.arange(6, dtype=np.float32).reshape(2, 3)


def refusal(path: Path, dtype: np.dtype[np.generic] = F32, shape: tuple[int | str | None, ...] = (2, 3), name: str = "x") -> str:
    with pytest.raises(CompileError) as caught:
        load_input(path, dtype, shape, name)
    text = str(caught.value)
    assert path.name in text
    assert all(found.hint for found in caught.value.diagnostics)
    assert text.replace("\n", "").isprintable()
    return text


def npy_bytes(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def npy_header(shape: tuple[int, ...], descr: str = "<f4") -> bytes:
    stream = io.BytesIO()
    npy_format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def test_npy(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, VALUES)
    for shape in ((2, 3), ("batch", 3), (None, None)):
        loaded = load_input(str(path), F32, shape)
        np.testing.assert_array_equal(loaded.array, VALUES)
        assert not loaded.warnings


@pytest.mark.parametrize("array", [np.asfortranarray(VALUES), VALUES.astype(">f4")], ids=["by columns", "big endian"])
def test_npy_in_other_orders(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "x.npy", array)
    loaded = load_input(tmp_path / "x.npy", F32, (2, 3)).array
    np.testing.assert_array_equal(loaded, VALUES)
    assert loaded.dtype.isnative


def test_npy_of_types_that_numpy_forgets(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", VALUES.astype(ml_dtypes.bfloat16))
    loaded = load_input(tmp_path / "x.npy", np.dtype(ml_dtypes.bfloat16), (2, 3)).array
    np.testing.assert_array_equal(loaded.astype(np.float32), VALUES)


def test_scalars_and_empty_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "s.npy", np.float32(3))
    assert load_input(tmp_path / "s.npy", F32, ()).array == 3
    np.save(tmp_path / "e.npy", np.zeros((0, 3), np.float32))
    assert load_input(tmp_path / "e.npy", F32, (None, 3)).array.shape == (0, 3)


def test_wrong_dtype_and_shape_name_both_sides(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, VALUES.astype(np.float64))
    assert "holds float64 2 x 3, but the input is float32 2 x 3" in refusal(path)
    assert "astype('float32')" in refusal(path)
    np.save(path, VALUES)
    text = refusal(path, shape=("batch\n", None, 4))
    assert "holds float32 2 x 3, but the input is float32 batch\\n x ? x 4" in text
    assert "x.npy, input 'x'" in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"not numpy", "magic string"),
        (npy_bytes(VALUES)[:-1], "24 bytes, but the input file holds 23"),
        (npy_bytes(VALUES) + b"!", "holds 25"),
        (npy_header((10**12,)), "4000000000000 bytes, but the input file holds 0"),
        (npy_header((2**62, 2**62)), "but the input file holds 0"),
        (npy_header((0, 2**62, 2**62)), "cannot be read"),
        (npy_header((-1, -6)) + bytes(24), "but the input file holds"),
        (npy_header((2,), "|O") + bytes(16), "Python objects"),
        (npy_header((1,), "(100000000,)<f4") + bytes(4), "but the input file holds 4"),
        (npy_header((2, 3)).replace(b"shape", b"sbape") + bytes(24), "cannot be read"),
        (b"\x93NUMPY\x09\x09" + bytes(100), "version 9.9"),
        (b"\x93NUMPY\x01\x00\xff\x1f" + b"(" * 8191, "cannot be read"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "cannot be read"),
    ],
)
def test_broken_npy(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", content)
    tracemalloc.start()
    try:
        assert message in refusal(tmp_path / "x.npy")
        refusal(tmp_path / "x.npz")
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([print], dtype=object), allow_pickle=True)
    assert "Python objects" in refusal(tmp_path / "x.npy")


def test_npz(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, only=VALUES)
    np.testing.assert_array_equal(load_input(path, F32, (2, 3), "x").array, VALUES)
    np.savez_compressed(path, x=VALUES, y=VALUES + 1)
    np.testing.assert_array_equal(load_input(path, F32, (2, 3), "y").array, VALUES + 1)
    assert "has no array 'z', but 'x', 'y'" in refusal(path, name="z")


def test_broken_npz(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(b"PK\x03\x04 no zip")
    assert "not a zip file" in refusal(path)
    np.savez(path, x=VALUES)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(VALUES.tobytes(), bytes(24)))
    assert "bad crc-32" in refusal(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x.npy", npy_bytes(VALUES))
    assert "compressed in an unknown way" in refusal(path)


def test_missing_and_unknown_files(tmp_path: Path) -> None:
    for name in ("x.npy", "x.npz", "x.pb", "x.png"):
        assert "does not exist" in refusal(tmp_path / name)
        (tmp_path / name).mkdir()
        assert "is a directory" in refusal(tmp_path / name)
    assert ".npy, .npz, .pb, .png" in refusal(tmp_path / "x.wav")


def test_pb(tmp_path: Path) -> None:
    path = tmp_path / "x.pb"
    path.write_bytes(numpy_helper.from_array(VALUES, "x").SerializeToString())
    np.testing.assert_array_equal(load_input(path, F32, (2, 3)).array, VALUES)
    path.write_bytes(path.read_bytes()[:-1])
    assert "are not a tensor" in refusal(path)
    path.write_bytes(TensorProto(data_type=1, dims=[10**12], raw_data=bytes(8)).SerializeToString())
    assert "needs 4000000000000 bytes" in refusal(path)
    path.write_bytes(b"\x42\x01\xff")
    assert "name is not UTF-8" in refusal(path)


def test_sequences_and_optionals_are_not_supported_yet(tmp_path: Path) -> None:
    tensor = numpy_helper.from_array(VALUES, "x")
    for proto in (
        SequenceProto(name="s", elem_type=SequenceProto.TENSOR, tensor_values=[tensor, tensor]),
        OptionalProto(name="o", elem_type=OptionalProto.TENSOR, tensor_value=tensor),
    ):
        (tmp_path / "x.pb").write_bytes(proto.SerializeToString())
        assert "not supported yet" in refusal(tmp_path / "x.pb")


def write_set(folder: Path, inputs: int, outputs: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for kind, count in (("input", inputs), ("output", outputs)):
        for index in range(count):
            (folder / f"{kind}_{index}.pb").write_bytes(numpy_helper.from_array(np.array([index], np.float32), kind).SerializeToString())


def test_a_test_folder_in_numeric_order(tmp_path: Path) -> None:
    write_set(tmp_path, 12, 2)
    (test,) = load_test_data(tmp_path)
    assert [float(array[0]) for array in test.inputs] == list(range(12))
    assert [float(array[0]) for array in test.expected] == [0, 1]


def test_a_folder_of_test_folders(tmp_path: Path) -> None:
    for number in (0, 2, 10):
        write_set(tmp_path / f"test_data_set_{number}", 1, 1)
    (tmp_path / "model.onnx").touch()
    assert [test.folder.name for test in load_test_data(str(tmp_path))] == ["test_data_set_0", "test_data_set_2", "test_data_set_10"]


def test_broken_test_folders(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match="no expected outputs"):
        load_test_data(tmp_path)
    with pytest.raises(CompileError, match="does not exist"):
        load_test_data(tmp_path / "gone")
    write_set(tmp_path, 3, 1)
    (tmp_path / "input_1.pb").unlink()
    with pytest.raises(CompileError, match=r"no input_1\.pb before it\n  .*input_2\.pb"):
        load_test_data(tmp_path)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_bytes_end_in_an_array_or_a_diagnostic(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    stream = io.BytesIO()
    np.savez_compressed(stream, x=VALUES)
    kinds = {".npy": npy_bytes(VALUES), ".npz": stream.getvalue(), ".pb": numpy_helper.from_array(VALUES, "x").SerializeToString()}
    suffix = data.draw(st.sampled_from(sorted(kinds)))
    content = bytearray(kinds[suffix])
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / f"x{suffix}"
    path.write_bytes(bytes(content))
    with contextlib.suppress(CompileError):
        assert load_input(path, F32, (2, 3), "x").array.shape == (2, 3)
