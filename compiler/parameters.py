"""Words of the command line as values: `--dim batch=8`, `--shape image=1x3x224x224`, `--input image=cat.png`, `--emit obj,header`.

Each function takes one word and returns its value, or raises a CompileError that says how it is written. Names may hold `=`
themselves (ONNX allows it), which is why the last one parts name from value, except for files, whose paths may hold it too: there
the first one does.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from ..errors import CompileError, error, quote
from .masks import DECISIONS, DEFAULT_DENSITY, MaskOptions

__all__ = [
    "add_binding_arguments",
    "add_mask_arguments",
    "auto_share",
    "choices",
    "density",
    "dim",
    "input_file",
    "mask_options",
    "pairs",
    "shape",
    "tolerance",
]

T = TypeVar("T")
MOST_EXTENT = 2**40
LONGEST_NUMBER = 13  # digits


def add_binding_arguments(parser: argparse.ArgumentParser) -> None:
    """What every command that compiles takes: --dim, --shape, --no-cache."""
    parser.add_argument("--dim", action="append", default=[], metavar="NAME=8", help="the extent of a named dimension")
    parser.add_argument("--shape", action="append", default=[], metavar="INPUT=1x3x224x224", help="the shape of an input")
    parser.add_argument("--no-cache", action="store_true", help="neither read nor write the cache on disk (INTAGLIO_CACHE is its folder)")


def add_mask_arguments(parser: argparse.ArgumentParser) -> None:
    """What every command that compiles takes about spatially dynamic networks, and --remarks."""
    parser.add_argument("--remarks", action="store_true", help="print what was recognised or left alone, and why")
    parser.add_argument("--strict-masks", action="store_true", help="keep products of a mask's zeros with infinity and NaN: skips less")
    parser.add_argument(
        "--mask-decision", choices=DECISIONS, default="auto", help="skip where a gain is predicted, nowhere, or everywhere (%(default)s)"
    )
    parser.add_argument(
        "--density",
        action="append",
        default=[],
        metavar="[MASK=]0.3",
        help=f"the share of a mask that is expected to be chosen ({DEFAULT_DENSITY})",
    )
    parser.add_argument(
        "--auto-mask", metavar="SHARE", help="skip this share of a dense model's tiles, those of least magnitude; needs --calibrate"
    )
    parser.add_argument(
        "--calibrate", type=Path, metavar="DIR", help="take expected densities from inputs: .npy, .npz, .pb, pictures or test folders"
    )


def mask_options(arguments: argparse.Namespace) -> MaskOptions:
    """The choices of `add_mask_arguments`; calibration comes on top."""
    given = pairs("--density", arguments.density, density)
    return MaskOptions(
        strict=arguments.strict_masks,
        decision=arguments.mask_decision,
        density=given.pop("", DEFAULT_DENSITY),
        densities=tuple(sorted(given.items())),
    )


def density(word: str) -> tuple[str, float]:
    """MASK=0.3, or 0.3 for all masks: then the name is empty."""
    name, equals, value = word.rpartition("=")
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1 or (equals and not name):
        raise _refuse("--density", word, "a share from 0 to 1, of one mask or of all: --density mask=0.3")
    return name, share


def auto_share(word: str | None) -> float | None:
    """The share of --auto-mask, None without it."""
    if word is None:
        return None
    try:
        share = float(word)
    except ValueError:
        share = -1.0
    if not 0 < share < 1:
        raise _refuse("--auto-mask", word, "a share between 0 and 1 of the tiles: --auto-mask 0.5")
    return share


def dim(word: str) -> tuple[str, int]:
    """NAME=8."""
    name, equals, value = word.rpartition("=")
    extent = _extent(value)
    if not (equals and name) or extent is None:
        raise _refuse("--dim", word, "a name and a number: --dim batch=8")
    return name, extent


def shape(word: str) -> tuple[str, tuple[int, ...]]:
    """NAME=1x3x224x224; nothing after the equals sign is a scalar."""
    name, equals, value = word.rpartition("=")
    extents = tuple(_extent(part) for part in value.split("x")) if value else ()
    known = tuple(extent for extent in extents if extent is not None)
    if not (equals and name) or len(known) != len(extents):
        raise _refuse("--shape", word, "an input and its extents: --shape image=1x3x224x224")
    return name, known


def tolerance(option: str, value: float) -> float:
    """A bound on an error. With NaN or infinity nothing would be compared."""
    if not 0 <= value < math.inf:
        raise CompileError(error(f"{option} {value} is no tolerance").help(f"take a number from 0 on: {option} 1e-3"))
    return value


def input_file(word: str) -> tuple[str, Path]:
    """NAME=FILE. The name may be left out by a model with one input: then it is empty."""
    name, equals, value = word.partition("=")
    if equals and not (name and value):
        raise _refuse("--input", word, "an input and a file: --input image=cat.png")
    return (name, Path(value)) if equals else ("", Path(word))


def pairs(option: str, words: Iterable[str], read: Callable[[str], tuple[str, T]]) -> dict[str, T]:
    """All words of an option that may be repeated; the same name twice is a slip."""
    found: dict[str, T] = {}
    for word in words:
        name, value = read(word)
        if name in found:
            raise CompileError(error(f"{option} gives {quote(name)} twice").help("give it once"))
        found[name] = value
    return found


def choices(option: str, word: str, known: Mapping[str, object] | Sequence[str]) -> tuple[str, ...]:
    """A list parted by commas, each once, of names that are known."""
    chosen = tuple(dict.fromkeys(part.strip() for part in word.split(",")))
    unknown = [part for part in chosen if part not in known]
    if unknown:
        raise CompileError(error(f"{option} does not know {', '.join(map(quote, unknown))}").help(f"take some of: {', '.join(known)}"))
    return chosen


def _extent(text: str) -> int | None:
    if not (text.isascii() and text.isdecimal()) or len(text) > LONGEST_NUMBER or int(text) > MOST_EXTENT:
        return None
    return int(text)


def _refuse(option: str, word: str, hint: str) -> CompileError:
    return CompileError(error(f"{option} cannot be read: {quote(word)}").help(f"it is {hint}"))
