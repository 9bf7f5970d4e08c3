"""A profile as JSON's values, in the form of profile.schema.json.

In comes a `Run` that was measured; out comes a record per layer and per operator type. The one thing to know: the host counts
ticks of the cheapest clock, whose rate nobody tells, so ticks become shares, and shares of the measured latency become times;
what lies between the kernels (checks, calls) is shared out with them. Instructions of routines that kernels call are a line of
their own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..artefact import Layer

if TYPE_CHECKING:
    from ..driver import Run

__all__ = ["profile_record", "write_profile"]

VERSION = 1


def profile_record(run: Run) -> dict[str, Any]:
    """Version, model, target, the quantity (`time_us` or `instructions`) with its total, layers and operators."""
    manifest = run.artefact.manifest
    quantity = "instructions" if run.instructions is not None else "time_us"
    total = run.instructions if run.instructions is not None else (run.latency_ms or 0.0) * 1e3
    amounts = _amounts(run, total)
    layers = [
        _layer(number, layer, quantity, amount, total) for number, (layer, amount) in enumerate(zip(manifest.layers, amounts, strict=True))
    ]
    return {
        "version": VERSION,
        "model": manifest.name,
        "target": manifest.target,
        "threads": manifest.threads,
        "quantity": quantity,
        "total": total,
        "between": total - sum(amounts),
        "layers": layers,
        "operators": _operators(layers, quantity, total),
    }


def _amounts(run: Run, total: float) -> list[float]:
    """Time or instructions per layer."""
    count = len(run.artefact.manifest.layers)
    measured = list(run.by_layer) if len(run.by_layer) == count else [0] * count
    if run.instructions is not None:
        return [float(each) for each in measured]
    ticks = sum(measured)
    return [total * each / ticks if ticks else 0.0 for each in measured]


def _layer(number: int, layer: Layer, quantity: str, amount: float, total: float) -> dict[str, Any]:
    return {
        "number": number,
        "name": ", ".join(name for name, _ in layer.nodes) or layer.kernel,
        "op_types": list(dict.fromkeys(op_type for _, op_type in layer.nodes)),
        "nodes": [{"name": name, "op_type": op_type} for name, op_type in layer.nodes],
        "kernel": layer.kernel,
        quantity: amount,
        "share": amount / total if total else 0.0,
        "macs": layer.macs,
        "bytes": layer.bytes,
        "gflop_per_s": _rate(quantity, layer.macs, amount),
    }


def _rate(quantity: str, macs: int, amount: float) -> float | None:
    """10^9 floating-point operations per second, two per multiply-accumulate; null on chips, which have no clock here."""
    return 2e-3 * macs / amount if quantity == "time_us" and amount and macs else None


def _operators(layers: list[dict[str, Any]], quantity: str, total: float) -> list[dict[str, Any]]:
    """The layers summed by the operators that were fused into them, largest first."""
    found: dict[str, dict[str, Any]] = {}
    for layer in layers:
        name = "+".join(layer["op_types"]) or "none"
        entry = found.setdefault(name, {"op_type": name, "count": 0, quantity: 0.0, "macs": 0, "bytes": 0})
        entry["count"] += 1
        for key in (quantity, "macs", "bytes"):
            entry[key] += layer[key]
    for entry in found.values():
        entry["share"] = entry[quantity] / total if total else 0.0
        entry["gflop_per_s"] = _rate(quantity, entry["macs"], entry[quantity])
    return sorted(found.values(), key=lambda entry: (-entry[quantity], entry["op_type"]))


def write_profile(record: dict[str, Any], folder: Path) -> Path:
    """NAME.profile.json in `folder`, whole or not at all."""
    from ..save import write_files

    files = {f"{record['model']}.profile.json": (json.dumps(record, indent=1) + "\n").encode()}
    (path,) = write_files(folder, files, "run where the profile can be written, or leave out --profile")
    return path
