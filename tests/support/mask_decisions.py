"""How masks are decided in ONNX: of features N x C x h x w a mask N x 1 x h x w of 0 and 1, in floats.

`NEAR_MISSES` are those that are not 0 and 1 after all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import onnx
from onnx import TensorProto

from mask_net import INT64, MaskNet

# Decisions: of features N x C x h x w, a mask N x 1 x h x w.

Decision: TypeAlias = Callable[[MaskNet, str], str]


def greater(net: MaskNet, z: str) -> str:
    return net.number(net.above(net.conv(z, outputs=1), net.constant(0.1)))


def less(net: MaskNet, z: str) -> str:
    return net.number(net.above(net.constant([[[[0.1]]]]), net.conv(z, outputs=1)))


def both_of_three(net: MaskNet, z: str) -> str:
    a, b, c = (net.above(net.conv(z, outputs=1), net.constant(t)) for t in (-0.5, 0, 0.5))
    return net.number(net.add("Xor", net.add("Or", net.add("And", a, b), c), net.add("Not", b)))


def two_logits(net: MaskNet, z: str) -> str:
    keep, drop = net.halves(net.wrap(net.conv(z, outputs=2)))
    return net.number(net.at_least(keep, drop))


def difference_of_logits(net: MaskNet, z: str) -> str:
    keep, drop = net.halves(net.conv(z, outputs=2))
    return net.number(net.above(net.add("Sub", keep, drop), net.constant(0)))


def softmax_of_logits(net: MaskNet, z: str) -> str:
    keep, drop = net.halves(net.add("Softmax", net.conv(z, outputs=2), axis=1))
    return net.number(net.above(keep, drop))


def probability(net: MaskNet, z: str) -> str:
    keep, _ = net.halves(net.add("Softmax", net.conv(z, outputs=2), axis=1))
    return net.number(net.above(keep, net.constant(0.5 if net.opset >= 13 else 0.02)))


def sigmoid_above_half(net: MaskNet, z: str) -> str:
    return net.number(net.at_least(net.add("Sigmoid", net.conv(z, outputs=1)), net.constant(0.5)))


def rounded_sigmoid(net: MaskNet, z: str) -> str:
    return net.add("Round", net.add("Sigmoid", net.conv(z, outputs=1)))


def floor_of_sigmoid(net: MaskNet, z: str) -> str:
    return net.add("Floor", net.either("Add", net.add("Sigmoid", net.conv(z, outputs=1)), net.constant(0.5)))


def truncated(net: MaskNet, z: str) -> str:
    return net.number(net.number(net.either("Add", net.add("HardSigmoid", net.conv(z, outputs=1)), net.constant(0.5)), INT64))


def arg_max(net: MaskNet, z: str) -> str:
    return net.number(net.add("ArgMax", net.conv(z, outputs=2), axis=1, keepdims=1))


def arg_min_is(net: MaskNet, z: str) -> str:
    place = net.add("ArgMin", net.conv(z, outputs=2), axis=1, keepdims=0)
    return net.axes("Unsqueeze", net.number(net.add("Equal", place, net.constant(0, np.int64))), [1])


def one_of_four(net: MaskNet, z: str) -> str:
    place = net.add("ArgMax", net.conv(z, outputs=4), axis=1)
    return net.number(net.add("Not", net.add("Equal", place, net.constant([2], np.int64))))


def clipped_sign(net: MaskNet, z: str) -> str:
    return net.clip(net.add("Sign", net.conv(z, outputs=1)), 0, 1)


def sign_of_relu(net: MaskNet, z: str) -> str:
    return net.add("Sign", net.add("Relu", net.conv(z, outputs=1)))


def relu_of_sign(net: MaskNet, z: str) -> str:
    return net.either("Max", net.add("Sign", net.conv(z, outputs=1)), net.constant([0]))


def half_of_sign(net: MaskNet, z: str) -> str:
    moved = net.either("Add", net.add("Sign", net.conv(z, outputs=1)), net.constant(1))
    return net.add("Floor", net.either("Mul", moved, net.constant(0.5)))


def divided_sign(net: MaskNet, z: str) -> str:
    moved = net.either("Add", net.add("Sign", net.conv(z, outputs=1)), net.constant(1))
    return net.add("Ceil", net.add("Div", moved, net.constant(2)))


def ceiling(net: MaskNet, z: str) -> str:
    return net.add("Ceil", net.clip(net.conv(z, outputs=1), 0, 1))


def bounded_ceiling(net: MaskNet, z: str) -> str:
    return net.add("Min", net.add("Ceil", net.add("Relu", net.conv(z, outputs=1))), net.constant(1))


def turned(net: MaskNet, z: str) -> str:
    off = greater(net, z)
    return net.add("Sub", net.constant([1]), off)


def turned_by_sum(net: MaskNet, z: str) -> str:
    return net.either("Add", net.add("Neg", greater(net, z)), net.constant([[[[1]]]]))


def absolute_difference(net: MaskNet, z: str) -> str:
    return net.add("Abs", net.add("Sub", greater(net, z), two_logits(net, z)))


def product_of_masks(net: MaskNet, z: str) -> str:
    return net.add("Mul", less(net, z), two_logits(net, z))


def clipped_sum(net: MaskNet, z: str) -> str:
    return net.clip(net.add("Add", greater(net, z), two_logits(net, z)), 0, 1)


def smaller_of_masks(net: MaskNet, z: str) -> str:
    return net.add("Min", less(net, z), arg_max(net, z))


def square(net: MaskNet, z: str) -> str:
    return net.add("Pow", greater(net, z), net.constant(2))


def one_or_zero(net: MaskNet, z: str) -> str:
    chosen = net.above(net.conv(z, outputs=1), net.constant(0))
    return net.add("Where", chosen, net.constant(1), net.constant([[[[0]]]]))


def zero_or_one(net: MaskNet, z: str) -> str:
    chosen = net.above(net.conv(z, outputs=1), net.constant(0))
    return net.add("Where", chosen, net.constant(0), net.constant([1]))


def one_hot(net: MaskNet, z: str) -> str:
    place = net.add("ArgMax", net.conv(z, outputs=2), axis=1, keepdims=0)
    return net.halves(net.add("OneHot", place, net.constant(2, np.int64), net.constant([0, 1]), axis=1))[1]


def last_of_one_hot(net: MaskNet, z: str) -> str:
    place = net.add("ArgMax", net.conv(z, outputs=2), axis=1, keepdims=0)
    hot = net.add("OneHot", place, net.constant([2], np.int64), net.constant([0, 1]), axis=-1)
    return net.axes("Unsqueeze", net.add("Gather", hot, net.constant(1, np.int64), axis=3), [1])


def hard_max(net: MaskNet, z: str) -> str:
    if net.opset < 13:  # over all behind the axis, so that one pixel would be chosen
        return greater(net, z)
    return net.halves(net.add("Hardmax", net.conv(z, outputs=2), axis=1))[0]


def scattered(net: MaskNet, logits: str, extents: str) -> str:
    """Ones at the larger logits, as scatter_ writes them."""
    place = net.add("ArgMax", logits, axis=1, keepdims=1)
    zeros = net.add("ConstantOfShape", extents, value=onnx.numpy_helper.from_array(np.zeros(1, np.float32)))
    ones = net.add("ConstantOfShape", net.add("Shape", place), value=onnx.numpy_helper.from_array(np.ones(1, np.float32)))
    return net.add("Scatter" if net.opset < 11 else "ScatterElements", zeros, place, ones, axis=1)


def scattered_ones(net: MaskNet, z: str) -> str:
    logits = net.conv(z, outputs=2)
    return net.halves(scattered(net, logits, net.add("Shape", logits)))[0]


def straight_through(net: MaskNet, z: str) -> str:
    """The hard Gumbel softmax of PyTorch: hard - soft + soft, whose gradient is that of soft."""
    soft = net.add("Softmax", net.conv(z, outputs=2), axis=1)
    hard = scattered(net, soft, net.add("Shape", soft))
    return net.halves(net.either("Add", net.add("Sub", hard, soft), soft))[0]


def straight_through_sigmoid(net: MaskNet, z: str) -> str:
    soft = net.add("Sigmoid", net.conv(z, outputs=1))
    return net.either("Add", net.add("Sub", net.number(net.above(soft, net.constant(0.5))), soft), soft)


def energy(net: MaskNet, z: str) -> str:
    kind, bound = net.chance.choice([("ReduceMax", 1.2), ("ReduceMean", 0.8), ("ReduceSum", 3.0)])
    return net.number(net.above(net.reduce(kind, net.add("Abs", z), [1]), net.constant(bound)))


def activation(net: MaskNet, z: str) -> str:
    return net.number(net.above(net.reduce("ReduceMean", net.add("Relu", net.batch_norm(net.conv(z, window=3))), [1]), net.constant(0.4)))


def dilated(net: MaskNet, z: str) -> str:
    return net.add("MaxPool", greater(net, z), kernel_shape=[3, 3], pads=[1] * 4)


def eroded(net: MaskNet, z: str) -> str:
    grown = net.add("MaxPool", net.add("Neg", greater(net, z)), kernel_shape=[3, 3], pads=[1] * 4)
    return net.add("Neg", grown)


def some_neighbour(net: MaskNet, z: str) -> str:
    share = net.add("AveragePool", greater(net, z), kernel_shape=[3, 3], pads=[1] * 4)
    return net.number(net.above(share, net.constant(0.1)))


def counted_neighbours(net: MaskNet, z: str) -> str:
    ones = net.constant(np.ones((1, 1, 3, 3)))
    return net.clip(net.add("Conv", greater(net, z), ones, kernel_shape=[3, 3], pads=[1] * 4), 0, 1)


def any_of_several(net: MaskNet, z: str) -> str:
    stacked = net.add("Concat", greater(net, z), less(net, z), two_logits(net, z), axis=1)
    return net.reduce(net.chance.choice(["ReduceMax", "ReduceMin"]), stacked, [1])


def all_of_several(net: MaskNet, z: str) -> str:
    flags = net.number(net.above(net.conv(z, outputs=3), net.constant(-0.5)), INT64)
    return net.number(net.add("Equal", net.reduce("ReduceSum", flags, [1]), net.constant(3, np.int64)))


def small_integers(net: MaskNet, z: str) -> str:
    chosen = net.above(net.conv(z, outputs=1), net.constant(0))
    return net.number(net.number(net.number(chosen, TensorProto.UINT8), INT64))


def looked_up(net: MaskNet, z: str) -> str:
    """A table of what is kept, by class."""
    return net.add("Gather", net.constant([0, 1, 1, 0]), net.add("ArgMax", net.conv(z, outputs=4), axis=1), axis=0)


def picked_along(net: MaskNet, z: str) -> str:
    """One of two masks, by a third."""
    masks = net.add("Concat", greater(net, z), less(net, z), axis=1)
    return net.add("GatherElements", masks, net.add("ArgMax", net.conv(z, outputs=2), axis=1), axis=1)


DECISIONS: tuple[Decision, ...] = (
    greater, less, both_of_three, two_logits, difference_of_logits, softmax_of_logits, probability, sigmoid_above_half, rounded_sigmoid,
    floor_of_sigmoid, truncated, arg_max, arg_min_is, one_of_four, clipped_sign, sign_of_relu, relu_of_sign, half_of_sign, divided_sign,
    ceiling, bounded_ceiling, turned, turned_by_sum, absolute_difference, product_of_masks, clipped_sum, smaller_of_masks, square,
    one_or_zero, zero_or_one, one_hot, last_of_one_hot, hard_max, scattered_ones, straight_through, straight_through_sigmoid, energy,
    activation, dilated, eroded, some_neighbour, counted_neighbours, any_of_several, all_of_several, small_integers, looked_up,
    picked_along,
)  # fmt: skip


# Near misses: as decisions, but not binary.


def soft(net: MaskNet, z: str) -> str:
    return net.add("Sigmoid", net.conv(z, outputs=1))


def steep_ramp(net: MaskNet, z: str) -> str:
    return net.clip(net.add("Mul", net.conv(z, outputs=1), net.constant(1e4)), 0, 1)


def minus_one_or_one(net: MaskNet, z: str) -> str:
    return net.add("Sign", net.conv(z, outputs=1))


def three_levels(net: MaskNet, z: str) -> str:
    return net.either("Mul", net.add("Add", net.add("Sign", net.conv(z, outputs=1)), net.constant(1)), net.constant(0.5))


def sum_of_masks(net: MaskNet, z: str) -> str:
    return net.add("Add", greater(net, z), two_logits(net, z))


def half_or_one(net: MaskNet, z: str) -> str:
    return net.add("Where", net.above(net.conv(z, outputs=1), net.constant(0)), net.constant(1), net.constant(0.5))


def share_of_neighbours(net: MaskNet, z: str) -> str:
    return net.add("AveragePool", greater(net, z), kernel_shape=[3, 3], pads=[1] * 4)


def hard_plus_soft_minus_soft(net: MaskNet, z: str) -> str:
    """Rounds to something else than 0 or 1."""
    soft = net.add("Sigmoid", net.conv(z, outputs=1))
    return net.add("Sub", net.add("Add", net.number(net.above(soft, net.constant(0.5))), soft), soft)


def hard_minus_logits(net: MaskNet, z: str) -> str:
    """The trick of straight_through on something large, which swallows the mask."""
    logits = net.add("Mul", net.conv(z, outputs=1), net.constant(1e8))
    return net.add("Add", net.add("Sub", net.number(net.above(logits, net.constant(0))), logits), logits)


def which_of_four(net: MaskNet, z: str) -> str:
    return net.number(net.add("ArgMax", net.conv(z, outputs=4), axis=1))


def rounded_tanh(net: MaskNet, z: str) -> str:
    return net.add("Round", net.add("Tanh", net.conv(z, outputs=1)))


def other_one_hot(net: MaskNet, z: str) -> str:
    place = net.add("ArgMax", net.conv(z, outputs=2), axis=1, keepdims=0)
    return net.halves(net.add("OneHot", place, net.constant(2, np.int64), net.constant([0.1, 1]), axis=1))[1]


def scattered_numbers(net: MaskNet, z: str) -> str:
    logits = net.conv(z, outputs=2)
    place = net.add("ArgMax", logits, axis=1, keepdims=1)
    zeros = net.add("Sub", logits, logits)
    name = "Scatter" if net.opset < 11 else "ScatterElements"
    return net.halves(net.add(name, zeros, place, net.reduce("ReduceMax", logits, [1]), axis=1))[0]


NEAR_MISSES: tuple[Decision, ...] = (
    soft, steep_ramp, minus_one_or_one, three_levels, sum_of_masks, half_or_one, share_of_neighbours, hard_plus_soft_minus_soft,
    hard_minus_logits, which_of_four, rounded_tanh, other_one_hot, scattered_numbers,
)  # fmt: skip
