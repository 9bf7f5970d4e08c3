"""Cast: the same numbers as another element type."""

from __future__ import annotations

import numpy as np

from ..ir.attributes import Array
from ..ir.definition import attribute, operand, result
from ..ir.operation import Operation, Value
from ..ir.traits import Elementwise, Pure
from ..ir.types import FloatType, IntegerType, Scalar, Type, i1, i32, i64
from .extents import axes, from_axes, tensor


class Cast(Operation, name="graph.cast", traits=(Pure, Elementwise)):
    """Each element as the type `to`.

    Float to float rounds to nearest, ties to even. Anything to i1 is whether it differs from 0 (NaN does). Integers keep their low
    bits. Float to integer rounds towards zero; ONNX leaves open what becomes of numbers outside of the range, here: NaN is 0, the
    rest takes the nearest value of i64 (of i32 for i32, i16, i8, ui16 and ui8), whose low bits are kept; ui64 takes its own range
    from 2^63 on.

    **ONNX:** Cast 6, 9, 13, 19, 21, 23 (without 8-bit and 4-bit floats), CastLike.
    """

    input: Value = operand()
    to: Scalar = attribute()
    output: Value = result()

    def infer(self) -> Type:
        return from_axes(axes(tensor(self.input)), self.to)

    def evaluate(self, input: Array) -> Array:
        if self.to == i1:
            return np.not_equal(input, 0)
        if isinstance(tensor(self.input).element, FloatType) and isinstance(self.to, IntegerType):
            return _to_integer(input, self.to)
        return input.astype(self.to.dtype)


def carrier(to: IntegerType) -> IntegerType:
    """The signed integer type through which a float becomes a `to`."""
    return i32 if to.bits < 32 or to == i32 else i64


def _to_integer(input: Array, to: IntegerType) -> Array:
    limits = np.iinfo(carrier(to).dtype.str)
    whole = np.nan_to_num(np.trunc(input.astype(np.float64)), nan=0.0, posinf=np.inf, neginf=-np.inf)
    upper = whole >= 2.0**63 if to.unsigned and to.bits == 64 else np.zeros_like(whole, dtype=bool)
    whole = np.where(upper, np.minimum(whole, 2.0**64 - 2048) - 2.0**63, whole)
    low, high = whole <= float(limits.min), whole >= float(limits.max)
    inside = np.where(low | high, 0.0, whole).astype(np.int64)
    carried = np.where(low, limits.min, np.where(high, limits.max, inside)).astype(np.int64)
    return np.where(upper, carried.astype(np.uint64) + np.uint64(2**63), carried.astype(np.uint64)).astype(to.dtype)
