"""The peak of live tensors of an ONNX graph: the bytes that a person would count as the least that the activations need.

Nodes run in the order of the file. A tensor lives from the node that makes it to the last that reads it; inputs and outputs of the model
are the caller's memory and count nothing. Nodes that compute element by element, or only rename, take over the memory of their first
operand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx

IN_PLACE = frozenset({
    "Add", "BatchNormalization", "Clip", "Flatten", "HardSigmoid", "HardSwish", "Identity", "Mul", "Relu", "Reshape", "Sigmoid", "Softmax",
    "Squeeze", "Unsqueeze",
})


def peak_of_live_tensors(path: Path, shapes: Mapping[str, Sequence[int]]) -> int:
    """Bytes."""
    model = onnx.load(path)
    for value in model.graph.input:
        for dim, extent in zip(value.type.tensor_type.shape.dim, shapes.get(value.name, ()), strict=False):
            dim.dim_value = extent
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    sizes = {value.name: _bytes(value) for value in graph.value_info}  # inputs and outputs stand elsewhere
    last = {name: i for i, node in enumerate(graph.node) for name in node.input}
    holders: dict[str, str] = {}
    ends: dict[str, int] = {}
    peak = 0
    for i, node in enumerate(graph.node):
        for name in node.output:
            first = holders.get(node.input[0], "") if node.input and node.op_type in IN_PLACE else ""
            takes_over = first in sizes and name in sizes and sizes[name] <= sizes[first] and ends[first] <= i
            holders[name] = first if takes_over else name
            if name in sizes:
                ends[holders[name]] = max(last.get(name, i), i)
        peak = max(peak, sum(sizes[name] for name, end in ends.items() if end >= i))
    return peak


def _bytes(value: onnx.ValueInfoProto) -> int:
    type_ = value.type.tensor_type
    elements = int(np.prod([dim.dim_value for dim in type_.shape.dim], dtype=np.int64))
    return elements * np.dtype(onnx.helper.tensor_dtype_to_np_dtype(type_.elem_type)).itemsize
