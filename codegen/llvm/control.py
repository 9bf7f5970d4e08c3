"""Control flow: loops, conditions, calls, probes.

Loops are rotated, one counter each, incremented at the end; a test before the loop stands only where no turn may be needed; a loop of
one turn is no loop. The one thing to know: in a function that all threads of a team run (`emitter.team`), a parallel kernel gets this
thread's share of the turns, everything else is done by thread 0, and all meet after each call, but between two of thread 0's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...dialects import loop
from ...dialects.ir.affine import Affine, Range
from ...dialects.ir.operation import Block, Value
from .emitter import Emitter, translation
from .probe import begin_site, end_site
from .team import meet, share
from .text import Phi, Ref, constant
from .unit import Kernel, Turns, Unit

__all__ = ["counted", "some_parts", "some_turns"]


@translation(loop.Apply)
def _apply(op: loop.Apply, e: Emitter) -> None:
    e.bind_index(op.output, op.map.compose([e.index(v) for v in op.dims])[0])


@translation(loop.For)
def _for(op: loop.For, e: Emitter) -> Sequence[Ref]:
    return _count(e, op.lower, op.upper, op.step, op.body, [e.ref(v) for v in op.inits])


@translation(loop.Parallel)
def _parallel(op: loop.Parallel, e: Emitter) -> None:
    """One that is not a kernel's outermost is a loop like others."""
    _count(e, op.lower, op.upper, op.step, op.body, [])


@translation(loop.Share)
def _share(op: loop.Share, e: Emitter) -> None:
    """One that is not a kernel's outermost is all of it."""
    some_parts(e, op, constant(e.word, 0), constant(e.word, op.parts))


def some_parts(e: Emitter, op: loop.Share, first: Ref, end: Ref) -> None:
    """The parts `first` to before `end` of a share."""
    with e.scope():
        for argument, bound in zip(op.body.arguments, (first, end), strict=True):
            e.bind(argument, bound, (0, op.parts))
        e.block(op.body)


def _count(e: Emitter, lower: Value, upper: Value, step: int, body: Block, inits: Sequence[Ref]) -> Sequence[Ref]:
    return counted(e, e.index(lower), e.index(upper), step, body, inits)


def some_turns(e: Emitter, op: loop.Parallel, turns: Turns, begin: Ref, end: Ref) -> None:
    """The turns `begin` to before `end` of a parallel loop: still one counter, from the first one's value to the last one's."""
    first, last = (e.root(bound, (0, turns.count)) * turns.step + turns.lower for bound in (begin, end))
    counted(e, first, last, op.step, op.body, [], (turns.lower, turns.lower + (turns.count - 1) * turns.step))


def counted(
    e: Emitter, lower: Affine, upper: Affine, step: int, body: Block, inits: Sequence[Ref], counts: Range | None = None
) -> Sequence[Ref]:
    """The loop from `lower` to below `upper`; what it carries out. `counts` are bounds of the counter, if they are known better."""
    distance = (upper - lower).simplify(e.ranges)
    if distance.is_constant and distance.constant <= step:
        return inits if distance.constant <= 0 else _once(e, lower, body, inits)
    low, high = counts or _counts(e, lower, upper, step)
    first, end = e.integer(lower), e.integer(upper)
    before, turn, after = e.f.here, e.f.label("loop"), e.f.label("end")
    guarded = e.range(distance)[0] <= 0
    if guarded:
        e.f.cond_br(e.f.icmp("slt", first, end), turn, after)
    else:
        e.f.br(turn)
    e.f.start(turn)
    counter, *carried = phis = [e.f.phi(ref.type) for ref in (first, *inits)]
    for phi, ref in zip(phis, (first, *inits), strict=True):
        phi.add(ref, before)
    with e.scope():
        e.bind(body.arguments[0], counter.ref, (low, max(low, high)))
        for argument, phi in zip(body.arguments[1:], carried, strict=True):
            e.bind(argument, phi.ref)
        yielded = [e.ref(v) for v in e.block(body)]
        following = e.f.binary("add nsw", counter.ref, constant(e.word, step))
        more = e.f.icmp("slt", following, end)
    last = e.f.here
    for phi, ref in zip(phis, (following, *yielded), strict=True):
        phi.add(ref, last)
    e.f.cond_br(more, turn, after)
    e.f.start(after)
    return _merged(e, inits, before, yielded, last) if guarded else yielded


def _counts(e: Emitter, lower: Affine, upper: Affine, step: int) -> Range:
    """Bounds of the counter."""
    low, high = e.range(lower)[0], e.range(upper)[1] - 1
    return low, low + (high - low) // step * step if lower.is_constant else high


def _once(e: Emitter, lower: Affine, body: Block, inits: Sequence[Ref]) -> Sequence[Ref]:
    e.bind_index(body.arguments[0], lower)
    for argument, ref in zip(body.arguments[1:], inits, strict=True):
        e.bind(argument, ref)
    return [e.ref(v) for v in e.block(body)]


def _merged(e: Emitter, first: Sequence[Ref], first_label: str, second: Sequence[Ref], second_label: str) -> list[Ref]:
    """The values after two ways have joined."""
    phis: list[Phi] = []
    for a, b in zip(first, second, strict=True):
        phi = e.f.phi(a.type)
        phi.add(a, first_label)
        phi.add(b, second_label)
        phis.append(phi)
    return [phi.ref for phi in phis]


@translation(loop.If)
def _if(op: loop.If, e: Emitter) -> Sequence[Ref]:
    then, otherwise, after = (e.f.label(hint) for hint in ("then", "else", "endif"))
    e.f.cond_br(e.ref(op.condition), then, otherwise)
    yielded, labels = [], []
    for label, region in ((then, op.then), (otherwise, op.otherwise)):
        e.f.start(label)
        with e.scope():
            yielded.append([e.ref(v) for v in e.block(region.block)])
        labels.append(e.f.here)
        e.f.br(after)
    e.f.start(after)
    return _merged(e, yielded[0], labels[0], yielded[1], labels[1])


@translation(loop.Call)
def _call(op: loop.Call, e: Emitter) -> None:
    kernel = e.unit.kernels[op.callee]
    arguments = [e.address(e.places[v]) for v in op.buffers]
    if e.team is None:
        _run(e, kernel, arguments, constant(e.word, 0), constant(e.word, kernel.turns.count if kernel.turns else 0))
    elif kernel.turns is None:
        _only_first(e, e.team[1], lambda: _run(e, kernel, arguments, None, None))
        if not _is_followed_by_one_thread(op, e.unit):
            meet(e.f, e.unit, e.team[0])
    else:
        _run(e, kernel, arguments, *share(e.f, e.team, kernel.turns.count))
        meet(e.f, e.unit, e.team[0])


def _is_followed_by_one_thread(op: loop.Call, unit: Unit) -> bool:
    """Whether thread 0 goes on alone, so that nobody needs to wait for it yet."""
    following = op.next
    while following is not None and not isinstance(following, loop.Call) and not following.regions:
        following = following.next
    return isinstance(following, loop.Call) and unit.kernels[following.callee].turns is None


def _run(e: Emitter, kernel: Kernel, arguments: Sequence[Ref], begin: Ref | None, end: Ref | None) -> None:
    turns = (begin, end) if kernel.turns is not None and begin is not None and end is not None else ()
    e.f.call(kernel.ref, "void", (*arguments, *turns))


def _only_first(e: Emitter, number: Ref, action: Callable[[], None]) -> None:
    """What thread 0 does alone."""
    mine, after = e.f.label("first"), e.f.label("all")
    e.f.cond_br(e.f.icmp("eq", number, constant(number.type, 0)), mine, after)
    e.f.start(mine)
    action()
    e.f.br(after)
    e.f.start(after)


@translation(loop.Probe)
def _probe(op: loop.Probe, e: Emitter) -> None:
    """Counts on thread 0, which is part of everything; the clock is read on all, so that its value is there without a phi."""
    counters = e.counters
    if counters is None:
        return
    if op.begin:
        begin_site(e, op.site)
    elif e.team is None:
        end_site(e, op.site, counters)
    else:
        _only_first(e, e.team[1], lambda: end_site(e, op.site, counters))


@translation(loop.Fence)
def _fence(op: loop.Fence, e: Emitter) -> None:
    """For schedulers of small cores, which have no eye on registers; others place loads well, and should."""
    if e.unit.target.family == "riscv" and not e.unit.target.hosted:
        e.f.do('fence syncscope("singlethread") seq_cst')  # an order for the compiler, no instruction
