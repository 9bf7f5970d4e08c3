"""Masks for a dense model from a folder of inputs, and what they cost: `--auto-mask SHARE`.

In come a model, its options, a share and a folder; out come options whose `masks.thresholds` skip about that share of the tiles of every
convolution that can be masked, and a curve: for several shares how far the outputs are from the dense model's, the multiply-accumulates and
the latency. The one thing to know: whether an error is bearable is not for us to say; what is measured is the distance from the dense
outputs on these inputs, no accuracy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import CompileError, error
from .calibrate import calibrated, calibration_inputs
from .feeds import Array
from .masks import MaskOptions
from .options import Options

if TYPE_CHECKING:
    from .driver import Model

__all__ = ["CurvePoint", "auto_masked"]

SHARES = (0.1, 0.25, 0.5, 0.75)
REPEATS = 9


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The model at one share (0: dense). `error` is the root of the squared differences over that of the squared dense outputs, over all
    inputs; `skipped` the share of the tiles that regions with a mask do skip; latency or instructions are those of the first input, None
    where the target cannot run here."""

    share: float
    error: float
    macs: float
    regions: int
    skipped: float
    latency_ms: float | None
    instructions: int | None


def auto_masked(
    path: Path, options: Options, share: float | None, folder: Path | None, cached: bool
) -> tuple[Options, tuple[CurvePoint, ...]]:
    """The options with thresholds for `share` and expected densities, and the curve up to there; without a share only calibrated."""
    if share is None:
        return calibrated(path, options, folder, cached), ()
    if folder is None:
        hint = "give a folder of inputs: --calibrate DIR"
        raise CompileError(error("--auto-mask takes its thresholds from inputs, and there are none").help(hint))
    magnitudes = _magnitudes(path, options, folder, cached)
    shares = [*(each for each in SHARES if each < share), share]
    chosen = [calibrated(path, _with_thresholds(options, _thresholds(magnitudes, each)), folder, cached) for each in shares]
    return chosen[-1], _curve(path, options, dict(zip(shares, chosen, strict=True)), folder, cached)


def _compiled(path: Path, options: Options, masks: MaskOptions, target: str, cached: bool) -> Model:
    from .driver import compile

    return compile(path, target, dims=dict(options.dims), shapes=dict(options.shapes), cache=cached, masks=masks)


# Thresholds.


def _magnitudes(path: Path, options: Options, folder: Path, cached: bool) -> dict[str, Array]:
    """For every convolution that can be masked the largest magnitude behind each tile, of all inputs of the dense model."""
    from ..passes.graph.insert_masks import saliency_name

    model = _compiled(path, options, replace(options.masks, saliencies=True, densities=()), "host", cached)
    found: dict[str, list[Array]] = {}
    for given in calibration_inputs(model, folder):
        own = {port.name for port in model.outputs}
        for result, array in model.run(given).items():
            if result not in own and saliency_name(result):
                found.setdefault(saliency_name(result), []).append(array.ravel())
    if not found:
        fault = error("--auto-mask finds no convolution that it could mask")
        hint = "it takes those of stride 1 in one group, 3 x 3 or larger or of 32 channels, whose maps divide into tiles of 4 x 4"
        raise CompileError(fault.help(hint))
    return {name: np.concatenate(arrays) for name, arrays in found.items()}


def _thresholds(magnitudes: Mapping[str, Array], share: float) -> dict[str, float]:
    """The smallest magnitudes that at least `share` of the tiles do not exceed."""
    numbers = {name: array[~np.isnan(array)] for name, array in magnitudes.items()}
    return {name: float(np.quantile(array, share, method="inverted_cdf")) for name, array in numbers.items() if array.size}


def _with_thresholds(options: Options, thresholds: Mapping[str, float]) -> Options:
    return replace(options, masks=replace(options.masks, thresholds=tuple(sorted(thresholds.items()))))


# The curve.


def _curve(path: Path, options: Options, chosen: Mapping[float, Options], folder: Path, cached: bool) -> tuple[CurvePoint, ...]:
    dense = _compiled(path, options, options.masks, "host", cached)
    models = {share: _compiled(path, each, each.masks, "host", cached) for share, each in chosen.items()}
    differences = _errors(dense, list(models.values()), folder)
    (first,) = islice(calibration_inputs(dense, folder), 1)
    points = []
    for (share, model), difference in zip([(0.0, dense), *models.items()], [0.0, *differences], strict=True):
        macs, regions, skipped = _work(dense, model)
        latency, instructions = _time(path, options, model, first, cached)
        points.append(CurvePoint(share, difference, macs, regions, skipped, latency, instructions))
    return tuple(points)


def _errors(dense: Model, models: Sequence[Model], folder: Path) -> list[float]:
    """The relative error of each model over all inputs."""
    squares, total = [0.0] * len(models), 0.0
    for given in calibration_inputs(dense, folder):
        expected = dense.run(given)
        total += _square(expected.values())
        for number, model in enumerate(models):
            made = model.run(given)
            squares[number] += _square(_wide(made[name]) - _wide(array) for name, array in expected.items() if _is_number(array))
    return [0.0 if square == 0 else float(np.sqrt(square / total)) if total else float("inf") for square in squares]


def _square(arrays: Iterable[Array]) -> float:
    return sum(float(np.sum(np.square(_wide(array)))) for array in arrays if _is_number(array))


def _is_number(array: Array) -> bool:
    return array.dtype.kind in "biuf"


def _wide(array: Array) -> Array:
    return array.astype(np.float64)


def _work(dense: Model, model: Model) -> tuple[float, int, float]:
    """Multiply-accumulates that are left on the inputs' average, regions that are masked, and the share of their tiles that is skipped."""
    by_node = {node: layer.macs for layer in dense.manifest.layers for node, _ in layer.nodes if layer.macs}
    masked = [region for region in model.manifest.regions if region.decision != "dense"]
    saved = sum((1 - region.density) * by_node.get(layer.node, 0) for region in masked for layer in region.layers)
    skipped = sum(1 - region.density for region in masked) / len(masked) if masked else 0.0
    return sum(layer.macs for layer in dense.manifest.layers) - saved, len(masked), skipped


def _time(path: Path, options: Options, model: Model, given: Mapping[str, Array], cached: bool) -> tuple[float | None, int | None]:
    """Latency on the host, instructions on an emulated chip, on the machine that the options name."""
    from ..targets.load import load_target

    if options.target != "host":
        if not load_target(options.target).emulator.program:
            return None, None
        model = _compiled(path, options, model.options.masks, options.target, cached)
    run = model.measure(given, REPEATS)
    return run.latency_ms, run.instructions
