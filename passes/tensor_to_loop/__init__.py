"""The border between tensor and loop: kernels become functions of buffers, values get storage, `main` calls the kernels.

`strided` reads views as strides, `bufferize` decides the place of every value of `main`, `materialize` makes kernels of what has none,
`lower_kernel` (with `emit`) makes a function of a kernel, `entry` builds `main` of the loop stage, `convert` is the pass that does it all.
`in_place` knows which kernels may overwrite an input.
"""

from .convert import TensorToLoop
from .materialize import MaterializeCopies

__all__ = ["MaterializeCopies", "TensorToLoop"]
