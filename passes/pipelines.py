"""The named pipelines: what runs, in which order, and why each pass stands where it does.

A border pass (`graph-to-tensor`, `tensor-to-loop`) ends a stage. Everything here can be written in the text of a pipeline by its name;
`default` is the whole way from an imported model to loops.
"""

from __future__ import annotations

from . import common, graph, graph_to_tensor, loop, tensor, tensor_to_loop  # noqa: F401 - registers their passes
from .manager import define_pipeline

define_pipeline(
    "graph",
    "fold-constants",  # constant subgraphs: shapes, reshaped or transposed weights; the absorbing passes want to see constants
    "canonicalize",  # transposes and reshapes that cancel each other as they stand
    "spread-selections",  # boolean indexing, whose shapes are not static; it leaves transposes behind
    "absorb-transposes",  # before the others: a transpose between two layers hides one from the other
    "absorb-pads",
    "absorb-batch-norms",  # into weights, or into Mul and Add
    "absorb-scales",  # biases and scales that exporters leave as Add and Mul, and what the pass before made of lone normalisations
    "recognize-hard-swish",  # a division less per element where exporters spell it out
    "fold-constants",  # what the absorbing passes put between constants
    "cse",  # exporters repeat constants and shape arithmetic
    "dce",
    "recognize-masks",  # after absorption: a normalisation between a product and its convolution is gone
    "insert-masks",  # of a dense model; nothing unless thresholds are given. After the masks that the model itself has
    "canonicalize",  # constant masks
    "place-masks",
    "cse",  # the same reach for several values
    "dce",
)

define_pipeline(
    "tensor",
    "canonicalize",  # views of views, identities that the lowering left
    "fold-constants",  # weights behind views
    "cse",  # equal views of one source
    "fuse-kernels",  # after views are absorbed into maps: a view between two computations would keep them apart
    "dce",
    "pad-results",  # before layouts: a border is part of the type
    "assign-layouts",  # kernels exist now: a layout belongs to what one kernel hands to another
    "materialize-copies",  # before schedules, so that the copies get theirs
    "choose-schedules",
    "pack-weights",  # in the order that the schedule reads them
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
