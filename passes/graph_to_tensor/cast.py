"""Lowering of Cast: one conversion per element."""

from __future__ import annotations

from ...dialects import arith, graph, lanes, tensor
from ...dialects.graph.cast import carrier
from ...dialects.ir.affine import AffineMap
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Block, Region, Value
from ...dialects.ir.types import FloatType, IntegerType, Scalar, Type, f32, i1, i64
from ..conversion import lowering, refuse
from .maps import tensor_type


@lowering(graph.Cast)
def lower_cast(op: graph.Cast, build: Builder) -> Value:
    """A computation whose body converts."""
    source, extents = tensor_type(op.input), tensor_type(op.output).extents
    body = Block([source.element])
    inner = Builder.at_end(body, op.location)
    inner.add(tensor.Yield([_converted(op, body.arguments[0], source.element, op.to, inner)]))
    maps = (AffineMap.identity(len(extents)),)
    return build.add(tensor.Compute([op.input], [], contents=Region(body), extents=extents, parallel=len(extents), maps=maps)).output


def _converted(op: graph.Cast, value: Value, source: Scalar, to: Scalar, build: Builder) -> Value:
    match source, to:
        case _ if source == to:
            return value
        case FloatType(), IntegerType(bits=1):
            return build.add(lanes.CmpF.of("une", value, _number(0.0, source, build))).output
        case IntegerType(), IntegerType(bits=1):
            return build.add(lanes.CmpI.of("ne", value, _number(0, source, build))).output
        case FloatType(), FloatType():
            return _float_to_float(value, source, to, build)
        case FloatType(), IntegerType():
            return _float_to_integer(value, source, to, build)
        case IntegerType(), FloatType():
            is_unsigned = source.unsigned or source == i1
            return build.add((lanes.UIToFP if is_unsigned else lanes.SIToFP)(value, to=to)).output
        case IntegerType(), IntegerType():
            return _integer_to_integer(value, source, to, build)
        case _:
            return refuse(op, f"cannot convert {source} to {to}")


def _float_to_float(value: Value, source: FloatType, to: FloatType, build: Builder) -> Value:
    if source.bits == to.bits:  # f16 and bf16: f32 holds both
        value, source = build.add(lanes.ExtF(value, to=f32)).output, f32
    return build.add((lanes.ExtF if to.bits > source.bits else lanes.TruncF)(value, to=to)).output


def _integer_to_integer(value: Value, source: IntegerType, to: IntegerType, build: Builder) -> Value:
    if source.bits == to.bits:
        return build.add(lanes.Bitcast(value, to=to)).output
    if source.bits > to.bits:
        return build.add(lanes.TruncI(value, to=to)).output
    return build.add((lanes.ExtUI if source.unsigned or source == i1 else lanes.ExtSI)(value, to=to)).output


def _float_to_integer(value: Value, source: FloatType, to: IntegerType, build: Builder) -> Value:
    """Through a signed type; the upper half of ui64, which none holds, is shifted into the lower one and back."""
    through = carrier(to)
    whole = build.add(lanes.FPToSI(value, to=through)).output
    if to.unsigned and to.bits == 64 and source.dtype.itemsize > 2:
        half = _number(2.0**63, source, build)
        is_upper = build.add(lanes.CmpF.of("oge", value, half)).output
        lower = build.add(lanes.FPToSI(build.add(arith.SubF(value, half)).output, to=i64)).output
        top = build.add(arith.XOrI(lower, _number(-(2**63), i64, build))).output
        whole = build.add(lanes.Select(is_upper, top, whole)).output
    return _integer_to_integer(whole, through, to, build) if through != to else whole


def _number(value: float, type_: Type, build: Builder) -> Value:
    return build.add(arith.number(value, type_)).output
