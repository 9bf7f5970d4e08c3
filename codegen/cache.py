"""Object code kept on disk, found by the digest of all that it was made from.

In: a directory, and keys from `key`. Out: the bytes that were put, or None. The one thing to know: the cache never makes anything fail
and never lies. A file carries the digest of its key and content, and one that does not agree is removed; a directory that cannot be
read or written, or a full disk, means that nothing is remembered. Any number of processes may use one directory: files appear whole,
by renaming.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from hashlib import blake2b, sha256
from pathlib import Path

__all__ = ["Cache", "key"]

_MAGIC = b"intaglio object 2\n"
_DIGEST = 32
_SUFFIX = ".object"


def key(*parts: bytes | str) -> str:
    """A name for what `parts` make: text, target, versions. The lengths count, so ("ab", "c") and ("a", "bc") differ."""
    digest = blake2b(digest_size=_DIGEST)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(b"%c%d:" % (b"s" if isinstance(part, str) else b"b", len(data)))
        digest.update(data)
    return digest.hexdigest()


class Cache:
    """A directory of at most about `limit_bytes`; beyond it the files that were not used for longest go."""

    def __init__(self, directory: str | os.PathLike[str], limit_bytes: int = 2 << 30) -> None:
        self._directory = Path(directory)
        self._limit_bytes = limit_bytes
        self._unseen_bytes = limit_bytes  # written since the directory was last measured: so the first put measures

    def get(self, key: str) -> bytes | None:
        """What was put under `key`; None if there is nothing, or nothing sound."""
        path = self._path(key)
        try:
            with path.open("rb") as file:
                header, data = file.read(len(_MAGIC) + _DIGEST), file.read()  # apart: a slice would copy, and models are large
        except OSError:
            return None
        if header != _header(key, data):
            _remove(path)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # the time of last use: `_shrink` takes the oldest
        return data

    def put(self, key: str, data: bytes) -> None:
        """Keep `data`, if the disk allows it."""
        path = self._path(key)
        temporary: Path | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".writing-", delete=False) as file:
                temporary = Path(file.name)
                file.write(_header(key, data))
                file.write(data)
            temporary.replace(path)
            self._unseen_bytes += len(data)
            if self._unseen_bytes > self._limit_bytes // 16:
                self._unseen_bytes = 0
                self._shrink()
        except OSError:
            if temporary is not None:
                _remove(temporary)

    def _path(self, key: str) -> Path:
        return self._directory / key[:2] / (key + _SUFFIX)

    def _shrink(self) -> None:
        """Delete the oldest until three quarters of the limit are left; files of writers that died go too when their turn comes."""
        files = []
        for path in self._directory.glob("[0-9a-f][0-9a-f]/*"):
            with contextlib.suppress(OSError):
                status = path.stat()
                files.append((status.st_mtime_ns, path.name, status.st_size, path))
        total = sum(size for _, _, size, _ in files)
        if total <= self._limit_bytes:
            return
        for _, _, size, path in sorted(files):
            if total <= self._limit_bytes * 3 // 4:
                return
            _remove(path)
            total -= size


def _header(key: str, data: bytes) -> bytes:
    digest = sha256(key.encode())  # processors have instructions for it: 47 MB take 28 ms, by blake2b 52 ms
    digest.update(data)
    return _MAGIC + digest.digest()


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
