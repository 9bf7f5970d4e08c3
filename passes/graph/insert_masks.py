"""The pass `insert-masks`: masks for a dense model, which skip what a convolution's input hardly fills.

A tile of SIDE x SIDE output pixels is skipped if no input that they read exceeds a threshold in magnitude. Then the tile is what the
convolution gives for an input of zeros, which is its bias. This changes results, so nothing is done without thresholds, and these come
from data: with `observe` the pass returns what would be compared with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from urllib.parse import unquote

import numpy as np

from ...dialects import graph
from ...dialects.func import Function, Module, Return
from ...dialects.graph.extents import tensor
from ...dialects.ir.attributes import Dense
from ...dialects.ir.builder import Builder
from ...dialects.ir.location import Location
from ...dialects.ir.operation import Block, Operation, Region, Value
from ...dialects.ir.traits import Terminator
from ...dialects.ir.types import f32
from ..manager import Pass, Report, option
from ..rewrite import constant_of, rebuilt
from .recognize_masks import tail_of

__all__ = ["InsertMasks", "saliency_name"]

SIDE = 4
"""Of a tile. Smaller ones leave register tiles half empty; larger ones cost as much per pixel and follow the input less closely."""
LEAST_TILES = 2
"""Per side: with a single one there is nothing to choose."""
LEAST_CHANNELS = 32
"""Of the input of a 1 x 1 convolution: with fewer, looking at them costs as much as convolving."""


@dataclass(frozen=True)
class InsertMasks(Pass, name="insert-masks", runs_on=("graph",), exact=False):
    """Skip convolutions in tiles where no magnitude in their input exceeds a threshold.

    Before: `%1 = graph.conv(%x, %w, %b)`, `%2 = graph.relu(%1)`.
    After: `%s = graph.max_pool(graph.reduce_max(graph.abs(%x)))`, `%m = graph.resize(%s > threshold)`, `%2 = graph.masked(%x; %m; relu(%b))
    { conv, relu } {droppable}`.

    Changes results, and does nothing without thresholds.

    Runs on: graph. Needs: static shapes. Leaves: convolutions with strides or groups, 1 x 1 ones of few channels, maps that tiles of 4 x 4
    do not divide, what the model returns directly, and what already is in a region.
    """

    thresholds: str = option("", "by convolution: name=0.3,... with names percent-encoded; others stay dense")
    observe: bool = option(False, "insert nothing, return the largest magnitude behind every tile as further results")

    def run(self, module: Module, report: Report) -> None:
        if not self.thresholds and not self.observe:
            return
        words = [word.rpartition("=") for word in self.thresholds.split(",") if word]
        known = {unquote(name): float(value) for name, _, value in words}
        main = module.function("main")
        found = list(_candidates(main))
        if self.observe:
            _observe(main, found)
            return
        for each in found:
            if each.name in known:
                _insert(each, known[each.name])
                report.remark(each.conv, f"masked in tiles of {SIDE} x {SIDE}: skipped up to {known[each.name]:.3g}")
                report.count("inserted")


def saliency_name(result: str) -> str:
    """The convolution whose magnitudes are the result of this name; empty if it is another result."""
    head, _, name = result.partition(":")
    return name if head == _SALIENCY else ""


_SALIENCY = "saliency"


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A convolution that may be masked, and what it is called in hints."""

    name: str
    conv: graph.Conv


def _candidates(main: Function) -> Iterator[_Candidate]:
    names: dict[str, int] = {}
    for op in main.body:
        if isinstance(op, graph.Conv) and _is_maskable(op):
            name = next((node.name for node in op.location.nodes if node.op_type == "Conv"), op.output.name)
            names[name] = names.get(name, 0) + 1
            yield _Candidate(name if names[name] == 1 else f"{name}#{names[name]}", op)


def _is_maskable(op: graph.Conv) -> bool:
    """Whether a convolution is of a form that tiles can be skipped of, and large enough to gain."""
    x, out = tensor(op.input), tensor(op.output)
    constant = all(constant_of(value) is not None for value in op.operands[1:])
    if not constant or not out.is_static or not x.is_static or out.rank != 4:
        return False
    if op.groups != 1 or set(op.strides) != {1} or any(user.has(Terminator) for user, _ in op.output.uses):
        return False
    if max(op.kernel) < 3 and x.extents[1] < LEAST_CHANNELS:
        return False
    return all(extent % SIDE == 0 and extent >= LEAST_TILES * SIDE for extent in out.extents[2:])


def _saliency(each: _Candidate, build: Builder) -> Value:
    """For each tile the largest magnitude that it reads, the window of its border pixels included; NaN if there is one."""
    conv = each.conv
    largest = build.add(graph.ReduceMax(build.add(graph.Abs(conv.input)).output, axes=(1,))).output
    kernel = tuple(SIDE + (k - 1) * d for k, d in zip(conv.kernel, conv.dilations, strict=True))
    return build.add(graph.MaxPool(largest, kernel=kernel, strides=(SIDE, SIDE), dilations=(1, 1), pads=conv.pads)).output


def _observe(main: Function, found: Sequence[_Candidate]) -> None:
    last = main.body.terminator
    build = Builder(last, location=last.location)
    build.add(Return([*last.operands, *(_saliency(each, build) for each in found)]))
    last.erase()
    main.result_names = (*main.result_names, *(f"{_SALIENCY}:{each.name}" for each in found))
    main.refresh_type()


def _insert(each: _Candidate, threshold: float) -> None:
    """Put a masked region in the place of the convolution and the activation behind it."""
    conv = each.conv
    tail = list(takewhile(_by_constants, tail_of(conv)))
    end: Operation = tail[-1][0] if tail else conv
    location = Location.fused([conv.location, *(op.location for op, _ in tail)])
    build = Builder(end, location=conv.location)
    mask = _mask(each, threshold, build)
    background = _background(conv, tail, build)
    body = _body(conv, tail)
    op = graph.Masked([conv.input], mask, background, contents=Region(body), granularity=SIDE, droppable=True)
    op.location = location
    build.add(op)
    op.output.name = end.results[0].name
    end.results[0].replace_by(op.output)
    for old in reversed([conv, *(op for op, _ in tail)]):
        old.erase()


def _by_constants(step: tuple[Operation, int]) -> bool:
    """Whether an operation of the tail needs nothing else that is computed: its background is then a constant."""
    op, number = step
    return all(constant_of(value) is not None for i, value in enumerate(op.operands) if i != number)


def _mask(each: _Candidate, threshold: float, build: Builder) -> Value:
    """1 in tiles that are needed; one with a NaN is, hence the negation."""
    saliency = _saliency(each, build)
    bound = build.add(graph.Constant(value=Dense(np.asarray(threshold, tensor(saliency).element.dtype)))).output
    needed = build.add(graph.Not(build.add(graph.LessOrEqual(saliency, bound)).output)).output
    N, _, H, W = tensor(each.conv.output).extents
    small = build.add(graph.Cast(needed, to=f32)).output
    mask = build.add(graph.Resize(small, sizes=(N, 1, H, W), mode="nearest", coordinates="asymmetric", rounding="floor")).output
    mask.name = f"auto:{each.name}"
    return mask


def _background(conv: graph.Conv, tail: Sequence[tuple[Operation, int]], build: Builder) -> Value:
    """What an input of zeros becomes."""
    out = tensor(conv.output)
    bias = constant_of(conv.bias) if conv.bias is not None else None
    channels = np.zeros(out.extents[1], out.element.dtype) if bias is None else bias
    value = build.add(graph.Constant(value=Dense(channels.reshape(1, -1, 1, 1)))).output
    for op, number in tail:
        value = build.add(rebuilt(op, [value if i == number else operand for i, operand in enumerate(op.operands)])).results[0]
    return value


def _body(conv: graph.Conv, tail: Sequence[tuple[Operation, int]]) -> Block:
    block = Block()
    build = Builder.at_end(block)
    mapping: dict[Value, Value] = {conv.input: block.add_argument(conv.input.type, conv.input.name)}
    for op in (conv, *(op for op, _ in tail)):
        for value in op.operands:
            if value not in mapping and isinstance(value.owner, Operation):
                build.add(value.owner.clone(mapping))
        build.add(op.clone(mapping))
    end = tail[-1][0] if tail else conv
    build.add(graph.Yield(mapping[end.results[0]]))
    return block
