"""Expected densities of masks from a folder of inputs.

In come a model, its options and a folder; out come options whose `masks.densities` hold the mean share that each mask chooses. The
model is compiled with its masks as further outputs and run on every input. The one thing to know: what `--density` names stands; the
folder only fills in the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import CompileError, error, quote
from .feeds import Array
from .frontend.problems import shown_path
from .masks import Region
from .options import Options

if TYPE_CHECKING:
    from .driver import Model

__all__ = ["calibrated", "calibration_inputs", "measured_densities"]

MOST_INPUTS = 1000
HINT = "--calibrate takes a folder of .npy, .npz, pictures, or ONNX test folders"


def calibrated(path: Path, options: Options, folder: Path | None, cached: bool) -> Options:
    """The options with what was measured; as they are without a folder."""
    if folder is None:
        return options
    from .driver import compile

    masks = replace(options.masks, observe=True, densities=())
    model = compile(path, dims=dict(options.dims), shapes=dict(options.shapes), cache=cached, masks=masks)
    densities = {**measured_densities(model, folder), **dict(options.masks.densities)}
    return replace(options, masks=replace(options.masks, densities=tuple(sorted(densities.items()))))


def measured_densities(model: Model, folder: Path) -> dict[str, float]:
    """The mean density of every mask over the inputs in a folder; `model` observes its masks."""
    sums: dict[str, float] = {}
    inputs = 0
    for given in calibration_inputs(model, folder):
        inputs += 1
        values = model.run(given)
        for name, share in {r.mask: _share(r, values[r.output]) for r in model.manifest.regions if r.output}.items():
            sums[name] = sums.get(name, 0.0) + share
    return {name: total / inputs for name, total in sums.items()}


def _share(region: Region, mask: Array) -> float:
    """What a mask chooses: of one in groups of channels, the pixels that any group does."""
    chosen = mask != 0
    return float(np.mean(chosen.max(axis=1) if region.kind == "spatial" else chosen))


def calibration_inputs(model: Model, folder: Path) -> Iterator[dict[str, Array]]:
    """The inputs in a folder: ONNX test folders; else files, each of which is one input (.npz: all inputs by name)."""
    from .outcome import cases_of

    if not folder.is_dir():
        raise CompileError(error(f"{quote(str(folder))} is no folder of inputs").help(HINT))
    if any(folder.glob("input_0.pb")) or any(folder.glob("test_data_set_*/input_0.pb")):
        yield from (dict(case.inputs) for case in cases_of(model, [], [folder]))
        return
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))[:MOST_INPUTS]
    if not files:
        raise CompileError(error(f"the folder {quote(str(folder))} holds no inputs").help(HINT))
    names = [port.name for port in model.inputs]
    for path in files:
        if len(names) > 1 and path.suffix.lower() != ".npz":
            fault = error(f"the model has {len(names)} inputs, and a file is one")
            raise CompileError(fault.at(shown_path(path)).help("take .npz files"))
        yield dict(cases_of(model, [f"{name}={path}" for name in names], [])[0].inputs)
