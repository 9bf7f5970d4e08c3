"""Which kernels may write their result over an input: each element is read before it is written, and never again."""

from __future__ import annotations

from ...dialects.ir.operation import Value
from ...dialects.tensor import Compute, Kernel, Masked, Yield
from ...dialects.tensor.view import tensor_type


def may_overwrite(kernel: Kernel, number: int) -> bool:
    """Whether the only result may lie where input `number` lies: nothing but elementwise computations read at the identity.

    A second use of the same value, or of another part of its memory, is for the caller to exclude.
    """
    if len(kernel.outputs) != 1 or tensor_type(kernel.inputs[number]).shape != tensor_type(kernel.outputs[0]).shape:
        return False
    follows: dict[Value, None] = {kernel.body.arguments[number]: None}
    for op in kernel.body:
        match op:
            case Yield():
                return True
            case Masked(background=None) if op.length > 1:
                return False  # runs may overlap where nothing says what lies beside the active elements
            case Compute() | Masked():
                if not _reads_at_the_identity(op, follows):
                    return False
                follows[op.output] = None
            case _ if any(value in follows for value in op.operands):
                return False
    return True


def is_masked(kernel: Kernel) -> bool:
    """Whether the kernel ends in a choice: what it does not choose then need not be written where it already lies."""
    return len(kernel.outputs) == 1 and isinstance(kernel.body.terminator.operands[0].owner, Masked)


def _reads_at_the_identity(op: Compute | Masked, follows: dict[Value, None]) -> bool:
    if not any(value in follows for value in op.operands):
        return True
    maps = [map_ for value, map_ in zip(op.inputs, op.maps, strict=True) if value in follows]
    return not op.has_reduction and not any(value in follows for value in op.captured) and all(map_.is_identity for map_ in maps)
