"""Masked blocks against their own dense form and onnxruntime: one process, slices of calls in turn, the least time of each.

    python benchmarks/masks.py --threads 1 2 --json masks.json
    python benchmarks/masks.py --single --masker
    python benchmarks/masks.py --network resnet101

Residual blocks at the shapes of ResNet-50/101 (`examples/dynamic/export_block.py`): stages of three, single ones, or the whole network.
Every block has a mask of its own that is an input, so that its density can be set; with `--masker` one that a masker decides, which is
pushed to decide for that mask. "dense" is the same model without masks, or with `--decision` the same one, not skipping. Every time is of a
whole call from Python. `work` is the share of the multiply-accumulates that the masks need, counting all pixels that windows in between
read; the two limits are the density and this share, each with what may be lost beyond. Chips are in `masks_on_chips.py`.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

import beside  # noqa: F401 - finds the example
import intaglio
from export_block import STAGES, Block, Graph, Mask, add_block, blob_mask, network_blocks, resnet101_lasnet, stage_block, steering
from host import interleaved
from intaglio.compiler.masks import MaskOptions, Region
from intaglio.dialects.graph.tiles import needed_tiles

Array = npt.NDArray[Any]
DENSITIES = (0.1, 0.25, 0.5, 0.75, 1.0)
ALLOWED = 0.12
ALLOWED_AT_ONE = 0.05


@dataclass(frozen=True, slots=True)
class Subject:
    """Blocks by name, one behind the other, and what their model is fed beside the masks."""

    name: str
    blocks: dict[str, Block]
    feed: str
    shape: tuple[int, ...]
    has_maskers: bool = False
    decides: bool = False  # "dense" is the same model, compiled without skipping

    def model(self, mask: Mask) -> onnx.ModelProto:
        """With masks as inputs or from maskers, or dense, with the same weights."""
        mask = "steered" if self.has_maskers and mask == "input" else mask
        if self.feed == "image":
            return resnet101_lasnet(mask)
        graph = Graph(0, 1)
        x = graph.input(self.feed, self.shape)
        for name, block in self.blocks.items():
            x = add_block(graph, x, block, mask, f"{name}.", f"{name}.out")
        return graph.model(x, (1, block.channels_out, block.size, block.size))

    def masks(self, density: float, random: np.random.Generator, discs: bool = False) -> dict[str, Array]:
        """One for every block, on its coarse grid: a square blob, or two discs."""
        make = blob_mask if discs else square
        return {f"{name}.mask": make(block.mask_shape(), density, random) for name, block in self.blocks.items()}

    def fed(self, masks: Mapping[str, Array]) -> dict[str, Array]:
        """What the model is fed for these masks."""
        if not self.has_maskers:
            return dict(masks)
        return {name.removesuffix("mask") + "steer": steering(mask) for name, mask in masks.items()}


@dataclass(frozen=True, slots=True)
class Row:
    """One subject at one density: milliseconds of the three, ours masked against ours dense, and the two limits."""

    subject: str
    threads: int
    density: float
    work: float
    masked_ms: float
    dense_ms: float
    onnxruntime_ms: float
    ratio: float
    limit: float
    work_limit: float
    error: float

    def __str__(self) -> str:
        times = f"{self.masked_ms:9.3f} {self.dense_ms:9.3f} {self.onnxruntime_ms:9.3f}"
        mark = "" if self.ratio <= self.limit else "  over" if self.ratio <= self.work_limit else "  over both"
        shares = f"{self.threads:2d} {self.density:6.3f} {self.work:6.3f}"
        return f"{self.subject:28s} {shares} {times} {self.ratio:6.2f} {self.limit:6.2f} {self.work_limit:6.2f} {self.error:8.1e}{mark}"


def square(shape: Sequence[int], density: float, random: np.random.Generator) -> Array:
    """A mask whose chosen tiles lie together: rows of a square at a random place."""
    *_, side = shape
    count = max(1, round(density * side * side))
    width = min(math.ceil(math.sqrt(count)), side)
    height = math.ceil(count / width)
    top, left = (int(random.integers(0, side - extent + 1)) for extent in (height, width))
    mask = np.zeros(shape, np.float32)
    for i in range(count):
        mask[..., top + i // width, left + i % width] = 1
    return mask


def enlarged(mask: Array, block: Block) -> Array:
    """A coarse mask on the output grid."""
    return mask.repeat(block.granularity, 2).repeat(block.granularity, 3)


def products(model: onnx.ModelProto) -> dict[str, int]:
    """Multiply-accumulates of every convolution and product with constant weights, by node, for one picture."""
    weights = {each.name: math.prod(each.dims) for each in model.graph.initializer}
    shapes = {each.name: each.type.tensor_type.shape.dim for each in onnx.shape_inference.infer_shapes(model).graph.value_info}
    return {
        node.name: weights[node.input[1]] * math.prod(dim.dim_value for dim in list(shapes.get(node.output[0], ()))[2:])
        for node in model.graph.node
        if node.op_type in ("Conv", "Gemm")
    }


def work_share(regions: Sequence[Region], masks: Sequence[Array], by_node: Mapping[str, int]) -> float:
    """What the masks of the regions, in full size, leave of the products."""
    needed = {
        layer.node: float(needed_tiles(mask, layer.extents, (1, 1), layer.scale, layer.low, layer.high).mean())
        for region, mask in zip(regions, masks, strict=True)
        for layer in region.layers
    }
    return sum(count * needed.get(node, 1.0) for node, count in by_node.items()) / sum(by_node.values())


def measure(subject: Subject, threads: int, seconds: float, densities: Sequence[float]) -> Iterator[Row]:
    """A row for every density."""
    discs = subject.feed == "image"
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{name}.onnx" for name in ("masked", "dense")]
        with_masks, without = subject.model("input"), subject.model("dense")
        for model, path in zip((with_masks, without), paths, strict=True):
            onnx.save(model, path)
        masked = intaglio.compile(paths[0], threads=threads, masks=MaskOptions(decision="masked"))
        dense = intaglio.compile(paths[0 if subject.decides else 1], threads=threads, masks=MaskOptions(decision="dense"))
        sessions = [_session(path, threads) for path in paths]
    by_node, random = products(without), np.random.default_rng(3)
    x = {subject.feed: random.standard_normal(subject.shape, np.float32)}
    for density in densities:
        masks = subject.masks(density, random, discs)
        given = x | subject.fed(masks)
        full = [enlarged(mask, block) for mask, block in zip(masks.values(), subject.blocks.values(), strict=True)]
        work = work_share(masked.manifest.regions, full, by_node)
        error = float(np.abs(next(iter(masked.run(given).values())) - sessions[0].run(None, given)[0]).max())
        calls = (partial(masked.run, given), partial(dense.run, given if subject.decides else x), partial(sessions[1].run, None, x))
        ours, whole, theirs = (least * 1e3 for least in interleaved(calls, seconds))
        chosen = float(np.mean([mask.mean() for mask in masks.values()]))
        limit, work_limit = (share + (ALLOWED if chosen < 1 else ALLOWED_AT_ONE) for share in (chosen, work))
        yield Row(subject.name, threads, chosen, work, ours, whole, theirs, ours / whole, limit, work_limit, error)


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # a worker that spins takes the core of whoever comes next
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def subjects(blocks: int, stages: int, has_maskers: bool = False, decides: bool = False) -> Iterator[Subject]:
    """Stages of so many blocks, in tiles of 2, 4 and 8 pixels that divide their sides."""
    for basic, stage, tile in product((False, True), range(stages), (2, 4, 8)):
        if STAGES[stage][0] % tile == 0:
            block = stage_block(stage, tile, basic=basic)
            name = f"{'basic' if basic else 'bottleneck'} {block.channels_out}x{block.size} S{tile}"
            yield Subject(name, {f"b{i}": block for i in range(blocks)}, "x", block.input_shape(), has_maskers, decides)


def main() -> None:
    """Print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--blocks", type=int, default=3, help="blocks of a stage")
    parser.add_argument("--single", action="store_true", help="one block, from the model's input to its output")
    parser.add_argument("--masker", action="store_true", help="every block decides its mask itself")
    parser.add_argument("--decision", action="store_true", help="dense is the same model, decided not to skip")
    parser.add_argument("--network", choices=("resnet101",), help="the whole network with tiles of 8, 4, 7, 1, at a mean density of 0.5")
    parser.add_argument("--seconds", type=float, default=1.0, help="per row")
    parser.add_argument("--only", default="", help="subjects whose name holds this")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    chosen = list(subjects(1 if given.single else given.blocks, len(STAGES), given.masker, given.decision))
    if given.network:
        chosen = [Subject("resnet101 S8-4-7-1", network_blocks(), "image", (1, 3, 224, 224), given.masker, given.decision)]
    rows: list[Row] = []
    print(f"{'':28s}  t    d    work    masked     dense       ort  ratio  limits        error")
    for threads, subject in product(given.threads, chosen):
        if given.only in subject.name:
            for row in measure(subject, threads, given.seconds, (0.5,) if given.network else DENSITIES):
                print(row, flush=True)
                rows.append(row)
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
