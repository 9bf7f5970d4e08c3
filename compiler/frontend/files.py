"""Opens foreign files: regular ones only, at most as large as asked for, with a diagnostic for all that can go wrong.

The checks are made on the open descriptor, not on the path, which may mean another file a moment later.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .problems import fault_reason, refuse

__all__ = ["read_bytes", "regular_file"]

# Non-blocking, so that opening a pipe does not wait for a writer; regular files do not care.
OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


@contextmanager
def regular_file(path: Path) -> Iterator[tuple[int, int]]:
    """The descriptor and the size of the file at `path`; an OSError if it is no regular file."""
    descriptor = os.open(path, OPEN_FLAGS)
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        yield descriptor, status.st_size
    finally:
        os.close(descriptor)


def read_bytes(path: Path, kind: str, most: int) -> bytes:
    """The content of a file of at most `most` bytes; `kind` is what it is read as."""
    try:
        with regular_file(path) as (descriptor, size):
            if not size:
                raise refuse(path, f"the {kind} file is empty", "write or download it again")
            if size > most:
                hint = "store large tensors as external data" if kind == "model" else "give a smaller file"
                raise refuse(path, f"the {kind} file has {size} bytes; at most {most} are read", hint)
            with open(descriptor, "rb", closefd=False) as stream:
                return stream.read(size)
    except FileNotFoundError:
        raise refuse(path, f"the {kind} file does not exist", "check the path") from None
    except (OSError, ValueError) as fault:  # ValueError: a NUL in the path
        raise refuse(path, f"the {kind} file cannot be read: {fault_reason(fault)}", "check the path and its permissions") from None
