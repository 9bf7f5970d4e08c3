"""Passes on loops: what is placed or cleaned up after kernels have become functions."""

from .insert_probes import InsertProbes

__all__ = ["InsertProbes"]
