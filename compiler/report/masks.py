"""Pictures of what masks choose: over the input picture, per region and per layer inside it.

In come runs with observed masks; out come PNG files and a row for each. What is skipped is dark. The one thing to know: the pixels of an
inner layer are found from the mask by the rule of the compiled code (`graph.reach_mask`), so the density is that of the work, dilation
included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..feeds import Array
from ..masks import InnerLayer, Region
from .terminal import Column, print_table, write

if TYPE_CHECKING:
    from ..driver import Run
    from ..outcome import Case

__all__ = ["MaskPicture", "pictures_record", "print_pictures", "write_pictures"]

DARKEST = 0.25  # what is left of the picture where nothing is computed
LEAST_SIDE = 224  # small pictures are shown larger
COLOURS = 3
LONGEST_WORD = 48  # of a name from the model in a file's name


@dataclass(frozen=True, slots=True)
class MaskPicture:
    """One file: the share that is chosen (`layer` empty: of the mask; else of the layer's pixels), for one picture of the batch."""

    file: str
    case: str
    mask: str
    layer: str
    decision: str
    density: float


def write_pictures(folder: Path, cases: Sequence[Case], runs: Sequence[Run]) -> list[MaskPicture]:
    """Write the files of every case, or none; the folder is made if there is a mask."""
    from ..save import write_files

    found = [
        each
        for number, (case, run) in enumerate(zip(cases, runs, strict=True))
        for each in _of_run(f"{number}_" if len(runs) > 1 else "", case, run)
    ]
    if found:
        write_files(folder, {picture.file: content for picture, content in found}, "name another folder: --masks DIR")
    return [picture for picture, _ in found]


def _of_run(prefix: str, case: Case, run: Run) -> Iterator[tuple[MaskPicture, bytes]]:
    for number, region in enumerate(run.artefact.manifest.regions):
        mask = run.observed.get(region.output)
        if mask is None:
            continue
        for position, (layer, chosen) in enumerate(_chosen(region, mask != 0)):
            density = float(chosen.mean())
            for n, plane in enumerate(chosen.max(axis=1)):
                layer_words = [str(position), layer] if layer else []
                words = [prefix + str(number), region.mask, *layer_words, *([str(n)] if len(chosen) > 1 else []), f"d{density:.2f}"]
                name = "_".join(re.sub(r"[^A-Za-z0-9.]+", "-", word[:LONGEST_WORD]).strip("-") for word in words if word) + ".png"
                yield MaskPicture(name, case.name, region.mask, layer, region.decision, density), _drawn(_background(case.inputs, n), plane)


def _chosen(region: Region, mask: Array) -> Iterator[tuple[str, Array]]:
    """The mask itself, then the pixels of every layer that are needed."""
    yield "", mask
    for layer in region.layers:
        yield layer.node, _pixels(layer, mask) if region.kind == "spatial" else mask


def _pixels(layer: InnerLayer, mask: Array) -> Array:
    from ...dialects.graph.tiles import needed_tiles

    return needed_tiles(mask, layer.extents, (1, 1), layer.scale, layer.low, layer.high)


def _background(inputs: Mapping[str, Array], n: int) -> Array:
    """The first input that looks like a picture, as H x W x 3 from 0 to 255; grey if there is none."""
    for array in inputs.values():
        if array.ndim == 4 and array.dtype.kind in "fui" and min(array.shape[2:]) > 1:
            planes = np.asarray(array[n % len(array)], np.float32)
            planes = planes[:COLOURS] if len(planes) >= COLOURS else planes[:1].repeat(COLOURS, axis=0)
            planes = np.nan_to_num(planes)
            low, high = float(planes.min()), float(planes.max())
            return ((planes - low) / (high - low or 1.0) * 255).transpose(1, 2, 0)
    return np.full((1, 1, COLOURS), 255.0, np.float32)


def _drawn(background: Array, chosen: Array) -> bytes:
    """A PNG: the background where it is chosen, dark elsewhere."""
    from PIL import Image

    height, width = (max(a, b) for a, b in zip(background.shape[:2], chosen.shape, strict=True))
    scale = max(-(-LEAST_SIDE // max(height, width)), 1)
    size = (width * scale, height * scale)
    picture = Image.fromarray(background.astype(np.uint8)).resize(size, Image.Resampling.NEAREST)
    light = Image.fromarray(np.where(chosen, 255, int(DARKEST * 255)).astype(np.uint8)).resize(size, Image.Resampling.NEAREST)
    black = Image.new("RGB", size)
    file = BytesIO()
    Image.composite(picture, black, light).save(file, "PNG")
    return file.getvalue()


def pictures_record(pictures: Sequence[MaskPicture]) -> list[dict[str, Any]]:
    """For JSON."""
    return [asdict(picture) for picture in pictures]


def print_pictures(pictures: Sequence[MaskPicture]) -> None:
    """A table of the files on stdout."""
    if not pictures:
        write("no masks: nothing of this model is skipped")
        return
    columns = (
        Column("mask", long=True),
        Column("layer", long=True),
        Column("decision"),
        Column("density", right=True),
        Column("file", long=True),
    )
    print_table("", columns, [(each.mask, each.layer, each.decision, f"{each.density:.3f}", each.file) for each in pictures])
