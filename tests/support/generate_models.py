"""Random ONNX models of convolutional and dense nets, by seed: `random_model(seed)` is always the same model and the same inputs.

A net grows node by node: a step looks at the values so far, proposes nodes, and ONNX's own shape inference says what they make (or
that they make nothing, and then the step is dropped). Weights are scaled by what they sum over, so that magnitudes stay near 1 and one
tolerance fits all nets; no step is discontinuous, where rounding would become a different answer.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper, shape_inference

Array = npt.NDArray[Any]
Shape = tuple[int, ...]

OPSET = 18
MOST_ELEMENTS = 6000
MOST_WEIGHTS = 20_000


@dataclass(frozen=True, slots=True)
class RandomModel:
    """A model, arrays for its inputs, and whether its batch is left open."""

    seed: int
    proto: onnx.ModelProto
    inputs: dict[str, Array]
    free: bool

    @property
    def text(self) -> str:
        """The nodes as ONNX prints them."""
        return str(onnx.printer.to_text(self.proto.graph))


def random_model(seed: int) -> RandomModel:
    """The model of a seed: mostly f32 pictures and signals, now and then dense nets of other types."""
    chance = random.Random(seed)
    kind = chance.choice(("image", "image", "image", "signal", "dense", "anything", "numbers"))
    net = Net(chance, np.random.default_rng(seed), free=chance.random() < 0.25 and kind != "anything")
    steps, low, high = _begin(net, kind)
    for _ in range(chance.randint(low, high)):
        chance.choice(steps)(net)
    return RandomModel(seed, net.model(), net.inputs, net.free)


def _begin(net: Net, kind: str) -> tuple[Sequence[Step], int, int]:
    """The inputs of a net of a kind, the steps that suit it, and how few and how many."""
    chance = net.chance
    batch = chance.choice((1, 1, 2, 3))
    odd = (1, 2, 3, 5, 7, 8, 9, 13, 16, 17)
    match kind:
        case "image":
            net.add_input((batch, chance.choice((1, 3, 4, 8, 16, 17)), chance.choice(odd[2:]), chance.choice(odd[2:])))
            return (*IMAGE, *IMAGE, *SHARED), 2, 7
        case "signal":
            net.add_input((batch, chance.choice((1, 3, 8, 20)), chance.choice((7, 16, 31, 40))))
            return (*IMAGE, *SHARED), 2, 7
        case "dense":
            net.add_input((batch, chance.choice((1, 5, 16, 33, 64))))
            return (*DENSE, *DENSE, *SHARED), 2, 7
        case "numbers":
            net.dtype = np.dtype(chance.choice(("float64", "int32", "int64")))
            for _ in range(chance.randint(1, 2)):
                net.add_input((batch, *(chance.choice(odd[:8]) for _ in range(chance.randint(0, 2)))))
            return NUMBERS, 2, 6
    for _ in range(chance.randint(1, 3)):
        net.add_input(tuple(chance.choice(odd[:7]) for _ in range(chance.randint(0, 5))))
    return (*DENSE, *SHARED, *SHARED), 2, 7


@dataclass(slots=True, eq=False)
class Net:
    """A graph under construction: nodes, weights, and the shape of every value."""

    chance: random.Random
    numbers: np.random.Generator
    free: bool
    dtype: np.dtype[Any] = field(default_factory=lambda: np.dtype(np.float32))
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: dict[str, Array] = field(default_factory=dict)
    inputs: dict[str, Array] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)

    def add_input(self, shape: Shape) -> None:
        name = f"x{len(self.inputs)}"
        self.inputs[name] = self.array(shape)
        self.shapes[name] = shape

    def array(self, shape: Shape, scale: float = 1.0, positive: bool = False) -> Array:
        if self.dtype.kind == "i":
            return np.asarray(self.numbers.integers(1 if positive else -4, 5, shape)).astype(self.dtype)
        values = self.numbers.uniform(0.5, 1.5, shape) if positive else self.numbers.standard_normal(shape)
        return np.asarray(values * scale).astype(self.dtype)

    def weight(self, array: Array) -> str:
        name = f"w{len(self.weights)}"
        self.weights[name] = array
        return name

    def ints(self, values: Sequence[int]) -> str:
        return self.weight(np.asarray(values, np.int64))

    def pick(self, fits: Callable[[Shape], bool] = lambda shape: True) -> str | None:
        """A value whose shape fits, the later the likelier."""
        names = [name for name, shape in self.shapes.items() if fits(shape)]
        return self.chance.choice([*names, *names[-2:], *names[-1:], *names[-1:]]) if names else None

    def axes(self, shape: Shape) -> range:
        """The axes that a step may change: all but an open batch."""
        return range(1 if self.free else 0, len(shape))

    def add(self, op_type: str, inputs: Sequence[str], outputs: int = 1, **attributes: Any) -> str | None:
        """The first output of a new node; None, and no node, where it would make nothing or too much."""
        names = [f"v{len(self.nodes)}" if outputs == 1 else f"v{len(self.nodes)}_{i}" for i in range(outputs)]
        node = helper.make_node(op_type, inputs, names, name=f"{op_type}_{len(self.nodes)}", **attributes)
        shapes = self.shapes_of(node)
        if shapes is None or any(0 in shape or math.prod(shape) > MOST_ELEMENTS or len(shape) > 6 for shape in shapes):
            return None
        self.nodes.append(node)
        self.shapes.update(zip(names, shapes, strict=True))
        return names[0]

    def shapes_of(self, node: onnx.NodeProto) -> list[Shape] | None:
        type_ = helper.np_dtype_to_tensor_dtype(self.dtype)
        given = [helper.make_tensor_value_info(n, type_, self.shapes[n]) for n in node.input if n in self.shapes]
        constants = [numpy_helper.from_array(self.weights[n], n) for n in node.input if n in self.weights]
        results = [onnx.ValueInfoProto(name=n) for n in node.output]
        model = helper.make_model(
            helper.make_graph([node], "one", given, results, constants), opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10
        )
        try:
            inferred = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
        except shape_inference.InferenceError:
            return None
        dims = [out.type.tensor_type.shape.dim for out in inferred.graph.output]
        if any(d.WhichOneof("value") != "dim_value" or d.dim_value < 0 for shape in dims for d in shape):
            return None
        return [tuple(d.dim_value for d in shape) for shape in dims]

    def model(self) -> onnx.ModelProto:
        """The model, with what nobody reads as outputs, and sometimes more."""
        if not self.nodes:
            self.nodes.append(helper.make_node("Identity", [next(iter(self.inputs))], ["v0"], name="Identity_0"))
        type_ = helper.np_dtype_to_tensor_dtype(self.dtype)
        used = {name for node in self.nodes for name in node.input}
        made = [name for node in self.nodes for name in node.output]
        outputs = [name for name in made if name not in used]
        if self.chance.random() < 0.3:
            outputs.append(self.chance.choice([name for name in made if name not in outputs] or outputs[:1]))
        nodes = list(self.nodes)
        again = [next(iter(self.inputs))] if self.chance.random() < 0.1 else []
        again += outputs[:1] if self.chance.random() < 0.1 else []
        for source in again:
            nodes.append(helper.make_node("Identity", [source], [f"again_{source}"], name=f"again_{source}"))
            outputs.append(f"again_{source}")
        declared = [
            helper.make_tensor_value_info(name, type_, ["batch", *array.shape[1:]] if self.free else array.shape)
            for name, array in self.inputs.items()
        ]
        initializers = [numpy_helper.from_array(array, name) for name, array in self.weights.items() if name in used]
        graph = helper.make_graph(nodes, "net", declared, [onnx.ValueInfoProto(name=n) for n in dict.fromkeys(outputs)], initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)


Step = Callable[[Net], object]


def _is_image(shape: Shape) -> bool:
    return len(shape) in (3, 4)


# Windows.


def _window(net: Net, rank: int) -> dict[str, Any]:
    chance = net.chance
    window: dict[str, Any] = {"kernel_shape": [chance.choice((1, 2, 3, 3, 5)) for _ in range(rank)]}
    if chance.random() < 0.5:
        window["strides"] = [chance.choice((1, 2, 3)) for _ in range(rank)]
    return window


def _padded(net: Net, window: dict[str, Any], most: Sequence[int]) -> dict[str, Any]:
    """Pads, uneven ones too, or auto_pad."""
    chance = net.chance
    strides = window.get("strides", [1] * len(most))
    if chance.random() < 0.2 and all(s <= k for s, k in zip(strides, window["kernel_shape"], strict=True)):
        window.pop("dilations", None)  # onnxruntime refuses both
        return {**window, "auto_pad": chance.choice(("SAME_UPPER", "SAME_LOWER", "VALID"))}
    if chance.random() < 0.75:
        window["pads"] = [chance.randint(0, n) for _ in range(2) for n in most]
    return window


def _covers(shape: Shape, window: dict[str, Any]) -> bool:
    """Whether the padded input holds a window at all; onnxruntime refuses the others, which shape inference lets pass."""
    space, kernel = shape[2:], window["kernel_shape"]
    pads, dilations = window.get("pads", [0] * 2 * len(space)), window.get("dilations", [1] * len(space))
    return all(
        n + a + b > dilation * (k - 1)
        for n, a, b, dilation, k in zip(space, pads[: len(space)], pads[len(space) :], dilations, kernel, strict=True)
    )


def conv(net: Net) -> None:
    name = net.pick(_is_image)
    if name is None:
        return
    shape, chance = net.shapes[name], net.chance
    channels, rank = shape[1], len(shape) - 2
    if chance.random() < 0.2:  # as exporters write it: padding before the convolution
        pads = [0, 0, *(chance.randint(0, 2) for _ in range(rank)), 0, 0, *(chance.randint(0, 2) for _ in range(rank))]
        name = net.add("Pad", [name, net.ints(pads)]) or name
        shape = net.shapes[name]
    window = _window(net, rank)
    if chance.random() < 0.25:
        window["dilations"] = [chance.choice((1, 2)) for _ in range(rank)]
    group = chance.choice([1, 1, 1, channels, channels, *(g for g in (2, 4) if channels % g == 0)])
    made = group * chance.choice((1, 1, 2) if group > 1 else (1, 4, 8, 16, 17, 33))
    kernel = window["kernel_shape"]
    attributes = _padded(net, window, kernel)
    per_group = channels // group
    if not _covers(shape, attributes):
        return
    if made * per_group * math.prod(kernel) > MOST_WEIGHTS:
        return
    inputs = [name, net.weight(net.array((made, per_group, *kernel), 1 / math.sqrt(per_group * math.prod(kernel))))]
    if chance.random() < 0.6:
        inputs.append(net.weight(net.array((made,))))
    result = net.add("Conv", inputs, group=group, **attributes)
    if result and chance.random() < 0.4:
        batch_norm(net, result)
    elif result and chance.random() < 0.6:
        activation(net, result)


def conv_transpose(net: Net) -> None:
    name = net.pick(_is_image)
    if name is None:
        return
    shape, chance = net.shapes[name], net.chance
    channels, rank = shape[1], len(shape) - 2
    window = _window(net, rank)
    kernel, strides = window["kernel_shape"], window.get("strides", [1] * rank)
    group = chance.choice([1, 1, channels])
    made = chance.choice((1, 2, 5)) if group > 1 else chance.choice((1, 4, 7, 16))
    if chance.random() < 0.5:
        window["pads"] = [chance.randint(0, k - 1) for _ in range(2) for k in kernel]
    if chance.random() < 0.3:
        window["output_padding"] = [chance.randint(0, s - 1) for s in strides]
    inputs = [name, net.weight(net.array((channels, made, *kernel), 1 / math.sqrt(channels // group * math.prod(kernel))))]
    if chance.random() < 0.5:
        inputs.append(net.weight(net.array((made * group,))))
    net.add("ConvTranspose", inputs, group=group, **window)


def pool(net: Net) -> None:
    name = net.pick(_is_image)
    if name is None:
        return
    chance = net.chance
    window = _window(net, len(net.shapes[name]) - 2)
    attributes = _padded(net, window, [k // 2 for k in window["kernel_shape"]])
    if not _covers(net.shapes[name], attributes):
        return
    if "auto_pad" not in attributes and chance.random() < 0.3:
        attributes["ceil_mode"] = 1
    if chance.random() < 0.5:
        net.add("MaxPool", [name], **attributes)
    else:
        net.add("AveragePool", [name], count_include_pad=chance.randint(0, 1), **attributes)


def global_pool(net: Net) -> None:
    name = net.pick(_is_image)
    if name is not None:
        net.add(net.chance.choice(("GlobalAveragePool", "GlobalMaxPool")), [name])


def batch_norm(net: Net, name: str | None = None) -> None:
    name = name or net.pick(lambda shape: len(shape) >= 2)
    if name is None:
        return
    channels = (net.shapes[name][1],)
    scales = [net.array(channels), net.array(channels), net.array(channels), net.array(channels, positive=True)]
    net.add("BatchNormalization", [name, *map(net.weight, scales)], epsilon=net.chance.choice((1e-5, 1e-3)))


def normalization(net: Net) -> None:
    name = net.pick(lambda shape: len(shape) >= 3)
    if name is None:
        return
    shape, epsilon = net.shapes[name], 0.1  # large, so that rounding of equal elements is not blown up
    if net.chance.random() < 0.5:
        scales = [net.array((shape[1],)), net.array((shape[1],))]
        net.add("InstanceNormalization", [name, *map(net.weight, scales)], epsilon=epsilon)
    else:
        axis = net.chance.choice(range(1, len(shape)))
        if math.prod(shape[axis:]) == 1:
            return  # onnxruntime refuses to normalise single elements
        scales = [net.array(shape[axis:]), net.array(shape[axis:])]
        net.add("LayerNormalization", [name, *map(net.weight, scales)], axis=axis, epsilon=epsilon)


def resize(net: Net) -> None:
    name = net.pick(_is_image)
    if name is None:
        return
    chance, rank = net.chance, len(net.shapes[name]) - 2
    scales = [1.0, 1.0, *(chance.choice((0.5, 1.0, 2.0, 1.5, 3.0)) for _ in range(rank))]
    if chance.random() < 0.5:
        how: dict[str, Any] = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    else:
        how = {"mode": "linear", "coordinate_transformation_mode": chance.choice(("half_pixel", "align_corners", "asymmetric"))}
    net.add("Resize", [name, "", net.weight(np.asarray(scales, np.float32))], **how)


# Elementwise.

ACTIVATIONS: tuple[tuple[tuple[str, dict[str, Any]], ...], ...] = (
    *(((name, {}),) for name in ("Relu", "Relu", "Sigmoid", "Tanh", "HardSwish", "Elu", "Selu", "Softplus", "Softsign", "Neg", "Abs")),
    *(((name, {}),) for name in ("Erf", "Sin", "Cos", "Mish", "Identity")),
    (("LeakyRelu", {"alpha": 0.1}),),
    (("HardSigmoid", {"alpha": 0.3, "beta": 0.4}),),
    (("Celu", {"alpha": 0.7}),),
    (("Sigmoid", {}), ("Log", {})),
    (("Sigmoid", {}), ("Sqrt", {})),
    (("Tanh", {}), ("Exp", {}), ("Reciprocal", {})),
    (("Tanh", {}), ("Exp", {})),
)


def activation(net: Net, name: str | None = None) -> None:
    current = name or net.pick()
    for op_type, attributes in net.chance.choice(ACTIVATIONS):
        current = current and net.add(op_type, [current], **attributes)


def clip(net: Net) -> None:
    name = net.pick()
    assert name is not None
    bounds = [net.weight(np.asarray(bound, net.dtype)) for bound in (-1, 2)]
    net.add("Clip", [name, *bounds][: net.chance.choice((2, 3))])


def prelu(net: Net) -> None:
    name = net.pick(lambda shape: len(shape) >= 2)
    if name is not None:
        shape = net.shapes[name]
        net.add("PRelu", [name, net.weight(net.array((shape[1], *(1 for _ in shape[2:]))))])


def residual(net: Net) -> None:
    """Two values of one shape."""
    name = net.pick()
    assert name is not None
    other = net.pick(lambda shape: shape == net.shapes[name])
    assert other is not None
    _combine(net, name, other, ("Add", "Add", "Mul", "Sub", "Max", "Min"))


def broadcast(net: Net) -> None:
    """A value with another or with numbers that are stretched along some axes."""
    name = net.pick()
    assert name is not None
    shape, chance = net.shapes[name], net.chance
    other = net.pick(lambda each: _stretches(each, shape) and each != shape) if chance.random() < 0.3 else None
    if other is None:
        rank = chance.randint(0, len(shape))
        kept = [n if chance.random() < 0.6 and i >= (1 if net.free else 0) else 1 for i, n in enumerate(shape)]
        other = net.weight(net.array(tuple(kept[len(shape) - rank :]), positive=True))
    first, second = chance.sample((name, other), 2)
    _combine(net, first, second, ("Add", "Sub", "Mul", "Max"))


def divide(net: Net) -> None:
    name = net.pick()
    assert name is not None
    shape = net.shapes[name]
    net.add("Div", [name, net.weight(net.array(shape[-1:] if len(shape) > 1 else (), positive=True))])


def where(net: Net) -> None:
    name = net.pick()
    assert name is not None
    other = net.pick(lambda shape: shape == net.shapes[name])
    shape = net.shapes[name]
    condition = net.numbers.random((1, *shape[1:]) if net.free else shape) < 0.5
    net.add("Where", [net.weight(np.asarray(condition)), name, other or name])


def _stretches(shape: Shape, to: Shape) -> bool:
    return len(shape) <= len(to) and all(a in (1, b) for a, b in zip(shape[::-1], to[::-1], strict=False))


def _combine(net: Net, a: str, b: str, kinds: Sequence[str]) -> None:
    net.add(net.chance.choice(kinds), [a, b])


# Movement.


def concat(net: Net) -> None:
    name = net.pick(lambda shape: len(net.axes(shape)) > 0)
    if name is None:
        return
    shape = net.shapes[name]
    axis = net.chance.choice(net.axes(shape))
    parts = [name]
    for _ in range(net.chance.randint(1, 2)):
        other = net.pick(lambda each: len(each) == len(shape) and each[:axis] + each[axis + 1 :] == shape[:axis] + shape[axis + 1 :])
        assert other is not None
        parts.append(other)
    if not net.free and net.chance.random() < 0.2:
        parts.append(net.weight(net.array((*shape[:axis], 2, *shape[axis + 1 :]))))
    net.add("Concat", parts, axis=axis - net.chance.choice((0, len(shape))))


def split(net: Net) -> None:
    name = net.pick(lambda shape: any(shape[axis] > 1 for axis in net.axes(shape)))
    if name is None:
        return
    shape = net.shapes[name]
    axis = net.chance.choice([axis for axis in net.axes(shape) if shape[axis] > 1])
    first = net.chance.randint(1, shape[axis] - 1)
    net.add("Split", [name, net.ints((first, shape[axis] - first))], outputs=2, axis=axis)


def slice_(net: Net) -> None:
    name = net.pick(lambda shape: len(net.axes(shape)) > 0)
    if name is None:
        return
    shape, chance = net.shapes[name], net.chance
    axes = chance.sample(net.axes(shape), chance.randint(1, len(net.axes(shape))))
    starts, ends, steps = [], [], []
    for axis in axes:
        step = chance.choice((1, 1, 2, -1))
        start = chance.randint(0, (shape[axis] - 1) // 2)
        starts.append(-1 - start if step < 0 else start)
        ends.append(-(2**31) if step < 0 else chance.choice((2**31, shape[axis], max(shape[axis] - 1, start + 1))))
        steps.append(step)
    net.add("Slice", [name, *map(net.ints, (starts, ends, axes, steps))])


def pad(net: Net) -> None:
    name = net.pick(lambda shape: len(shape) > 0)
    if name is None:
        return
    shape, chance = net.shapes[name], net.chance
    mode = chance.choice(("constant", "constant", "edge", "reflect"))
    most = [0 if axis not in net.axes(shape) else min(2, n - 1) for axis, n in enumerate(shape)]
    pads = [chance.randint(0, n) for _ in range(2) for n in most]
    inputs = [name, net.ints(pads)]
    if mode == "constant" and chance.random() < 0.5:
        inputs.append(net.weight(np.asarray(chance.choice((0, 1, -2)), net.dtype)))
    net.add("Pad", inputs, mode=mode)


def transpose(net: Net) -> None:
    name = net.pick(lambda shape: len(net.axes(shape)) > 1)
    if name is not None:
        axes = list(net.axes(net.shapes[name]))
        net.chance.shuffle(axes)
        net.add("Transpose", [name], perm=[*range(len(net.shapes[name]) - len(axes)), *axes])


def reshape(net: Net) -> None:
    """Axes split and merged."""
    name = net.pick(lambda shape: len(shape) > 0)
    if name is None:
        return
    shape, chance = net.shapes[name], net.chance
    rest = math.prod(shape[1:] if net.free else shape)
    target: list[int] = [0] if net.free else []
    for _ in range(chance.randint(0, 3)):
        part = chance.choice([n for n in (1, 2, 3, 4, 5, 7, 8, rest) if rest % n == 0])
        target.append(part)
        rest //= part
    net.add("Reshape", [name, net.ints([*target, rest])])


def flatten(net: Net) -> None:
    name = net.pick(lambda shape: len(shape) >= 2)
    if name is not None:
        net.add("Flatten", [name], axis=1 if net.free else net.chance.randint(0, len(net.shapes[name])))


def squeeze(net: Net) -> None:
    name = net.pick()
    assert name is not None
    shape, chance = net.shapes[name], net.chance
    ones = [axis for axis in net.axes(shape) if shape[axis] == 1]
    if ones and chance.random() < 0.5:
        net.add("Squeeze", [name, net.ints([chance.choice(ones)])])
    elif len(shape) < 5:
        net.add("Unsqueeze", [name, net.ints([chance.randint(1 if net.free else 0, len(shape))])])


def tile(net: Net) -> None:
    name = net.pick(lambda shape: len(net.axes(shape)) > 0)
    if name is not None:
        shape = net.shapes[name]
        repeats = [net.chance.choice((1, 2, 3)) if axis in net.axes(shape) else 1 for axis in range(len(shape))]
        net.add("Tile", [name, net.ints(repeats)])


def gather(net: Net) -> None:
    name = net.pick(lambda shape: len(net.axes(shape)) > 0)
    if name is not None:
        axis = net.chance.choice(net.axes(net.shapes[name]))
        n = net.shapes[name][axis]
        shape = net.chance.choice(((), (3,), (2, 2)))
        net.add("Gather", [name, net.weight(np.asarray(net.numbers.integers(-n, n, shape), np.int64))], axis=axis)


def space(net: Net) -> None:
    name = net.pick(lambda shape: len(shape) == 4)
    if name is not None and net.dtype == np.float32:
        kind = net.chance.choice(("DepthToSpace", "SpaceToDepth"))
        shape = net.shapes[name]
        if (shape[1] % 4 if kind == "DepthToSpace" else shape[2] % 2 + shape[3] % 2) == 0:
            net.add(kind, [name], blocksize=2)


# Sums.

REDUCTIONS = (
    "ReduceSum",
    "ReduceMean",
    "ReduceMean",
    "ReduceMax",
    "ReduceMin",
    "ReduceL1",
    "ReduceL2",
    "ReduceSumSquare",
    "ReduceLogSumExp",
)


def reduce(net: Net, kinds: Sequence[str] = REDUCTIONS) -> None:
    name = net.pick(lambda shape: len(net.axes(shape)) > 0)
    if name is None:
        return
    chance, shape = net.chance, net.shapes[name]
    axes = chance.sample(net.axes(shape), chance.randint(1, len(net.axes(shape))))
    result = net.add(chance.choice(kinds), [name, net.ints(axes)], keepdims=chance.randint(0, 1))
    if result and net.dtype.kind == "f":  # sums over many elements: back to the size of the others
        net.add("Div", [result, net.weight(np.asarray(4, net.dtype))])


def reduce_numbers(net: Net) -> None:
    reduce(net, ("ReduceSum", "ReduceMax", "ReduceMin"))


def softmax(net: Net) -> None:
    name = net.pick(lambda shape: len(net.axes(shape)) > 0)
    if name is not None:
        net.add(net.chance.choice(("Softmax", "Softmax", "LogSoftmax")), [name], axis=net.chance.choice(net.axes(net.shapes[name])))


def gemm(net: Net) -> None:
    name = net.pick(lambda shape: len(shape) == 2)
    if name is None:
        return
    chance, (rows, n) = net.chance, net.shapes[name]
    made, transposed, turned = chance.choice((1, 3, 10, 16, 33)), chance.randint(0, 1), int(not net.free and chance.random() < 0.2)
    n = rows if turned else n
    rows = net.shapes[name][1] if turned else rows
    inputs = [name, net.weight(net.array((made, n) if transposed else (n, made), 1 / math.sqrt(n)))]
    if chance.random() < 0.7:
        inputs.append(net.weight(net.array(chance.choice(((made,), (1, made), (), (1,))))))
    extra: dict[str, Any] = {"alpha": 0.5, "beta": 2.0} if chance.random() < 0.2 else {}
    result = net.add("Gemm", inputs, transB=transposed, transA=turned, **extra)
    if result and chance.random() < 0.5 and net.dtype == np.float32:
        activation(net, result)


def matmul(net: Net) -> None:
    """With weights on either side, or with another value."""
    name = net.pick(lambda shape: len(shape) >= (2 if net.free else 1))
    if name is None:
        return
    chance, shape = net.chance, net.shapes[name]
    made = chance.choice((1, 4, 9, 16))
    other = net.pick(lambda each: len(each) == len(shape) and len(shape) > 2 and each[:-2] == shape[:-2] and each[-2] == shape[-1])
    if other is not None:
        net.add("MatMul", [name, other])
    elif chance.random() < 0.7 or len(shape) < 3:
        net.add("MatMul", [name, net.weight(net.array((shape[-1], made), 1 / math.sqrt(shape[-1])))])
    else:
        net.add("MatMul", [net.weight(net.array((made, shape[-2]), 1 / math.sqrt(shape[-2]))), name])


MOVES: tuple[Step, ...] = (concat, split, slice_, pad, transpose, reshape, squeeze, tile, gather)
SHARED: tuple[Step, ...] = (*MOVES, activation, activation, clip, residual, residual, broadcast, divide, where, reduce, softmax)
IMAGE: tuple[Step, ...] = (
    conv,
    conv,
    conv,
    conv_transpose,
    pool,
    pool,
    global_pool,
    batch_norm,
    normalization,
    resize,
    prelu,
    space,
    flatten,
    gemm,
)
DENSE: tuple[Step, ...] = (gemm, gemm, matmul, matmul, activation, broadcast, batch_norm, normalization)
NUMBERS: tuple[Step, ...] = (*MOVES, residual, broadcast, reduce_numbers, matmul, where)
