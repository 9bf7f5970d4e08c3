"""The pass `recognize-masks`: dense arithmetic times a mask becomes a masked region.

Spatially dynamic networks are exported as if nothing could be skipped: everything is computed, and multiplied by zeros. Here the mask is
found again (`passes/analysis/value_lattice` proves it binary, `mask_layout` reads how it lies), and everything that serves nothing else
goes into a region (`mask_reach` says how far that reaches back). What was recognised and what was not, and why, are remarks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...dialects import graph
from ...dialects.func import Function, Module
from ...dialects.graph.elementwise import Unary
from ...dialects.graph.extents import tensor
from ...dialects.ir.attributes import Dense
from ...dialects.ir.builder import Builder
from ...dialects.ir.location import Location
from ...dialects.ir.operation import Block, Operation, Region, Value
from ...dialects.ir.types import i1
from ..analysis.mask_layout import MaskLayout, mask_layout, same_mask
from ..analysis.mask_reach import Locality, Use, grow, heaviest, locality, work
from ..analysis.value_lattice import BINARY, known, value_ranges
from ..manager import Pass, Report, option
from ..rewrite import constant_of, is_dead, rebuilt
from .mask_operand import mask_operand


@dataclass(frozen=True)
class RecognizeMasks(Pass, name="recognize-masks", runs_on=("graph",), exact=False):
    """Put what a mask makes superfluous into masked regions.

    Before: `%1 = graph.conv(%x)`, `%2 = graph.mul(%1, %m)`, `%3 = graph.add(%2, %y)`, `%4 = graph.relu(%3)`, where `%m` is 0 or 1.
    After: `%b = graph.relu(%y)`, `%4 = graph.masked(%x, %y; %m; %b) { conv, add, relu }`.

    Recognised are products (with what is added to them and the activation behind), blends `m * f + (1 - m) * y`, and Where. A product
    that is skipped is 0 where the dense one is 0 * f; they differ where f is infinite or NaN, so with `strict` products stay as they are.
    A mask that is NaN counts as 1, unless `strict`.

    Runs on: graph. Needs: static shapes; best after the absorbing passes. Leaves: masks that are not proven to be 0 or 1, or lie across
    rows, columns or single elements; branches that are used elsewhere. Each is a remark.
    """

    strict: bool = option(False, "keep products of zero with infinities and NaN")

    def run(self, module: Module, report: Report) -> None:
        for function in module.functions():
            _Recognizer(function, self.strict, report).run()


@dataclass(frozen=True, slots=True)
class _Site:
    """What `use` reads is needed where `mask` is not zero; `tail` follows the operation `root`, on both sides of the choice."""

    root: Operation
    mask: Value
    use: Use
    background: Value | None
    tail: tuple[tuple[Operation, int], ...] = ()  # each with the number of the operand that it goes on with

    @property
    def branch(self) -> Value:
        op, number = self.use
        return op.operands[number]

    @property
    def end(self) -> Operation:
        return self.tail[-1][0] if self.tail else self.root


class _Recognizer:
    """One function. Sites are visited in order, so that a region does not swallow an earlier one."""

    def __init__(self, function: Function, strict: bool, report: Report) -> None:
        self.function = function
        self.strict = strict
        self.report = report
        self.ranges = value_ranges(function)

    def run(self) -> None:
        for op in list(self.function.body):
            if op.block is None:  # went into a region
                continue
            match op:
                case graph.Mul():
                    self.product(op)
                case graph.Where():
                    self.choice(op)

    def refuse(self, op: Operation, mask: Value, reason: str) -> None:
        self.report.remark(op, f"not masked by {named(mask)}: {reason}")

    # Products and blends.

    def product(self, op: graph.Mul) -> None:
        if any(constant_of(factor) is not None for factor in op.operands) or known(self.ranges, op.output).is_binary:
            return  # what is binary itself is a mask, in which tiles are to be found
        for mask, number in ((op.b, 0), (op.a, 1)):
            reason = self.doubt(mask)
            if not reason:
                choice = self.interpolation(op, mask, number)
                if choice is not None:
                    self.choice(choice)
                    return
                if self.apply(self.site(op, mask, number)):
                    return
            elif (scaled := self.scaled(op, mask, number)) is not None:
                self.product(scaled)
                return
            elif self.resembles_mask(op, mask):
                self.refuse(op, mask, reason)

    def doubt(self, mask: Value) -> str:
        """Why a factor is no mask; empty if it is one."""
        range_ = known(self.ranges, mask)
        if not range_.is_binary:
            return f"it is not proven to be 0 or 1 (it holds {range_})"
        if self.strict:
            return "0 times infinity or NaN would be lost, which strict masks keep"
        return ""

    def resembles_mask(self, op: graph.Mul, factor: Value) -> bool:
        """Whether somebody may have meant `factor` as a mask: binary, or between 0 and 1, or one value for all channels or pixels."""
        range_, out = known(self.ranges, factor), tensor(op.output)
        if out.rank != 4:
            return False
        soft = range_.low >= 0 and range_.high <= 1
        return tensor(factor).shape != out.shape or (soft and isinstance(mask_layout(factor, out), MaskLayout))

    def scaled(self, op: graph.Mul, factor: Value, number: int) -> graph.Mul | None:
        """f * (m * s) becomes (f * m) * s, which is the same where m is 0 or 1; the product with the mask."""
        unit, out = known(self.ranges, factor).only, tensor(op.output)
        pairs = [(factor.owner.a, factor.owner.b), (factor.owner.b, factor.owner.a)] if isinstance(factor.owner, graph.Mul) else []
        found = [(mask, scale) for mask, scale in pairs if not self.doubt(mask) and tensor(mask).rank == out.rank]
        if self.strict or not (unit or found):
            return None
        mask, scale = (factor, None) if unit else found[0]
        layout = mask_layout(mask, out)
        if isinstance(layout, str) or not self.saved(_Site(op, mask, (op, number), None), layout):
            return None
        build = Builder(op, location=op.location)
        if scale is None:
            scale = build.add(graph.Constant(value=Dense(np.asarray(unit, out.element.dtype)))).output
            mask = build.add(graph.Cast(build.add(graph.Cast(factor, to=i1)).output, to=out.element)).output
            self.ranges[mask] = BINARY
        inner = build.add(graph.Mul(op.operands[number], mask))
        outer = build.add(graph.Mul(inner.output, scale)).output
        outer.name = op.output.name
        op.output.replace_by(outer)
        _erase(op)
        return inner

    def interpolation(self, op: graph.Mul, mask: Value, number: int) -> graph.Where | None:
        """y + m * (x - y) and y - m * (y - x), where y has work to be skipped: Where(m, x, y)."""
        difference, end = op.operands[number].owner, only_user(op.output)
        if not isinstance(difference, graph.Sub) or not isinstance(end, graph.Add | graph.Sub) or end.output.type != op.output.type:
            return None
        if only_user(difference.output) is not op or (isinstance(end, graph.Sub) and end.b is not op.output):
            return None
        y = end.b if end.a is op.output else end.a
        side = 1 if isinstance(end, graph.Add) else 0
        x = difference.operands[1 - side]
        layout = mask_layout(mask, tensor(end.output))
        if difference.operands[side] is not y or y.type != end.output.type or isinstance(layout, str):
            return None
        region, _ = grow(y, (difference, side), local(layout, end), (end, end.operands.index(y)))
        if work(region) <= self.saved(_Site(op, mask, (op, number), None), layout):
            return None
        build = Builder(end, location=Location.fused([difference.location, op.location, end.location]))
        flags = mask if tensor(mask).element == i1 else build.add(graph.Cast(mask, to=i1)).output
        choice = build.add(graph.Where(flags, x, y))
        choice.output.name = end.output.name
        end.output.replace_by(choice.output)
        _erase(end)
        return choice

    def site(self, op: graph.Mul, mask: Value, number: int) -> _Site:
        """The product with what follows it."""
        blend = self.blend(op, mask)
        if blend is not None:
            end, other = blend
            return _Site(end, mask, (op, number), other, tail_of(end))
        return _Site(op, mask, (op, number), None, tail_of(op))

    def blend(self, op: graph.Mul, mask: Value) -> tuple[Operation, Value] | None:
        """For m * f with the only use m * f + (1 - m) * y: the sum, and y. If y is work to be skipped as well, the other product stays."""
        user = only_user(op.output)
        if not isinstance(user, graph.Add) or user.output.type != op.output.type:
            return None
        other = user.b if user.a is op.output else user.a
        product = other.owner
        if not isinstance(product, graph.Mul) or only_user(other) is not user:
            return None
        for opposite, y, number in ((product.a, product.b, 1), (product.b, product.a, 0)):
            binary = known(self.ranges, opposite).is_binary
            if binary and same_mask(mask, opposite, self.ranges) is False:
                region, _ = grow(y, (product, number), locality("spatial", 1))
                return None if heaviest(region) else (user, y)
        return None

    # Choices.

    def choice(self, op: graph.Where) -> None:
        """Where(m, f, y), with the work on either side; a gate for whole pictures (an If) may have some on both."""
        if constant_of(op.condition) is not None:
            return
        layout = mask_layout(op.condition, tensor(op.output))
        if isinstance(layout, str):
            if any(heaviest(grow(op.operands[side], (op, side), locality("spatial", 1))[0]) for side in (1, 2)):
                self.refuse(op, op.condition, layout)
            return
        sites = {side: _Site(op, op.condition, (op, side), None) for side in (1, 2)}
        saved = {side: self.saved(site, layout) for side, site in sites.items()}
        heavy = sorted((side for side in sites if saved[side]), key=lambda side: -saved[side])
        if not heavy:
            for site in sites.values():
                self.explain(site, layout)
            return
        side, build = heavy[0], Builder(op)
        other = op.operands[3 - side]
        if len(heavy) == 2 and layout.kind == "layer":
            other = self.build(_Site(op, _turned(op.condition, side == 1, build), (op, 3 - side), None), layout)
        site = _Site(op, _turned(op.condition, side == 2, build), (op, side), other)
        self.finish(site, self.build(site, layout))

    # Regions.

    def apply(self, site: _Site) -> bool:
        """Make a region of a product, or say why not."""
        out = tensor(site.root.results[0])
        layout = mask_layout(site.mask, out)
        if isinstance(layout, str):
            self.refuse(site.root, site.mask, layout)
            return False
        if not self.explain(site, layout):
            return False
        self.finish(site, self.build(site, layout))
        return True

    def explain(self, site: _Site, layout: MaskLayout) -> bool:
        """Whether there is work to skip; if there would be, but for a reason, that is a remark."""
        if self.saved(site, layout):
            return True
        same = site.branch.type == site.root.results[0].type
        _, stops = grow(site.branch, site.use, local(layout, site.root))
        for op, reason in stops[: 1 if same else 0]:
            self.refuse(site.root, site.mask, f"nothing can be skipped before {named(op.results[0])}: {reason}")
        return False

    def saved(self, site: _Site, layout: MaskLayout) -> int:
        """The work that would be skipped."""
        region, _ = grow(site.branch, site.use, local(layout, site.root))
        return work(region) if site.branch.type == site.root.results[0].type else 0

    def build(self, site: _Site, layout: MaskLayout) -> Value:
        """The masked operation, in front of the end of the site."""
        region, stops = grow(site.branch, site.use, local(layout, site.root))
        inside = list(reversed(region))
        build = Builder(site.end)
        background = site.background
        for op, number in site.tail:
            background = self.carried(background, op, number, build)
        mask = mask_operand(site.mask, layout, tensor(site.root.results[0]), build)
        body, inputs = _body(site, inside)
        op = graph.Masked(
            inputs, mask, background, contents=Region(body), kind=layout.kind, granularity=layout.granularity, mask_groups=layout.groups
        )
        op.location = Location.fused([*(each.location for each in inside), site.root.location, *(each.location for each, _ in site.tail)])
        build.add(op)
        self.describe(op, stops)
        return op.output

    def carried(self, background: Value | None, op: Operation, number: int, build: Builder) -> Value | None:
        """What becomes of the background in an operation of the tail; what is an activation already, another one leaves as it is."""
        if isinstance(op, graph.Relu) and background is not None:
            range_ = known(self.ranges, background)
            if range_.low >= 0:
                return background
        return _carried(background, op, number, build)

    def describe(self, op: graph.Masked, stops: Sequence[tuple[Operation, str]]) -> None:
        tiles = f" in tiles of {op.granularity} x {op.granularity}" if op.granularity > 1 else ""
        layers = ", ".join(named(each.results[0]) for each in heaviest(op.body))
        text = f"{op.kind} mask {named(op.mask)}{tiles}: computes {layers} only where it is 1"
        ends = [f"; {named(each.results[0])} stays dense: {reason}" for each, reason in stops if heaviest([each])]
        self.report.remark(op, text + "".join(ends))
        self.report.count(op.kind)

    def finish(self, site: _Site, value: Value) -> None:
        """Put the masked value in the place of what it stands for."""
        end = site.end
        self.ranges[value] = known(self.ranges, end.results[0])
        value.name = end.results[0].name
        end.results[0].replace_by(value)
        _erase(end)


def local(layout: MaskLayout, root: Operation) -> Locality:
    """What a mask with this layout reaches back through."""
    return locality(layout.kind, tensor(root.results[0]).extents[0])


def _turned(mask: Value, turn: bool, build: Builder) -> Value:
    return build.add(graph.Not(mask)).output if turn else mask


def _erase(op: Operation) -> None:
    """Erase an operation that nobody needs, and what only it needed."""
    waiting = [op]
    while waiting:
        op = waiting.pop()
        if op.block is not None and is_dead(op):
            sources = [value.owner for value in op.operands]
            op.erase()
            waiting += [source for source in sources if isinstance(source, Operation)]


def only_user(value: Value) -> Operation | None:
    """The operation that uses a value once, if there is no other use."""
    return next(iter(value.uses))[0] if len(value.uses) == 1 else None


def named(value: Value) -> str:
    """A value in the user's words: its name in the file, or the node that it came from."""
    if value.name:
        return repr(value.name)
    owner = value.owner
    nodes = owner.location.nodes if isinstance(owner, Operation) else ()
    return repr(nodes[-1].name) if nodes else f"a value of type {value.type}"


def tail_of(op: Operation) -> tuple[tuple[Operation, int], ...]:
    """What follows pixel by pixel and has no other reader: sums, factors, activations."""
    tail: list[tuple[Operation, int]] = []
    value: Value = op.results[0]
    while True:
        user = only_user(value)
        if user is None or len(user.results) != 1 or user.results[0].type != value.type or not _is_carried(user, value):
            return tuple(tail)
        tail.append((user, user.operands.index(value)))
        value = user.results[0]


def _is_carried(op: Operation, value: Value) -> bool:
    match op:
        case graph.Add() | graph.Sub() | graph.Mul():
            return True
        case graph.Clip():
            return op.input is value and all(constant_of(bound) is not None for bound in op.operands[1:])
    return isinstance(op, Unary)


def _carried(background: Value | None, op: Operation, number: int, build: Builder) -> Value | None:
    """What becomes of the background in an operation of the tail; None is zero."""
    others = [value for i, value in enumerate(op.operands) if i != number]
    match op:
        case graph.Add() if background is None:
            return others[0]
        case graph.Sub() if background is None and number == 1:
            return others[0]
        case graph.Mul() if background is None:
            return None
    if background is None:
        zero = np.zeros((), tensor(op.results[0]).element.dtype)
        background = build.add(graph.Constant(value=Dense(zero))).output
    operands = [background if i == number else value for i, value in enumerate(op.operands)]
    new = rebuilt(op, operands)
    new.location = op.location
    return build.add(new).results[0]


def _body(site: _Site, inside: Sequence[Operation]) -> tuple[Block, list[Value]]:
    """The block of a region with copies of `inside` and of the tail, and what it is given."""
    block = Block()
    build = Builder.at_end(block)
    mapping: dict[Value, Value] = {}
    inputs: list[Value] = []

    def copy(op: Operation) -> None:
        for value in op.operands:
            if value in mapping:
                continue
            if constant_of(value) is not None and isinstance(value.owner, Operation):
                build.add(value.owner.clone(mapping))
            else:
                mapping[value] = block.add_argument(value.type, value.name)
                inputs.append(value)
        build.add(op.clone(mapping))

    for op in inside:
        copy(op)
    mapping[site.root.results[0]] = mapping[site.branch]
    for op, _ in site.tail:
        copy(op)
    build.add(graph.Yield(mapping[site.end.results[0]]))
    return block, inputs
