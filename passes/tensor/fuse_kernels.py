"""Put computations into kernels: one root with a reduction, what feeds it alone, and what follows it on its own elements."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ...dialects import tensor
from ...dialects.func import Function, Module
from ...dialects.ir.builder import Builder
from ...dialects.ir.location import Location
from ...dialects.ir.operation import Block, Operation, Region, Value
from ..analysis.domain import store_map
from ..manager import Pass, Report
from ..tensor_to_loop.copies import wrap

Member: TypeAlias = tensor.Compute | tensor.Masked


@dataclass(slots=True, eq=False)
class _Group:
    """Computations that will be one kernel, in order."""

    members: dict[Member, None] = field(default_factory=dict)

    @property
    def root(self) -> tensor.Compute | None:
        return next((op for op in self.members if isinstance(op, tensor.Compute) and op.has_reduction), None)


@dataclass(frozen=True)
class FuseKernels(Pass, name="fuse-kernels", runs_on=("tensor",)):
    """Put every computation into a kernel, together with what can share its loops.

    Before:
        %c = tensor.compute(%x, %w) {... reduction ...}
        %r = tensor.compute(%c, %bias) {maxf(a + b, 0)}
    After:
        %r = tensor.kernel(%x, %w, %bias) ({ %c = ...; %r = ...; yield %r })

    A computation without reduction joins the kernel that makes one of its operands if it reads each element once and in its own place (any
    rearrangement counts), and if nothing in between waits for that kernel. Computations without reduction that only feed one reduction,
    each element once, join it. A choice of pixels without a list, and what only leads to it, joins no reduction: it is there because its
    result lies another way than what the reduction makes. Padded views and single numbers are copied into every kernel that reads them. A
    list of runs is a kernel alone.
    Leaves alone: concatenations and other views, which are storage and not work.
    """

    def run(self, module: Module, report: Report) -> None:
        for function in module.functions():
            _Fusion(function, report).run()


class _Fusion:
    """The groups of one function while they grow."""

    def __init__(self, function: Function, report: Report) -> None:
        self.function = function
        self.report = report
        self.position: dict[Operation, int] = {op: i for i, op in enumerate(function.body)}
        self.group_of: dict[Member, _Group] = {}

    def run(self) -> None:
        for op in list(self.function.body):
            if isinstance(op, tensor.Compute | tensor.Masked):
                self.place(op)
            elif isinstance(op, tensor.ListRuns):
                wrap(op)
        for group in dict.fromkeys(self.group_of.values()):
            _build_kernel(group)
            self.report.count("kernels")
        for op in reversed(list(self.function.body)):
            if isinstance(op, tensor.View | tensor.Constant) and not any(r.uses for r in op.results):
                op.erase()

    def place(self, op: Member) -> None:
        group = self.producers_group(op) if op.has_reduction else self.followed_group(op)
        if group is None:
            group = _Group()
        else:
            self.report.count("fused")
        if isinstance(op, tensor.Masked) and op.background is not None:
            self.take_in(group, op.background, op)
        group.members[op] = None
        self.group_of[op] = group

    def take_in(self, group: _Group, background: Value, op: tensor.Masked) -> None:
        """Compute the background where it is stored, if nobody else wants it and nothing is reduced for it."""
        maker = background.owner
        if not isinstance(maker, tensor.Compute) or maker not in self.group_of or maker.output.users != (op,):
            return
        other = self.group_of[maker]
        if other is not group and other.root is None and list(other.members) == [maker]:
            group.members[maker] = None
            self.group_of[maker] = group

    def followed_group(self, op: Member) -> _Group | None:
        """The latest kernel among the makers of the operands whose loops `op` can share."""
        found: dict[_Group, None] = {}
        for value in [op.value] if isinstance(op, tensor.Masked) else op.inputs:
            maker = _maker(value)
            if maker is not None and maker in self.group_of:
                found[self.group_of[maker]] = None
        latest_first = sorted(found, key=lambda group: -max(self.position[member] for member in group.members))
        return next((group for group in latest_first if self.can_follow(group, op)), None)

    def can_follow(self, group: _Group, op: Member) -> bool:
        if any(_maker(value) in group.members for value in op.captured):
            return False
        if any(isinstance(member, tensor.Masked) and (member.runs is not None or group.root is None) for member in group.members):
            return False  # what is not chosen is skipped only where the choice is the last step, or a gate behind a reduction
        if group.root is not None and _serves_choice(op):
            return False
        here = self.position[op]
        for member in group.members:
            if any(self.position[user] < here for user in self.outside_users(member, group, op)):
                return False
        if group.root is None:
            return _same_space(next(iter(group.members)), op, group)
        together: dict[Operation, None] = dict.fromkeys((*group.members, op))
        return store_map(group.root, op.output, together) is not None

    def outside_users(self, member: Member, group: _Group, op: Member) -> Iterator[Operation]:
        """Users of a member that are neither in the group nor `op`, looking through views that only these have."""
        for user in member.output.users:
            if user in group.members or user is op:
                continue
            if isinstance(user, tensor.View) and all(u in group.members or u is op for u in user.output.users):
                continue
            yield user

    def producers_group(self, op: Member) -> _Group | None:
        """A group without reduction that feeds only this reduction, each element once."""
        for value, map_ in zip(op.inputs, op.maps, strict=True):
            maker = value.owner
            if not isinstance(maker, tensor.Compute | tensor.Masked) or maker not in self.group_of:
                continue
            group = self.group_of[maker]
            used = {dim for subscript in map_.results for dim in subscript.dims()}
            repeats = math.prod(extent for dim, extent in enumerate(op.extents) if dim not in used)
            alone = all(user in group.members or user is op for member in group.members for user in member.output.users)
            linear = all(subscript.is_linear for subscript in map_.results)
            if group.root is None and repeats == 1 and alone and linear and not op.captured:
                return group
        return None


def _maker(value: Value) -> Member | None:
    """The computation behind a value, looking through views."""
    owner = value.owner
    while isinstance(owner, tensor.View):
        owner = owner.source.owner
    return owner if isinstance(owner, tensor.Compute | tensor.Masked) else None


def _serves_choice(op: Member) -> bool:
    """Whether `op` is, or only leads to, a choice of pixels without a list. One of groups of channels may have the list right behind it."""
    while isinstance(op, tensor.Compute) and not op.has_reduction and len(op.output.users) == 1:
        (user,) = op.output.users
        if not isinstance(user, tensor.Compute | tensor.Masked):
            return False
        op = user
    is_last = not any(isinstance(user, tensor.Masked) for user in op.output.users)
    return isinstance(op, tensor.Masked) and op.runs is None and op.is_by_pixels and is_last


def _same_space(first: Member, op: Member, group: _Group) -> bool:
    """Whether `op` iterates exactly as `first` does, so that loops over the one are loops over the other."""
    if first.extents != op.extents:
        return False
    return all(
        map_.is_identity and isinstance(value.owner, tensor.Compute | tensor.Masked)
        for value, map_ in zip(op.inputs, op.maps, strict=True)
        if _maker(value) in group.members
    )


def _build_kernel(group: _Group) -> None:
    """Move a group into the region of a kernel that stands where its last member stood."""
    members = list(group.members)
    last = members[-1]
    block = Block()
    inside = Builder.at_end(block, last.location)
    mapping: dict[Value, Value] = {}
    inputs: list[Value] = []
    captured = dict.fromkeys(value for member in members for value in member.captured)
    for member in members:
        for value in (*member.inputs, *member.captured):
            _bring_in(value, group, block, inside, mapping, inputs, captured)
        copy = member.clone(mapping)
        inside.add(copy)
    outputs = [m.output for m in members if any(user not in group.members and not _inner_view(user, group) for user in m.output.users)]
    outputs = outputs or [last.output]
    inside.add(tensor.Yield([mapping[value] for value in outputs]))
    kernel = tensor.Kernel(inputs, contents=Region(block))
    kernel.location = Location.fused(member.location for member in members)
    Builder(before=last).add(kernel)
    for old, new in zip(outputs, kernel.outputs, strict=True):
        new.name = old.name
        for user, number in list(old.uses):
            if user not in group.members and not _inner_view(user, group):
                user.set_operand(number, new)
    _erase(members)


def _inner_view(user: Operation, group: _Group) -> bool:
    """Whether a view only leads from one member to others."""
    return isinstance(user, tensor.View) and bool(user.output.uses) and all(u in group.members for u in user.output.users)


def _bring_in(
    value: Value,
    group: _Group,
    block: Block,
    inside: Builder,
    mapping: dict[Value, Value],
    inputs: list[Value],
    captured: Container[Value],
) -> None:
    """Make `value` known inside: by a copy of its view or number, or as an argument. What is captured must lie in memory."""
    if value in mapping:
        return
    owner = value.owner
    may_copy = value not in captured
    if isinstance(owner, tensor.View) and (owner.padding is not None or _maker(value) in group.members) and may_copy:
        _bring_in(owner.source, group, block, inside, mapping, inputs, captured)
        inside.add(owner.clone(mapping))
    elif isinstance(owner, tensor.Constant) and owner.value.array.size == 1 and may_copy:
        inside.add(owner.clone(mapping))
    elif not (isinstance(owner, tensor.Compute | tensor.Masked) and owner in group.members):
        inputs.append(value)
        mapping[value] = block.add_argument(value.type)


def _erase(members: Sequence[Member]) -> None:
    for member in reversed(members):
        for user in list(member.output.users):
            if isinstance(user, tensor.View) and not user.output.uses:
                user.erase()
        member.erase()
