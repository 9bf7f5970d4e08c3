"""Passes for programs of every stage: simplification, constant folding, common subexpressions, dead code."""

from .canonicalize import Canonicalize
from .cse import ShareEqual
from .dce import RemoveDead
from .fold_constants import FoldConstants

__all__ = ["Canonicalize", "FoldConstants", "RemoveDead", "ShareEqual"]
