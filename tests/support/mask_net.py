"""A model with masks under construction, in any opset.

`MaskNet` has the operators whose form changed with the versions, and writes alike things in different ways, by a chance of its own."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from mask_models import C, Net

BOOL, FLOAT, INT64 = TensorProto.BOOL, TensorProto.FLOAT, TensorProto.INT64


@dataclass
class MaskNet(Net):
    """Operators whose form changed with the versions; `wrap` puts operators without effect between others."""

    chance: random.Random = field(default_factory=random.Random)

    def wrap(self, x: str) -> str:
        match self.chance.randrange(6):
            case 0:
                return self.add("Identity", x)
            case 1 if self.opset < 12 or self.opset > 12:
                return self.add("Dropout", x)
            case 2:
                return self.axes("Squeeze", self.axes("Unsqueeze", x, [0]), [0])
            case 3:
                return self.add("Cast", x, to=FLOAT)
        return x

    def either(self, op_type: str, a: str, b: str, out: str = "") -> str:
        """Operands in any order."""
        return self.add(op_type, *self.chance.sample([a, b], 2), out=out)

    def at_least(self, a: str, b: str) -> str:
        if self.opset >= 12 and self.chance.random() < 0.7:
            return self.add(*self.chance.choice([("GreaterOrEqual", a, b), ("LessOrEqual", b, a)]))
        return self.add("Not", self.above(b, a))

    def above(self, a: str, b: str) -> str:
        return self.add(*self.chance.choice([("Greater", a, b), ("Less", b, a)]))

    def number(self, x: str, to: int = FLOAT) -> str:
        return self.add("Cast", x, to=to)

    def flag(self, x: str) -> str:
        """Truth values of a mask."""
        match self.chance.randrange(3):
            case 0:
                return self.add("Greater", x, self.constant(self.chance.choice([0, 0.5])))
            case 1 if self.opset >= 11:
                return self.add("Equal", x, self.constant(1))
        return self.number(x, BOOL)

    def clip(self, x: str, low: float, high: float) -> str:
        if self.opset < 11:
            return self.add("Clip", x, min=float(low), max=float(high))
        return self.add("Clip", x, self.constant(low), self.constant(high))

    def reduce(self, op_type: str, x: str, axes: list[int], keepdims: int = 1) -> str:
        if self.opset >= (13 if op_type == "ReduceSum" else 18):
            return self.add(op_type, x, self.constant(axes, np.int64), keepdims=keepdims)
        return self.add(op_type, x, axes=axes, keepdims=keepdims)

    def halves(self, x: str) -> tuple[str, str]:
        """Two channels as tensors of one."""
        match self.chance.randrange(3):
            case 0:
                name = f"split{len(self.nodes)}"
                parts: dict[str, Any] = {"num_outputs": 2} if self.opset >= 18 else {}
                self.nodes.append(onnx.helper.make_node("Split", [x], [f"{name}a", f"{name}b"], axis=1, name=name, **parts))
                return f"{name}a", f"{name}b"
            case 1:
                return self.part(x, 0), self.part(x, 1)
        return self.add("Gather", x, self.constant([0], np.int64), axis=1), self.add("Gather", x, self.constant([1], np.int64), axis=1)

    def part(self, x: str, channel: int) -> str:
        if self.opset < 10:
            return self.add("Slice", x, starts=[channel], ends=[channel + 1], axes=[1])
        return self.add("Slice", x, *(self.constant([n], np.int64) for n in (channel, channel + 1, 1)))

    def resize(self, x: str, factors: Sequence[float], sizes: Sequence[int] | str = (), mode: str = "nearest", **attributes: Any) -> str:
        if self.opset < 11:
            return self.add("Upsample" if self.opset == 9 else "Resize", x, self.constant(factors), mode=mode)
        roi = self.constant(np.zeros(0)) if self.opset < 13 else ""
        if sizes:
            target = sizes if isinstance(sizes, str) else self.constant(sizes, np.int64)
            return self.add("Resize", x, roi, self.constant(np.zeros(0)) if self.opset < 13 else "", target, mode=mode, **attributes)
        return self.add("Resize", x, roi, self.constant(factors), mode=mode, **attributes)

    def reshape(self, x: str, *shape: int) -> str:
        return self.add("Reshape", x, self.constant(shape, np.int64))

    def expand(self, x: str, *shape: int) -> str:
        return self.add("Expand", x, self.constant(shape, np.int64))

    def batch_norm(self, x: str, channels: int = C, out: str = "") -> str:
        given = [
            self.random.uniform(0.5, 1.5, channels),
            *self.random.normal(0, 0.2, (2, channels)),
            self.random.uniform(0.5, 1.5, channels),
        ]
        return self.add("BatchNormalization", x, *(self.constant(each) for each in given), out=out)
