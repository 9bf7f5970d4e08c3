"""Loop nests over buffers and vector registers: what is translated to LLVM IR one to one.

Functions take buffers (pointers with static shapes and strides) and write into them. Subscripts are affine maps of index
values, so that code generation can fold their constant parts into addressing modes; vectors run along one axis.
"""

from .memory import Alloca, Carve, Load, Prefetch, Resource, Store, Subview
from .nest import Apply, Call, Fence, For, If, Parallel, Probe, Share, Yield
from .vector import Broadcast, ExtractLane, Gather, Interleave, Iota, Reduce

__all__ = [
    "Alloca",
    "Apply",
    "Broadcast",
    "Call",
    "Carve",
    "ExtractLane",
    "Fence",
    "For",
    "Gather",
    "If",
    "Interleave",
    "Iota",
    "Load",
    "Parallel",
    "Prefetch",
    "Probe",
    "Reduce",
    "Resource",
    "Share",
    "Store",
    "Subview",
    "Yield",
]
