"""Which models the benchmarks take, and with what: found by path, or by name in a folder of models.

A model that is not there is skipped by name. Beside NAME.onnx may lie NAME.npz with arrays `in:INPUT`; without it, inputs are normal
random numbers by seed, extents that the file leaves open are 1.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

Feeds = dict[str, NDArray[np.generic]]


def find(models: Sequence[str]) -> Iterator[Path]:
    """The files of `models`; those that are missing are told on stderr."""
    folder = Path(os.environ.get("INTAGLIO_ZOO") or Path("~/.cache/intaglio-zoo").expanduser())
    for model in models:
        candidates = (Path(model), folder / f"{model}.onnx")
        path = next((candidate for candidate in candidates if candidate.suffix == ".onnx" and candidate.is_file()), None)
        if path is None:
            print(f"skipped {model}: neither a file nor {candidates[1]}", file=sys.stderr)
        else:
            yield path


def feeds(path: Path) -> Feeds:
    """Inputs for the model at `path`."""
    beside = path.with_suffix(".npz")
    if beside.is_file():
        with np.load(beside, allow_pickle=False) as arrays:
            found = {name[3:]: arrays[name] for name in arrays.files if name.startswith("in:")}
        if found:
            return found
    graph = onnx.load(path, load_external_data=False).graph
    constants = {tensor.name for tensor in graph.initializer}
    random = np.random.default_rng(0)
    return {value.name: _normal(value, random) for value in graph.input if value.name not in constants}


def _normal(value: onnx.ValueInfoProto, random: np.random.Generator) -> NDArray[np.generic]:
    type_ = value.type.tensor_type
    shape = [extent.dim_value or 1 for extent in type_.shape.dim]
    return random.standard_normal(shape).astype(onnx.helper.tensor_dtype_to_np_dtype(type_.elem_type))


def largest_error(got: Sequence[NDArray[np.generic]], wanted: Sequence[NDArray[np.generic]]) -> float:
    """The largest difference of any element, relative to the largest element of its output."""
    worst = 0.0
    for mine, theirs in zip(got, wanted, strict=True):
        a, b = mine.astype(np.float64), theirs.astype(np.float64)
        worst = max(worst, float(np.abs(a - b).max(initial=0.0) / max(np.abs(b).max(initial=0.0), 1e-30)))
    return worst
