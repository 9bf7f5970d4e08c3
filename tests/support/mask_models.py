"""ONNX models with masks in forms of our own: other names, operand orders and wrappers than exporters choose."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

Array = npt.NDArray[Any]
C, H, W = 4, 8, 8


@dataclass
class Net:
    """A model under construction: x is N x C x H x W, y the result."""

    opset: int = 17
    batch: int = 1
    channels: int = C
    side: int = H
    nodes: list[NodeProto] = field(default_factory=list)
    weights: dict[str, Array] = field(default_factory=dict)
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(3))

    def constant(self, value: object, dtype: npt.DTypeLike = np.float32) -> str:
        name = f"k{len(self.weights)}"
        self.weights[name] = np.asarray(value, dtype)
        return name

    def add(self, op_type: str, *inputs: str, out: str = "", **attributes: Any) -> str:
        name = out or f"{op_type[:3].lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, list(inputs), [name], name=f"{op_type}@{name}", **attributes))
        return name

    def conv(self, x: str, inputs: int = 0, outputs: int = 0, window: int = 1, out: str = "", **attributes: Any) -> str:
        inputs, outputs = inputs or self.channels, outputs or self.channels
        fan = inputs // attributes.get("group", 1)
        weights = self.constant(self.random.normal(0, 1, (outputs, fan, window, window)) / np.sqrt(fan * window * window))
        bias = self.constant(self.random.normal(0, 0.3, outputs))
        pad = attributes.pop("pad", window // 2 * attributes.get("dilations", [1])[0])
        return self.add("Conv", x, weights, bias, out=out, kernel_shape=[window] * 2, pads=[pad] * 4, **attributes)

    def branch(self, x: str = "x") -> str:
        return self.conv(self.add("Relu", self.conv(x, window=3)))

    def axes(self, op_type: str, x: str, axes: list[int]) -> str:
        if self.opset < 13:
            return self.add(op_type, x, axes=axes)
        return self.add(op_type, x, self.constant(axes, np.int64))

    def flags(self, tile: int = 1, groups: int = 1, level: float = 0.1) -> str:
        """Truth values, one per tile (and group of channels); the higher the level, the fewer are true."""
        pooled = self.add("MaxPool", "x", kernel_shape=[tile] * 2, strides=[tile] * 2) if tile > 1 else "x"
        return self.add("Greater", self.conv(pooled, outputs=groups), self.constant(level))

    def mask(self, tile: int = 1, to: int = TensorProto.FLOAT, groups: int = 1, level: float = 0.1) -> str:
        small = self.add("Cast", self.flags(tile, groups, level), to=to)
        return self.in_groups(self.spread(small, tile, groups), groups)

    def spread(self, x: str, tile: int, groups: int = 1) -> str:
        """Nearest upsampling without Resize."""
        if tile == 1:
            return x
        n, g, h, w = self.batch, groups, self.side // tile, self.side // tile
        split = self.add("Reshape", x, self.constant([n, g, h, 1, w, 1], np.int64))
        wide = self.add("Expand", split, self.constant([n, g, h, tile, w, tile], np.int64))
        return self.add("Reshape", wide, self.constant([n, g, self.side, self.side], np.int64))

    def in_groups(self, mask: str, groups: int) -> str:
        """A mask of several groups, each entry repeated for the channels of its group."""
        if groups == 1:
            return mask
        return self.add("Gather", mask, self.constant(np.arange(self.channels) // (self.channels // groups), np.int64), axis=1)

    def model(self) -> onnx.ModelProto:
        shape = [self.batch, self.channels, self.side, self.side]
        graph = helper.make_graph(
            self.nodes,
            "masked",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [onnx.ValueInfoProto(name="y")],
            [numpy_helper.from_array(array, name) for name, array in self.weights.items()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)

    def feed(self) -> Array:
        """Blobs, so that masks have both values."""
        small = (self.batch, self.channels, self.side // 4, self.side // 4)
        coarse = np.random.default_rng(5).normal(0, 1, small).repeat(4, 2).repeat(4, 3)
        return (coarse + np.random.default_rng(6).normal(0, 0.3, coarse.shape)).astype(np.float32)


def gated_channels(groups: int, wide: int = 16) -> Net:
    """LAUDNet's: the mask is in front of the normalisation. Each of C groups is chosen where the mean of an input channel is positive."""
    made = Net()
    means = made.add("GlobalAveragePool", "x")
    logits = means if groups == C else made.conv(means, outputs=groups)
    mask = made.add("Cast", made.add("Greater", logits, made.constant(0)), to=TensorProto.FLOAT)
    spread = made.add("Gather", mask, made.constant(np.arange(wide) // (wide // groups), np.int64), axis=1)
    product = made.add("Mul", made.conv("x", outputs=wide, window=3), spread)
    parts = (made.constant(made.random.uniform(0.5, 1.5, wide)) for _ in range(4))
    made.add("Relu", made.add("BatchNormalization", product, *parts), out="y")
    return made
