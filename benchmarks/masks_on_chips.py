"""Masked blocks on the emulated chips: instructions against the same model with dense arithmetic, and memory.

    python benchmarks/masks_on_chips.py --json masks_on_chips.json

First small blocks whose mask is an input, at several densities; then the blocks of the trained net in `examples/dynamic`, on scenes that it
was not trained on. A kernel belongs to the block of the first ONNX node that it computes, so a block has its masker and its lists too.
Layers that are computed by one kernel share its instructions equally: only blocks of different extents are told apart.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnx

import beside  # noqa: F401 - finds the example
import intaglio
from export_block import Block
from intaglio.compiler.artefact import Layer
from intaglio.compiler.masks import MaskOptions
from masks import DENSITIES, Array, Subject, products, work_share
from scenes import as_input, held_out

CHIPS = ("cortex-m4", "rv32imafc")
SMALL = {"bottleneck": Block(32, 8, 32, 16, 4), "basic": Block(8, 8, 8, 16, 4, basic=True)}
DYNAMIC = Path(__file__).resolve().parents[1] / "examples" / "dynamic" / "dynamic.onnx"
ALLOWED = 0.08


@dataclass(frozen=True, slots=True)
class Row:
    """A block on a chip: instructions of both forms, their ratio, and the bytes of the whole model's arena."""

    chip: str
    block: str
    scene: int
    density: float
    work: float
    masked: int
    dense: int
    ratio: float
    limit: float
    arena_bytes: int
    dense_arena_bytes: int

    def __str__(self) -> str:
        shares = f"{self.density:6.3f} {self.work:6.3f} {self.masked:10d} {self.dense:10d} {self.ratio:6.3f} {self.limit:6.3f}"
        mark = "" if self.ratio <= self.limit else "  over"
        return f"{self.chip:10s} {self.block:11s} {self.scene:2d} {shares} {self.arena_bytes:8d} {self.dense_arena_bytes:8d}{mark}"


def rows(
    chip: str,
    masked: intaglio.Model,
    dense: intaglio.Model,
    by_node: Mapping[str, int],
    feeds: Sequence[tuple[Mapping[str, Array], Mapping[str, Array]]],
) -> Iterator[Row]:
    """Every block for every feed of the two models."""
    for number, (given, without) in enumerate(feeds):
        done, whole = masked.measure(given), dense.measure(without)
        regions = masked.manifest.regions
        masks = {_block(region.nodes): (region, done.observed[region.output]) for region in regions}
        ours, theirs = (_by_block(run.by_layer, model.manifest.layers) for run, model in ((done, masked), (whole, dense)))
        for name, (region, mask) in masks.items():
            counts = {node: count for node, count in by_node.items() if _block([node]) == name}
            density, ratio = float(mask.mean()), ours[name] / theirs[name]
            shares = density, work_share([region], [mask], counts)
            arenas = masked.manifest.arena_bytes, dense.manifest.arena_bytes
            yield Row(chip, name, number, *shares, ours[name], theirs[name], ratio, density + ALLOWED, *arenas)


def _block(nodes: Sequence[str]) -> str:
    """The block of a node `/block1/conv1/Conv` or `basic.conv1`; of several, that of the first."""
    return nodes[0].strip("/").replace(".", "/").split("/")[0] if nodes else ""


def _by_block(instructions: Sequence[int], layers: Sequence[Layer]) -> dict[str, int]:
    found: dict[str, int] = {}
    for count, layer in zip(instructions, layers, strict=True):
        name = _block([node for node, _ in layer.nodes])
        found[name] = found.get(name, 0) + count
    return found


def small_blocks(chip: str) -> Iterator[Row]:
    """One block alone, at several densities."""
    random = np.random.default_rng(3)
    for name, block in SMALL.items():
        subject = Subject(name, {name: block}, "x", block.input_shape())
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / f"{form}.onnx" for form in ("masked", "dense")]
            models = [subject.model("input"), subject.model("dense")]
            for model, path in zip(models, paths, strict=True):
                onnx.save(model, path)
            masked = intaglio.compile(paths[0], chip, masks=MaskOptions(decision="masked", observe=True))
            dense = intaglio.compile(paths[1], chip)
        x = {"x": random.standard_normal(subject.shape, np.float32)}
        yield from rows(chip, masked, dense, products(models[1]), [(x | subject.masks(density, random), x) for density in DENSITIES])


def trained_net(chip: str, scenes: int) -> Iterator[Row]:
    """The trained net, masked and dense."""
    masked, dense = (
        intaglio.compile(DYNAMIC, chip, dims={"batch": 1}, masks=MaskOptions(decision=decision, observe=decision == "masked"))
        for decision in ("masked", "dense")
    )
    pictures, _ = held_out()
    feeds = [{"image": as_input(pictures[i : i + 1])} for i in range(scenes)]
    yield from rows(chip, masked, dense, products(onnx.load(DYNAMIC)), [(feed, feed) for feed in feeds])


def main() -> None:
    """Print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chips", nargs="+", default=list(CHIPS))
    parser.add_argument("--scenes", type=int, default=5)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    made: list[Row] = []
    print("chip       block      no density   work     masked      dense  ratio  limit    arena    dense")
    for chip in given.chips:
        for row in (*small_blocks(chip), *trained_net(chip, given.scenes)):
            print(row, flush=True)
            made.append(row)
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in made], indent=1) + "\n")


if __name__ == "__main__":
    main()
