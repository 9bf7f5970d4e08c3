"""The C entry of a model out of `main`: checks, pointers out of the two structs, then the calls of the kernels.

In: `main`, whose buffers are the model's inputs, its outputs, and the arena. Out: `NAME_run` as `targets.abi` describes it and, for
several threads, `NAME_run_team`, `NAME_worker` and `NAME_share`, the run as every thread of a team does it. The one thing to know: nothing
is touched before every pointer has been tested.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...dialects import func, loop
from ...dialects.ir.operation import Value
from ...dialects.loop.memory import buffer_type
from ...targets import abi
from ...targets.abi import Status, TeamField
from .emitter import Emitter, Place
from .memory import allocate
from .team import field, publish, wait_for_ticket
from .text import Function, Ref, constant
from .unit import Unit

__all__ = ["Layout", "write_entry", "write_lone_team_entry", "write_team_entry"]


@dataclass(frozen=True, slots=True)
class Layout:
    """The buffers of `main` by role."""

    main: func.Function
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    arena: Value

    @property
    def arena_bytes(self) -> int:
        return buffer_type(self.arena).nbytes


@dataclass(frozen=True, slots=True)
class _Arguments:
    """The entry's parameters; counters and team where the build has them."""

    inputs: Ref
    outputs: Ref
    arena: Ref
    arena_bytes: Ref
    counters: Ref | None


def write_entry(unit: Unit, layout: Layout, profile: bool) -> None:
    """NAME_run."""
    f, arguments, _ = _open(unit, abi.entry_symbol(unit.name), profile, team=False)
    loaded = _check(f, unit, layout, arguments)
    e = Emitter(unit, f)
    e.counters = arguments.counters
    _body(e, layout, loaded, arguments.arena)
    f.ret(constant("i32", Status.OK))


def write_lone_team_entry(unit: Unit, profile: bool) -> None:
    """The same functions where a team has nothing to share: whoever calls does the whole run, workers return at once."""
    f, arguments, _ = _open(unit, abi.team_entry_symbol(unit.name), profile, team=True)
    given = (
        arguments.inputs,
        arguments.outputs,
        arguments.arena,
        arguments.arena_bytes,
        *([arguments.counters] if arguments.counters else []),
    )
    f.ret(f.call(Ref(f"@{abi.entry_symbol(unit.name)}", "ptr"), "i32", given))
    _open_worker(unit).ret()


def write_team_entry(unit: Unit, layout: Layout, profile: bool) -> None:
    """NAME_share, NAME_run_team and NAME_worker."""
    run = _write_share(unit, layout, profile)
    f, arguments, team = _open(unit, abi.team_entry_symbol(unit.name), profile, team=True)
    assert team is not None
    _check(f, unit, layout, arguments)
    counters = (arguments.counters,) if arguments.counters else ()
    publish(f, team, (arguments.inputs, arguments.outputs, arguments.arena, *counters))
    f.call(run, "void", (team, constant("i64", 0)))
    f.ret(constant("i32", Status.OK))
    _write_worker(unit, run)


def _open(unit: Unit, symbol: str, profile: bool, team: bool) -> tuple[Function, _Arguments, Ref | None]:
    types = ["ptr", "ptr", "ptr", f"i{unit.target.pointer_bits}", *["ptr"] * profile, *["ptr"] * team]
    section = abi.text_section(unit.name, symbol.removeprefix(f"{unit.name}_"))
    f = unit.module.function(symbol, "i32", [(t, "") for t in types], attributes=unit.attributes, section=section)
    parameters = list(f.parameters)
    inputs, outputs, arena, arena_bytes = parameters[:4]
    arguments = _Arguments(inputs, outputs, arena, arena_bytes, parameters[4] if profile else None)
    return f, arguments, parameters[-1] if team else None


# Checks.


def _check(f: Function, unit: Unit, layout: Layout, arguments: _Arguments) -> list[Ref]:
    """Return a status unless everything is right; the pointers of inputs and outputs."""
    word = arguments.arena_bytes.type
    structs = [p for p, count in ((arguments.inputs, layout.inputs), (arguments.outputs, layout.outputs)) if count]
    arena = [arguments.arena] if layout.arena_bytes else []
    counters = [arguments.counters] if arguments.counters else []
    _refuse(f, _any_null(f, word, [*structs, *arena, *counters]), Status.E_NULL_POINTER)
    small = f.icmp("ult", arguments.arena_bytes, constant(word, layout.arena_bytes))
    _refuse(f, small, Status.E_ARENA_TOO_SMALL)
    low_bits = f.binary("and", f.cast("ptrtoint", arguments.arena, word), constant(word, abi.arena_alignment(unit.target) - 1))
    _refuse(f, f.icmp("ne", low_bits, constant(word, 0)), Status.E_ARENA_MISALIGNED)
    loaded = _pointers(f, unit, layout, arguments.inputs, arguments.outputs)
    _refuse(f, _any_null(f, word, loaded), Status.E_NULL_POINTER)
    return loaded


def _refuse(f: Function, condition: Ref | None, status: Status) -> None:
    if condition is None:
        return
    bad, good = f.label("bad"), f.label("good")
    f.cond_br(condition, bad, good)
    f.start(bad)
    f.ret(constant("i32", status))
    f.start(good)


def _any_null(f: Function, word: str, pointers: Sequence[Ref]) -> Ref | None:
    found: Ref | None = None
    for pointer in pointers:
        null = f.icmp("eq", f.cast("ptrtoint", pointer, word), constant(word, 0))
        found = null if found is None else f.binary("or", found, null)
    return found


def _pointers(f: Function, unit: Unit, layout: Layout, inputs: Ref, outputs: Ref) -> list[Ref]:
    """The fields of both structs, in order."""
    size = unit.target.pointer_bits // 8
    fields = [(inputs, i) for i in range(len(layout.inputs))] + [(outputs, i) for i in range(len(layout.outputs))]
    return [f.load("ptr", f.gep(struct, i * size), size) for struct, i in fields]


# The run.


def _body(e: Emitter, layout: Layout, loaded: Sequence[Ref], arena: Ref) -> None:
    for value, pointer in zip((*layout.inputs, *layout.outputs), loaded, strict=True):
        e.places[value] = Place(pointer, 0, buffer_type(value).element.dtype.itemsize)
    e.places[layout.arena] = Place(arena, 0, abi.arena_alignment(e.unit.target))
    for op in layout.main.body:
        if isinstance(op, loop.Alloca):
            allocate(e, op)
    e.block(layout.main.body)


def _write_share(unit: Unit, layout: Layout, profile: bool) -> Ref:
    """The run as each thread does it: the team's record and the thread's number in."""
    section = abi.text_section(unit.name, "share")
    f = unit.module.function(
        f"{unit.name}_share", "void", [("ptr", ""), ("i64", "")], linkage="internal", attributes=unit.attributes, section=section
    )
    team, number = f.parameters
    inputs, outputs, arena = (f.load("ptr", field(f, team, TeamField.JOB, 8 * i), 8) for i in range(3))
    e = Emitter(unit, f)
    e.team = (team, number)
    if profile:
        e.counters = f.load("ptr", field(f, team, TeamField.JOB, 24), 8)
    _body(e, layout, _pointers(f, unit, layout, inputs, outputs), arena)
    f.ret()
    return f.ref


def _open_worker(unit: Unit) -> Function:
    section = abi.text_section(unit.name, "worker")
    return unit.module.function(
        abi.worker_symbol(unit.name), "void", [("ptr", ""), ("i64", "")], attributes=unit.attributes, section=section
    )


def _write_worker(unit: Unit, run: Ref) -> None:
    """Wait for a ticket, take part, and again, until the team is dismissed. Tickets begin at 0."""
    f = _open_worker(unit)
    team, number = f.parameters
    idle, called, work, leave = (f.label(hint) for hint in ("idle", "called", "work", "leave"))
    before = f.here
    f.br(idle)
    f.start(idle)
    seen = f.phi("i32")
    seen.add(constant("i32", 0), before)
    wait_for_ticket(f, unit, team, seen.ref, called)
    f.start(called)
    dismissed = f.load("i32", field(f, team, TeamField.DISMISSED), 4)
    f.cond_br(f.icmp("eq", dismissed, constant("i32", 0)), work, leave)
    f.start(work)
    f.call(run, "void", (team, number))
    seen.add(f.binary("add", seen.ref, constant("i32", 1)), work)
    f.br(idle)
    f.start(leave)
    f.ret()
