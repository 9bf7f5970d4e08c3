"""List the machines that code can be made for."""

from __future__ import annotations

import argparse

SUMMARY = "list the targets"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--json."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print all targets."""
    from dataclasses import asdict

    from ...targets.load import load_target, target_names
    from ..report.terminal import Column, bytes_text, print_json, print_table

    targets = [load_target(name) for name in target_names()]
    if arguments.json:
        print_json({"targets": [asdict(target) for target in targets]})
        return 0
    columns = (Column("target"), Column("what it is"), Column("vectors", right=True), Column("flash", right=True), Column("RAM", right=True), Column("emulator"))
    rows = [
        (t.name, t.description, f"{t.vector_bits} bit" if t.vector_bits else "-", bytes_text(t.flash_bytes or None), bytes_text(t.ram_bytes or None),
         t.emulator.program or "-")
        for t in targets
    ]
    print_table("", columns, rows)
    return 0
