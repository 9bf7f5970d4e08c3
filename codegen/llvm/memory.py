"""Buffers: their places, loads and stores of scalars and of lanes.

Lanes along an axis with stride 1 are one vector access; part of the lanes is a masked access where the target has those, else pieces of
1, 2, 4, ... lanes. Along any other stride lanes are loaded one by one. The one thing to know: an access is as aligned as its buffer, its
strides and its constant part say together, and never less than its elements.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dialects import loop
from ...dialects.ir.affine import Affine
from ...dialects.ir.operation import Value
from ...dialects.ir.types import BufferType, IndexType, IntegerType, Scalar, lanes_of
from ...dialects.loop.memory import buffer_type
from .emitter import Emitter, Place, translation
from .text import Ref, constant, element, lane_constants, lanes, like, vector
from .types import is_signed, itemsize_of, memory_scalar, register_type

__all__ = ["allocate", "from_memory", "linear"]

_READ, _SECOND_CACHE, _DATA = 0, 2, 1  # what `llvm.prefetch` is told


@translation(loop.Carve)
def _carve(op: loop.Carve, e: Emitter) -> None:
    e.places[op.output] = e.places[op.arena].moved(op.offset)


@translation(loop.Resource)
def _resource(op: loop.Resource, e: Emitter) -> None:
    weights = e.unit.weights
    e.places[op.output] = Place(e.unit.weights_ref, weights.place(op.value), weights.alignment)


@translation(loop.Subview)
def _subview(op: loop.Subview, e: Emitter) -> None:
    source = buffer_type(op.source)
    e.places[op.output] = e.places[op.source].moved(op.offset * source.element.dtype.itemsize)


@translation(loop.Alloca)
def _alloca(op: loop.Alloca, e: Emitter) -> None:
    """Its place is there since the function's first block, see `allocate`."""


def allocate(e: Emitter, op: loop.Alloca) -> None:
    """Room in the function's frame; must be called in the entry block."""
    type_ = buffer_type(op.output)
    alignment = max(e.unit.target.vector_bits // 8, 8)
    e.places[op.output] = Place(e.f.alloca("i8", max(type_.nbytes, 1), alignment), 0, alignment)


def linear(buffer: BufferType, subscripts: tuple[Affine, ...]) -> Affine:
    """Distance in elements from the buffer's first one."""
    total = Affine()
    for subscript, stride in zip(subscripts, buffer.strides, strict=True):
        total = total + subscript * stride
    return total


@translation(loop.Load)
def _load(op: loop.Load, e: Emitter) -> Ref:
    buffer = buffer_type(op.buffer)
    pointer, alignment = _access(e, op, op.buffer)
    scalar = memory_scalar(buffer.element)
    if op.lanes == 1:
        return from_memory(e, e.f.load(scalar, pointer, alignment), buffer.element)
    count, stride = op.valid or op.lanes, buffer.strides[op.axis]
    if stride != 1:
        loaded = _load_apart(e, pointer, scalar, op.lanes, count, stride * buffer.element.dtype.itemsize)
    elif count == op.lanes:
        loaded = e.f.load(vector(scalar, op.lanes), pointer, alignment)
    else:
        loaded = _load_part(e, pointer, alignment, scalar, op.lanes, count)
    return from_memory(e, loaded, buffer.element)


@translation(loop.Store)
def _store(op: loop.Store, e: Emitter) -> None:
    buffer, width = buffer_type(op.buffer), lanes_of(op.value.type)
    pointer, alignment = _access(e, op, op.buffer)
    value = _to_memory(e, e.ref(op.value), buffer.element)
    if width == 1:
        e.f.store(value, pointer, alignment)
        return
    count, stride = op.valid or width, buffer.strides[op.axis]
    if stride != 1:
        for lane in range(count):
            e.f.store(
                e.f.extract(value, lane), _beside(e, pointer, lane * stride * buffer.element.dtype.itemsize), buffer.element.dtype.itemsize
            )
    elif count == width:
        e.f.store(value, pointer, alignment)
    else:
        _store_part(e, value, pointer, alignment, count)


@translation(loop.Prefetch)
def _prefetch(op: loop.Prefetch, e: Emitter) -> None:
    pointer, _ = _access(e, op, op.buffer)
    function = e.unit.module.declare("llvm.prefetch.p0", "void", ("ptr", "i32", "i32", "i32"))
    e.f.call(function, "void", (pointer, *(constant("i32", number) for number in (_READ, _SECOND_CACHE, _DATA))))


def _access(e: Emitter, op: loop.Load | loop.Store | loop.Prefetch, buffer: Value) -> tuple[Ref, int]:
    """Address and alignment of the first element."""
    type_ = buffer_type(buffer)
    subscripts = op.map.compose([e.index(v) for v in op.dims])
    return e.pointer(e.places[buffer], linear(type_, subscripts), type_.element.dtype.itemsize)


def _beside(e: Emitter, pointer: Ref, bytes_: int) -> Ref:
    return e.f.emit("ptr", f"getelementptr i8, {pointer}, {e.word} {bytes_}") if bytes_ else pointer


def _load_apart(e: Emitter, pointer: Ref, scalar: str, width: int, count: int, step: int) -> Ref:
    """Lanes that lie apart; the same element in all of them where the step is 0."""
    itemsize = itemsize_of(scalar)
    if step == 0 and count == width:
        return e.f.splat(e.f.load(scalar, pointer, itemsize), width)
    result = constant(vector(scalar, width), 0)
    for lane in range(count):
        result = e.f.insert(result, e.f.load(scalar, _beside(e, pointer, lane * step), itemsize), lane)
    return result


def _has_masks(e: Emitter, scalar: str) -> bool:
    """Whether a masked access is one instruction: of bytes and halves only with AVX-512."""
    return e.unit.target.masked_memory and (scalar in ("float", "double", "i32", "i64") or e.unit.target.has("avx512"))


def _pieces(count: int) -> Iterator[tuple[int, int]]:
    """(first lane, lanes) of powers of two that add up to `count`, the largest first."""
    first = 0
    while count:
        piece = 1 << count.bit_length() - 1
        yield first, piece
        first, count = first + piece, count - piece


def _load_part(e: Emitter, pointer: Ref, alignment: int, scalar: str, width: int, count: int) -> Ref:
    type_ = vector(scalar, width)
    zero = constant(type_, 0)
    if _has_masks(e, scalar):
        return e.f.masked_load(type_, pointer, alignment, lane_constants("i1", [lane < count for lane in range(width)]), zero)
    itemsize = itemsize_of(scalar)
    result = zero
    for first, piece in _pieces(count):
        part = e.f.load(vector(scalar, piece), _beside(e, pointer, first * itemsize), min(alignment, piece * itemsize))
        result = _with_piece(e, result, part, first, piece, width)
    return result


def _with_piece(e: Emitter, whole: Ref, part: Ref, first: int, piece: int, width: int) -> Ref:
    if piece == 1:
        return e.f.insert(whole, part, first)
    wide = e.f.shuffle(part, None, [lane if lane < piece else -1 for lane in range(width)])
    return e.f.shuffle(whole, wide, [width + lane - first if first <= lane < first + piece else lane for lane in range(width)])


def _store_part(e: Emitter, value: Ref, pointer: Ref, alignment: int, count: int) -> None:
    scalar, width = element(value.type), lanes(value.type)
    if _has_masks(e, scalar):
        e.f.masked_store(value, pointer, alignment, lane_constants("i1", [lane < count for lane in range(width)]))
        return
    itemsize = itemsize_of(scalar)
    for first, piece in _pieces(count):
        part = e.f.extract(value, first) if piece == 1 else e.f.shuffle(value, None, range(first, first + piece))
        e.f.store(part, _beside(e, pointer, first * itemsize), min(alignment, piece * itemsize))


# Between memory and registers: truth values, 4-bit integers and indices differ.


def from_memory(e: Emitter, loaded: Ref, scalar: Scalar) -> Ref:
    """What was loaded, as it stands in a register."""
    wanted = like(loaded.type, register_type(scalar, e.unit.target.pointer_bits))
    if wanted == loaded.type:
        return loaded
    if scalar == IntegerType(1):
        return e.f.icmp("ne", loaded, constant(loaded.type, 0))
    return e.f.cast("trunc", loaded, wanted)


def _to_memory(e: Emitter, value: Ref, scalar: Scalar) -> Ref:
    wanted = like(value.type, memory_scalar(scalar))
    if wanted == value.type:
        return value
    return e.f.cast("sext" if isinstance(scalar, IndexType) or is_signed(scalar) else "zext", value, wanted)
