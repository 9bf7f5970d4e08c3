"""Masked blocks against their own dense form and onnxruntime: one process, slices of calls in turn, the least time of each.

    python benchmarks/masks.py --threads 1 2 --json masks.json
    python benchmarks/masks.py --chips

Stages of residual blocks at the shapes of ResNet-50/101, each block with a mask of its own that is an input, so that its density can be
set; masks are squares at a random place. "dense" is the same stage without masks. Every time is of a whole call from Python. With --chips,
a small block is executed on the emulated chips and its instructions are counted.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import NodeProto, TensorProto, helper, numpy_helper

import intaglio
from host import interleaved
from intaglio.compiler.masks import MaskOptions

Array = npt.NDArray[np.float32]
DENSITIES = (0.1, 0.25, 0.5, 0.75, 1.0)
STAGES = ((256, 56), (512, 28), (1024, 14))
CHIPS = ("cortex-m4", "rv32imafc")
ALLOWED = 0.12


@dataclass(frozen=True, slots=True)
class Shape:
    """A stage: `channels` of a bottleneck's ends (a basic block has a quarter), H = W = `side`, tiles of `tile` pixels squared."""

    kind: str
    channels: int
    side: int
    tile: int
    blocks: int

    @property
    def width(self) -> int:
        return self.channels // 4

    @property
    def ends(self) -> int:
        return self.channels if self.kind == "bottleneck" else self.width


@dataclass(frozen=True, slots=True)
class Row:
    """One stage at one density: milliseconds of the three, and ours masked against ours dense."""

    stage: str
    threads: int
    density: float
    masked_ms: float
    dense_ms: float
    onnxruntime_ms: float
    ratio: float
    limit: float
    error: float

    def __str__(self) -> str:
        times = f"{self.masked_ms:9.3f} {self.dense_ms:9.3f} {self.onnxruntime_ms:9.3f}"
        mark = "" if self.ratio <= self.limit else "  over"
        return f"{self.stage:26s} {self.threads:2d} {self.density:6.3f} {times} {self.ratio:6.2f} {self.limit:6.2f} {self.error:8.1e}{mark}"


class Stage:
    """An ONNX model of a stage under construction."""

    def __init__(self, shape: Shape, masked: bool) -> None:
        self.shape, self.masked = shape, masked
        self.random = np.random.default_rng(0)
        self.nodes: list[NodeProto] = []
        self.weights: list[TensorProto] = []

    def save(self, path: Path) -> Path:
        shape = self.shape
        x = "x"
        for number in range(shape.blocks):
            x = self.block(x, number)
        inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, shape.ends, shape.side, shape.side])]
        small = shape.side // shape.tile
        if self.masked:
            inputs += [helper.make_tensor_value_info(f"m{i}", TensorProto.FLOAT, [1, 1, small, small]) for i in range(shape.blocks)]
        output = helper.make_tensor_value_info(x, TensorProto.FLOAT, [1, shape.ends, shape.side, shape.side])
        graph = helper.make_graph(self.nodes, "stage", inputs, [output], self.weights)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
        return path

    def block(self, x: str, number: int) -> str:
        shape = self.shape
        windows = (1, 3, 1) if shape.kind == "bottleneck" else (3, 3)
        value, channels = x, shape.ends
        for i, window in enumerate(windows):
            last = i == len(windows) - 1
            outputs = shape.ends if last else shape.width
            value = self.conv(value, channels, outputs, window)
            value = value if last else self.add("Relu", value)
            channels = outputs
        if self.masked:
            value = self.add("Mul", value, self.mask(number))
        return self.add("Relu", self.add("Add", value, x))

    def mask(self, number: int) -> str:
        """The input, made 0 or 1, in full size."""
        chosen = self.add("Cast", self.add("GreaterOrEqual", f"m{number}", self.constant(np.float32(0.5))), to=TensorProto.FLOAT)
        if self.shape.tile == 1:
            return chosen
        scales = self.constant(np.array([1, 1, self.shape.tile, self.shape.tile], np.float32))
        return self.add("Resize", chosen, "", scales, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")

    def conv(self, x: str, channels: int, outputs: int, window: int) -> str:
        weights = self.random.standard_normal((outputs, channels, window, window)) * math.sqrt(1 / (channels * window * window))
        bias = self.random.standard_normal(outputs) * 0.1
        return self.add("Conv", x, self.constant(weights), self.constant(bias), pads=[window // 2] * 4)

    def constant(self, value: object) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def add(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, list(inputs), [name], name=f"{op_type}{len(self.nodes)}", **attributes))
        return name


def blob(side: int, density: float, random: np.random.Generator) -> Array:
    """A mask whose chosen tiles lie together: rows of a square at a random place."""
    count = max(1, round(density * side * side))
    width = min(math.ceil(math.sqrt(count)), side)
    height = math.ceil(count / width)
    top, left = (int(random.integers(0, side - extent + 1)) for extent in (height, width))
    mask = np.zeros((1, 1, side, side), np.float32)
    for i in range(count):
        mask[0, 0, top + i // width, left + i % width] = 1
    return mask


def measure(shape: Shape, threads: int, seconds: float) -> Iterator[Row]:
    """A row for every density."""
    with tempfile.TemporaryDirectory() as folder:
        with_masks = Stage(shape, True).save(Path(folder) / "masked.onnx")
        without = Stage(shape, False).save(Path(folder) / "dense.onnx")
        masked = intaglio.compile(with_masks, threads=threads, masks=MaskOptions(decision="masked"))
        dense = intaglio.compile(without, threads=threads)
        sessions = [_session(path, threads) for path in (with_masks, without)]
    random = np.random.default_rng(3)
    x = random.standard_normal((1, shape.ends, shape.side, shape.side), np.float32)
    for density in DENSITIES:
        masks = {f"m{i}": blob(shape.side // shape.tile, density, random) for i in range(shape.blocks)}
        given = {"x": x, **masks}
        error = float(np.abs(next(iter(masked.run(given).values())) - sessions[0].run(None, given)[0]).max())
        calls = (partial(masked.run, given), partial(dense.run, {"x": x}), partial(sessions[1].run, None, {"x": x}))
        ours, whole, theirs = (least * 1e3 for least in interleaved(calls, seconds))
        chosen = float(np.mean([mask.mean() for mask in masks.values()]))
        limit = chosen + ALLOWED if chosen < 1 else 1.05
        name = f"{shape.kind} {shape.channels}x{shape.side} S{shape.tile}"
        yield Row(name, threads, chosen, ours, whole, theirs, ours / whole, limit, error)


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # a worker that spins takes the core of whoever comes next
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def shapes(blocks: int) -> Iterator[Shape]:
    """Tiles that divide the side, of 2, 4 and 8 pixels."""
    for kind in ("bottleneck", "basic"):
        for channels, side in STAGES:
            yield from (Shape(kind, channels, side, tile, blocks) for tile in (2, 4, 8) if side % tile == 0)


def chips(densities: Sequence[float]) -> Iterator[dict[str, object]]:
    """Instructions of a small block, masked against dense."""
    for chip in CHIPS:
        for kind in ("bottleneck", "basic"):
            shape = Shape(kind, 32, 16, 4, 1)
            with tempfile.TemporaryDirectory() as folder:
                masked = intaglio.compile(
                    Stage(shape, True).save(Path(folder) / "masked.onnx"), chip, masks=MaskOptions(decision="masked")
                )
                dense = intaglio.compile(Stage(shape, False).save(Path(folder) / "dense.onnx"), chip)
                random = np.random.default_rng(3)
                x = random.standard_normal((1, shape.ends, shape.side, shape.side), np.float32)
                whole = dense.measure({"x": x}).instructions or 1
                for density in densities:
                    mask = blob(shape.side // shape.tile, density, random)
                    done = masked.measure({"x": x, "m0": mask})
                    ratio = (done.instructions or 0) / whole
                    arenas = {"arena_bytes": masked.manifest.arena_bytes, "dense_arena_bytes": dense.manifest.arena_bytes}
                    yield {"chip": chip, "kind": kind, "density": float(mask.mean()), "ratio": round(ratio, 3), "dense": whole, **arenas}


def main() -> None:
    """Print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--blocks", type=int, default=3, help="blocks of a stage; one alone pays for turning the model's input and output")
    parser.add_argument("--seconds", type=float, default=1.0, help="per row")
    parser.add_argument("--only", default="", help="stages whose name holds this")
    parser.add_argument("--chips", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    rows: list[object] = []
    if given.chips:
        for record in chips(DENSITIES):
            print(record, flush=True)
            rows.append(record)
    else:
        print("stage               threads density    masked     dense       ort  ratio  limit    error")
        for threads in given.threads:
            for shape in shapes(given.blocks):
                if given.only in f"{shape.kind} {shape.channels}x{shape.side} S{shape.tile}":
                    for row in measure(shape, threads, given.seconds):
                        print(row, flush=True)
                        rows.append(asdict(row))
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
