"""ONNX operators as operations: one class per operator, ONNX's semantics, NCHW, one file per family.

What ONNX leaves to conventions is explicit here: axes count from 0, pads are numbers, optional attributes have their values.
Operators that are only spellings of others are rewritten at import and have no class. Extents may be unknown (`?`) until
the graph is lowered.
"""

from .cast import Cast
from .constant import Constant
from .extent import Deferred, Range, Shape, Size
from .join import Concat, Pad, Slice
from .lookup import Gather, Where
from .shape import DepthToSpace, Expand, Reshape, SpaceToDepth, Tile, Transpose

__all__ = [
    "Cast",
    "Concat",
    "Constant",
    "Deferred",
    "DepthToSpace",
    "Expand",
    "Gather",
    "Pad",
    "Range",
    "Reshape",
    "Shape",
    "Size",
    "Slice",
    "SpaceToDepth",
    "Tile",
    "Transpose",
    "Where",
]
