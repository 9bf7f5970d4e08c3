"""The masked regions of a model without compiling it: the passes on the graph, and what they record."""

from __future__ import annotations

from ..dialects import func
from .frontend.reader import ModelFile
from .mask_regions import RegionRecorder
from .masks import Region
from .options import Options
from .stages import lower

__all__ = ["inspect_masks"]


def inspect_masks(file: ModelFile, module: func.Module, options: Options) -> tuple[tuple[Region, ...], list[str]]:
    """The regions of an imported module with their decisions, and the remarks of the graph stage; the module is changed."""
    recorder = RegionRecorder()
    reports = lower(file, module, options, until="graph", instruments=[recorder])
    return recorder.regions, [str(remark) for report in reports for remark in report.remarks]
