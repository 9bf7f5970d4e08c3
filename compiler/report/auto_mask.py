"""What masks from calibration cost: the curve of output error against work and time, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ..auto_mask import CurvePoint
from .terminal import Column, count_text, print_table, write

__all__ = ["curve_record", "print_curve"]

NOTE = (
    "error: distance from the dense model's outputs on the calibration inputs, relative to them. "
    "It is no accuracy: whether it is bearable is yours to judge."
)


def curve_record(curve: Sequence[CurvePoint]) -> dict[str, Any]:
    """What --json holds under `auto_mask`; nothing without a curve."""
    return {"auto_mask": {"note": NOTE, "curve": [asdict(point) for point in curve]}} if curve else {}


def print_curve(curve: Sequence[CurvePoint]) -> None:
    """A row per share."""
    if not curve:
        return
    chip = any(point.instructions is not None for point in curve)
    columns = [Column(title, right=True) for title in ("share", "skipped", "regions", "error", "MACs", "instructions" if chip else "ms")]
    print_table("masks from calibration", columns, [_row(point) for point in curve])
    write(NOTE)


def _row(point: CurvePoint) -> tuple[str, ...]:
    latency = "" if point.latency_ms is None else f"{point.latency_ms:.3f}"
    time = latency if point.instructions is None else count_text(point.instructions)
    return (f"{point.share:g}", f"{point.skipped:.3f}", str(point.regions), f"{point.error:.3g}", count_text(point.macs), time)
