"""Pictures as inputs: layout, channels, range, size; and broken ones."""

from __future__ import annotations

import struct
import sys
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest

from intaglio.compiler.frontend.inputs import load_input
from intaglio.errors import CompileError, Severity

Image = pytest.importorskip("PIL.Image", reason="pictures need Pillow")

F32, U8 = np.dtype(np.float32), np.dtype(np.uint8)
RGB = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
GREY = RGB[:, :, 0]


def save(path: Path, pixels: np.ndarray) -> Path:
    Image.fromarray(pixels).save(path)
    return path


def refusal(path: Path, shape: tuple[int | str | None, ...] = (1, 3, 4, 6), dtype: np.dtype[np.generic] = F32) -> str:
    with pytest.raises(CompileError) as caught:
        load_input(path, dtype, shape)
    assert path.name in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".ppm"])
def test_layouts_of_colour(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"x{suffix}", RGB)
    first = RGB.transpose(2, 0, 1)
    for shape, expected in (
        ((1, 3, 4, 6), first[np.newaxis]),
        (("batch", 3, None, "w"), first[np.newaxis]),
        ((1, 4, 6, 3), RGB[np.newaxis]),
        ((None, None, None, 3), RGB[np.newaxis]),
        ((3, 4, 6), first),
        ((4, 6, 3), RGB),
    ):
        loaded = load_input(path, U8, shape)
        assert loaded.array.dtype == U8
        np.testing.assert_array_equal(loaded.array, expected)
        assert loaded.array.flags.c_contiguous
        assert not loaded.warnings


def test_grey_and_range(tmp_path: Path) -> None:
    path = save(tmp_path / "x.png", GREY)
    for shape in ((1, 1, 4, 6), (1, 4, 6, 1), (1, 4, 6), (4, 6)):
        loaded = load_input(path, F32, shape).array
        assert loaded.dtype == np.float32
        assert loaded.shape == shape
        np.testing.assert_array_equal(loaded.reshape(4, 6), (GREY / 255.0).astype(np.float32))  # f64, rounded once


def test_colour_becomes_grey_and_grey_colour(tmp_path: Path) -> None:
    flat = np.full((4, 6, 3), 77, np.uint8)
    assert (load_input(save(tmp_path / "c.png", flat), U8, (1, 1, 4, 6)).array == 77).all()
    array = load_input(save(tmp_path / "g.png", GREY), U8, (1, 3, 4, 6)).array
    np.testing.assert_array_equal(array, np.broadcast_to(GREY, (1, 3, 4, 6)))


def test_other_sizes_are_resized_and_said(tmp_path: Path) -> None:
    path = save(tmp_path / "x.png", np.full((4, 6, 3), 200, np.uint8))
    loaded = load_input(path, U8, (1, 3, 8, 8))
    assert loaded.array.shape == (1, 3, 8, 8)
    assert (loaded.array == 200).all()
    (said,) = loaded.warnings
    assert said.severity is Severity.WARNING
    assert "is 4 x 6 and was resized to the input's 8 x 8" in said.message
    assert load_input(path, U8, (1, 3, 2, None)).array.shape == (1, 3, 2, 6)


def test_alpha_is_dropped_and_said(tmp_path: Path) -> None:
    path = save(tmp_path / "x.png", np.dstack([RGB, GREY]))
    loaded = load_input(path, U8, (1, 4, 6, 3))
    np.testing.assert_array_equal(loaded.array[0], RGB)
    assert "alpha channel" in loaded.warnings[0].message


@pytest.mark.parametrize("shape", [(), (5,), (1, 4, 6, 5), (2, 3, 4, 6), (1, None, 4, 6), (1, 1, 3, 4, 6)])
def test_shapes_that_no_picture_fits(tmp_path: Path, shape: tuple[int | None, ...]) -> None:
    assert "a picture does not fit an input of shape" in refusal(save(tmp_path / "x.png", RGB), shape)


def test_types_that_no_picture_becomes(tmp_path: Path) -> None:
    assert "cannot become int64" in refusal(save(tmp_path / "x.png", RGB), dtype=np.dtype(np.int64))
    path = save(tmp_path / "deep.png", GREY.astype(np.uint16) * 257)
    assert "pixel format 'I;16'" in refusal(path)


def test_an_absurd_size_is_not_made(tmp_path: Path) -> None:
    assert "at most 67108864" in refusal(save(tmp_path / "x.png", RGB), (1, 3, 10**6, 10**6))


def test_broken_pictures(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(b"no picture")
    assert "of another format" in refusal(path)
    save(path, RGB)
    whole = path.read_bytes()
    for size in range(20, len(whole) - 20, 7):
        path.write_bytes(whole[:size])
        assert "cannot be read" in refusal(path)


@pytest.mark.parametrize(("width", "height"), [(9_000, 9_000), (100_000, 100_000), (2**31 - 1, 2**31 - 1)])
def test_pixel_bombs(tmp_path: Path, width: int, height: int) -> None:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b""))
    parts = [struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks]
    path = tmp_path / "x.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    tracemalloc.start()
    try:
        refusal(path)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_without_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "x.png", RGB)
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert "help: pip install pillow" in refusal(path)
