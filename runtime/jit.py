"""Object code into this process.

In: the bytes of a relocatable object for this machine, and addresses for the names it leaves open. Out: a `LoadedObject` that knows the
addresses of what it defines. The one thing to know: the memory lives as long as the `LoadedObject`; whoever keeps an address keeps that
too. The first `address` links the whole object, so that is where a missing symbol is told.

Linked by LLVM's JITLink, which was the quickest and takes the least memory of the three ways that llvmlite offers (50 MB of constants:
57 ms and one copy; RuntimeDyld 79 ms and two, MCJIT 77 ms and three), raises for a missing symbol instead of aborting, and sees no
symbols of the process: only those given, and the four memory functions that LLVM may call by itself.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ..errors import InternalError

if TYPE_CHECKING:
    from llvmlite.binding.orcjit import LLJIT, ResourceTracker

__all__ = ["LoadedObject", "load_object"]

_LIBRARY = "object"
_MEMORY = ("memcpy", "memmove", "memset", "memcmp")


class LoadedObject:
    """An object in executable memory; use it in a `with`, close it, or let it be collected."""

    def __init__(self, engine: LLJIT, tracker: ResourceTracker, given: Sequence[str]) -> None:
        self._engine = engine
        self._trackers = [tracker]  # a look-up makes one more, and losing any of them would unload the code
        self._given = given

    def address(self, name: str) -> int:
        """Where `name` was placed; it must be a global symbol of the object."""
        if self._engine.closed:
            raise InternalError(f"jit: the address of {name!r} is asked for after the object was closed")
        try:
            found = self._engine.lookup(_LIBRARY, name)
        except RuntimeError as fault:
            reason = f"the object does not define it, or declares a name that is not among {list(self._given)}"
            raise InternalError(f"jit: {name!r} has no address: {reason}: {fault}") from fault
        self._trackers.append(found)
        address: int = found[name]
        return address

    def close(self) -> None:
        """Free the memory. Nothing of the object may run or be read any more."""
        for tracker in self._trackers:
            tracker.close()
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def load_object(data: bytes, symbols: Mapping[str, int] = {}) -> LoadedObject:
    """Link `data` into the process; `symbols` are the addresses of names that it declares."""
    import llvmlite.binding as llvm

    _initialize()
    machine = llvm.Target.from_default_triple().create_target_machine(reloc="pic", codemodel="default")
    engine = llvm.create_lljit_compiler(machine, use_jit_link=True, suppress_errors=True)
    builder = llvm.JITLibraryBuilder().add_object_img(data)
    given = {**_memory_functions(), **symbols}
    for name, address in given.items():
        builder.import_symbol(name, address)
    try:
        return LoadedObject(engine, builder.link(engine, _LIBRARY), tuple(given))
    except RuntimeError as fault:
        raise InternalError(f"jit: the object cannot be linked: {fault}") from fault


@cache
def _memory_functions() -> Mapping[str, int]:
    """The C library's, which LLVM calls for large copies and fills whether or not the module names them."""
    library = ctypes.pythonapi
    return {name: ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0 for name in _MEMORY}


@cache
def _initialize() -> None:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
