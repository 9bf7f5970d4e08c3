"""Show what a model is made of: layers, work, parameters, and a forecast of the memory it needs. Nothing is compiled."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...targets.description import Target
    from ..inspect import Inspection
    from ..masks import Region

SUMMARY = "show layers, work and memory of a model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL, --target, --dim, --shape, what concerns masks, --json."""
    from ..parameters import add_mask_arguments

    parser.add_argument("model", type=Path, metavar="MODEL", help="an ONNX file")
    parser.add_argument("--target", metavar="T", help="the chip that the forecast is held against")
    parser.add_argument("--dim", action="append", default=[], metavar="NAME=8", help="the extent of a named dimension")
    parser.add_argument("--shape", action="append", default=[], metavar="INPUT=1x3x224x224", help="the shape of an input")
    add_mask_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Import and print."""
    from ...targets.load import load_target
    from ..auto_mask import auto_masked
    from ..frontend.importer import import_model
    from ..frontend.reader import read_model
    from ..inspect import inspect_module
    from ..inspect_masks import inspect_masks
    from ..masks import region_record
    from ..options import Options
    from ..parameters import auto_share, dim, mask_options, pairs, shape
    from ..report.auto_mask import curve_record, print_curve
    from ..report.remarks import print_remarks
    from ..report.terminal import message, print_json

    target = load_target(arguments.target) if arguments.target else None
    file = read_model(arguments.model)
    options = Options.of(
        arguments.model,
        target=arguments.target or "host",
        dims=pairs("--dim", arguments.dim, dim),
        shapes=pairs("--shape", arguments.shape, shape),
        masks=mask_options(arguments),
    )
    options, curve = auto_masked(arguments.model, options, auto_share(arguments.auto_mask), arguments.calibrate, True)
    module = import_model(file, dict(options.dims), dict(options.shapes))
    found = inspect_module(module, target)
    regions, remarks = inspect_masks(file, module, options)
    for remark in file.remarks:
        message(str(remark))
    if arguments.remarks:
        print_remarks(remarks)
    if arguments.json:
        print_json(_record(found, target) | {"masked_regions": [region_record(region) for region in regions]} | curve_record(curve))
    else:
        _print(found, target)
        _print_regions(regions)
        print_curve(curve)
    return 0


def _print_regions(regions: Sequence[Region]) -> None:
    from ..report.terminal import Column, print_table

    if regions:
        columns = (Column("mask", long=True), Column("kind"), Column("tile", right=True), Column("decision"), Column("why", long=True))
        rows = [(each.mask, each.kind, str(each.granularity), each.decision, each.reason) for each in regions]
        print_table("masked regions", columns, rows)


def _record(found: Inspection, target: Target | None) -> dict[str, Any]:
    from dataclasses import asdict

    def port(name: str, shape: Any) -> dict[str, Any]:
        return {"name": name, "shape": list(shape.extents), "element": shape.element}

    record = asdict(found) | {
        "inputs": [port(*each) for each in found.inputs],
        "outputs": [port(*each) for each in found.outputs],
        "layers": [
            asdict(layer)
            | {
                "inputs": [{"shape": list(s.extents), "element": s.element} for s in layer.inputs],
                "outputs": [{"shape": list(s.extents), "element": s.element} for s in layer.outputs],
            }
            for layer in found.layers
        ],
    }
    return record | (
        {"target": target.name, "target_flash_bytes": target.flash_bytes, "target_ram_bytes": target.ram_bytes} if target else {}
    )


def _print(found: Inspection, target: Target | None) -> None:
    from ..report.terminal import Column, bytes_text, count_text, print_table, write

    columns = (
        Column("", right=True),
        Column("layer", long=True),
        Column("operator"),
        Column("in", long=True),
        Column("out", long=True),
        Column("MACs", right=True),
        Column("parameters", right=True),
        Column("bytes", right=True),
    )
    rows = [
        (
            str(number),
            layer.name,
            layer.op_type,
            " ".join(map(str, layer.inputs)),
            " ".join(map(str, layer.outputs)),
            count_text(layer.macs) if layer.macs != 0 else "",
            count_text(layer.parameters) if layer.parameters else "",
            bytes_text(layer.bytes),
        )
        for number, layer in enumerate(found.layers)
    ]
    total = (
        "",
        "total",
        "",
        " ".join(str(s) for _, s in found.inputs),
        " ".join(str(s) for _, s in found.outputs),
        count_text(found.macs),
        count_text(found.parameters),
        bytes_text(found.parameter_bytes),
    )
    print_table("", columns, rows, total)
    if found.forecast is None:
        write("memory: unknown while extents are open; bind them with --dim or --shape")
        return
    for what, need, most in (
        ("flash", found.forecast.flash_bytes, target.flash_bytes if target else 0),
        ("RAM", found.forecast.ram_bytes, target.ram_bytes if target else 0),
    ):
        room = f" of {bytes_text(most)} on {target.name}{', too much' if need > most else ''}" if target and most else ""
        write(f"{what}: about {bytes_text(need)}{room}")
