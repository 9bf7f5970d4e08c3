"""Resize and Upsample: scales and sizes are one entry per axis, policies become sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from ....dialects import graph
from ....dialects.ir.attributes import Array
from ....dialects.ir.operation import Value
from .registry import NodeContext, as_ints, importer
from .shape import deferred

T = TypeVar("T")


@importer("Upsample", since=7)
def upsample_by_attribute(node: NodeContext) -> Value:
    """Scales are an attribute."""
    return _simple(node, node.floats("scales"))


@importer("Upsample", since=9)
@importer("Resize", since=10)
def upsample(node: NodeContext) -> Value:
    """Scales are an input."""
    if node.optional(1) is not None and node.constant(1) is None:
        return _deferred(node)
    return _simple(node, _floats(_constant(node, 1, "scales")))


def _simple(node: NodeContext, scales: Sequence[float]) -> Value:
    """The form before coordinate modes."""
    mode = {"nearest": "nearest", "linear": "linear", "bilinear": "linear"}.get(node.string("mode", "nearest"))
    if mode is None:
        node.fail(f"mode is {node.string('mode')!r}")
    _check_count(node, scales, "scales")
    op = graph.Resize(node.input(0), scales=tuple(scales), mode=mode, coordinates="asymmetric", rounding="simple")
    return node.add(op).output


@importer("Resize", since=11)
def resize(node: NodeContext) -> Value:
    """Everything but cropping and antialiasing."""
    coordinates = node.string("coordinate_transformation_mode", "half_pixel")
    if coordinates == "tf_crop_and_resize":
        node.fail("coordinate_transformation_mode 'tf_crop_and_resize' is not supported yet", "crop with Slice, then resize")
    if node.int("antialias", 0):
        node.fail("antialias is not supported yet", "export the model without it")
    if _waits(node):
        return _deferred(node)
    scales, sizes = _targets(node)
    op = graph.Resize(
        node.input(0),
        scales=scales,
        sizes=sizes,
        mode=node.string("mode", "nearest"),
        coordinates=coordinates,
        rounding=node.string("nearest_mode", "round_prefer_floor"),
        cubic_a=node.float("cubic_coeff_a", -0.75),
        exclude_outside=bool(node.int("exclude_outside", 0)),
    )
    return node.add(op).output


def _waits(node: NodeContext) -> bool:
    """Whether extents or scales are not known yet."""
    unknown = any(node.optional(i) is not None and node.constant(i) is None for i in (2, 3))
    by_size = node.optional(3) is not None and node.constant(3) is not None
    return unknown or (by_size and not node.type(0).is_static)


def _deferred(node: NodeContext) -> Value:
    return deferred(node, (None,) * node.type(0).rank)


def _targets(node: NodeContext) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Scales or sizes, one per axis of the input; one of them is empty."""
    rank = node.type(0).rank
    axes = node.axes(node.ints("axes", range(rank)), rank)
    scales = node.constant(2) if node.optional(2) is not None else None
    if scales is not None and scales.size:
        _check_count(node, scales, "scales", len(axes))
        return _spread([1.0] * rank, axes, _floats(scales)), ()
    sizes = as_ints(_constant(node, 3, "sizes"))
    _check_count(node, sizes, "sizes", len(axes))
    policy = node.string("keep_aspect_ratio_policy", "stretch")
    if policy != "stretch":
        return _fitting(node, axes, sizes, policy)
    return (), _spread(node.type(0).extents, axes, sizes)


def _fitting(node: NodeContext, axes: Sequence[int], sizes: Sequence[int], policy: str) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Sizes with one scale for all axes: the smallest (not_larger) or the largest (not_smaller) that the given sizes ask for."""
    if policy not in ("not_larger", "not_smaller"):
        node.fail(f"keep_aspect_ratio_policy is {policy!r}")
    own = node.type(0).extents
    ratios = [size / own[axis] for axis, size in zip(axes, sizes, strict=True)]
    scale = min(ratios) if policy == "not_larger" else max(ratios)
    extents = _spread(list(own), axes, [int(np.floor(own[axis] * scale + 0.5)) for axis in axes])
    return _spread([1.0] * len(own), axes, [scale] * len(axes)), extents


def _spread(whole: Sequence[T], axes: Sequence[int], values: Sequence[T]) -> tuple[T, ...]:
    """`whole` with the entries at `axes` replaced."""
    at = dict(zip(axes, values, strict=True))
    return tuple(at.get(axis, each) for axis, each in enumerate(whole))


def _floats(values: Array) -> tuple[float, ...]:
    return tuple(float(value) for value in np.asarray(values).reshape(-1))


def _constant(node: NodeContext, i: int, name: str) -> Array:
    if node.optional(i) is None:
        node.fail(f"the input {name!r} is missing")
    value = node.constant(i)
    assert value is not None  # the node would have been deferred
    return value


def _check_count(node: NodeContext, values: Array | Sequence[float], name: str, count: int | None = None) -> None:
    expected = node.type(0).rank if count is None else count
    if len(values) != expected:
        node.fail(f"there are {len(values)} {name}, but should be {expected}")
