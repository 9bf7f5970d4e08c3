"""The named pipelines: what runs, in which order, and why each pass stands where it does.

A border pass (`graph-to-tensor`, `tensor-to-loop`) ends a stage. Everything here can be written in the text of a pipeline by its name;
`default` is the whole way from an imported model to loops.
"""

from __future__ import annotations

from . import common, graph, graph_to_tensor, tensor  # noqa: F401 - they register their passes
from .loop import insert_probes  # noqa: F401
from .manager import define_pipeline
from .tensor_to_loop import convert, materialize  # noqa: F401

define_pipeline(
    "graph",
    "fold-constants",  # constant subgraphs: shapes, reshaped or transposed weights; the absorbing passes want to see constants
    "canonicalize",  # transposes and reshapes that cancel each other as they stand
    "absorb-transposes",  # before the others: a transpose between two layers hides one from the other
    "absorb-pads",
    "absorb-batch-norms",  # into weights, or into Mul and Add
    "absorb-scales",  # biases and scales that exporters leave as Add and Mul, and what the pass before made of lone normalisations
    "fold-constants",  # what the absorbing passes put between constants
    "cse",  # exporters repeat constants and shape arithmetic
    "dce",
)

define_pipeline(
    "tensor",
    "canonicalize",  # views of views, identities that the lowering left
    "fold-constants",  # weights behind views
    "cse",  # equal views of one source
    "dce",  # so that nothing unused is fused
    "fuse-kernels",
    "assign-layouts",  # after fusion: one layout per kernel result
    "materialize-copies",  # what has no place becomes a kernel, before schedules are chosen
    "choose-schedules",
    "pack-weights",  # in the order in which the schedules read
)

define_pipeline(
    "loop",
    "canonicalize",  # constant subscripts and trip counts
    "cse",  # equal addresses
    "dce",
)

define_pipeline(
    "default",
    "graph",
    "graph-to-tensor",
    "tensor",
    "tensor-to-loop",
    "loop",
)
