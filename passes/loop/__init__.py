"""Passes on loops: what is placed or cleaned up after kernels have become functions."""
