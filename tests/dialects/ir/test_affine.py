"""Affine expressions against what they mean: every law is checked at all points of small ranges."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intaglio.dialects.ir.affine import Affine, AffineMap, constant, d, parse_map

DIMS = 3
Function = Callable[[Sequence[int]], int]


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> tuple[Affine, Function]:
    """An expression, and the same in Python's integers."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(leaves())
    a, f = draw(expressions(depth - 1))
    n = draw(st.integers(1, 6))
    match draw(st.sampled_from("+-*/%n")):
        case "+":
            b, g = draw(expressions(depth - 1))
            return a + b, lambda v: f(v) + g(v)
        case "-":
            b, g = draw(expressions(depth - 1))
            return a - b, lambda v: f(v) - g(v)
        case "*":
            return a * n, lambda v: f(v) * n
        case "/":
            return a // n, lambda v: f(v) // n
        case "%":
            return a % n, lambda v: f(v) % n
    return a * -n, lambda v: f(v) * -n


@st.composite
def leaves(draw: st.DrawFn) -> tuple[Affine, Function]:
    """A dim or a number."""
    if draw(st.booleans()):
        position = draw(st.integers(0, DIMS - 1))
        return d(position), lambda values: values[position]
    number = draw(st.integers(-9, 9))
    return constant(number), lambda values: number


ranges = st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 3)).map(lambda r: (r[0], r[0] + r[1])), min_size=DIMS, max_size=DIMS)


def points(ranges: Sequence[tuple[int, int]]) -> itertools.product[tuple[int, ...]]:
    return itertools.product(*(range(low, high + 1) for low, high in ranges))


@settings(max_examples=150)
@given(expressions(), ranges)
def test_expressions_mean_what_they_say(pair: tuple[Affine, Function], ranges: list[tuple[int, int]]) -> None:
    expression, function = pair
    simple = expression.simplify(ranges)
    low, high = expression.range(ranges)
    values = [function(point) for point in points(ranges)]
    assert [expression.evaluate(point) for point in points(ranges)] == values
    assert [simple.evaluate(point) for point in points(ranges)] == values
    assert low <= min(values)
    assert high >= max(values)
    if expression.is_linear:
        assert (low, high) == (min(values), max(values))
    assert set(simple.dims()) <= set(expression.dims()) <= set(range(DIMS))


@settings(max_examples=150)
@given(expressions())
def test_text_comes_back(pair: tuple[Affine, Function]) -> None:
    map_ = AffineMap(DIMS, (pair[0], pair[0] + 1))
    text = str(map_).removeprefix("affine_map<").removesuffix(">")
    assert parse_map(text) == map_


@settings(max_examples=100)
@given(expressions(), st.lists(expressions(depth=1), min_size=DIMS, max_size=DIMS), ranges)
def test_substitution_is_composition(
    outer: tuple[Affine, Function], inner: list[tuple[Affine, Function]], ranges: list[tuple[int, int]]
) -> None:
    composed = outer[0].substitute([expression for expression, _ in inner])
    for point in points(ranges):
        assert composed.evaluate(point) == outer[1]([function(point) for _, function in inner])


@settings(max_examples=100)
@given(expressions(), expressions())
def test_differences_of_equal_things_cancel(a: tuple[Affine, Function], b: tuple[Affine, Function]) -> None:
    assert (a[0] + b[0]) - b[0] == a[0]
    assert a[0] + b[0] == b[0] + a[0]
    assert a[0] * 3 - a[0] - a[0] - a[0] == constant(0)


@pytest.mark.parametrize(
    ("expression", "extents", "simple"),
    [
        ((d(0) * 4 + d(1)) // 4, (9, 4), d(0)),
        ((d(0) * 4 + d(1)) % 4, (9, 4), d(1)),
        ((d(0) * 4 + d(1)) // 4, (9, 5), (d(0) * 4 + d(1)) // 4),
        ((d(0) * 12 + d(1) * 4 + d(2)) // 4 % 3, (5, 3, 4), d(1)),
        ((d(0) + 8) // 4, (4, 1), constant(2)),
        ((d(0) * 6 + d(1)) // 3, (4, 3), d(0) * 2),
    ],
)
def test_ranges_decide_quotients(expression: Affine, extents: tuple[int, ...], simple: Affine) -> None:
    rest = (1,) * (DIMS - len(extents))
    assert expression.simplify([(0, n - 1) for n in (*extents, *rest)]) == simple


@pytest.mark.parametrize(
    "text",
    [
        "",
        "(d0)",
        "(d0) ->",
        "(d0) -> (d0",
        "(d0, d0) -> (d0)",
        "(d0) -> (d0 * d0)",
        "(d0) -> (5 mod d0)",
        "(d0) -> (d0 floordiv -2)",
        "((" * 200,
    ],
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_map(text)
