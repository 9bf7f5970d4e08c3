"""Tensor computations with index maps: one structured operation, views, and kernels that become functions.

`tensor.compute` (MLIR: `linalg.generic`) is every convolution, matmul, pooling, reduction and elementwise chain; analysis reads
its maps, no pass asks for an operator's name. `tensor.view` is every slice, pad, transpose, reshape and broadcast.
"""

from .compute import Compute, Extract, Index, Yield
from .kernel import Kernel
from .masked import Masked
from .runs import ListRuns
from .view import Concat, Constant, View

__all__ = ["Compute", "Concat", "Constant", "Extract", "Index", "Kernel", "ListRuns", "Masked", "View", "Yield"]
