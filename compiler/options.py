"""What the user may choose about a compilation, as one value.

In come the arguments of `compile()` or of the command line; out comes an `Options`, checked as far as that is possible without
the model. The one thing to know: its `repr` is part of the key under which a result is kept on disk, so everything that changes
code stands here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import CompileError, error
from ..targets.abi import check_name
from .masks import DEFAULT_MASKS, MaskOptions

__all__ = ["Options", "identifier_of"]

MOST_THREADS = 1024
LONGEST_NAME = 48  # of a name that is made from a file's


@dataclass(frozen=True, slots=True)
class Options:
    """One compilation: `name` begins every C symbol; `dims` and `shapes` bind what the model leaves open, in sorted order; `observe` names
    inner values of the file that are returned as further outputs."""

    name: str
    target: str = "host"
    threads: int = 1
    dims: tuple[tuple[str, int], ...] = ()
    shapes: tuple[tuple[str, tuple[int, ...]], ...] = ()
    profile: bool = False
    masks: MaskOptions = DEFAULT_MASKS
    observe: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        path: Path,
        *,
        name: str | None = None,
        target: str = "host",
        threads: int = 1,
        dims: Mapping[str, int] | None = None,
        shapes: Mapping[str, Sequence[int]] | None = None,
        profile: bool = False,
        masks: MaskOptions = DEFAULT_MASKS,
        observe: Sequence[str] = (),
    ) -> Options:
        """The options for the model at `path`, whose file name names the C symbols if nothing else does."""
        if not 1 <= threads <= MOST_THREADS:
            raise CompileError(error(f"{threads} threads cannot be used").help(f"take 1 to {MOST_THREADS}"))
        if threads > 1 and target != "host":
            raise CompileError(error(f"{threads} threads on {target}: only the host runs several").help("leave out --threads"))
        return cls(
            name=check_name(name) if name is not None else identifier_of(path),
            target=target,
            threads=threads,
            dims=tuple(sorted((dims or {}).items())),
            shapes=tuple(sorted((key, tuple(shape)) for key, shape in (shapes or {}).items())),
            profile=profile,
            masks=masks,
            observe=tuple(dict.fromkeys(observe)),
        )


def identifier_of(path: Path) -> str:
    """A C identifier from a file's name.

    >>> identifier_of(Path("nets/mobilenet-v2.onnx")), identifier_of(Path("1.onnx"))
    ('mobilenet_v2', 'model_1')
    """
    stem = re.sub(r"[^A-Za-z0-9]+", "_", path.stem)[:LONGEST_NAME].strip("_")
    return stem if stem[:1].isalpha() else f"model_{stem}".rstrip("_")
