"""Masked regions as they are decided: watches a pipeline and records every region before `place-masks` writes it out."""

from __future__ import annotations

from ..dialects import func, graph
from ..passes.analysis.masked_regions import MaskedLayer, region_of
from ..passes.graph.place_masks import Decision, PlaceMasks, observable, observed_name
from ..passes.manager import Instrument, Pass
from .masks import InnerLayer, Region

__all__ = ["RegionRecorder"]


class RegionRecorder(Instrument):
    """`regions` are those of the last run of `place-masks`, in order."""

    def __init__(self) -> None:
        self.regions: tuple[Region, ...] = ()

    def before(self, pass_: Pass, module: func.Module) -> None:
        if isinstance(pass_, PlaceMasks):
            ops = observable(module.function("main"))
            self.regions = tuple(_region(number, op, pass_.decide(op), pass_.observe) for number, op in enumerate(ops))


def _region(number: int, op: graph.Masked, decision: Decision, observed: bool) -> Region:
    found, prediction = region_of(op), decision.prediction
    return Region(
        mask=found.mask,
        kind=found.kind,
        granularity=found.granularity,
        nodes=found.nodes,
        decision=decision.name,
        reason=decision.reason,
        density=decision.density,
        dense_cycles=prediction.dense_cycles if prediction else None,
        masked_cycles=prediction.masked_cycles if prediction else None,
        layers=tuple(map(_layer, found.layers)),
        output=observed_name(number, op) if observed else "",
    )


def _layer(layer: MaskedLayer) -> InnerLayer:
    extents = (layer.extents[0] or 0, layer.extents[1] or 0)
    return InnerLayer(layer.node, layer.op_type, layer.scale, layer.low, layer.high, extents)
