"""Sliding windows: what convolution and pooling share, one spatial axis at a time.

A window of `kernel` taps, `dilation` apart, moves by `stride` over an axis that `begin` and `end` elements of padding enlarge; its first
tap at output o lies at input o * stride - begin. Pads of an operation are written as ONNX writes them: all begins, then all ends.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ..ir.attributes import Array
from .extents import UNKNOWN, Axis


def reach(kernel: int, dilation: int) -> int:
    """Elements from the first tap to the last, both included."""
    return (kernel - 1) * dilation + 1


def window_extent(axis: Axis, kernel: int, stride: int, dilation: int, pads: int, ceil: bool = False, begin: int = 0) -> Axis:
    """The axis of the windows that fit: an unknown one is kept where the extent does not change.

    With `ceil` a last window may hang over the end, unless it begins outside of the input and its first padding.
    """
    extent, _ = axis
    free = pads - reach(kernel, dilation)
    if extent is None:
        return axis if stride == 1 and free == -1 else UNKNOWN
    room = extent + free
    if room < 0 and not ceil:
        return (0, "")
    windows = (-(-room // stride) if ceil else room // stride) + 1
    if ceil and (windows - 1) * stride >= extent + begin:
        windows -= 1
    return (max(windows, 0), "")


def window_faults(rank: int, **lists: Sequence[int]) -> Iterable[str]:
    """Lists of a windowed operation that do not have one entry per spatial axis (`pads`: two), or entries out of range."""
    for name, values in lists.items():
        count = rank * 2 if name == "pads" else rank
        if len(values) != count:
            yield f"{name} {list(values)} should have {count} entries"
        low = 0 if name in ("pads", "output_padding") else 1
        if any(value < low for value in values):
            yield f"{name} {list(values)} has an entry below {low}"


def padded(x: Array, begins: Sequence[int], ends: Sequence[int], value: float) -> Array:
    """`x` with its last axes enlarged by `value`; a negative count cuts off."""
    lead = [(0, 0)] * (x.ndim - len(begins))
    widths = [*lead, *((max(b, 0), max(e, 0)) for b, e in zip(begins, ends, strict=True))]
    out = np.pad(x, widths, constant_values=value) if any(map(any, widths)) else x
    cuts = [slice(max(-b, 0), n - max(-e, 0)) for b, e, n in zip(begins, ends, out.shape[len(lead) :], strict=True)]
    inner: tuple[Any, ...] = (..., *cuts)
    cropped: Array = out[inner]
    return cropped


def taps(x: Array, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int], extents: Sequence[int]) -> Iterator[Array]:
    """For every tap of the window, in row-major order, the elements of `x` (padded) that it meets: [..., *extents]."""
    for offsets in itertools.product(*map(range, kernel)):
        starts = [offset * dilation for offset, dilation in zip(offsets, dilations, strict=True)]
        runs = zip(starts, extents, strides, strict=True)
        slices = [slice(start, start + max((n - 1) * stride + 1, 0), stride) for start, n, stride in runs]
        met: tuple[Any, ...] = (..., *slices)
        yield x[met]
