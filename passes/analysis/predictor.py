"""What a masked region costs, dense and skipped, before anything is compiled: the one cost model behind decisions.

In come a region, the share of the mask that is expected to be chosen and a target; out come cycles of both forms. They stand on the
same numbers as schedules (`cost.best_tile`), so they know the register tiles that runs of active pixels allow and the halo of inner
values. The one thing to know: chosen pixels are taken to be one square blob. Scattered ones have more halo, so gains are the largest
that can be hoped for. Chosen channels are taken to be anywhere, so gains are the least.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...dialects import graph
from ...dialects.graph.extents import tensor
from ...dialects.ir.operation import Operation, Value
from ...dialects.ir.traits import ConstantLike, Elementwise, Terminator
from ...targets.description import Target
from ..schedule.cost import Window, best_gated_tile, best_tile
from .mask_layout import alike_channels
from .mask_reach import HERE, Reach, heaviest, masked_reaches

__all__ = ["Prediction", "active_share", "equal_channels", "is_read_by_windows", "predict_region", "run_length"]

PAIR = 2
"""Pixels of a run: enough to halve the addresses, few enough that register tiles have almost any number of rows. Tiles of even sides grow
by one on either side where windows read them, so that pairs still fit without a remainder."""

LONGEST_RUN = 7
"""Pixels of a run in tiles of odd sides."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Cycles of one region on one core."""

    dense_cycles: float
    masked_cycles: float

    @property
    def ratio(self) -> float:
        """Skipped against dense; below 1 skipping gains."""
        return self.masked_cycles / self.dense_cycles if self.dense_cycles else 1.0

    @property
    def text(self) -> str:
        """In words, for remarks."""
        return f"about {self.masked_cycles:,.0f} cycles instead of {self.dense_cycles:,.0f}"


def predict_region(op: graph.Masked, density: float, target: Target) -> Prediction:
    """The cost of a region whose mask chooses the share `density`."""
    reaches = masked_reaches(op) if op.kind == "spatial" else {}
    dense = masked = 0.0
    for layer in heaviest(op.body):
        whole = _dense_cycles(layer, target)
        dense += whole
        if op.kind == "channel":
            masked += _channel_cycles(op, layer, density, target)
        elif op.kind == "layer":
            masked += density * whole
        elif layer in reaches:
            masked += _spatial_cycles(op, layer, reaches[layer], density, target)
        else:
            masked += whole
    dense += _background_cycles(op, 1.0, target)
    return Prediction(dense, masked + _background_cycles(op, 1.0, target) + _mask_cycles(op, target))


def run_length(granularity: int, reach: Reach, width: int) -> int:
    """Neighbours of a row of `width` pixels that are computed together: those of a result never leave their tiles."""
    if reach == HERE and granularity % PAIR:
        return max(length for length in range(1, LONGEST_RUN + 1) if granularity % length == 0)
    return min(PAIR, width)


def is_read_by_windows(op: Operation) -> bool:
    """Whether leaving tiles of the result out saves work, and its readers do not follow in the same loops anyway."""
    if op.has(ConstantLike) or tensor(op.results[0]).rank != 4:
        return False
    return any(not user.has(Elementwise) and not user.has(Terminator) for user in op.results[0].users)


def active_share(reach: Reach, extents: tuple[int, int], mask: tuple[int, int], density: float) -> float:
    """The share of the pixels of a value that a square blob of chosen pixels needs.

    >>> active_share(HERE, (32, 32), (32, 32), 0.25)
    0.25
    """
    if reach == HERE:
        return density
    share = 1.0
    for axis in range(2):
        chosen = math.sqrt(density) * mask[axis]
        pixels = (chosen - 1) * reach.scale[axis] + reach.high[axis] - reach.low[axis] + 1
        share *= min(pixels / extents[axis], 1.0)
    return share


def _spatial_cycles(op: graph.Masked, layer: Operation, reach: Reach, density: float, target: Target) -> float:
    """A layer of which only the runs that the mask needs are computed."""
    N, K, H, W = tensor(layer.results[0]).extents
    mask = tensor(op.mask).extents
    pixels = N * H * W * active_share(reach, (H, W), (mask[2], mask[3]), density)
    lanes, reduction = target.vector_lanes, _reduction(layer)
    vectors = math.ceil(K / lanes)
    length = run_length(op.granularity, reach, W)
    return pixels / (H * W) * best_tile(H * W, vectors, reduction, reduction * lanes * 4, target, run=length).cycles


def _channel_cycles(op: graph.Masked, layer: Operation, density: float, target: Target) -> float:
    """A layer of which only the register tiles with a chosen channel are computed, and a question for each.

    Channels that are not always equal are taken to be chosen independently.
    """
    N, K, H, W = tensor(layer.results[0]).extents
    lanes = target.vector_lanes
    times, rows, window = _rows(layer)
    tile = best_gated_tile(rows, math.ceil(K / lanes), _reduction(layer), lanes, equal_channels(op.mask, target), target, window)
    channels = min(tile.columns * lanes, K)
    share = 1 - math.pow(1 - density, max(channels / alike_channels(op.mask), 1))
    questions = N * H * W / tile.rows * math.ceil(K / channels)
    return times * tile.cycles * share + questions * (tile.columns * (target.costs.load + target.costs.add) + target.costs.branch)


def equal_channels(mask: Value, target: Target) -> int:
    """How many neighbours of a mask of channels are chosen together, in whole vectors; 1 where there is no such number."""
    alike, lanes = alike_channels(mask), target.vector_lanes
    return alike if alike % lanes == 0 else 1


def _dense_cycles(layer: Operation, target: Target) -> float:
    """A layer as a whole, with the register tile that is best for it."""
    out = tensor(layer.results[0]).extents
    if len(out) != 4:
        return math.prod(out) * _reduction(layer) / (target.fma_ports * target.vector_lanes)
    times, rows, window = _rows(layer)
    lanes, reduction = target.vector_lanes, _reduction(layer)
    return times * best_tile(rows, math.ceil(out[1] / lanes), reduction, reduction * lanes * 4, target, window).cycles


def _rows(layer: Operation) -> tuple[int, int, Window]:
    """How often a layer walks over how many pixels, and the window along these."""
    N, _, H, W = tensor(layer.results[0]).extents
    if not isinstance(layer, graph.Conv) or max(layer.kernel) == 1:
        return N, H * W, Window()
    return N * H, W, Window(layer.kernel[1], layer.strides[1], layer.dilations[1])


def _reduction(layer: Operation) -> int:
    """Products per element of the result."""
    if isinstance(layer, graph.Conv | graph.ConvTranspose):
        return math.prod(tensor(layer.operands[1]).extents[1:])
    return tensor(layer.operands[0]).extents[-1]


def _background_cycles(op: graph.Masked, share: float, target: Target) -> float:
    """Writing the result, which both forms do."""
    vectors = tensor(op.output).elements / target.vector_lanes
    return share * vectors * (target.costs.load + target.costs.store)


def _mask_cycles(op: graph.Masked, target: Target) -> float:
    """Finding the pixels that each value needs, and listing them: a few scalar steps for every pixel, not for the chosen ones only."""
    if op.kind == "channel":
        return 0.0  # there is no list
    costs = target.costs
    scan = costs.load + 2 * costs.add + costs.branch
    candidate = costs.load + costs.mul + costs.add + costs.branch
    total = 0.0
    reaches = masked_reaches(op) if op.kind == "spatial" else {}
    planes = {
        (reaches.get(layer, HERE), tensor(layer.results[0]).extents[2:])
        for layer in op.body
        if not layer.has(Terminator) and is_read_by_windows(layer)
    }
    for reach, extents in sorted(planes | {(HERE, tensor(op.output).extents[2:])}, key=str):
        taps = 0
        for axis in range(2):
            span = reach.high[axis] - reach.low[axis] + (op.granularity - 1) * reach.scale[axis]
            taps += span // (reach.scale[axis] * op.granularity) + 1
        total += tensor(op.output).extents[0] * math.prod(extents) * (scan + taps * candidate)
    return total
