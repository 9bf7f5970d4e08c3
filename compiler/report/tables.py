"""A profile as two tables, per layer and per operator type; reads the record that profile.py makes, and nothing else."""

from __future__ import annotations

from typing import Any

from .terminal import Column, bytes_text, count_text, print_table

__all__ = ["print_profile"]

LONGEST = 44  # characters of a layer's name


def print_profile(profile: dict[str, Any]) -> None:
    """Both tables on stdout."""
    quantity = profile["quantity"]
    heading = "instructions" if quantity == "instructions" else "us"
    numbers = (Column(heading, right=True), Column("share", right=True), Column("MACs", right=True), *_rate_columns(quantity), Column("bytes", right=True))
    layers = [
        (str(layer["number"]), _short(layer["name"]), "+".join(layer["op_types"]), *_figures(layer, quantity)) for layer in profile["layers"]
    ]
    if profile["between"] >= 0.5:
        between = {quantity: profile["between"], "share": profile["between"] / profile["total"], "macs": 0, "bytes": 0, "gflop_per_s": None}
        layers.append(("", "(between the layers)", "", *_figures(between, quantity)))
    print_table("layers", (Column("", right=True), Column("layer", long=True), Column("operators", long=True), *numbers), layers)
    operators = [(entry["op_type"], str(entry["count"]), *_figures(entry, quantity)) for entry in profile["operators"]]
    print_table("operators", (Column("operators", long=True), Column("count", right=True), *numbers), operators)


def _rate_columns(quantity: str) -> tuple[Column, ...]:
    return (Column("per MAC", right=True),) if quantity == "instructions" else (Column("GFLOP/s", right=True),)


def _figures(entry: dict[str, Any], quantity: str) -> tuple[str, ...]:
    amount = entry[quantity]
    if quantity == "instructions":
        shown, rate = count_text(amount), amount / entry["macs"] if entry["macs"] else None
    else:
        shown, rate = f"{amount:.1f}", entry["gflop_per_s"]
    macs = count_text(entry["macs"]) if entry["macs"] else ""
    return shown, f"{100 * entry['share']:.1f} %", macs, f"{rate:.2f}" if rate is not None else "", bytes_text(entry["bytes"])


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST // 2 - 1]}...{name[-LONGEST // 2 + 2 :]}"
