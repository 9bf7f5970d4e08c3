"""The published dynamic residual blocks with random weights, at the shapes of ResNet-50 and ResNet-101, for benchmarks and tests.

    python examples/dynamic/export_block.py block.onnx --stage 1 --granularity 4 --mask input

In: a `Block` (structure, extents, granularity) or a network's depths, and a seed. Out: an ONNX model of opset 17 whose
normalisations are folded into the convolutions, as exporters leave them. Structure after Han et al., "Latency-aware Spatial-wise
Dynamic Networks" (NeurIPS 2022), section 3 and figure 2. NumPy and onnx are enough.

The one thing to know: random maskers give densities that mean nothing, in a deep net mostly 0 or 1. Who measures time feeds `blob_mask`
to the `input` variant, whose mask is compared with 0.5 and enlarged just like a masker's, or `steering(blob_mask(...))` to the `steered`
one, which does a masker's work too. With the same seed all variants have the same convolutions.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Mask = Literal["masker", "steered", "input", "dense"]
Array = NDArray[np.float32]
OPSET = 17
EXPANSION = 4  # channels out of a bottleneck, per unit of width
STAGES = ((56, 64), (28, 128), (14, 256), (7, 512))  # output grid and width of ResNet's stages for pictures of 224x224
RESNET50 = (3, 4, 6, 3)
RESNET101 = (3, 4, 23, 3)
BRANCH_GAIN = 0.2  # on the last convolution of a branch, so that 33 blocks in a row stay in range


@dataclass(frozen=True, slots=True)
class Block:
    """A residual block. `size` is the output grid; `granularity` the side of a mask's tile there, which divides `size`."""

    channels_in: int
    width: int
    channels_out: int
    size: int
    granularity: int = 1
    stride: int = 1
    groups: int = 1  # of the 3x3 convolution
    mask_groups: int = 1  # masks, each for as many neighbouring channels
    basic: bool = False  # 3x3, 3x3 instead of 1x1, 3x3, 1x1

    def __post_init__(self) -> None:
        if self.size % self.granularity or self.channels_out % self.mask_groups:
            raise ValueError(f"{self.granularity} must divide {self.size}, and {self.mask_groups} mask groups {self.channels_out} channels")

    @property
    def grid(self) -> int:
        """Side of the coarse grid on which the mask is decided."""
        return self.size // self.granularity

    def input_shape(self, batch: int = 1) -> tuple[int, int, int, int]:
        """N, C, H, W of the block's input."""
        return (batch, self.channels_in, self.size * self.stride, self.size * self.stride)

    def mask_shape(self, batch: int = 1) -> tuple[int, int, int, int]:
        """N, mask groups, h, w of the coarse mask."""
        return (batch, self.mask_groups, self.grid, self.grid)


def stage_block(stage: int, granularity: int = 1, *, basic: bool = False, first: bool = False) -> Block:
    """A block of stage 0 to 3; the first of a stage brings other channels and, but for stage 0, stride 2."""
    size, width = STAGES[stage]
    channels = width if basic else width * EXPANSION
    block = Block(channels, width, channels, size, granularity, basic=basic)
    if not first:
        return block
    return replace(block, channels_in=64 if stage == 0 else channels // 2, stride=1 if stage == 0 else 2)


@dataclass(slots=True)
class Graph:
    """A graph under construction; a node is named after its output.

    Maskers draw from a stream of their own, so that the convolutions are the same without them.
    """

    seed: int
    batch: int
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)
    inputs: list[onnx.ValueInfoProto] = field(default_factory=list)
    rng: np.random.Generator = field(init=False)
    masker_rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng, self.masker_rng = (np.random.default_rng([self.seed, stream]) for stream in (0, 1))

    def op(self, kind: str, inputs: Sequence[str], name: str, **attributes: int | str | Sequence[int]) -> str:
        """Adds a node and gives its output."""
        node = helper.make_node(kind, inputs, [name], name=name)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self.nodes.append(node)
        return name

    def constant(self, values: NDArray[np.generic], name: str) -> str:
        """Adds an initializer."""
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def input(self, name: str, shape: Sequence[int]) -> str:
        """Adds a float32 input."""
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def conv(self, x: str, shape: tuple[int, int, int], name: str, *, stride: int = 1, groups: int = 1, gain: float = 1.0) -> str:
        """Convolution from C to K channels with a square window of odd side, padded so that stride 1 keeps the size; He's weights."""
        channels_in, channels_out, window = shape
        extents = (channels_out, channels_in // groups, window, window)
        scale = np.float32(gain * np.sqrt(2 / np.prod(extents[1:])))
        kernel = self.constant(self.rng.standard_normal(extents, np.float32) * scale, f"{name}.weight")
        bias = self.constant(self.rng.standard_normal(channels_out, np.float32) * np.float32(0.1), f"{name}.bias")
        return self.op(
            "Conv", [x, kernel, bias], name, kernel_shape=[window] * 2, pads=[window // 2] * 4, strides=[stride] * 2, group=groups
        )

    def model(self, output: str, shape: Sequence[int]) -> onnx.ModelProto:
        """The checked model with one output."""
        result = helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)
        graph = helper.make_graph(self.nodes, "dynamic", self.inputs, [result], self.weights)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8, producer_name="export_block")
        onnx.checker.check_model(made)
        return made


def block_model(block: Block, mask: Mask = "masker", *, batch: int = 1, seed: int = 0) -> onnx.ModelProto:
    """One block: input `x`, output `y`; inputs of `Block.mask_shape` are

    `mask` with mask="input": kept where above 0.5;
    `steer` with mask="steered": added to the masker's logits for keeping, see `steering`.
    """
    graph = Graph(seed, batch)
    add_block(graph, graph.input("x", block.input_shape(batch)), block, mask, "", "y")
    return graph.model("y", (batch, block.channels_out, block.size, block.size))


def resnet101_lasnet(
    mask: Mask = "masker",
    *,
    granularity: Sequence[int] = (8, 4, 7, 1),
    depths: Sequence[int] = RESNET101,
    classes: int = 1000,
    batch: int = 1,
    seed: int = 0,
) -> onnx.ModelProto:
    """The whole network on `image` (N, 3, 224, 224), with the paper's granularity per stage; output `scores` (N, classes).

    With mask="input" every block has an input `layerI.J.mask`, with mask="steered" `layerI.J.steer`; `network_blocks` gives their shapes in
    the same order.
    """
    graph = Graph(seed, batch)
    x = graph.op("Relu", [graph.conv(graph.input("image", (batch, 3, 224, 224)), (3, 64, 7), "stem", stride=2)], "stem.relu")
    x = graph.op("MaxPool", [x], "stem.pool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    for name, block in network_blocks(granularity, depths).items():
        x = add_block(graph, x, block, mask, f"{name}.", f"{name}.out")
    x = graph.op("Flatten", [graph.op("GlobalAveragePool", [x], "pool")], "flat")
    channels = STAGES[-1][1] * EXPANSION
    dense = graph.constant(graph.rng.standard_normal((classes, channels), np.float32) * np.float32(channels**-0.5), "dense.weight")
    graph.op("Gemm", [x, dense], "scores", transB=1)
    return graph.model("scores", (batch, classes))


def network_blocks(granularity: Sequence[int] = (8, 4, 7, 1), depths: Sequence[int] = RESNET101) -> dict[str, Block]:
    """The network's blocks by name, `layer1.0` to `layer4.2`, in order."""
    return {
        f"layer{stage + 1}.{place}": stage_block(stage, granularity[stage], first=place == 0)
        for stage, depth in enumerate(depths)
        for place in range(depth)
    }


def add_block(graph: Graph, x: str, block: Block, mask: Mask, prefix: str, output: str) -> str:
    """relu(branch(x) * mask + identity); the identity is never masked."""
    y = add_branch(graph, x, block, prefix)
    identity = x
    if block.stride != 1 or block.channels_in != block.channels_out:
        identity = graph.conv(x, (block.channels_in, block.channels_out, 1), f"{prefix}shortcut", stride=block.stride)
    if mask != "dense":
        keep = add_mask_input(graph, block, prefix) if mask == "input" else add_masker(graph, x, block, prefix, steered=mask == "steered")
        y = graph.op("Mul", [y, enlarge(graph, keep, block, prefix)], f"{prefix}masked")
    return graph.op("Relu", [graph.op("Add", [y, identity], f"{prefix}sum")], output)


def add_branch(graph: Graph, x: str, block: Block, prefix: str) -> str:
    """The convolutions of the block, the last without an activation."""
    width, last = block.width, block.channels_out
    if block.basic:
        y = graph.conv(x, (block.channels_in, width, 3), f"{prefix}conv1", stride=block.stride, groups=block.groups)
        y = graph.op("Relu", [y], f"{prefix}relu1")
        return graph.conv(y, (width, last, 3), f"{prefix}conv2", groups=block.groups, gain=BRANCH_GAIN)
    y = graph.op("Relu", [graph.conv(x, (block.channels_in, width, 1), f"{prefix}conv1")], f"{prefix}relu1")
    y = graph.conv(y, (width, width, 3), f"{prefix}conv2", stride=block.stride, groups=block.groups)
    y = graph.op("Relu", [y], f"{prefix}relu2")
    return graph.conv(y, (width, last, 1), f"{prefix}conv3", gain=BRANCH_GAIN)


def add_masker(graph: Graph, x: str, block: Block, prefix: str, *, steered: bool) -> str:
    """Pooling to the coarse grid, two logits per mask group, keep >= drop as a boolean of `Block.mask_shape`."""
    window = block.granularity * block.stride
    if window > 1:
        x = graph.op("AveragePool", [x], f"{prefix}masker.pool", kernel_shape=[window] * 2, strides=[window] * 2)
    groups = block.mask_groups
    kernel = graph.masker_rng.standard_normal((2 * groups, block.channels_in, 1, 1), np.float32)
    kernel -= kernel.mean(1, keepdims=True)  # after a ReLU every channel has a positive mean, which would decide alone
    weights = [graph.constant(kernel, f"{prefix}masker.weight"), graph.constant(np.zeros(2 * groups, np.float32), f"{prefix}masker.bias")]
    logits = graph.op("Conv", [x, *weights], f"{prefix}masker.conv", kernel_shape=[1, 1])
    keep, drop = f"{prefix}masker.keep", f"{prefix}masker.drop"
    graph.nodes.append(helper.make_node("Split", [logits], [keep, drop], name=f"{prefix}masker.split", axis=1))
    if steered:
        keep = graph.op("Add", [keep, graph.input(f"{prefix}steer", block.mask_shape(graph.batch))], f"{prefix}masker.steered")
    return graph.op("GreaterOrEqual", [keep, drop], f"{prefix}masker.decision")


def add_mask_input(graph: Graph, block: Block, prefix: str) -> str:
    """The mask comes from outside; the comparison is what proves it binary."""
    mask = graph.input(f"{prefix}mask", block.mask_shape(graph.batch))
    return graph.op("Greater", [mask, graph.constant(np.array(0.5, np.float32), f"{prefix}half")], f"{prefix}decision")


def enlarge(graph: Graph, keep: str, block: Block, prefix: str) -> str:
    """The boolean coarse mask as floats on the output grid, one for all channels or repeated for the channels of each group."""
    mask = graph.op("Cast", [keep], f"{prefix}mask.float", to=TensorProto.FLOAT)
    groups, share = block.mask_groups, block.channels_out // block.mask_groups
    if groups > 1:
        axis = graph.constant(np.array([2], np.int64), f"{prefix}mask.axis")
        repeated = graph.constant(np.array([1, 1, share, 1, 1], np.int64), f"{prefix}mask.extents")
        channels = graph.constant(np.array([0, block.channels_out, block.grid, block.grid], np.int64), f"{prefix}mask.channels")
        mask = graph.op("Unsqueeze", [mask, axis], f"{prefix}mask.grouped")
        mask = graph.op("Expand", [mask, repeated], f"{prefix}mask.repeated")
        mask = graph.op("Reshape", [mask, channels], f"{prefix}mask.per_channel")
    if block.granularity == 1:
        return mask
    scales = graph.constant(np.array([1, 1, block.granularity, block.granularity], np.float32), f"{prefix}mask.scales")
    how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return graph.op("Resize", [mask, "", scales], f"{prefix}mask.full", **how)


def blob_mask(shape: Sequence[int], density: float, rng: np.random.Generator, blobs: int = 2) -> Array:
    """0 and 1 of shape (..., h, w): in each plane exactly round(density * h * w) ones, in at most so many discs.

    The discs grow together around random tiles until the count is reached, so each is connected; they may touch.
    """
    *outer, height, width = shape
    count = round(density * height * width)
    mask = np.zeros((int(np.prod(outer)), height * width), np.float32)
    rows, columns = np.divmod(np.arange(height * width), width)
    for plane in mask:
        centres = rng.integers(0, (height, width), (blobs, 2))
        distance = ((rows - centres[:, :1]) ** 2 + (columns - centres[:, 1:]) ** 2).min(0)
        plane[np.argsort(distance, kind="stable")[:count]] = 1
    return mask.reshape(*outer, height, width)


def steering(mask: Array) -> Array:
    """What a `steered` masker has to be fed so that it decides for `mask`: more than its own logits ever weigh."""
    return np.where(mask > 0.5, np.float32(1e6), np.float32(-1e6))


def reads_of_conv1(mask: Array, block: Block) -> NDArray[np.bool_]:
    """Which pixels of the input grid a bottleneck's 1x1 has to compute for a coarse mask: what the 3x3 after it reads.

    Shape (N, H, W): the union over mask groups. Its mean is the density at which conv1's work counts; conv2 and conv3 count at the mask's.
    """
    fine = mask.max(1).repeat(block.granularity, 1).repeat(block.granularity, 2) > 0.5
    side = block.size * block.stride
    reads = np.zeros((len(mask), side + 2, side + 2), np.bool_)
    for row, column in np.ndindex(3, 3):
        reads[:, row : row + side : block.stride, column : column + side : block.stride] |= fine
    return reads[:, 1:-1, 1:-1]


def main() -> None:
    """The command line: one block to a file."""
    parser = argparse.ArgumentParser(description="write one dynamic residual block with random weights")
    parser.add_argument("output")
    parser.add_argument("--stage", type=int, choices=range(4), default=0)
    parser.add_argument("--granularity", type=int, default=4)
    parser.add_argument("--mask", choices=("masker", "steered", "input", "dense"), default="masker")
    parser.add_argument("--basic", action="store_true")
    parser.add_argument("--first", action="store_true", help="the stage's first block: other channels, stride 2")
    parser.add_argument("--seed", type=int, default=0)
    choice = parser.parse_args()
    block = stage_block(choice.stage, choice.granularity, basic=choice.basic, first=choice.first)
    onnx.save(block_model(block, choice.mask, seed=choice.seed), choice.output)


if __name__ == "__main__":
    main()
