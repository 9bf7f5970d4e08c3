"""Softmax and its logarithm."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..ir.attributes import Array
from ..ir.definition import attribute, operand, result
from ..ir.operation import Operation, Value
from ..ir.traits import Pure
from ..ir.types import Type
from .elementwise import is_float, widened
from .extents import tensor


class Normalised(Operation):
    """Base: over `axes` together (ascending, none negative), with the largest element subtracted first, so that nothing overflows.

    input [...], output [...]: floats. NaN, and +infinity, in a row make all of it NaN.
    """

    input: Value = operand()
    axes: tuple[int, ...] = attribute()
    output: Value = result()

    def infer(self) -> Type:
        return tensor(self.input)

    def verify(self) -> Iterable[str]:
        x = tensor(self.input)
        if not is_float(x.element):
            yield f"does not take {x}"
        if any(not 0 <= axis < x.rank for axis in self.axes) or sorted(dict.fromkeys(self.axes)) != list(self.axes):
            yield f"the axes {list(self.axes)} of {x} are not ascending numbers from 0 to {x.rank - 1}"

    def shifted(self, x: Array) -> Array:
        """`x` less its largest element."""
        return np.asarray(widened(x) - np.max(widened(x), axis=self.axes, keepdims=True, initial=-np.inf))


class Softmax(Normalised, name="graph.softmax", traits=(Pure,)):
    """e^x / sum of e^x over the axes.

    ONNX: Softmax 1, 11, 13. Before 13 it flattens to two axes: all axes from `axis` on are reduced together.
    """

    def evaluate(self, x: Array) -> Array:
        exponentials = np.exp(self.shifted(x))
        return np.asarray(exponentials / exponentials.sum(axis=self.axes, keepdims=True)).astype(x.dtype, copy=False)


class LogSoftmax(Normalised, name="graph.log_softmax", traits=(Pure,)):
    """x - log(sum of e^x over the axes). ONNX: LogSoftmax 1, 11, 13, flattening as Softmax."""

    def evaluate(self, x: Array) -> Array:
        shifted = self.shifted(x)
        return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=self.axes, keepdims=True))).astype(x.dtype, copy=False)
