"""How masks are applied: products, blends, choices, and boolean indexing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from mask_bodies import bottleneck
from mask_models import C, H, W
from mask_net import BOOL, MaskNet

# Applications: of a mask N x (1 or C) x H x W, a branch and what stands where nothing is chosen, to y.

Application: TypeAlias = Callable[[MaskNet, str, str, str], str]


def product(net: MaskNet, m: str, f: str, x: str) -> str:
    return net.either("Mul", m, f)


def activated(net: MaskNet, m: str, f: str, x: str) -> str:
    return net.either("Mul", net.add("Relu", f), m)


def before_activation(net: MaskNet, m: str, f: str, x: str) -> str:
    return net.clip(net.either("Mul", f, m), -1, 2)


def residual(net: MaskNet, m: str, f: str, x: str) -> str:
    return net.add("Relu", net.either("Add", net.either("Mul", f, net.wrap(m)), x))


def residual_by_sum(net: MaskNet, m: str, f: str, x: str) -> str:
    return net.add("LeakyRelu", net.either("Sum", net.either("Mul", f, m), x))


def scaled_residual(net: MaskNet, m: str, f: str, x: str) -> str:
    return net.either("Add", net.either("Mul", net.either("Mul", f, m), net.constant(0.5)), x)


def scaled_mask(net: MaskNet, m: str, f: str, x: str) -> str:
    return net.either("Add", net.either("Mul", f, net.add("Div", m, net.constant(4))), x)


def normalised_behind(net: MaskNet, m: str, f: str, x: str) -> str:
    return net.add("Relu", net.batch_norm(net.either("Mul", f, m)))


def masked_twice(net: MaskNet, m: str, f: str, x: str) -> str:
    inner = net.either("Mul", net.add("Relu", f), m)
    return net.either("Add", net.either("Mul", net.conv(inner), m), x)


def subtracted(net: MaskNet, m: str, f: str, x: str) -> str:
    return net.add("Sub", x, net.either("Mul", f, m))


def opposite(net: MaskNet, m: str) -> str:
    match net.chance.randrange(5):
        case 0:
            return net.add("Sub", net.constant(1), m)
        case 1:
            return net.either("Add", net.add("Neg", m), net.constant([1]))
        case 2:
            return net.number(net.add("Not", net.flag(m)))
        case 3:
            return net.add("Where", net.number(m, BOOL), net.constant(0), net.constant(1))
    return net.add("Abs", net.add("Sub", m, net.constant([[1]])))


def blend(net: MaskNet, m: str, f: str, x: str) -> str:
    return net.either("Add", net.either("Mul", f, m), net.either("Mul", opposite(net, m), x))


def blend_of_activated(net: MaskNet, m: str, f: str, x: str) -> str:
    return net.either("Add", net.either("Mul", opposite(net, m), x), net.either("Mul", net.add("Relu", net.add("Add", f, x)), m))


def blend_by_difference(net: MaskNet, m: str, f: str, x: str) -> str:
    return net.either("Add", net.either("Mul", m, net.add("Sub", f, x)), x)


def blend_by_other_difference(net: MaskNet, m: str, f: str, x: str) -> str:
    return net.add("Sub", x, net.either("Mul", net.add("Sub", x, f), m))


def blend_from_branch(net: MaskNet, m: str, f: str, x: str) -> str:
    return net.add("Sub", f, net.either("Mul", net.add("Sub", f, x), opposite(net, m)))


def choice(net: MaskNet, m: str, f: str, x: str) -> str:
    return net.add("Where", net.flag(m), f, x)


def choice_of_sum(net: MaskNet, m: str, f: str, x: str) -> str:
    return net.add("Where", net.flag(m), net.add("Relu", net.either("Add", f, x)), x)


def choice_turned(net: MaskNet, m: str, f: str, x: str) -> str:
    return net.add("Where", net.add("Not", net.flag(m)), x, f)


def choice_of_opposite(net: MaskNet, m: str, f: str, x: str) -> str:
    return net.add("Where", net.flag(opposite(net, m)), x, f)


def filled(net: MaskNet, m: str, f: str, x: str) -> str:
    return net.either("Add", net.add("Where", net.add("Not", net.flag(m)), net.constant(0), f), x)


def per_picture_and_pixel(net: MaskNet, m: str, f: str, x: str) -> str:
    """A picture may be left out as a whole, besides."""
    gate = net.number(net.above(net.conv(net.add("GlobalMaxPool", "x"), outputs=1), net.constant(-3)))
    return net.either("Add", net.either("Mul", f, net.either("Mul", m, gate)), x)


def one_after_the_other(net: MaskNet, m: str, f: str, x: str) -> str:
    gate = net.number(net.above(net.conv(net.add("GlobalMaxPool", "x"), outputs=1), net.constant(-3)))
    return net.either("Add", net.either("Mul", net.either("Mul", f, m), gate), x)


APPLICATIONS: tuple[Application, ...] = (
    product, activated, before_activation, residual, residual_by_sum, scaled_residual, scaled_mask, normalised_behind, masked_twice,
    subtracted, blend, blend_of_activated, blend_by_difference, blend_by_other_difference, blend_from_branch, choice, choice_of_sum,
    choice_turned, choice_of_opposite, filled, per_picture_and_pixel, one_after_the_other,
)  # fmt: skip
STRICT = (choice, choice_of_sum, choice_turned, choice_of_opposite, filled)
"""Those that skip nothing but what is not looked at."""
PRODUCTS: tuple[Application, ...] = (product, activated, residual, residual_by_sum, scaled_residual, normalised_behind, subtracted)
"""Those that multiply."""


# Boolean indexing: what is chosen is picked, computed, and put back.

Selection: TypeAlias = Callable[[MaskNet], None]


def _flags(net: MaskNet) -> str:
    """N x H x W."""
    return net.axes("Squeeze", net.above(net.conv("x", outputs=1), net.constant(0.1)), [1])


def _found(net: MaskNet, flags: str) -> str:
    """Subscripts, a row for each."""
    return net.add("Transpose", net.add("NonZero", flags), perm=[1, 0])


def _weights(net: MaskNet, inputs: int, outputs: int) -> str:
    return net.constant(net.random.normal(0, 0.5, (inputs, outputs)))


def _perceptron(net: MaskNet, rows: str) -> str:
    hidden = net.add("Relu", net.add("Gemm", rows, _weights(net, C, 8), net.constant(net.random.normal(0, 0.2, 8))))
    return net.add("Add", net.add("MatMul", hidden, _weights(net, 8, C)), net.constant(net.random.normal(0, 0.2, C)))


def _last(net: MaskNet) -> str:
    return net.add("Transpose", "x", perm=[0, 2, 3, 1])


def _first(net: MaskNet, x: str) -> None:
    net.add("Transpose", x, perm=[0, 3, 1, 2], out="y")


def rows_of_pixels(net: MaskNet) -> None:
    places, x = _found(net, _flags(net)), _last(net)
    rows = net.add("GatherND", x, places)
    _first(net, net.add("ScatterND", x, places, net.either("Add", rows, _perceptron(net, rows))))


def normalised_rows(net: MaskNet) -> None:
    """Layer normalisation and softmax, along a row."""
    places, x = _found(net, _flags(net)), _last(net)
    rows = net.add("GatherND", x, places)
    centred = net.add("Sub", rows, net.reduce("ReduceMean", rows, [-1]))
    size = net.add("Sqrt", net.add("Add", net.reduce("ReduceMean", net.add("Mul", centred, centred), [1]), net.constant(0.1)))
    rows = net.add("Softmax", _perceptron(net, net.add("Div", centred, size)), axis=1)
    if net.opset >= 17:
        rows = net.add("LayerNormalization", rows, net.constant([1, 2, 3, 4]), net.constant([0.1, 0.2, 0.3, 0.4]), axis=-1)
    zeros = net.constant(np.zeros((net.batch, H, W, C)))
    _first(net, net.add("Add", x, net.add("ScatterND", zeros, places, rows)))


def flat_rows(net: MaskNet) -> None:
    x, flags = net.reshape(_last(net), -1, C), net.reshape(_flags(net), -1)
    places = net.reshape(net.add("NonZero", flags), -1)
    done = _perceptron(net, net.add("Gather", x, places, axis=0))
    back = net.add("ScatterND", x, net.axes("Unsqueeze", places, [1]), done)
    _first(net, net.reshape(back, net.batch, H, W, C))


def compressed_rows(net: MaskNet) -> None:
    x, flags = net.reshape(_last(net), -1, C), net.reshape(_flags(net), -1)
    places = net.add("Compress", net.constant(np.arange(net.batch * H * W), np.int64), flags, axis=0)
    done = _perceptron(net, net.add("Compress", x, flags, axis=0))
    _first(net, net.reshape(net.add("ScatterND", x, net.axes("Unsqueeze", places, [1]), done), net.batch, H, W, C))


def repeated_subscripts(net: MaskNet) -> None:
    """The place of every element, as gather and scatter of PyTorch have it."""
    x, flags = net.reshape(_last(net), -1, C), net.reshape(_flags(net), -1)
    places = net.expand(_found(net, flags), 1, C)
    done = _perceptron(net, net.add("GatherElements", x, places, axis=0))
    _first(net, net.reshape(net.add("ScatterElements", x, places, done, axis=0), net.batch, H, W, C))


def added_rows(net: MaskNet) -> None:
    places, x = _found(net, _flags(net)), _last(net)
    done = _perceptron(net, net.add("GatherND", x, places))
    if net.opset >= 16:
        _first(net, net.add("ScatterND", x, places, done, reduction="add"))
    else:
        _first(net, net.add("Add", net.add("ScatterND", net.constant(np.zeros((net.batch, H, W, C))), places, done), x))


def single_elements(net: MaskNet) -> None:
    """`y[keep] = f[keep]` with as many flags as elements."""
    f, wide = net.branch(), net.expand(net.axes("Unsqueeze", _flags(net), [1]), net.batch, C, H, W)
    places = _found(net, wide)
    net.add("ScatterND", "x", places, net.add("Mul", net.add("GatherND", f, places), net.constant([0.5])), out="y")


def number_at_pixels(net: MaskNet) -> None:
    """`f[~keep] = 0` of channels last."""
    f = net.add("Transpose", net.branch(), perm=[0, 2, 3, 1])
    off = net.axes("Unsqueeze", net.add("Not", _flags(net)), [3])
    net.add("Add", "x", net.add("Transpose", net.add("Where", off, net.constant(0), f), perm=[0, 3, 1, 2]), out="y")


def some_pictures(net: MaskNet) -> None:
    """Of a batch only those that are chosen."""
    pooled = net.reduce("ReduceMax", "x", [2, 3], keepdims=0)
    flags = net.reshape(net.above(net.add("MatMul", pooled, _weights(net, C, 1)), net.constant(0.1)), net.batch)
    places = _found(net, flags)
    rows = net.add("GatherND", "x", places)
    done = net.add("Sub", rows, net.add("Mul", bottleneck(net, rows), net.constant(net.random.uniform(0, 1, (C, 1, 1)))))
    net.add("ScatterND", "x", places, done, out="y")


SELECTIONS: dict[Selection, str] = {
    rows_of_pixels: "spatial", normalised_rows: "spatial", flat_rows: "spatial", compressed_rows: "spatial",
    repeated_subscripts: "spatial", added_rows: "spatial", single_elements: "spatial", number_at_pixels: "spatial", some_pictures: "layer",
}  # fmt: skip
"""Each with the kind of its mask."""
