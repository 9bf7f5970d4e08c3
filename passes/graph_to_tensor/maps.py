"""Index maps and views that the lowerings of several families share."""

from __future__ import annotations

from collections.abc import Sequence

from ...dialects import tensor
from ...dialects.ir.affine import Affine, AffineMap, constant, d
from ...dialects.ir.attributes import Number
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Value
from ...dialects.ir.types import TensorType


def tensor_type(value: Value) -> TensorType:
    """The type of a tensor value."""
    assert isinstance(value.type, TensorType)
    return value.type


def view(build: Builder, source: Value, extents: Sequence[int], subscripts: Sequence[Affine], padding: Number | None = None) -> Value:
    """A `tensor.view`; nothing at all where it would be the source itself."""
    ranges = [(0, max(extent - 1, 0)) for extent in extents]
    map_ = AffineMap(len(extents), tuple(subscript.simplify(ranges) for subscript in subscripts))
    if tuple(extents) == tensor_type(source).shape and _is_identity(map_, extents):
        return source
    return build.add(tensor.View(source, extents=tuple(extents), map=map_, padding=padding)).output


def _is_identity(map_: AffineMap, extents: Sequence[int]) -> bool:
    return all(
        result == (d(i) if n > 1 else constant(0)) or n == 0 for i, (result, n) in enumerate(zip(map_.results, extents, strict=True))
    )


def broadcast_map(source: TensorType, extents: Sequence[int]) -> AffineMap:
    """How `source` is read when it is broadcast to `extents`, from behind."""
    shift = len(extents) - source.rank
    subscripts = (d(shift + i) if n == extents[shift + i] else constant(0) for i, n in enumerate(source.extents))
    return AffineMap(len(extents), tuple(subscripts))


def reshape_map(source: Sequence[int], target: Sequence[int]) -> tuple[Affine, ...]:
    """Subscripts into row-major `source` for the dims of row-major `target`.

    Both shapes are cut from behind into the smallest groups of equal products, so that an expression speaks of the dims of its own
    group only: (6, 4) over (2, 3, 4) is (d0 / 3, d0 % 3, d1), without a division by what d1 contributes.
    """
    subscripts = [constant(0)] * len(source)
    if 0 in target:
        return tuple(subscripts)
    inner, outer = [i for i, n in enumerate(source) if n != 1], [i for i, n in enumerate(target) if n != 1]
    while inner:
        taken, given = [inner.pop()], [outer.pop()]
        size, held = source[taken[0]], target[given[0]]
        while size != held:
            if size < held:
                taken.append(inner.pop())
                size *= source[taken[-1]]
            else:
                given.append(outer.pop())
                held *= target[given[-1]]
        _group(subscripts, source, taken, target, given)
    return tuple(subscripts)


def _group(subscripts: list[Affine], source: Sequence[int], taken: Sequence[int], target: Sequence[int], given: Sequence[int]) -> None:
    """Fill in one group; both lists run from the innermost dim outwards."""
    linear, stride = constant(0), 1
    for axis in given:
        linear = linear + d(axis) * stride
        stride *= target[axis]
    stride = 1
    for axis in taken:
        subscripts[axis] = (linear // stride) % source[axis] if axis != taken[-1] else linear // stride
        stride *= source[axis]
