"""The `math` dialect: one instruction where the core has it, else the formulas of `codegen.math`.

Those are written for f32. Half-precision floats are widened for them and rounded once; of f64 only what is one instruction, or plain
arithmetic, is translated. The one thing to know: no call of a C library may remain, so nothing here uses an LLVM intrinsic that the
target does not have.
"""

from __future__ import annotations

from collections.abc import Callable

from ...dialects import math
from ...dialects.ir.operation import Operation
from ...errors import CompileError, error
from ..math import FUNCTIONS
from .emitter import Emitter, translation
from .text import Ref, element, like

_DOUBLE = {
    "math.absf": "llvm.fabs",
    "math.sqrt": "llvm.sqrt",
    "math.floor": "llvm.floor",
    "math.ceil": "llvm.ceil",
    "math.trunc": "llvm.trunc",
    "math.roundeven": "llvm.roundeven",
}


@translation(
    math.AbsF,
    math.Exp,
    math.Log,
    math.Log1p,
    math.ExpM1,
    math.Sqrt,
    math.Tanh,
    math.Sin,
    math.Cos,
    math.Erf,
    math.Floor,
    math.Ceil,
    math.RoundEven,
    math.Trunc,
)
def _unary(op: math.Unary, e: Emitter) -> Ref:
    return _apply(op, e, (e.ref(op.a),))


@translation(math.PowF)
def _power(op: math.PowF, e: Emitter) -> Ref:
    return _apply(op, e, (e.ref(op.a), e.ref(op.b)))


def _apply(op: Operation, e: Emitter, operands: tuple[Ref, ...]) -> Ref:
    """A function on f32, on the nearest f32s of narrower floats, or one instruction on f64."""
    type_ = operands[0].type
    formula: Callable[..., Ref] = FUNCTIONS[op.name.removeprefix("math.")]
    match element(type_):
        case "float":
            return formula(e.f, *operands)
        case "double":
            return _double(op, e, operands[0])
    wide = [e.f.cast("fpext", operand, like(type_, "float")) for operand in operands]
    return e.f.cast("fptrunc", formula(e.f, *wide), type_)


def _double(op: Operation, e: Emitter, a: Ref) -> Ref:
    if op.name == "math.absf" or (op.name in _DOUBLE and e.unit.target.hosted and e.f.abilities.rounding):
        return e.f.intrinsic(_DOUBLE[op.name], a.type, (a,))
    fault = error(f"{op.location.operators or op.name} of f64 is not available on {e.unit.target.name}")
    raise CompileError(fault.at(", ".join(op.location.places) or op.name).help("convert this part of the model to float32"))


@translation(math.Fma)
def _fma(op: math.Fma, e: Emitter) -> Ref:
    """Fused where the core does it on this type; f64 on a chip and 16-bit floats are rounded twice."""
    a, b, c = e.ref(op.a), e.ref(op.b), e.ref(op.c)
    fused = element(a.type) == "float" or (element(a.type) == "double" and e.unit.target.hosted)
    if fused:
        return e.f.muladd(a, b, c)
    return e.f.binary("fadd", e.f.binary("fmul", a, b), c)
