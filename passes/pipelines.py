"""The named pipelines: what runs, in which order, and why each pass stands where it does.

A border pass (`graph-to-tensor`, `tensor-to-loop`) ends a stage. Everything here can be written in the text of a pipeline by its name;
`default` is the whole way from an imported model to loops.
"""

from __future__ import annotations

from . import common, loop, tensor, tensor_to_loop  # noqa: F401 - registers their passes
from .manager import define_pipeline

define_pipeline(
    "graph",
    "canonicalize",  # folds what the importer left, so that the absorbing passes see constants
    "fold-constants",  # constant subgraphs: shapes, reshaped or transposed weights
    "cse",  # exporters repeat constants and shape arithmetic
    "dce",
)

define_pipeline(
    "tensor",
    "canonicalize",  # views of views, identities that the lowering left
    "fold-constants",  # weights behind views
    "cse",  # equal views of one source
    "dce",
)

define_pipeline(
    "loop",
    "canonicalize",  # constant subscripts and trip counts
    "cse",  # equal addresses
    "dce",
)
