"""A picture file as the array that a model's input wants.

In come a PNG, JPEG, BMP or PNM file and the input's element type and shape; out come the array and what the user should
know about how it was made. Pillow (extra `images`) is imported on first use. Floating inputs get 0..1, uint8 inputs 0..255;
any other scaling is the model's business and not guessed here.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...errors import CompileError, Diagnostic, error, warning
from .problems import refuse, shown_path
from .tensors import Array

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["PICTURE_SUFFIXES", "Extent", "read_picture"]

Extent = int | str | None  # fixed, named, or open

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm")
FORMATS = ("PNG", "JPEG", "BMP", "PPM")
MOST_PIXELS = 2**26  # 200 MB in RGB
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")  # eight bits a channel: convert() means what it says


@dataclass(frozen=True, slots=True)
class Layout:
    """What an input shape says about a picture: its channels, where they stand, and the extents it must have."""

    channels: int
    last: bool
    height: int | None
    width: int | None


def read_picture(path: Path, data: bytes, dtype: np.dtype[np.generic], shape: Sequence[Extent]) -> tuple[Array, tuple[Diagnostic, ...]]:
    """The picture in `data`, the content of `path`, as an array of `dtype` that fits `shape`, and warnings."""
    if dtype not in (np.float16, np.float32, np.float64, np.uint8):
        raise refuse(path, f"a picture cannot become {dtype}, which the input wants", "give the input as .npy")
    layout = _layout(path, shape)
    image, notes = _open(path, data)
    image, resized = _fit(path, image.convert("L" if layout.channels == 1 else "RGB"), layout)
    pixels: NDArray[np.uint8] = np.asarray(image).reshape(image.height, image.width, layout.channels)
    values = pixels if dtype == np.uint8 else (pixels / np.float32(255)).astype(dtype)
    oriented = values if layout.last else values.transpose(2, 0, 1)
    lead = (1,) * max(len(shape) - 3, 0)
    grey = oriented.reshape(image.height, image.width) if len(shape) == 2 else oriented
    return np.ascontiguousarray(grey).reshape(*lead, *grey.shape), (*notes, *resized)


def _layout(path: Path, shape: Sequence[Extent]) -> Layout:
    """N,C,H,W or N,H,W,C, the batch and, for grey, the channels left out; channels first when both would do, as in ONNX."""
    match tuple(shape):
        case (height, width):
            return Layout(1, True, _fixed(height), _fixed(width))
        case (1 | str() | None, 1 | 3 as channels, height, width) | (1 | 3 as channels, height, width):
            return Layout(channels, False, _fixed(height), _fixed(width))
        case (1 | str() | None, height, width, 1 | 3 as channels) | (height, width, 1 | 3 as channels):
            return Layout(channels, True, _fixed(height), _fixed(width))
    extents = " x ".join("?" if extent is None else str(extent) for extent in shape)
    hint = "a picture fits 1 x C x H x W or 1 x H x W x C with 1 or 3 channels; give other inputs as .npy"
    raise refuse(path, f"a picture does not fit an input of shape {extents or 'scalar'}", hint)


def _fixed(extent: Extent) -> int | None:
    return extent if isinstance(extent, int) else None


def _open(path: Path, data: bytes) -> tuple[Image, list[Diagnostic]]:
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError:
        raise refuse(path, "reading pictures needs Pillow, which is not installed", "pip install pillow") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the check below is stricter
            image: Image.Image = Image.open(BytesIO(data), formats=FORMATS)
        if image.width * image.height > MOST_PIXELS:
            raise refuse(path, f"the picture has {image.width} x {image.height} pixels; at most {MOST_PIXELS} are read", "make it smaller")
        if image.mode not in MODES:
            raise refuse(path, f"the picture has the pixel format {image.mode!r}", "save it with 8 bits per channel")
        image.load()
        return ImageOps.exif_transpose(image), _alpha_warning(path, image.mode)
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError) as fault:
        what = "it is of another format" if isinstance(fault, UnidentifiedImageError) else "it is cut short or damaged"
        raise refuse(path, f"the picture cannot be read: {what}", "give a whole PNG, JPEG, BMP or PNM file") from None


def _alpha_warning(path: Path, mode: str) -> list[Diagnostic]:
    if mode not in ("LA", "PA", "RGBA"):
        return []
    dropped = warning("the picture has an alpha channel, which is dropped")
    return [dropped.at(shown_path(path)).help("flatten it first if it is transparent")]


def _fit(path: Path, image: Image, layout: Layout) -> tuple[Image, list[Diagnostic]]:
    """The picture in the extents that the input fixes; the others it decides itself."""
    width, height = layout.width or image.width, layout.height or image.height
    if (width, height) == image.size:
        return image, []
    if width * height > MOST_PIXELS or width <= 0 or height <= 0:
        message = f"the input wants a picture of {height} x {width}; at most {MOST_PIXELS} pixels are made"
        raise CompileError(error(message).at(shown_path(path)).help("give the input as .npy"))
    from PIL.Image import Resampling

    message = f"the picture is {image.height} x {image.width} and was resized to the input's {height} x {width} (bilinear)"
    return image.resize((width, height), Resampling.BILINEAR), [warning(message).at(shown_path(path)).help("give a picture of that size")]
