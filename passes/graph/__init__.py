"""Passes on whole operators: what one layer does for another is absorbed into it before operators are taken apart."""

from .absorb_batch_norms import AbsorbBatchNorms
from .absorb_pads import AbsorbPads
from .absorb_scales import AbsorbScales
from .absorb_transposes import AbsorbTransposes
from .inline_masked import InlineMasked
from .insert_masks import InsertMasks
from .place_masks import PlaceMasks
from .recognize_hard_swish import RecognizeHardSwish
from .recognize_masks import RecognizeMasks
from .spread_selections import SpreadSelections

__all__ = [
    "AbsorbBatchNorms",
    "AbsorbPads",
    "AbsorbScales",
    "AbsorbTransposes",
    "InlineMasked",
    "InsertMasks",
    "PlaceMasks",
    "RecognizeHardSwish",
    "RecognizeMasks",
    "SpreadSelections",
]
