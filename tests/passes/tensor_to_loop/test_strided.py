"""Views as strides, and where a source must lie, held against addresses computed one by one."""

from __future__ import annotations

import itertools

from hypothesis import assume, given
from hypothesis import strategies as st

from intaglio.dialects.ir.affine import d
from intaglio.dialects.ir.types import TensorType, f32
from intaglio.dialects.tensor import View
from intaglio.dialects.tensor.view import tensor_type
from intaglio.passes.tensor_to_loop.strided import Strided, respects_order, source_layout, view_layout
from kernel_programs import Program

FACTORS = ((2, 3, 4), (6, 4), (4, 6), (2, 12), (24,), (1, 3, 8), (2, 2, 2, 3), (3, 2, 4))


def addresses(view: View, source: Strided) -> list[int]:
    """Where each element of the view lies, in order."""
    return [
        source.offset + sum(subscript * stride for subscript, stride in zip(view.map.evaluate(point), source.strides, strict=True))
        for point in itertools.product(*map(range, view.extents))
    ]


def places(extents: tuple[int, ...], layout: Strided) -> list[int]:
    return [
        layout.offset + sum(i * stride for i, stride in zip(point, layout.strides, strict=True))
        for point in itertools.product(*map(range, extents))
    ]


def op_of(view: object) -> View:
    owner = getattr(view, "owner", None)
    assert isinstance(owner, View)
    return owner


@given(st.sampled_from(FACTORS), st.sampled_from(FACTORS), st.integers(1, 3), st.data())
def test_reshapes_are_strided_exactly_where_their_addresses_are(
    old: tuple[int, ...], new: tuple[int, ...], gap: int, data: st.DataObject
) -> None:
    """With a random order of the source's dims and a gap behind its rows, as in a slice of a concatenation."""
    program = Program([old])
    view = op_of(program.reshape(program.arguments[0], new))
    strides = TensorType(old, f32, order=tuple(data.draw(st.permutations(range(len(old)))))).strides
    longest = max(strides)
    source = Strided(3, tuple(stride * gap if stride == longest else stride for stride in strides))
    layout = view_layout(view, source)
    found = addresses(view, source)
    first = Strided(found[0], tuple(_step(found, new, axis) for axis in range(len(new))))
    assert (layout is not None) == (found == places(new, first))
    if layout is not None:
        assert places(new, layout) == found


def _step(found: list[int], extents: tuple[int, ...], axis: int) -> int:
    """Distance between the first two elements along an axis."""
    step = 1
    for extent in extents[axis + 1 :]:
        step *= extent
    return found[step] - found[0] if extents[axis] > 1 else 0


@given(st.sampled_from(FACTORS), st.sampled_from(FACTORS), st.integers(1, 3), st.data())
def test_a_source_lies_where_its_view_is_wanted(old: tuple[int, ...], new: tuple[int, ...], gap: int, data: st.DataObject) -> None:
    program = Program([old])
    permutation = data.draw(st.permutations(range(len(new))))
    view = op_of(program.transpose(program.reshape(program.arguments[0], new), permutation))
    inner = op_of(view.source)
    dense = tensor_type(view.output).strides
    wanted = Strided(5, (dense[0] * gap, *dense[1:]))
    middle = source_layout(view, wanted)
    assert middle is not None  # a transpose always has a source
    assert addresses(view, middle) == places(view.extents, wanted)
    source = source_layout(inner, middle)
    assume(source is not None)
    assert source is not None
    assert addresses(inner, source) == places(inner.extents, middle)


def test_splitting_and_merging_determine_the_source() -> None:
    program = Program([(2, 3, 5)])
    merged = op_of(program.reshape(program.arguments[0], (6, 5)))
    assert source_layout(merged, Strided(10, (50, 1))) == Strided(10, (150, 50, 1))
    split = op_of(program.reshape(program.reshape(program.arguments[0], (30,)), (5, 6)))
    assert source_layout(split, Strided(0, (6, 1))) == Strided(0, (1,))
    assert source_layout(split, Strided(0, (12, 1))) is None


def test_what_reads_backwards_or_not_everything_has_no_layout() -> None:
    program = Program([(4,)])
    (x,) = program.arguments
    assert view_layout(op_of(program.slice(x, 0, 3, 4, -1)), Strided(0, (1,))) is None
    assert view_layout(op_of(program.pad(x, 0)), Strided(0, (1,))) is None
    assert source_layout(op_of(program.slice(x, 0, 0, 2)), Strided(0, (1,))) is None
    assert source_layout(op_of(program.broadcast(x, 2)), Strided(0, (4, 1))) is None
    assert view_layout(op_of(program.broadcast(x, 2)), Strided(0, (1,))) == Strided(0, (0, 1))


def test_an_order_is_respected_by_windows_into_it() -> None:
    channels_last = TensorType((1, 3, 4, 4), f32, order=(0, 2, 3, 1))
    assert respects_order(channels_last, channels_last.strides)
    assert respects_order(channels_last, (96, 1, 24, 6))
    assert not respects_order(channels_last, TensorType((1, 3, 4, 4), f32).strides)
    assert respects_order(channels_last, (96, 2, 24, 6))  # every second channel
    assert not respects_order(channels_last, (48, 2, 12, 3))
    assert respects_order(TensorType((), f32), ())


@given(st.lists(st.integers(1, 12), min_size=3, max_size=3), st.lists(st.integers(-6, 12), min_size=4, max_size=4), st.integers(2, 24))
def test_simplified_divisions_are_equal(extents: list[int], factors: list[int], by: int) -> None:
    value = sum((d(i) * factor for i, factor in enumerate(factors[:3])), d(0) * 0) + factors[3]
    ranges = [(0, extent - 1) for extent in extents]
    for divided in (value // by, value % by, (value // by) % 3, (value % by) // 2):
        simple = divided.simplify(ranges)
        assert all(simple.evaluate(point) == divided.evaluate(point) for point in itertools.product(*map(range, extents)))


def test_a_common_factor_leaves_the_division() -> None:
    value = d(0) * 4 + d(1)
    assert (value // 12).simplify([(0, 8), (0, 3)]) == d(0) // 3
    assert (value % 12).simplify([(0, 8), (0, 3)]) == (d(0) % 3) * 4 + d(1)
