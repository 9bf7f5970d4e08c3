"""`NativeModel`: compiled code with memory to work in, ready to be called with arrays.

In: a `Manifest`, and code that knows the addresses of its symbols (a JIT-linked object or a shared library). Out: `run`, arrays in,
arrays out. The one thing to know: a call takes a *frame* (arena and the two pointer structs) out of a pool, so any number of threads may
call at once, each in memory of its own; with a team of threads, calls take turns.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import CompileError, InternalError, error, quote
from ..targets import abi
from .arguments import as_arrays
from .manifest import Manifest
from .threads import Team, aligned_bytes

__all__ = ["Code", "NativeModel"]

Array = NDArray[Any]


class Code(Protocol):
    """Machine code in this process."""

    def address(self, name: str) -> int:
        """Where a symbol stands."""


class _Frame:
    """What one call at a time writes to."""

    def __init__(self, manifest: Manifest, counters: Sequence[int], team: Sequence[int]) -> None:
        self.inputs = np.zeros(max(len(manifest.inputs), 1), np.uintp)
        self.outputs = np.zeros(max(len(manifest.outputs), 1), np.uintp)
        self.arena = aligned_bytes(manifest.arena_bytes, manifest.arena_alignment)
        words = (self.inputs.ctypes.data, self.outputs.ctypes.data, self.arena.ctypes.data, manifest.arena_bytes, *counters, *team)
        self.words = tuple(map(int, words))


class NativeModel:
    """A model to call. `threads` > 1 needs code that was built for it."""

    def __init__(self, manifest: Manifest, code: Code, threads: int = 1) -> None:
        if threads > 1 and not manifest.threads:
            raise CompileError(
                error(f"the model {quote(manifest.name)} was compiled for one thread, not {threads}").help("compile it with threads")
            )
        self.manifest = manifest
        self.threads = threads
        self._code = code
        self._counters = np.zeros(2 * manifest.sites + 1, np.uint64)
        self._frames: list[_Frame] = []
        self._lock = threading.Lock()
        self._team: Team | None = None
        symbol = abi.team_entry_symbol(manifest.name) if threads > 1 else abi.entry_symbol(manifest.name)
        pointers = 4 + manifest.profile + (threads > 1)
        types = [ctypes.c_size_t] * pointers  # addresses as plain numbers: the cheapest conversion that ctypes has
        self._entry: Callable[..., int] = ctypes.CFUNCTYPE(ctypes.c_int32, *types)(code.address(symbol))

    def run(self, inputs: Mapping[str, Any]) -> dict[str, Array]:
        """The outputs for `inputs`, by name. Raises CompileError if the inputs do not fit the model."""
        manifest = self.manifest
        try:
            arrays = as_arrays(manifest.inputs, inputs)
        except CompileError as fault:
            raise fault.within(f"the model {quote(manifest.name)}") from None
        results = {port.name: np.empty(port.shape, port.dtype) for port in manifest.outputs}
        if self.threads > 1 or manifest.profile:
            with self._lock:
                status = self._call(arrays, results)
        else:
            status = self._call(arrays, results)
        if status:
            raise self._fault(status)
        return results

    def _call(self, arrays: Sequence[Array], results: Mapping[str, Array]) -> int:
        self._refresh_team()
        try:
            frame = self._frames.pop()
        except IndexError:
            frame = self._frame()
        for block, values in ((frame.inputs, arrays), (frame.outputs, results.values())):
            for number, array in enumerate(values):
                block[number] = array.__array_interface__["data"][0]
        status = self._entry(*frame.words)
        self._frames.append(frame)
        return status

    def _frame(self) -> _Frame:
        counters = (int(self._counters.ctypes.data),) if self.manifest.profile else ()
        return _Frame(self.manifest, counters, (self._team.address,) if self._team else ())

    def _refresh_team(self) -> None:
        """Begin with a new team at the first call, and in a forked child, which has no workers."""
        if self.threads > 1 and (self._team is None or self._team.process != os.getpid()):
            self._team = Team(self._code.address(abi.worker_symbol(self.manifest.name)), self.threads, self._code)
            self._frames.clear()

    def take_counters(self) -> NDArray[np.uint64]:
        """Calls and ticks of every site (a row each) since the last time; zero rows where the model was built without probes."""
        with self._lock:
            taken = self._counters[:-1].reshape(-1, 2).copy()
            self._counters[:] = 0
        return taken

    def close(self) -> None:
        """Send the team home. The model may be called again, with a new one."""
        if self._team is not None:
            self._team.close()
            self._team = None
            self._frames.clear()

    def _fault(self, status: int) -> Exception:
        try:
            known = abi.Status(status)
        except ValueError:
            return InternalError(f"runtime: {self.manifest.name} returned the status {status}")
        if known in (abi.Status.E_EXTENT, abi.Status.E_INDEX, abi.Status.E_INTERRUPTED):
            return CompileError(error(f"the model {quote(self.manifest.name)} stopped: {known.meaning}"))
        return InternalError(f"runtime: {self.manifest.name} refused its arguments: {known.meaning}")
