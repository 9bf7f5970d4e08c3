"""Reductions over some of the axes: sums, means, norms, extremes, and where the extremes are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np

from ..ir.attributes import Array
from ..ir.definition import attribute, operand, result
from ..ir.operation import Operation, Value
from ..ir.traits import Pure
from ..ir.types import Type, i64
from .elementwise import DOMAINS, widened
from .extents import axes, from_axes, tensor


class Reduction(Operation):
    """Base: one input [...], reduced over `axes` (ascending, none negative; empty: nothing is reduced).

    The output has extent 1 in place of each with `keepdims`, else lacks them. A reduction over no elements gives the neutral element of
    the operation (0, 1, the infinities); means give NaN.
    """

    input: Value = operand()
    axes: tuple[int, ...] = attribute()
    keepdims: bool = attribute(default=True)
    output: Value = result()

    domain: ClassVar[str] = "numbers"

    def infer(self) -> Type:
        x = tensor(self.input)
        kept = [(1, "") if i in self.axes else axis for i, axis in enumerate(axes(x)) if self.keepdims or i not in self.axes]
        return from_axes(kept, x.element)

    def verify(self) -> Iterable[str]:
        x = tensor(self.input)
        if not DOMAINS[self.domain](x.element):
            yield f"takes {self.domain}, but the input is {x}"
        if any(not 0 <= axis < x.rank for axis in self.axes) or sorted(dict.fromkeys(self.axes)) != list(self.axes):
            yield f"the axes {list(self.axes)} of {x} are not ascending numbers from 0 to {x.rank - 1}"

    def formula(self, x: Array, over: dict[str, Any]) -> Any:
        """The reduction of a (widened) array, where `over` holds NumPy's `axis` and `keepdims`."""
        raise NotImplementedError(self.name)

    def evaluate(self, x: Array) -> Array:
        out = self.formula(widened(x), {"axis": self.axes, "keepdims": self.keepdims})
        return np.asarray(out).astype(x.dtype, copy=False)


def total(x: Array, over: dict[str, Any]) -> Any:
    """The sum in the type of `x`: NumPy would widen integers."""
    return np.sum(x, dtype=x.dtype, **over)


class ReduceSum(Reduction, name="graph.reduce_sum", traits=(Pure,)):
    """The sum, of integers modulo their width. ONNX: ReduceSum 1, 11, 13."""

    def formula(self, x: Array, over: dict[str, Any]) -> Any:
        return total(x, over)


class ReduceMean(Reduction, name="graph.reduce_mean", traits=(Pure,)):
    """The mean; of integers towards zero. ONNX: ReduceMean 1, 11, 13, 18; GlobalAveragePool 1, 22."""

    def formula(self, x: Array, over: dict[str, Any]) -> Any:
        count = int(np.prod([x.shape[axis] for axis in self.axes]))
        if x.dtype.kind in "iu":
            return np.trunc(total(x, over) / np.float64(count))
        return np.asarray(total(x, over) / x.dtype.type(count))


class ReduceMax(Reduction, name="graph.reduce_max", traits=(Pure,)):
    """The largest; NaN if there is one. ONNX: ReduceMax 1, 11, 12, 13, 18, 20; GlobalMaxPool 1, 22."""

    def formula(self, x: Array, over: dict[str, Any]) -> Any:
        return np.max(x, initial=lowest(x.dtype), **over)


class ReduceMin(Reduction, name="graph.reduce_min", traits=(Pure,)):
    """The smallest; NaN if there is one. ONNX: ReduceMin 1, 11, 12, 13, 18, 20."""

    def formula(self, x: Array, over: dict[str, Any]) -> Any:
        return np.min(x, initial=highest(x.dtype), **over)


class ReduceProd(Reduction, name="graph.reduce_prod", traits=(Pure,)):
    """The product, of integers modulo their width. ONNX: ReduceProd 1, 11, 13, 18."""

    def formula(self, x: Array, over: dict[str, Any]) -> Any:
        return np.prod(x, dtype=x.dtype, **over)


class ReduceL1(Reduction, name="graph.reduce_l1", traits=(Pure,)):
    """The sum of the magnitudes. ONNX: ReduceL1 1, 11, 13, 18."""

    def formula(self, x: Array, over: dict[str, Any]) -> Any:
        return total(np.abs(x), over)


class ReduceL2(Reduction, name="graph.reduce_l2", traits=(Pure,)):
    """The square root of the sum of squares. ONNX: ReduceL2 1, 11, 13, 18."""

    domain = "floats"

    def formula(self, x: Array, over: dict[str, Any]) -> Any:
        return np.sqrt(total(x * x, over))


class ReduceSumSquare(Reduction, name="graph.reduce_sum_square", traits=(Pure,)):
    """The sum of squares. ONNX: ReduceSumSquare 1, 11, 13, 18."""

    def formula(self, x: Array, over: dict[str, Any]) -> Any:
        return total(x * x, over)


class ReduceLogSum(Reduction, name="graph.reduce_log_sum", traits=(Pure,)):
    """The logarithm of the sum. ONNX: ReduceLogSum 1, 11, 13, 18."""

    domain = "floats"

    def formula(self, x: Array, over: dict[str, Any]) -> Any:
        return np.log(total(x, over))


class ReduceLogSumExp(Reduction, name="graph.reduce_log_sum_exp", traits=(Pure,)):
    """The logarithm of the sum of e^x, without overflow on the way. ONNX: ReduceLogSumExp 1, 11, 13, 18."""

    domain = "floats"

    def formula(self, x: Array, over: dict[str, Any]) -> Any:
        wide = x.astype(np.float64)
        return np.logaddexp.reduce(wide, **over)


class ArgReduction(Operation):
    """Base: where along `axis` the extreme stands: the first (`last`: the last) of equal ones; NaN beats every number.

    input [...]: numbers. output: i64, with extent 1 in place of the axis with `keepdims`, else without it.
    """

    input: Value = operand()
    axis: int = attribute()
    keepdims: bool = attribute(default=True)
    last: bool = attribute(default=False)
    output: Value = result()

    def infer(self) -> Type:
        kept = axes(tensor(self.input))
        kept[self.axis : self.axis + 1] = [(1, "")] if self.keepdims else []
        return from_axes(kept, i64)

    def verify(self) -> Iterable[str]:
        x = tensor(self.input)
        if not DOMAINS["numbers"](x.element):
            yield f"does not take {x}"
        if not 0 <= self.axis < x.rank:
            yield f"axis {self.axis} is outside 0..{x.rank - 1}"
        elif x.shape[self.axis] == 0:
            yield f"{x} has no elements along axis {self.axis}"


class ArgMax(ArgReduction, name="graph.arg_max", traits=(Pure,)):
    """Where the largest stands. ONNX: ArgMax 1, 11, 12, 13."""

    def evaluate(self, x: Array) -> Array:
        return _position(np.argmax, self, x)


class ArgMin(ArgReduction, name="graph.arg_min", traits=(Pure,)):
    """Where the smallest stands. ONNX: ArgMin 1, 11, 12, 13."""

    def evaluate(self, x: Array) -> Array:
        return _position(np.argmin, self, x)


def _position(find: Callable[..., Any], op: ArgReduction, x: Array) -> Array:
    if not op.last:
        return np.asarray(find(x, axis=op.axis, keepdims=op.keepdims), dtype=np.int64)
    return np.asarray(x.shape[op.axis] - 1 - find(np.flip(x, op.axis), axis=op.axis, keepdims=op.keepdims), dtype=np.int64)


def lowest(dtype: np.dtype[np.generic]) -> float | int:
    """The neutral element of the maximum."""
    return -np.inf if dtype.kind not in "iu" else int(np.iinfo(np.dtype(dtype.str)).min)


def highest(dtype: np.dtype[np.generic]) -> float | int:
    """The neutral element of the minimum."""
    return np.inf if dtype.kind not in "iu" else int(np.iinfo(np.dtype(dtype.str)).max)
