"""Normalisations, for inference."""

from __future__ import annotations

from ....dialects import graph
from ....dialects.ir.operation import Value
from .registry import NodeContext, importer


@importer("BatchNormalization", since=7)
def batch_normalization(node: NodeContext) -> Value:
    """With the statistics that it is given."""
    if node.int("training_mode", 0) or any(map(node.wants, range(1, node.outputs))):
        node.fail("computes statistics of its own, as in training", "export the model for inference")
    if node.int("spatial", 1) == 0:
        node.fail("spatial = 0 is not supported", "export the model with operator set 9 or newer")
    x, scale, bias, mean, variance = (node.input(i) for i in range(5))
    return node.add(graph.BatchNormalization(x, scale, bias, mean, variance, epsilon=node.float("epsilon", 1e-5))).output


@importer("InstanceNormalization", since=6)
def instance_normalization(node: NodeContext) -> Value:
    """As it is."""
    return node.add(graph.InstanceNormalization(node.input(0), node.input(1), node.input(2), epsilon=node.float("epsilon", 1e-5))).output


@importer("LayerNormalization", since=17)
def layer_normalization(node: NodeContext) -> Value:
    """Its first output."""
    if node.wants(1) or node.wants(2):
        node.fail("mean and deviation (outputs 1 and 2) are not supported yet", "remove the outputs, if nothing needs them")
    axis = node.axis(node.int("axis", -1), node.type(0).rank)
    op = graph.LayerNormalization(node.input(0), node.input(1), node.optional(2), axis=axis, epsilon=node.float("epsilon", 1e-5))
    return node.add(op).output


@importer("LRN")
def lrn(node: NodeContext) -> Value:
    """As it is."""
    alpha, beta, bias = node.float("alpha", 0.0001), node.float("beta", 0.75), node.float("bias", 1.0)
    return node.add(graph.LRN(node.input(0), size=node.int("size"), alpha=alpha, beta=beta, bias=bias)).output
