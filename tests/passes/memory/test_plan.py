"""Plans of the arena: no overlap, near the bound, the same every time; and orders that need less."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.passes.memory.bound import lower_bound, peak_bytes
from intaglio.passes.memory.liveness import Block, Step, lifetimes, merge_in_place, merged
from intaglio.passes.memory.order import cheapest_order
from intaglio.passes.memory.plan import MemoryPlan, plan_arena


@st.composite
def block_lists(draw: st.DrawFn) -> list[Block]:
    blocks = []
    for _ in range(draw(st.integers(0, 14))):
        first = draw(st.integers(0, 12))
        blocks.append(Block(draw(st.integers(0, 300)), first, first + draw(st.integers(0, 4))))
    return blocks


@st.composite
def step_lists(draw: st.DrawFn) -> tuple[list[Step], list[int]]:
    """Each step writes one block and reads those of some steps before it."""
    steps: list[Step] = []
    for i in range(draw(st.integers(1, 7))):
        reads = draw(st.lists(st.integers(0, i - 1), max_size=3, unique=True)) if i else []
        steps.append(Step(tuple(reads), (i,), tuple(reads)))
    return steps, [draw(st.integers(1, 50)) for _ in steps]


def check_plan(blocks: list[Block], plan: MemoryPlan, alignment: int) -> None:
    assert plan.bound_bytes <= plan.arena_bytes
    for (block, offset), (other, place) in itertools.combinations(zip(blocks, plan.offsets, strict=True), 2):
        assert not block.meets(other) or offset + block.size_bytes <= place or place + other.size_bytes <= offset
    for block, offset in zip(blocks, plan.offsets, strict=True):
        assert offset % alignment == 0
        assert offset + block.size_bytes <= plan.arena_bytes or not block.size_bytes


@given(block_lists(), st.sampled_from((1, 8, 64)))
def test_blocks_do_not_overlap_and_the_bound_holds(blocks: list[Block], alignment: int) -> None:
    plan = plan_arena(blocks, alignment, effort=2000)
    check_plan(blocks, plan, alignment)
    assert plan == plan_arena(blocks, alignment, effort=2000)
    if alignment == 1:
        assert plan.bound_bytes == peak_bytes(blocks)


@given(block_lists())
def test_plans_are_mostly_optimal(blocks: list[Block]) -> None:
    """Of 1000 random lists of this kind 97 % met the bound, the worst was 1.3 % above; what is drawn here is less even."""
    plan = plan_arena(blocks, 8)
    assert plan.arena_bytes <= 1.1 * plan.bound_bytes


def chain(sizes: list[int], skips: dict[int, int]) -> list[Block]:
    """Blocks of a chain of layers: block i is read by step i + 1 and, for a skip, until a later step."""
    return [Block(size, i, skips.get(i, i + 1)) for i, size in enumerate(sizes)]


@pytest.mark.parametrize("alignment", [8, 64])
def test_alternating_planes_of_keyword_spotting_need_two(alignment: int) -> None:
    """DS-CNN: 9 convolutions on 64 planes of 25 x 5, then the mean and 12 classes."""
    blocks = chain([64 * 25 * 5 * 4] * 9 + [64 * 4, 12 * 4], {})
    plan = plan_arena(blocks, alignment)
    check_plan(blocks, plan, alignment)
    assert plan.arena_bytes == 2 * 64 * 25 * 5 * 4 == peak_bytes(blocks)


def test_resnet18_needs_its_peak() -> None:
    """Per block two convolutions; what enters lives until the addition in the second. A stage's first block has its own shortcut."""
    sizes, skips = [64 * 112 * 112 * 4, 64 * 56 * 56 * 4], {}
    for stage, (planes, extent) in enumerate(((64, 56), (128, 28), (256, 14), (512, 7))):
        for block in range(2):
            source = len(sizes) - 1
            if stage and not block:
                sizes.append(planes * extent * extent * 4)
                skips[source], source = len(sizes), len(sizes) - 1
            sizes += [planes * extent * extent * 4] * 2
            skips[source] = len(sizes) - 1
    blocks = chain([*sizes, 512 * 4], skips)
    plan = plan_arena(blocks, 64)
    check_plan(blocks, plan, 64)
    assert plan.arena_bytes == plan.bound_bytes <= peak_bytes(blocks) + 1024


def test_padding_counts_except_at_the_top() -> None:
    blocks = [Block(10, 0, 1), Block(20, 0, 1)]
    assert lower_bound(blocks, 64) == 64 + 10
    assert plan_arena(blocks, 64).arena_bytes == 64 + 10


def test_nothing_needs_nothing() -> None:
    assert plan_arena([], 64) == MemoryPlan((), 0, 0)
    assert plan_arena([Block(0, 0, 3)], 64).arena_bytes == 0


def test_a_block_lives_from_its_first_writer_to_its_last_reader() -> None:
    steps = [Step((), (0,)), Step((0,), (1,)), Step((), (1,)), Step((1,), (2,))]
    assert lifetimes(steps, [5, 6, 7, 8]) == (Block(5, 0, 1), Block(6, 1, 3), Block(7, 3, 3), Block(0, 0, 0))


def test_a_chain_in_place_is_one_block() -> None:
    steps = [Step((), (0,)), Step((0,), (1,), in_place=((0, 1),)), Step((1,), (2,), in_place=((1, 2),)), Step((2,), (3,))]
    blocks = lifetimes(steps, [8, 8, 8, 8])
    holder = merge_in_place(steps, blocks, range(4))
    assert holder == (0, 0, 0, 3)
    assert merged(blocks, holder)[0] == Block(8, 0, 3)


def test_what_is_read_later_is_not_overwritten() -> None:
    steps = [Step((), (0,)), Step((0,), (1,), in_place=((0, 1),)), Step((0, 1), (2,))]
    assert merge_in_place(steps, lifetimes(steps, [8, 8, 8]), range(3)) == (0, 1, 2)


@given(step_lists())
def test_orders_are_topological_and_optimal(drawn: tuple[list[Step], list[int]]) -> None:
    steps, sizes = drawn
    order = cheapest_order(steps, sizes)
    assert sorted(order) == list(range(len(steps)))
    assert all(order.index(need) < order.index(i) for i, step in enumerate(steps) for need in step.needs)
    valid = [
        permutation
        for permutation in itertools.permutations(range(len(steps)))
        if all(permutation.index(need) < permutation.index(i) for i, step in enumerate(steps) for need in step.needs)
    ]
    assert peak_bytes(lifetimes(steps, sizes, order)) == min(peak_bytes(lifetimes(steps, sizes, p)) for p in valid)


def test_a_search_that_grows_too_large_leaves_the_order() -> None:
    steps = [Step((), (i,)) for i in range(30)] + [Step(tuple(range(30)), (30,), tuple(range(30)))]
    assert cheapest_order(steps, [1] * 31, maximal_states=100) == tuple(range(31))
