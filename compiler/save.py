"""Artefacts to files: all of them, whole, or none.

In come an artefact (or texts by file name) and a folder; out come the paths that were written. Everything is made in a hidden
folder beside its place and moved when the last file is whole, so a failure leaves no half of anything. The one thing to know: the
manifest beside a library is what `intaglio.load()` reads; NAME.so and NAME.json belong together.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ..errors import CompileError, error, quote
from ..targets import abi
from ..targets.load import load_target
from .artefact import Artefact

__all__ = ["artefact_files", "library_symbols", "save", "write_files"]


def save(artefact: Artefact, folder: Path) -> tuple[Path, ...]:
    """Object, header and manifest; on this machine also the shared library."""
    return write_files(folder, artefact_files(artefact, shared=artefact.manifest.target == "host"))


def artefact_files(artefact: Artefact, shared: bool) -> dict[str, bytes]:
    """The files of an artefact by name, without the kinds that need another compilation."""
    name = artefact.manifest.name
    files = {f"{name}.o": artefact.object, f"{name}.h": artefact.header.encode(), f"{name}.json": manifest_text(artefact)}
    if shared:
        files[f"{name}.so"] = shared_library(artefact)
    return files


def manifest_text(artefact: Artefact) -> bytes:
    """The manifest as JSON, ASCII only: whatever names hold stands as an escape."""
    return (json.dumps(artefact.manifest.record(), indent=1) + "\n").encode()


def shared_library(artefact: Artefact) -> bytes:
    """The object as a shared library that exports the entries only."""
    from ..targets.linker import link_shared

    if not load_target(artefact.manifest.target).hosted:
        raise CompileError(error(f"{artefact.manifest.target} has no shared libraries").help("take the object instead: --emit obj,header"))
    with tempfile.TemporaryDirectory(prefix="intaglio-") as folder:
        path = Path(folder) / "model.so"
        link_shared([artefact.object], library_symbols(artefact), path)
        return path.read_bytes()


def library_symbols(artefact: Artefact) -> list[str]:
    """What a library exports."""
    name = artefact.manifest.name
    return [abi.entry_symbol(name), *((abi.team_entry_symbol(name), abi.worker_symbol(name)) if artefact.manifest.threads else ())]


def write_files(folder: Path, files: Mapping[str, bytes], way_out: str = "name another folder: -o DIR") -> tuple[Path, ...]:
    """Write all of `files`, whose names may hold folders, into `folder`, which is made if need be; `way_out` helps where that fails."""
    new = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".intaglio-", dir=folder) as hidden:
            for name, content in files.items():
                part = Path(hidden) / name
                part.parent.mkdir(parents=True, exist_ok=True)
                part.write_bytes(content)
            for name in files:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (Path(hidden) / name).replace(folder / name)
    except OSError as fault:
        with suppress(OSError):
            for each in new:
                each.rmdir()
        reason = (fault.strerror or str(fault)).lower()
        raise CompileError(error(f"nothing can be written to {quote(str(folder))}: {reason}").help(way_out)) from None
    return tuple(folder / name for name in files)
