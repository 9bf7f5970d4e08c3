"""What a user can say about masks, and what is told about them.

`MaskOptions` are choices of a compilation. `Region` is a record of one masked region with its decision: it
stands in the manifest, in `intaglio inspect --json`, and is what pictures are drawn from. The one thing to know: regions are recorded where
`place-masks` decides, between two passes, because afterwards they are part of the graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

__all__ = ["DECISIONS", "DEFAULT_DENSITY", "DEFAULT_MASKS", "InnerLayer", "MaskOptions", "Pair", "Region", "region_from", "region_record"]

Decided: TypeAlias = Literal["auto", "dense", "masked"]
Pair: TypeAlias = tuple[int, int]
DECISIONS: tuple[Decided, ...] = ("auto", "dense", "masked")
DEFAULT_DENSITY = 0.5


@dataclass(frozen=True, slots=True)
class MaskOptions:
    """`strict` keeps products of zero with infinity and NaN; `density` is expected of masks that `densities` does not name.

    `observe` returns every mask as a further output. `thresholds` insert masks at convolutions of a dense model, by name; `saliencies`
    returns what they would be compared with.
    """

    strict: bool = False
    decision: Decided = "auto"
    density: float = DEFAULT_DENSITY
    densities: tuple[tuple[str, float], ...] = ()
    observe: bool = False
    thresholds: tuple[tuple[str, float], ...] = ()
    saliencies: bool = False


DEFAULT_MASKS = MaskOptions()


@dataclass(frozen=True, slots=True)
class InnerLayer:
    """A layer inside a region: what a chosen pixel needs of it (see `MaskedLayer`), and its extents."""

    node: str
    op_type: str
    scale: Pair
    low: Pair
    high: Pair
    extents: Pair


@dataclass(frozen=True, slots=True)
class Region:
    """One masked region. The cycles are None where there was no choice; `output` is the name under which an observed mask is returned."""

    mask: str
    kind: str
    granularity: int
    nodes: tuple[str, ...]
    decision: str
    reason: str
    density: float
    dense_cycles: float | None
    masked_cycles: float | None
    layers: tuple[InnerLayer, ...]
    output: str = ""


def region_record(region: Region) -> dict[str, Any]:
    """The region as `inspect --json` lists it."""
    cost = None if region.dense_cycles is None else {"dense_cycles": region.dense_cycles, "masked_cycles": region.masked_cycles}
    kept = {key: value for key, value in asdict(region).items() if key not in ("dense_cycles", "masked_cycles", "output", "density")}
    return kept | {"expected_density": region.density, "predicted": cost}


def region_from(record: Mapping[str, Any]) -> Region:
    """What `asdict` made of a region, after JSON."""
    layers = tuple(_layer_from(layer) for layer in record["layers"])
    return Region(**{**record, "nodes": tuple(record["nodes"]), "layers": layers})


def _layer_from(record: Mapping[str, Any]) -> InnerLayer:
    pairs = {key: (int(record[key][0]), int(record[key][1])) for key in ("scale", "low", "high", "extents")}
    return InnerLayer(node=record["node"], op_type=record["op_type"], **pairs)
