"""Products of matrices."""

from __future__ import annotations

from ....dialects import graph
from ....dialects.ir.operation import Value
from .registry import NodeContext, importer


@importer("MatMul")
def matmul(node: NodeContext) -> Value:
    """As it is."""
    return node.add(graph.MatMul(node.input(0), node.input(1))).output


@importer("Gemm", since=7)
def gemm(node: NodeContext) -> Value:
    """As it is."""
    op = graph.Gemm(
        node.input(0),
        node.input(1),
        node.optional(2),
        alpha=node.float("alpha", 1.0),
        beta=node.float("beta", 1.0),
        transpose_a=bool(node.int("transA", 0)),
        transpose_b=bool(node.int("transB", 0)),
    )
    return node.add(op).output
