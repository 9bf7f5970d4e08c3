"""Compiled models kept on disk, so that compiling the same again takes a fraction of a second and imports neither onnx nor LLVM's parts.

In come a model file and `Options`; out comes the artefact that was put for them, or None. The key holds everything that code
depends on: the model's bytes, the options, the target's description, the versions of the libraries and our own sources. The one
thing to know: external data files are not found without reading the model, so an entry carries their digests, and they are
compared before it is believed.
"""

from __future__ import annotations

import hashlib
import struct
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ..codegen.cache import Cache, key
from ..targets.cache import cache_folder
from ..targets.load import load_target
from .artefact import FORMAT, Artefact, decode, encode
from .frontend.files import regular_file
from .options import Options

__all__ = ["Store", "digest_of", "external_digests"]

LIBRARIES = ("onnx", "llvmlite", "numpy")


class Store:
    """The entries for one model file: two each, because an object of tens of megabytes should not be copied out of anything."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cache = Cache(cache_folder() / "models")

    def get(self, options: Options) -> Artefact | None:
        """What was put for the file as it is now."""
        name = _key(digest_of(self.path), options)
        data, object_code = self.cache.get(name), self.cache.get(key(name, "object"))
        if data is None or object_code is None:
            return None
        try:
            artefact = decode(data, object_code)
        except (ValueError, KeyError, TypeError, struct.error):  # whole but not ours: another program's, by accident or malice
            return None
        return artefact if self._agrees(artefact) else None

    def put(self, options: Options, digest: str, artefact: Artefact) -> None:
        """Keep what was made from the file whose digest this is, which may have been replaced meanwhile."""
        name = _key(digest, options)
        self.cache.put(key(name, "object"), artefact.object)
        self.cache.put(name, encode(artefact))

    def _agrees(self, artefact: Artefact) -> bool:
        """Whether the data files are still those that were compiled in, and still inside the model's folder."""
        folder = self.path.parent.resolve()
        for location, digest in artefact.manifest.external:
            found = (folder / location).resolve()
            if not found.is_relative_to(folder) or not found.is_file() or digest_of(found) != digest:
                return False
        return True


def digest_of(path: Path) -> str:
    """The SHA-256 of a regular file. Raises OSError."""
    with regular_file(path) as (descriptor, _), open(descriptor, "rb", closefd=False) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def external_digests(folder: Path, locations: list[str]) -> tuple[tuple[str, str], ...]:
    """The digests of a model's data files."""
    return tuple((location, digest_of(folder / location)) for location in sorted(locations))


def _key(digest: str, options: Options) -> str:
    return key(str(FORMAT), digest, repr(options), repr(load_target(options.target)), *map(_version, LIBRARIES), _own_digest())


def _version(package: str) -> str:
    """The name of the folder that pip keeps about a package, which ends in its version. Asking importlib.metadata takes 25 ms."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return ""
    return " ".join(sorted(path.name for path in Path(spec.origin).parent.parent.glob(f"{package}-*-info")))


@cache
def _own_digest() -> str:
    """The SHA-256 of our own files: another compiler makes other code."""
    root = Path(__file__).parent.parent
    folders = ("codegen", "compiler", "dialects", "passes", "runtime", "targets")
    files = [path for folder in folders for path in (root / folder).rglob("*") if path.suffix in (".py", ".toml")]
    found = hashlib.sha256()
    for path in sorted(files):
        found.update(b"%s\0%s\0" % (str(path.relative_to(root)).encode(), path.read_bytes()))
    return found.hexdigest()
