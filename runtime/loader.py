"""Saved models: a shared library and its manifest, with NumPy alone.

In: the path of NAME.so, beside which NAME.json stands. Out: a `NativeModel`. The one thing to know: a library is code, and loading it runs
with all rights of the process; whoever would not run a program from somewhere must not load a library from there.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from ..errors import CompileError, error, printable, quote
from .manifest import Manifest
from .model import NativeModel

__all__ = ["load_library", "manifest_path"]

_MANIFEST_BYTES = 16 << 20


class _Library:
    """A shared library in this process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._library = ctypes.CDLL(str(path.resolve()))
        except OSError as fault:
            raise CompileError(
                error(f"{quote(str(path))} cannot be loaded: {fault}").help("load it on the machine it was compiled for")
            ) from fault

    def address(self, name: str) -> int:
        """Where a symbol stands. Raises CompileError if the library does not have it."""
        try:
            return ctypes.cast(getattr(self._library, name), ctypes.c_void_p).value or 0
        except AttributeError:
            raise CompileError(error(f"{quote(str(self._path))} has no function {name}, which its manifest speaks of")) from None


def manifest_path(library: Path) -> Path:
    """Where the manifest of a library stands."""
    return library.with_suffix(".json")


def load_library(path: str | os.PathLike[str], threads: int = 1) -> NativeModel:
    """The model saved at `path`, which is the library or the folder that holds it alone."""
    library = _library_in(Path(path))
    manifest = manifest_path(library)
    for file in (library, manifest):
        if not file.is_file():
            raise CompileError(error(f"{quote(str(file))} is no file").help("a saved model is a library NAME.so with NAME.json beside it"))
    if manifest.stat().st_size > _MANIFEST_BYTES:
        raise CompileError(error(f"{quote(str(manifest))} is larger than any manifest").help("save the model again"))
    try:
        facts = Manifest.from_json(manifest.read_bytes())
    except CompileError as fault:
        raise fault.within(printable(str(manifest))) from fault
    return NativeModel(facts, _Library(library), threads)


def _library_in(path: Path) -> Path:
    """The one library with a manifest beside it, if `path` is a folder."""
    if not path.is_dir():
        return path
    found = sorted(each for each in path.glob("*.so") if manifest_path(each).is_file())
    if len(found) != 1:
        held = ", ".join(quote(each.name) for each in found[:8]) or "none"
        raise CompileError(
            error(f"the folder {quote(str(path))} should hold one saved model, and holds {held}").help("name the library itself")
        )
    return found[0]
