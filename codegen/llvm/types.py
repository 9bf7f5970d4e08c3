"""Types of the loop stage as LLVM's, in registers and in memory.

A scalar takes the same bytes in memory as in NumPy: truth values and 4-bit integers one byte each, indices eight. In registers an index is
as wide as a pointer, so that addresses need no extensions.
"""

from __future__ import annotations

from ...dialects.ir.types import FloatType, IndexType, IntegerType, Scalar, Type, element_of, lanes_of
from ...errors import InternalError
from .text import vector

__all__ = ["is_float", "is_signed", "itemsize_of", "memory_scalar", "register_type"]

_FLOATS = {"f64": "double", "f32": "float", "f16": "half", "bf16": "bfloat"}


def _scalar(element: Scalar, pointer_bits: int) -> str:
    match element:
        case FloatType(name) if name in _FLOATS:
            return _FLOATS[name]
        case IntegerType(bits):
            return f"i{bits}"
        case IndexType():
            return f"i{pointer_bits}"
    raise InternalError(f"codegen: {element} has no form in machine code")


def register_type(type_: Type, pointer_bits: int) -> str:
    """The type of a scalar or vector in registers."""
    return vector(_scalar(element_of(type_), pointer_bits), lanes_of(type_))


def memory_scalar(element: Scalar) -> str:
    """The type of one element in memory."""
    if isinstance(element, FloatType):
        return _scalar(element, 64)
    return f"i{element.dtype.itemsize * 8}"


def itemsize_of(scalar: str) -> int:
    """Bytes of an LLVM scalar in memory."""
    return {"double": 8, "float": 4, "half": 2, "bfloat": 2}.get(scalar) or int(scalar[1:]) // 8


def is_float(type_: Type) -> bool:
    """Whether the elements are floats."""
    return isinstance(element_of(type_), FloatType)


def is_signed(type_: Type) -> bool:
    """Whether the elements are read as signed integers: all but `ui` types and truth values."""
    element = element_of(type_)
    return not (isinstance(element, IntegerType) and (element.unsigned or element.bits == 1))
