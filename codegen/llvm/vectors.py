"""Vectors: from scalars, to scalars, and gathered."""

from __future__ import annotations

from ...dialects import loop
from ...dialects.ir.affine import Affine
from ...dialects.ir.operation import Value
from ...dialects.ir.types import IndexType, lanes_of
from ...dialects.loop.memory import buffer_type
from .arithmetic import extreme_float
from .emitter import Emitter, translation
from .memory import from_memory
from .text import Ref, constant, element, lane_constants, lanes, like, vector
from .types import is_float, is_signed, memory_scalar


@translation(loop.Broadcast)
def _broadcast(op: loop.Broadcast, e: Emitter) -> Ref:
    return e.f.splat(e.ref(op.a), op.lanes)


@translation(loop.Iota)
def _iota(op: loop.Iota, e: Emitter) -> Ref:
    return lane_constants(e.word, range(op.lanes))


@translation(loop.ExtractLane)
def _extract(op: loop.ExtractLane, e: Emitter) -> Ref:
    return e.f.extract(e.ref(op.a), op.lane)


@translation(loop.Interleave)
def _interleave(op: loop.Interleave, e: Emitter) -> Ref:
    return e.f.shuffle(e.ref(op.a), e.ref(op.b), op.picks)


@translation(loop.Reduce)
def _reduce(op: loop.Reduce, e: Emitter) -> Ref:
    """Lower half with upper half, until one lane is left."""
    a, floats, signed = e.ref(op.a), is_float(op.a.type), is_signed(op.a.type)
    while lanes(a.type) > 1:
        half = lanes(a.type) // 2
        low, high = (_half(e, a, start, half) for start in (0, half))
        a = _combined(e, op.kind, low, high, floats, signed)
    return a


def _half(e: Emitter, a: Ref, start: int, count: int) -> Ref:
    return e.f.extract(a, start) if count == 1 else e.f.shuffle(a, None, range(start, start + count))


def _combined(e: Emitter, kind: str, a: Ref, b: Ref, floats: bool, signed: bool) -> Ref:
    if kind in ("max", "min"):
        if floats:
            return extreme_float(e, kind, a, b)
        return e.f.intrinsic(f"llvm.{'s' if signed else 'u'}{kind}", a.type, (a, b))
    return e.f.binary(("f" if floats else "") + kind, a, b)


@translation(loop.Gather)
def _gather(op: loop.Gather, e: Emitter) -> Ref:
    """Every subscript is clamped into its dim; lanes are loaded one by one, which no core's gather instruction beats."""
    buffer = buffer_type(op.buffer)
    scalar, itemsize = memory_scalar(buffer.element), buffer.element.dtype.itemsize
    width = max((lanes_of(v.type) for v in op.subscripts), default=1)
    total = constant(vector(e.word, width), 0)
    for subscript, extent, stride in zip(op.subscripts, buffer.shape, buffer.strides, strict=True):
        inside = _clamped(e, subscript, extent)
        total = e.f.binary("add nsw", total, e.f.binary("mul nsw", inside, constant(inside.type, stride)))
    base, alignment = e.pointer(e.places[op.buffer], Affine(), itemsize)
    natural = min(alignment, itemsize)
    loaded = Ref("poison", vector(scalar, width))
    for lane in range(width):
        distance = total if width == 1 else e.f.extract(total, lane)
        one = e.f.load(scalar, e.f.emit("ptr", f"getelementptr {scalar}, {base}, {distance}"), natural)
        loaded = one if width == 1 else e.f.insert(loaded, one, lane)
    return from_memory(e, loaded, buffer.element)


def _clamped(e: Emitter, subscript: Value, extent: int) -> Ref:
    """Into 0 .. extent - 1, in the subscript's own width, then as wide as a pointer."""
    a = e.ref(subscript)
    if isinstance(subscript.type, IndexType):
        low, high = e.range(e.index(subscript))
        if low >= 0 and high < extent:
            return a
    if is_signed(subscript.type):
        a = e.f.intrinsic("llvm.smax", a.type, (a, constant(a.type, 0)))
    bits = int(element(a.type)[1:])
    if extent - 1 < 1 << (bits - is_signed(subscript.type)):
        a = e.f.intrinsic("llvm.umin", a.type, (a, constant(a.type, extent - 1)))
    wide = int(e.word[1:])
    return a if bits == wide else e.f.cast("zext" if bits < wide else "trunc", a, like(a.type, e.word))
