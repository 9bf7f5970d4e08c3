"""Masked blocks in all the ways they are written in ONNX: how a mask is decided, brought to size and applied, and what it masks.

Each of the four is a list of functions on a `MaskNet`, and any of one list goes with any of the others. `variant(number)` takes one of
each, an opset and wrappers, so that `range(n)` meets every entry soon."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import onnx
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from mask_applications import APPLICATIONS, PRODUCTS, Application, Selection
from mask_bodies import BODIES, GROUPED, SMALL, SPREADS, Body, Spread, as_it_is, halved, resized
from mask_decisions import (
    DECISIONS,
    NEAR_MISSES,
    Decision,
    arg_min_is,
    hard_max,
    picked_along,
    rounded_sigmoid,
    rounded_tanh,
)
from mask_models import C, H, Net, W
from mask_net import BOOL, FLOAT, MaskNet

OPSETS = (9, 11, 12, 13, 17, 18, 21, 26)  # the last is the newest of the onnxruntime that is installed


@dataclass(frozen=True, slots=True)
class Variant:
    """A model, and how it was put together."""

    net: MaskNet
    decision: Decision
    spread: Spread
    body: Body
    application: Application
    tile: int
    kind: str = "spatial"

    def __str__(self) -> str:
        parts = (each.__name__ for each in (self.decision, self.spread, self.body, self.application))
        return "-".join([self.kind, *parts, f"S{self.tile}", f"opset{self.net.opset}"])

    @property
    def model(self) -> onnx.ModelProto:
        return self.net.model()

    @property
    def layers(self) -> int:
        """How many layers are skipped; of a mask of channels, only the one that makes them."""
        return 1 if self.kind == "channel" else BODIES[self.body]


def variant(number: int) -> Variant:
    """The masked block of a number."""
    return _built(number, DECISIONS)


def near_miss(number: int) -> Variant:
    """The same with a factor that only resembles a mask."""
    return _built(number, NEAR_MISSES)


def gate(number: int) -> Variant:
    """The same with one decision per picture, or one per channel where the application multiplies."""
    chance = random.Random(number)
    decision, body = DECISIONS[number % len(DECISIONS)], SMALL[number % len(SMALL)]
    kind, forms = chance.choice([("layer", APPLICATIONS), ("channel", PRODUCTS), ("groups", PRODUCTS)])
    application = forms[number % len(forms)]
    net = MaskNet(chance.choice([each for each in OPSETS if _since(decision) <= each]), chance.choice([1, 2, 3]), chance=chance)
    parts = {"layer": 1, "channel": C, "groups": 2}[kind]
    z = "x" if kind == "groups" else _pooled(net)
    masks = [decision(net, net.add("Mul", z, net.constant(net.random.normal(0, 1, (C, 1, 1))))) for _ in range(parts)]
    mask = net.wrap(net.add("Concat", *masks, axis=1) if parts > 1 else masks[0])
    spread = chance.choice(GROUPED) if kind == "groups" else as_it_is
    net.add("Identity", application(net, spread(net, mask, 1, H), body(net, "x"), net.wrap("x")), out="y")
    return Variant(net, decision, spread, body, application, 1, "spatial" if kind == "groups" else kind)


def _pooled(net: MaskNet) -> str:
    match net.chance.randrange(3):
        case 0:
            return net.reduce("ReduceMean", "x", [2, 3])
        case 1:
            return net.add("AveragePool", "x", kernel_shape=[H, W])
    return net.add(net.chance.choice(["GlobalAveragePool", "GlobalMaxPool"]), "x")


def _built(number: int, decisions: Sequence[Decision]) -> Variant:
    chance = random.Random(number)
    decision, spread = decisions[number % len(decisions)], SPREADS[number % len(SPREADS)]
    body, application = list(BODIES)[(number * 3 + number // len(BODIES)) % len(BODIES)], APPLICATIONS[number % len(APPLICATIONS)]
    if decisions is NEAR_MISSES:
        application = PRODUCTS[number % len(PRODUCTS)]
        spread = resized
    tile = chance.choice([1, 2, 4]) if spread is resized else chance.choice([2, 4])
    net = MaskNet(chance.choice([each for each in OPSETS if _since(decision) <= each]), chance.choice([1, 1, 2]), chance=chance)
    side = H // 2 if body is halved else H
    mask = spread(net, net.wrap(decision(net, _features(net, H // side * tile))), tile, side)
    x = net.conv("x", strides=[2, 2]) if body is halved else "x"
    net.add("Identity", application(net, mask, body(net, "x"), net.wrap(x)), out="y")
    return Variant(net, decision, spread, body, application, tile, "spatial" if side > tile else "layer")


def _features(net: MaskNet, factor: int) -> str:
    if factor == 1:
        return "x"
    return net.add(net.chance.choice(["MaxPool", "AveragePool"]), "x", kernel_shape=[factor] * 2, strides=[factor] * 2)


def _since(decision: Decision) -> int:
    """The first opset that has the operators."""
    elevens = (rounded_sigmoid, rounded_tanh, picked_along, arg_min_is)
    return 13 if decision is hard_max else 11 if decision in elevens else 9


def selection(form: Selection, opset: int, batch: int) -> MaskNet:
    """A block that picks."""
    net = MaskNet(opset, batch, chance=random.Random(opset))
    form(net)
    return net


# Random blocks for hypothesis: windows of all sorts behind a mask.


def _window(draw: DrawFn, net: Net, x: str, stride: int) -> str:
    """A convolution that keeps the extents (divided by the stride), padded unevenly."""
    size, dilation, group = draw(st.sampled_from([1, 3, 5])), draw(st.sampled_from([1, 2])), draw(st.sampled_from([1, 2, C]))
    span = (size - 1) * dilation
    top, left = draw(st.integers(0, span)), draw(st.integers(0, span))
    weights = net.constant(net.random.normal(0, 1, (C, C // group, size, size)) / size)
    pads = [top, left, span - top, span - left]
    return net.add("Conv", x, weights, pads=pads, dilations=[dilation] * 2, strides=[stride] * 2, group=group)


@st.composite
def masked_blocks(draw: DrawFn, kinds: Sequence[str] = ("product", "residual")) -> Net:
    """A masked branch of convolutions: windows, dilations, strides, uneven pads, groups; a product, a residual, or one of further `kinds`:
    a choice, a blend, a gate for every picture, and one for every channel. Some masks have groups of channels."""
    net = Net(batch=draw(st.sampled_from([1, 2])))
    stride, tile, kind = draw(st.sampled_from([1, 2])), draw(st.sampled_from([1, 2, 4])), draw(st.sampled_from(list(kinds)))
    if kind in ("gate", "channels"):
        pooled, parts = net.add("GlobalMaxPool", "x"), 1 if kind == "gate" else draw(st.sampled_from([2, C]))
        mask = net.add("Cast", net.add("Greater", net.conv(pooled, outputs=parts), net.constant(0.5)), to=FLOAT)
        mask = net.in_groups(mask, parts)
    else:
        groups = draw(st.sampled_from([1, 1, 2]))
        small = net.add("Cast", net.flags(stride * tile, groups), to=FLOAT)
        mask = net.add("Resize", small, "", net.constant([1, 1, tile, tile]), mode="nearest", coordinate_transformation_mode="asymmetric")
        mask = net.in_groups(mask, groups)
    value = "x"
    for left in reversed(range(draw(st.integers(1, 3)))):
        value = _window(draw, net, value, 1 if left else stride)
        value = net.add(draw(st.sampled_from(["Relu", "Sigmoid"])), value) if draw(st.booleans()) else value
    beside = "x" if stride == 1 else net.add("MaxPool", "x", kernel_shape=[1, 1], strides=[stride] * 2)
    match kind:
        case "product":
            net.add("Mul", value, mask, out="y")
        case "choice":
            net.add("Where", net.add("Cast", mask, to=BOOL), value, beside, out="y")
        case "blend":
            rest = net.add("Mul", net.add("Sub", net.constant(1), mask), beside)
            net.add("Add", rest, net.add("Mul", mask, value), out="y")
        case _:
            net.add("Relu", net.add("Add", beside, net.add("Mul", mask, value)), out="y")
    return net
