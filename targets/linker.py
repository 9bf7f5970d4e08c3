"""Objects into shared libraries (host) and images (chips), and the routines that objects without an FPU call.

The linker is LLD of the `ziglang` package (extra `mcu`), else a system ld.lld, else, for shared libraries, ld. What an
object leaves undefined (soft float, 64-bit division, memset) comes from compiler-rt, which the same package brings as
source: it is built once per target, 7 to 20 seconds, and kept in the user's cache folder. The one thing to know: symbols
are resolved in two links, the first without these routines, because most objects need none and then nothing is built.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from ..errors import CompileError, Diagnostic, error, printable, quote
from .cache import cache_folder, write_whole
from .description import Target

__all__ = ["link_image", "link_shared", "run_zig"]

_LINK_SECONDS, _BUILD_SECONDS = 120, 600
_SHARED = ("-shared", "--gc-sections", "-z", "now", "-z", "relro", "-z", "noexecstack", "--build-id=none")

# Without function sections the archive is one block and adds 160 KB; position-independent routines would need a table in RAM.
_ROUTINES = ("-O", "ReleaseSmall", "-fstrip", "-ffunction-sections", "-fdata-sections", "-fno-PIC")


def link_shared(objects: Sequence[bytes], symbols: Sequence[str], output: Path) -> None:
    """Write a shared library at `output` that exports `symbols` and nothing else."""
    if sys.platform != "linux":
        raise CompileError(
            error(f"shared libraries are linked on Linux only, and this is {sys.platform}").help(
                "take the object instead: --emit obj,header"
            )
        )
    with tempfile.TemporaryDirectory(prefix="intaglio-") as folder:
        version = Path(folder) / "exports.map"
        version.write_text(f"{{ global: {' '.join(f'{s};' for s in symbols)} local: *; }};\n")
        roots = [part for symbol in symbols for part in ("-u", symbol)]
        linker = _linker("ld.lld", "ld")
        write_whole(
            output, lambda path: _run([*linker, *_SHARED, *roots, f"--version-script={version}", *_write(objects, folder), "-o", str(path)])
        )


def link_image(objects: Sequence[bytes], target: Target, entry: str, script: str, output: Path) -> tuple[str, ...]:
    """Write a program at `output`, laid out by the linker script `script`; the symbols it took from compiler-rt are returned."""
    with tempfile.TemporaryDirectory(prefix="intaglio-") as folder:
        layout = Path(folder) / "link.ld"
        layout.write_text(script)
        command = [
            *_linker("ld.lld"),
            "-T",
            str(layout),
            "-z",
            "norelro",
            "--gc-sections",
            "--build-id=none",
            "--error-limit=0",
            "-u",
            entry,
        ]
        command += _write(objects, folder)
        try:
            write_whole(output, lambda path: _run([*command, "-o", str(path)]))
        except _Undefined as missing:
            return _link_with_routines(command, target, missing.symbols, output)
    return ()


def run_zig(*arguments: str, seconds: float = _LINK_SECONDS) -> str:
    """Run the program of the `ziglang` package, whose subcommands are linker, assembler and C compiler; stdout is returned."""
    if _zig_folder() is None:
        raise CompileError(_no_linker())
    caches = str(cache_folder() / "zig")
    return _run([sys.executable, "-m", "ziglang", *arguments], seconds, {"ZIG_GLOBAL_CACHE_DIR": caches, "ZIG_LOCAL_CACHE_DIR": caches})


class _Undefined(Exception):
    """The link found no definition of these symbols."""

    def __init__(self, symbols: tuple[str, ...]) -> None:
        self.symbols = symbols
        super().__init__(", ".join(symbols))


def _link_with_routines(command: list[str], target: Target, taken: tuple[str, ...], output: Path) -> tuple[str, ...]:
    try:
        write_whole(output, lambda path: _run([*command, str(_routines(target)), "-o", str(path)]))
    except _Undefined as missing:
        names = ", ".join(map(quote, missing.symbols))
        raise CompileError(error(f"nothing defines {names}, which the object calls").at(f"link for {target.name}")) from None
    return taken


def _routines(target: Target) -> Path:
    """compiler-rt for `target` as an archive, built at its first use."""
    zig = _zig_folder()
    if zig is None:
        raise CompileError(_no_linker().note("the object calls soft-float or 64-bit routines, which are built from the package's sources"))
    options = ("-target", target.toolchain.target, f"-mcpu={target.toolchain.cpu}", *_ROUTINES)
    key = hashlib.sha256(" ".join((metadata.version("ziglang"), *options)).encode()).hexdigest()[:16]
    archive = cache_folder() / f"compiler-rt-{target.name}-{key}.a"
    if not archive.exists():
        source = zig / "lib" / "compiler_rt.zig"
        write_whole(archive, lambda path: run_zig("build-lib", str(source), *options, f"-femit-bin={path}", seconds=_BUILD_SECONDS))
    return archive


def _linker(*system: str) -> list[str]:
    if _zig_folder():
        return [sys.executable, "-m", "ziglang", "ld.lld"]
    for program in system:
        if path := shutil.which(program):
            return [path]
    raise CompileError(_no_linker())


def _no_linker() -> Diagnostic:
    return error("no linker is installed").help("install one with: pip install intaglio[mcu]")


def _zig_folder() -> Path | None:
    """Where the `ziglang` package stands, found without importing it."""
    spec = find_spec("ziglang")
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def _write(objects: Sequence[bytes], folder: str) -> list[str]:
    """The objects as numbered files, because a linker reads files."""
    paths = [Path(folder) / f"{number}.o" for number in range(len(objects))]
    for path, content in zip(paths, objects, strict=True):
        path.write_bytes(content)
    return [str(path) for path in paths]


def _run(command: Sequence[str], seconds: float = _LINK_SECONDS, environment: Mapping[str, str] | None = None) -> str:
    name = " ".join(Path(part).name for part in command[:4] if not part.startswith("-"))
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            env={**os.environ, **(environment or {})},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CompileError(error(f"{name} did not end within {seconds:.0f} s")) from None
    if done.returncode == 0:
        return done.stdout
    if missing := re.findall(r"undefined symbol: (\S+)", done.stderr):
        raise _Undefined(tuple(dict.fromkeys(missing)))
    fault = error(f"{name} ended with status {done.returncode}")
    for line in done.stderr.strip().splitlines()[:8]:
        fault = fault.note(printable(line))
    raise CompileError(fault)
