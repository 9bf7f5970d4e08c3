"""What generated code and its callers agree on: the C entry, its status codes, sections and alignments.

A model compiled under the name NAME (a C identifier) defines

    typedef struct { const T *input; ... } NAME_inputs;      pointers only, in the order of the model's inputs
    typedef struct { T *output; ... }      NAME_outputs;     pointers only, in the order of its outputs
    int32_t NAME_run(const NAME_inputs *, const NAME_outputs *, void *arena, size_t arena_bytes);

and, when it was built with probes, the same with one more parameter at the end: `uint64_t *counters`, an array the caller
owns and zeroes. The entry returns a `Status`. Inputs and outputs need the natural alignment of their element type and no
more; the arena needs `arena_alignment(target)`. Generated code calls nothing outside the object but the toolchain's integer
and float routines, has no writable globals, and every symbol it defines begins with NAME and an underscore.

On hosts it may be built for several threads, and then also defines

    int32_t NAME_run_team(const NAME_inputs *, const NAME_outputs *, void *arena, size_t arena_bytes, [uint64_t *counters,] void *team);
    void NAME_worker(void *team, size_t number);

`team` is a record of TEAM_BYTES, zero but for what `TeamField` says, on a cache line's boundary. Each of threads 1, 2, ... calls
NAME_worker once and stays in it until the team is dismissed; whoever calls NAME_run_team is thread 0. One run at a time.

The one thing to know before changing this file: saved libraries were built with it. Numbers are never reused.
"""

from __future__ import annotations

import re
from enum import IntEnum

from ..errors import CompileError, error, quote
from .description import Target

__all__ = [
    "COUNTER_BYTES",
    "TEAM_BYTES",
    "WEIGHTS_ALIGNMENT",
    "Status",
    "TeamField",
    "arena_alignment",
    "check_name",
    "entry_symbol",
    "inputs_type",
    "outputs_type",
    "status_macro",
    "team_entry_symbol",
    "text_section",
    "weights_section",
    "worker_symbol",
]

COUNTER_BYTES = 8  # a probe's counter is one uint64_t
WEIGHTS_ALIGNMENT = 64  # of the weights' section: a cache line, so that packed weights never straddle one more than they must


class Status(IntEnum):
    """What NAME_run returns. In C: NAME_OK, NAME_E_ARENA_TOO_SMALL and so on, see `status_macro`."""

    OK = 0
    E_NULL_POINTER = -1  # an argument, an input or an output is NULL
    E_ARENA_TOO_SMALL = -2  # arena_bytes is below NAME_ARENA_BYTES
    E_ARENA_MISALIGNED = -3  # the arena's address is no multiple of NAME_ARENA_ALIGN
    E_EXTENT = -4  # a dynamic extent is outside the range the model was compiled for
    E_INDEX = -5  # an index that the data gave is outside its tensor
    E_INTERRUPTED = -6  # a registered function asked to stop

    @property
    def meaning(self) -> str:
        """One line for people, with what to do where that is known."""
        return _MEANING[self]


_MEANING = {
    Status.OK: "success",
    Status.E_NULL_POINTER: "a pointer is null",
    Status.E_ARENA_TOO_SMALL: "the arena is smaller than the model needs",
    Status.E_ARENA_MISALIGNED: "the arena is not aligned as the model needs it",
    Status.E_EXTENT: "an extent is outside the range the model was compiled for",
    Status.E_INDEX: "an index in the data is outside its tensor",
    Status.E_INTERRUPTED: "a registered function asked to stop",
}


class TeamField(IntEnum):
    """Offsets in the record of a team. What many write stands on a cache line of its own."""

    THREADS = 0  # size_t, set by the owner
    YIELD = 8  # int (*)(void): gives the core to somebody else, set by the owner
    SYSCALL = 16  # long (*)(long, ...): the kernel's door, set by the owner, or 0 where there is no futex
    FUTEX = 24  # size_t: the number of the system call, set by the owner
    DISMISSED = 32  # uint32_t: not 0 lets workers return, after another ticket
    JOB = 64  # four pointers: inputs, outputs, arena, counters
    TICKET = 128  # uint32_t: one more for every run, what idle workers wait for
    SLEEPERS = 192  # uint32_t: workers that wait in the kernel
    ARRIVED = 256  # size_t: threads at the barrier
    PASSED = 320  # size_t: barriers that all have passed


TEAM_BYTES = 384


def entry_symbol(name: str) -> str:
    """The symbol of the model's entry."""
    return f"{name}_run"


def team_entry_symbol(name: str) -> str:
    """The symbol of the entry for several threads."""
    return f"{name}_run_team"


def worker_symbol(name: str) -> str:
    """The symbol of what the other threads of a team run."""
    return f"{name}_worker"


def inputs_type(name: str) -> str:
    """The C type of the struct of input pointers."""
    return f"{name}_inputs"


def outputs_type(name: str) -> str:
    """The C type of the struct of output pointers."""
    return f"{name}_outputs"


def status_macro(name: str, status: Status) -> str:
    """The C macro of a status: NAME in capitals, then the code."""
    return f"{name.upper()}_{status.name}"


def weights_section(name: str) -> str:
    """Where the weights stand, apart from other constants, so that a linker script can place them alone."""
    return f".rodata.{name}_weights"


def text_section(name: str, symbol: str = "run") -> str:
    """Where one function's code stands; one section each, so that `--gc-sections` drops what is not called."""
    return f".text.{name}_{symbol}"


def arena_alignment(target: Target) -> int:
    """What the arena's address is a multiple of: a cache line on hosts, on chips a vector or the largest scalar."""
    return 64 if target.hosted else max(target.vector_bits // 8, 8)


def check_name(name: str) -> str:
    """`name`, if it can begin every symbol of a model."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", name):
        raise CompileError(
            error(f"{quote(name)} cannot name a model's C functions").help(
                "take a letter, then at most 62 letters, digits and underscores: --name my_model"
            )
        )
    return name
