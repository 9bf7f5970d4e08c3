"""Several threads in one run: their barrier, their shares, and how workers wait for the next run.

The record that they share is described in `targets.abi`. A thread that waits at a barrier spins, then lets others have the core between
looks; a worker without a run spins for some tens of microseconds and then sleeps in the kernel, which costs nothing but takes long to
wake from (24 us where it was measured). The one thing to know: turns are dealt out by number alone, so a result never depends on timing,
and never on how many threads there are.
"""

from __future__ import annotations

from collections.abc import Callable

from ...targets.abi import TeamField
from .text import Function, Ref, constant
from .unit import Unit

__all__ = ["field", "meet", "publish", "share", "wait_for_ticket"]

_PATIENCE = 2000  # looks before somebody else may have the core; one look takes 15 to 40 ns
_FUTEX_WAIT_PRIVATE, _FUTEX_WAKE_PRIVATE = 128, 129


def field(f: Function, team: Ref, which: TeamField, index: int = 0) -> Ref:
    """The address of a field."""
    return f.gep(team, which + index)


def share(f: Function, team: tuple[Ref, Ref], turns: int) -> tuple[Ref, Ref]:
    """First and one past the last of this thread's turns."""
    record, number = team
    threads = f.load("i64", field(f, record, TeamField.THREADS), 8)
    bounds = [
        f.binary("udiv", f.binary("mul", n, constant("i64", turns)), threads) for n in (number, f.binary("add", number, constant("i64", 1)))
    ]
    return bounds[0], bounds[1]


def meet(f: Function, unit: Unit, team: Ref) -> None:
    """Go on when all have come."""
    if "meet" not in unit.helpers:
        helper = unit.helper("meet", "void", ("ptr",))
        unit.helpers["meet"] = helper.ref
        _write_barrier(helper, unit)
    f.call(unit.helpers["meet"], "void", (team,))


def _write_barrier(f: Function, unit: Unit) -> None:
    """The last one to arrive opens the way by counting it as passed; the others look at that count."""
    (team,) = f.parameters
    arrived, passed = field(f, team, TeamField.ARRIVED), field(f, team, TeamField.PASSED)
    before = _atomic_load(f, "i64", passed, "monotonic")
    threads = f.load("i64", field(f, team, TeamField.THREADS), 8)
    others = f.emit("i64", f"atomicrmw add {arrived}, i64 1 acq_rel, align 8")
    last, wait, done = (f.label(hint) for hint in ("last", "wait", "done"))
    f.cond_br(f.icmp("eq", f.binary("add", others, constant("i64", 1)), threads), last, wait)
    f.start(last)
    f.do(f"store atomic i64 0, {arrived} monotonic, align 8")
    f.do(f"store atomic {f.binary('add', before, constant('i64', 1))}, {passed} release, align 8")
    f.br(done)
    f.start(wait)
    look = _spin(f, unit, lambda: f.icmp("ne", _atomic_load(f, "i64", passed, "acquire"), before), done)
    f.start(look)
    _yield(f, team)
    f.br(wait)
    f.start(done)
    f.ret()


def _spin(f: Function, unit: Unit, is_over: Callable[[], Ref], done: str) -> str:
    """Look up to `_PATIENCE` times, then go to the block whose label is returned."""
    before, look, again, tired = f.here, f.label("look"), f.label("again"), f.label("tired")
    f.br(look)
    f.start(look)
    count = f.phi("i32")
    count.add(constant("i32", 0), before)
    f.cond_br(is_over(), done, again)
    f.start(again)
    _pause(f, unit)
    following = f.binary("add", count.ref, constant("i32", 1))
    count.add(following, again)
    f.cond_br(f.icmp("ult", following, constant("i32", _PATIENCE)), look, tired)
    return tired


def _pause(f: Function, unit: Unit) -> None:
    """Tell the core that this is a wait."""
    if unit.target.family == "x86":
        f.call(unit.module.declare("llvm.x86.sse2.pause", "void", ()), "void", ())
    else:
        f.call(unit.module.declare("llvm.aarch64.hint", "void", ("i32",)), "void", (constant("i32", 1),))


def _yield(f: Function, team: Ref) -> None:
    function = f.load("ptr", field(f, team, TeamField.YIELD), 8)
    f.call(function, "i32", ())


def _atomic_load(f: Function, type_: str, pointer: Ref, order: str) -> Ref:
    return f.emit(type_, f"load atomic {type_}, {pointer} {order}, align {int(type_[1:]) // 8}")


def _futex(f: Function, team: Ref, function: Ref, operation: int, value: Ref) -> None:
    """syscall(FUTEX, &ticket, operation, value, no timeout, ...)."""
    number = f.load("i64", field(f, team, TeamField.FUTEX), 8)
    nothing = constant("i64", 0)
    words = (number, field(f, team, TeamField.TICKET), constant("i64", operation), value, nothing, nothing, nothing)
    f.call(function, "i64", words)


def publish(f: Function, team: Ref, job: tuple[Ref, ...]) -> None:
    """Give all workers a run, and wake those that sleep."""
    for index, pointer in enumerate(job):
        f.store(pointer, field(f, team, TeamField.JOB, 8 * index), 8)
    f.emit("i32", f"atomicrmw add {field(f, team, TeamField.TICKET)}, i32 1 seq_cst, align 4")
    sleepers = _atomic_load(f, "i32", field(f, team, TeamField.SLEEPERS), "seq_cst")
    wake, go = f.label("wake"), f.label("go")
    f.cond_br(f.icmp("ne", sleepers, constant("i32", 0)), wake, go)
    f.start(wake)
    function = f.load("ptr", field(f, team, TeamField.SYSCALL), 8)
    _futex(f, team, function, _FUTEX_WAKE_PRIVATE, constant("i64", (1 << 31) - 1))
    f.br(go)
    f.start(go)


def wait_for_ticket(f: Function, unit: Unit, team: Ref, seen: Ref, done: str) -> None:
    """Go to `done` when the ticket is no longer `seen`.

    A worker says that it sleeps before it looks for the last time, and whoever publishes counts the sleepers after the new ticket is out,
    so one of the two sees the other; the kernel compares once more.
    """
    wait, sleep, doze, leave = (f.label(hint) for hint in ("wait", "sleep", "doze", "leave"))
    ticket, sleepers = field(f, team, TeamField.TICKET), field(f, team, TeamField.SLEEPERS)
    function = f.load("ptr", field(f, team, TeamField.SYSCALL), 8)
    f.br(wait)
    f.start(wait)
    tired = _spin(f, unit, lambda: f.icmp("ne", _atomic_load(f, "i32", ticket, "acquire"), seen), done)
    f.start(tired)
    f.cond_br(f.icmp("eq", f.cast("ptrtoint", function, "i64"), constant("i64", 0)), doze, sleep)
    f.start(doze)
    _yield(f, team)
    f.br(wait)
    f.start(sleep)
    f.emit("i32", f"atomicrmw add {sleepers}, i32 1 seq_cst, align 4")
    still = f.icmp("eq", _atomic_load(f, "i32", ticket, "seq_cst"), seen)
    kernel = f.label("kernel")
    f.cond_br(still, kernel, leave)
    f.start(kernel)
    _futex(f, team, function, _FUTEX_WAIT_PRIVATE, f.cast("zext", seen, "i64"))
    f.br(leave)
    f.start(leave)
    f.emit("i32", f"atomicrmw sub {sleepers}, i32 1 seq_cst, align 4")
    f.br(wait)
