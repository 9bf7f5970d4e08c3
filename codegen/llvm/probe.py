"""Probes: at a site the caller's counters take one call and the ticks that passed.

Two counters of `abi.COUNTER_BYTES` per site: calls, ticks. The ticks are those of the cheapest clock that a user's program may read: the
time stamp counter on x86, the virtual counter on aarch64. On chips the emulator counts instructions per function, and only calls
are counted here.
"""

from __future__ import annotations

from ...targets.abi import COUNTER_BYTES
from .emitter import Emitter
from .text import Ref, constant

__all__ = ["begin_site", "end_site"]

_CLOCKS = {"x86": "llvm.readcyclecounter", "aarch64": "llvm.readsteadycounter"}


def _clock(e: Emitter) -> Ref:
    name = _CLOCKS.get(e.unit.target.family)
    if name is None:
        return constant("i64", 0)
    return e.f.call(e.unit.module.declare(name, "i64", ()), "i64", ())


def begin_site(e: Emitter, site: int) -> None:
    """Remember when the site began."""
    e.starts[site] = _clock(e)


def end_site(e: Emitter, site: int, counters: Ref) -> None:
    """Add one call and the ticks since the begin."""
    ticks = e.f.binary("sub", _clock(e), e.starts[site])
    for number, amount in enumerate((constant("i64", 1), ticks)):
        counter = e.f.emit("ptr", f"getelementptr i8, {counters}, {e.word} {(2 * site + number) * COUNTER_BYTES}")
        e.f.store(e.f.binary("add", e.f.load("i64", counter, COUNTER_BYTES), amount), counter, COUNTER_BYTES)
