"""Passes on tensor programs: kernels are formed, laid out, scheduled, and their constants put in reading order."""

from .assign_layouts import AssignLayouts
from .choose_schedules import ChooseSchedules
from .fuse_kernels import FuseKernels
from .pack_weights import PackWeights
from .pad_results import PadResults

__all__ = ["AssignLayouts", "ChooseSchedules", "FuseKernels", "PackWeights", "PadResults"]
