"""A team of threads that run compiled code together.

In: the address of a model's NAME_worker, the number of threads. Out: a `Team` whose record NAME_run_team is given. The workers are Python
threads that stay in compiled code, without the interpreter's lock, until the team is closed; they take no time while nothing runs. The
one thing to know: a team serves one run at a time, and does not survive a fork.
"""

from __future__ import annotations

import ctypes
import os
import platform
import threading
import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..targets.abi import TEAM_BYTES, TeamField

__all__ = ["Team", "aligned_bytes"]

_FUTEX = {"x86_64": 202, "aarch64": 98}
_FUTEX_WAKE_PRIVATE = 129
_JOIN_SECONDS = 5.0


def aligned_bytes(count: int, alignment: int) -> NDArray[np.uint8]:
    """`count` zero bytes whose address is a multiple of `alignment`; at least one, so that there is an address."""
    raw = np.zeros(max(count, 1) + alignment, np.uint8)
    start = -raw.ctypes.data % alignment
    return raw[start : start + max(count, 1)]


class Team:
    """The caller's thread and `threads` - 1 workers; `code` is what `worker` lies in, and is kept until the workers have left it."""

    def __init__(self, worker: int, threads: int, code: object) -> None:
        self.record = aligned_bytes(TEAM_BYTES, 64)
        self.address = int(self.record.ctypes.data)
        self.process = os.getpid()
        library = ctypes.CDLL(None)
        has_futex = platform.system() == "Linux" and platform.machine() in _FUTEX
        self._set(TeamField.THREADS, threads)
        self._set(TeamField.YIELD, _address(library.sched_yield))
        if has_futex:
            self._set(TeamField.SYSCALL, _address(library.syscall))
            self._set(TeamField.FUTEX, _FUTEX[platform.machine()])
        function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_size_t)(worker)
        workers = [
            threading.Thread(target=function, args=(self.address, number), name=f"intaglio-{number}", daemon=True)
            for number in range(1, threads)
        ]
        for thread in workers:
            thread.start()
        self.close = weakref.finalize(self, _dismiss, self.record, workers, library.syscall if has_futex else None, self.process, code)

    def _set(self, which: TeamField, value: int) -> None:
        self.record[which : which + 8].view(np.uint64)[0] = value


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _dismiss(record: NDArray[np.uint8], workers: list[threading.Thread], syscall: Any, process: int, code: object) -> None:
    """Let the workers return, and wait for them: `code` must not go away under them, so it is held here."""
    if os.getpid() != process:
        return
    record[TeamField.DISMISSED] = 1
    ticket = record[TeamField.TICKET : TeamField.TICKET + 4].view(np.uint32)
    ticket += np.uint32(1)
    if syscall is not None:
        nothing = ctypes.c_long(0)
        syscall(
            ctypes.c_long(_FUTEX[platform.machine()]),
            ctypes.c_void_p(ticket.ctypes.data),
            ctypes.c_long(_FUTEX_WAKE_PRIVATE),
            ctypes.c_long(1 << 30),
            nothing,
            nothing,
            nothing,
        )
    for thread in workers:
        thread.join(_JOIN_SECONDS)
