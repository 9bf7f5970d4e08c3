"""What the passes recognised or left alone, on stderr."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .terminal import message

if TYPE_CHECKING:
    from ..options import Options

__all__ = ["print_remarks", "remarks_of"]


def print_remarks(remarks: Sequence[str]) -> None:
    """Every remark, in the order of the passes."""
    for each in remarks or ["no remarks"]:
        message(each)


def remarks_of(path: Path, options: Options) -> list[str]:
    """The remarks of the graph stage, where nothing else is compiled."""
    from ..frontend.reader import read_model
    from ..inspect_masks import inspect_masks
    from ..stages import import_graph

    file = read_model(path)
    return inspect_masks(file, import_graph(file, options), options)[1]
