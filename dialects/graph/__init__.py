"""ONNX operators as operations: one class per operator, ONNX's semantics, NCHW, one file per family.

What ONNX leaves to conventions is explicit here: axes count from 0, pads are numbers, optional attributes have their values.
Operators that are only spellings of others are rewritten at import and have no class. Extents may be unknown (`?`) until
the graph is lowered.
"""

from .constant import Constant

__all__ = ["Constant"]
