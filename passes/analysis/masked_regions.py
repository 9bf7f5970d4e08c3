"""What the masked regions of a graph are, in the names of the user: for `intaglio inspect`, and for tests.

In comes a module after `recognize-masks`, out comes a value per region. Nothing is changed, and nothing said about whether it is worth
skipping.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...dialects import graph
from ...dialects.func import Module
from ...dialects.graph.extents import tensor
from ...dialects.ir.operation import Operation
from .mask_reach import Pair, heaviest, masked_reaches

__all__ = ["MaskedLayer", "MaskedRegion", "mask_name", "masked_regions", "region_of"]


@dataclass(frozen=True, slots=True)
class MaskedLayer:
    """A convolution or product inside: a chosen pixel o of the region's result needs its pixels o * scale + low to o * scale + high along
    H and W.

    `dilation` is the radius of the smallest square around these. For masks of channels and pictures it is 0. `extents` are those of its
    result along H and W, of a matrix product rows and columns.
    """

    node: str
    op_type: str
    scale: Pair
    low: Pair
    high: Pair
    dilation: int
    extents: tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class MaskedRegion:
    """One `graph.masked`: `mask` names the value, `nodes` all nodes of the file that went into it, `layers` those with the work, first to
    last."""

    mask: str
    kind: str
    granularity: int
    mask_groups: int
    nodes: tuple[str, ...]
    layers: tuple[MaskedLayer, ...]


def masked_regions(module: Module) -> list[MaskedRegion]:
    """The masked regions of a module, in order."""
    return [region_of(op) for op in module.walk() if isinstance(op, graph.Masked)]


def region_of(op: graph.Masked) -> MaskedRegion:
    """One region."""
    reaches = masked_reaches(op)
    layers = tuple(
        MaskedLayer(*_node(inner), reach.scale, reach.low, reach.high, reach.dilation, _plane(inner))
        for inner in heaviest(op.body)
        if (reach := reaches.get(inner)) is not None
    )
    nodes = tuple(node.name for node in op.location.nodes)
    return MaskedRegion(mask_name(op), op.kind, op.granularity, op.mask_groups, nodes, layers)


def _plane(op: Operation) -> tuple[int | None, int | None]:
    shape = (1, 1, *tensor(op.results[0]).shape)
    return shape[-2], shape[-1]


def _node(op: Operation) -> tuple[str, str]:
    nodes = op.location.nodes
    return (nodes[0].name, nodes[0].op_type) if nodes else ("", op.name)


def mask_name(op: graph.Masked) -> str:
    """The name of the mask in the file, or of what it was before it was brought into its shape, or of the node that made it."""
    value = op.mask
    while not value.name and isinstance(value.owner, graph.Reshape | graph.Cast | graph.Slice | graph.Expand | graph.Not):
        value = value.owner.input
    if value.name or not isinstance(value.owner, Operation):
        return value.name
    return value.owner.location.nodes[-1].name if value.owner.location else ""
