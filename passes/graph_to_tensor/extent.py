"""Lowerings of shapes as values: with static shapes they are constants."""

from __future__ import annotations

import numpy as np

from ...dialects import graph, tensor
from ...dialects.ir.attributes import Dense
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Value
from ..conversion import lowering
from .maps import tensor_type


@lowering(graph.Constant)
def lower_constant(op: graph.Constant, build: Builder) -> Value:
    """The same elements."""
    return build.add(tensor.Constant(value=op.value)).output


@lowering(graph.Shape)
def lower_shape(op: graph.Shape, build: Builder) -> Value:
    """The extents."""
    extents = tensor_type(op.input).extents[op.start : op.end]
    return build.add(tensor.Constant(value=Dense(np.array(extents, np.int64)))).output


@lowering(graph.Size)
def lower_size(op: graph.Size, build: Builder) -> Value:
    """The product of the extents."""
    return build.add(tensor.Constant(value=Dense(np.array(tensor_type(op.input).elements, np.int64)))).output
