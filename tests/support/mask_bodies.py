"""How masks are brought to the size of what they mask, and what that is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from mask_models import C, H, W
from mask_net import BOOL, MaskNet

# Spreads: from a pixel per tile to H x W.

Spread: TypeAlias = Callable[[MaskNet, str, int, int], str]


def resized(net: MaskNet, m: str, tile: int, side: int) -> str:
    extra = {} if net.opset < 11 else net.chance.choice([
        {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
        {"coordinate_transformation_mode": "half_pixel"},
        {"coordinate_transformation_mode": "pytorch_half_pixel", "nearest_mode": "round_prefer_ceil"},
    ])  # fmt: skip
    return net.resize(m, [1, 1, tile, tile], **extra)


def resized_to(net: MaskNet, m: str, tile: int, side: int) -> str:
    return net.resize(m, [1, 1, tile, tile], [net.batch, 1, side, side], coordinate_transformation_mode="asymmetric", nearest_mode="floor")


def resized_as(net: MaskNet, m: str, tile: int, side: int) -> str:
    """Sizes from shapes, as TorchScript writes them."""
    if net.opset < 11:
        return resized(net, m, tile, side)
    first = net.add("Slice", net.add("Shape", m), *(net.constant([n], np.int64) for n in (0, 2, 0)))
    sizes = net.add("Concat", first, net.constant([side, side], np.int64), axis=0)
    return net.resize(m, [], sizes, coordinate_transformation_mode="asymmetric", nearest_mode="floor")


def expanded(net: MaskNet, m: str, tile: int, side: int) -> str:
    n, small = net.batch, side // tile
    wide = net.expand(net.reshape(m, n, 1, small, 1, small, 1), n, 1, small, tile, small, tile)
    return net.reshape(wide, 0, 0, side, -1)


def tiled(net: MaskNet, m: str, tile: int, side: int) -> str:
    split = net.axes("Unsqueeze", m, [3, 5])
    return net.reshape(net.add("Tile", split, net.constant([1, 1, 1, tile, 1, tile], np.int64)), net.batch, 1, side, side)


def times_ones(net: MaskNet, m: str, tile: int, side: int) -> str:
    wide = net.either("Mul", net.axes("Unsqueeze", m, [3, 5]), net.constant(np.ones((tile, 1, tile))))
    return net.reshape(wide, net.batch, 1, side, side)


def repeated_by_gather(net: MaskNet, m: str, tile: int, side: int) -> str:
    places = net.constant(np.arange(side) // tile, np.int64)
    return net.add("Gather", net.add("Gather", m, places, axis=3), places, axis=2)


def depth_to_space(net: MaskNet, m: str, tile: int, side: int) -> str:
    return net.add("DepthToSpace", net.add("Tile", m, net.constant([1, tile * tile, 1, 1], np.int64)), blocksize=tile)


def stacked(net: MaskNet, m: str, tile: int, side: int) -> str:
    n, small = net.batch, side // tile
    rows = net.reshape(net.add("Concat", *[net.axes("Unsqueeze", m, [4])] * tile, axis=4), n, 1, small, side)
    return net.reshape(net.add("Concat", *[net.axes("Unsqueeze", rows, [3])] * tile, axis=3), n, 1, side, side)


def transposed_convolution(net: MaskNet, m: str, tile: int, side: int) -> str:
    return net.add("ConvTranspose", m, net.constant(np.ones((1, 1, tile, tile))), kernel_shape=[tile] * 2, strides=[tile] * 2)


def over_all_channels(net: MaskNet, m: str, tile: int, side: int) -> str:
    return net.expand(resized(net, m, tile, side), net.batch, C, side, side)


def transposed(net: MaskNet, m: str, tile: int, side: int) -> str:
    last = resized_by_rows(net, net.add("Transpose", m, perm=[0, 2, 3, 1]), tile)
    return net.add("Transpose", last, perm=[0, 3, 1, 2])


def resized_by_rows(net: MaskNet, m: str, tile: int) -> str:
    extra = {} if net.opset < 11 else {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return net.resize(m, [1, tile, tile, 1], **extra)


def truth_values(net: MaskNet, m: str, tile: int, side: int) -> str:
    wide = net.add("Expand", net.axes("Unsqueeze", net.number(m, BOOL), [3, 5]), net.constant([1, 1, 1, tile, 1, tile], np.int64))
    return net.number(net.reshape(wide, net.batch, 1, side, side))


SPREADS: tuple[Spread, ...] = (
    resized, resized_to, resized_as, expanded, tiled, times_ones, repeated_by_gather, depth_to_space, stacked, transposed_convolution,
    over_all_channels, transposed, truth_values,
)  # fmt: skip


def as_it_is(net: MaskNet, m: str, tile: int, side: int) -> str:
    return m


def expanded_groups(net: MaskNet, m: str, tile: int, side: int) -> str:
    wide = net.expand(net.axes("Unsqueeze", m, [2]), net.batch, 2, C // 2, H, W)
    return net.reshape(wide, net.batch, C, H, W)


def tiled_groups(net: MaskNet, m: str, tile: int, side: int) -> str:
    """`mask.unsqueeze(1).repeat(1, c, 1, 1, 1).transpose(1, 2).reshape(...)`"""
    wide = net.add("Tile", net.axes("Unsqueeze", m, [1]), net.constant([1, C // 2, 1, 1, 1], np.int64))
    return net.reshape(net.add("Transpose", wide, perm=[0, 2, 1, 3, 4]), net.batch, C, H, W)


def gathered_groups(net: MaskNet, m: str, tile: int, side: int) -> str:
    return net.add("Gather", m, net.constant(np.arange(C) // (C // 2), np.int64), axis=1)


def resized_groups(net: MaskNet, m: str, tile: int, side: int) -> str:
    extra = {} if net.opset < 11 else {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return net.resize(m, [1, C // 2, 1, 1], **extra)


GROUPED: tuple[Spread, ...] = (expanded_groups, tiled_groups, gathered_groups, resized_groups)


# Bodies: from x to N x C x H x W, or half as many pixels a side.

Body: TypeAlias = Callable[[MaskNet, str], str]


def bottleneck(net: MaskNet, x: str) -> str:
    y = net.add("Relu", net.batch_norm(net.conv(x, outputs=8), 8))
    y = net.add("Relu", net.batch_norm(net.conv(y, 8, 8, 3), 8))
    return net.batch_norm(net.conv(y, 8, C))


def basic(net: MaskNet, x: str) -> str:
    return net.batch_norm(net.conv(net.add("Relu", net.batch_norm(net.conv(x, window=3))), window=3))


def grouped(net: MaskNet, x: str) -> str:
    return net.conv(net.add("LeakyRelu", net.conv(net.add("Elu", net.conv(x, outputs=8)), 8, 8, 3, group=4)), 8, C)


def inverted(net: MaskNet, x: str) -> str:
    y = net.clip(net.conv(x, outputs=8), 0, 6)
    return net.conv(net.clip(net.conv(y, 8, 8, 5, group=8, dilations=[2, 2]), 0, 6), 8, C)


def dilated_swish(net: MaskNet, x: str) -> str:
    y = net.conv(x, window=3, dilations=[2, 2])
    y = net.either("Mul", y, net.add("Sigmoid", y))
    return net.conv(y)


def hard_swish(net: MaskNet, x: str) -> str:
    y = net.conv(x)
    gate = (
        net.add("HardSwish", y)
        if net.opset >= 14
        else net.add("Div", net.add("Mul", y, net.clip(net.add("Add", y, net.constant(3)), 0, 6)), net.constant(6))
    )
    return net.conv(gate, window=3)


def padded(net: MaskNet, x: str) -> str:
    pads = [0, 0, 1, 2, 0, 0, 1, 0]
    y = net.add("Relu", net.conv(x))
    y = net.add("Pad", y, pads=pads) if net.opset < 11 else net.add("Pad", y, net.constant(pads, np.int64))
    return net.conv(y, window=3, pad=0)


def parametric(net: MaskNet, x: str) -> str:
    return net.conv(net.add("PRelu", net.conv(x, window=3), net.constant(net.random.uniform(0, 1, (C, 1, 1)))))


def pools(net: MaskNet, x: str) -> str:
    y = net.conv(x)
    a = net.add("MaxPool", y, kernel_shape=[3, 3], pads=[1] * 4)
    b = net.add("AveragePool", y, kernel_shape=[3, 3], pads=[1] * 4)
    return net.conv(net.add("Concat", a, net.add("Add", b, y), axis=1), 2 * C, C)


def residual_inside(net: MaskNet, x: str) -> str:
    y = net.conv(x)
    return net.conv(net.add("Add", net.conv(net.add("Tanh", y), window=3), y))


def shuffled(net: MaskNet, x: str) -> str:
    """ShuffleNet's: channels change places between grouped convolutions."""
    y = net.reshape(net.conv(x, outputs=8, group=2), net.batch, 2, 4, H, W)
    y = net.reshape(net.add("Transpose", y, perm=[0, 2, 1, 3, 4]), net.batch, 8, H, W)
    return net.conv(net.conv(y, 8, 8, 3, group=8), 8, C, group=2)


def split_channels(net: MaskNet, x: str) -> str:
    a, b = net.halves(net.conv(x, outputs=2, window=3))
    return net.conv(net.add("Concat", b, net.add("Relu", a), axis=1), 2, C)


def last_axis(net: MaskNet, x: str) -> str:
    """Pointwise layers as matrix products on N x H x W x C, as ConvNeXt has them."""
    y = net.add("Transpose", net.conv(x, window=3, group=C), perm=[0, 2, 3, 1])
    y = net.add(
        "Relu",
        net.add("Add", net.add("MatMul", y, net.constant(net.random.normal(0, 0.5, (C, 8)))), net.constant(net.random.normal(0, 0.2, 8))),
    )
    return net.add("Transpose", net.add("MatMul", y, net.constant(net.random.normal(0, 0.5, (8, C)))), perm=[0, 3, 1, 2])


def over_channels(net: MaskNet, x: str) -> str:
    """Normalised over channels, pixel by pixel."""
    y = net.conv(x, window=3)
    y = net.add("Sub", y, net.reduce("ReduceMean", y, [1]))
    size = net.add("Sqrt", net.either("Add", net.reduce("ReduceMean", net.add("Mul", y, y), [1]), net.constant(0.1)))
    return net.conv(net.add("Div", y, size))


def squeeze_excite(net: MaskNet, x: str) -> str:
    """Reads every pixel, so that only what follows is masked."""
    y = net.conv(x)
    scale = net.add("Sigmoid", net.conv(net.add("GlobalAveragePool", y)))
    return net.conv(net.add("Mul", y, scale), window=3)


def halved(net: MaskNet, x: str) -> str:
    y = net.add("Relu", net.conv(x))
    return net.conv(net.add("Relu", net.conv(y, window=3, strides=[2, 2])))


BODIES: dict[Body, int] = {
    bottleneck: 3, basic: 2, grouped: 3, inverted: 3, dilated_swish: 2, hard_swish: 2, padded: 2, parametric: 2, pools: 2,
    residual_inside: 3, shuffled: 3, split_channels: 2, last_axis: 3, over_channels: 2, squeeze_excite: 1, halved: 3,
}  # fmt: skip
"""Each with the number of layers that a spatial mask skips."""
SMALL: tuple[Body, ...] = tuple(body for body in BODIES if body not in (halved, squeeze_excite))
