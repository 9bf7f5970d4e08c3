"""The folder where what was built once is kept, and files that are whole or absent.

Used for the toolchain's routines and the emulator's plugin, and by the code generator for objects. The one thing to know:
several processes write here at the same time, so a file is made under another name and moved.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from ..errors import CompileError, error

__all__ = ["cache_folder", "write_whole"]


def cache_folder() -> Path:
    """$INTAGLIO_CACHE if it is set; else "intaglio" in the user's cache folder, or, where that is read-only, in the temporary one."""
    if chosen := os.environ.get("INTAGLIO_CACHE"):
        if folder := _own(Path(chosen)):
            return folder
        raise CompileError(
            error(f"the cache folder {chosen} is not this user's, or cannot be written").help("name another: INTAGLIO_CACHE=DIR")
        )
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    if folder := _own(home / "intaglio") or _own(Path(tempfile.gettempdir()) / f"intaglio-{os.getuid()}"):
        return folder
    raise CompileError(error(f"no cache folder can be written: neither {home} nor the temporary one").help("name one: INTAGLIO_CACHE=DIR"))


def write_whole(output: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file beside `output` and move it there when it is whole: no reader sees half of one."""
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as folder:
        part = Path(folder) / output.name
        write(part)
        part.replace(output)


def _own(folder: Path) -> Path | None:
    """The folder, made if need be, if it can be written and is this user's: code is never taken from somebody else's."""
    try:
        folder.mkdir(0o700, parents=True, exist_ok=True)
        mine = folder.stat().st_uid == os.getuid()
    except OSError:
        return None
    return folder if mine and os.access(folder, os.W_OK) else None
