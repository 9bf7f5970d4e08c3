"""Comparison and logic: elementwise operators on truth values and bits, or whose result is a truth value."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir.attributes import Array
from ..ir.definition import attribute
from ..ir.traits import Commutative, Elementwise, Pure
from .elementwise import Binary, Unary


class Not(Unary, name="graph.not", traits=(Pure, Elementwise)):
    """The other truth value. ONNX: Not 1."""

    domain = "truth values"

    ufunc = np.logical_not


class BitwiseNot(Unary, name="graph.bitwise_not", traits=(Pure, Elementwise)):
    """Every bit of an integer turned. ONNX: BitwiseNot 18."""

    domain = "integers"

    ufunc = np.invert


class IsNaN(Unary, name="graph.is_nan", traits=(Pure, Elementwise)):
    """Whether x is no number. ONNX: IsNaN 9, 13, 20."""

    to_truth = True

    ufunc = np.isnan


class IsInf(Unary, name="graph.is_inf", traits=(Pure, Elementwise)):
    """Whether x is infinite, of a sign that counts. ONNX: IsInf 10, 20."""

    to_truth = True
    positive: bool = attribute(default=True)
    negative: bool = attribute(default=True)

    def formula(self, x: Array) -> Any:
        return ((x == np.inf) & self.positive) | ((x == -np.inf) & self.negative)


class Comparison(Binary):
    """Base of comparisons; false where an operand is NaN."""

    to_truth = True


class Equal(Comparison, name="graph.equal", traits=(Pure, Elementwise, Commutative)):
    """a = b, also of truth values. ONNX: Equal 7, 11, 13, 19."""

    domain = "numbers or truth values"

    ufunc = np.equal


class Less(Comparison, name="graph.less", traits=(Pure, Elementwise)):
    """a < b. ONNX: Less 7, 9, 13."""

    ufunc = np.less


class LessOrEqual(Comparison, name="graph.less_or_equal", traits=(Pure, Elementwise)):
    """a <= b. ONNX: LessOrEqual 12, 16."""

    ufunc = np.less_equal


class Greater(Comparison, name="graph.greater", traits=(Pure, Elementwise)):
    """a > b. ONNX: Greater 7, 9, 13."""

    ufunc = np.greater


class GreaterOrEqual(Comparison, name="graph.greater_or_equal", traits=(Pure, Elementwise)):
    """a >= b. ONNX: GreaterOrEqual 12, 16."""

    ufunc = np.greater_equal


class And(Binary, name="graph.and", traits=(Pure, Elementwise, Commutative)):
    """Both, of truth values; bit by bit of integers. ONNX: And 7, BitwiseAnd 18."""

    domain = "numbers or truth values"

    ufunc = np.bitwise_and


class Or(Binary, name="graph.or", traits=(Pure, Elementwise, Commutative)):
    """Either, of truth values; bit by bit of integers. ONNX: Or 7, BitwiseOr 18."""

    domain = "numbers or truth values"

    ufunc = np.bitwise_or


class Xor(Binary, name="graph.xor", traits=(Pure, Elementwise, Commutative)):
    """One of both, of truth values; bit by bit of integers. ONNX: Xor 7, BitwiseXor 18."""

    domain = "numbers or truth values"

    ufunc = np.bitwise_xor
