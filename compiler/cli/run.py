"""Compile a model and run it: on this machine, or on a chip in the emulator.

Inputs come from files (.npy, .npz, .pb, pictures) or from ONNX test folders, whose outputs are then compared. With --profile, a
table per layer and per operator is printed, and NAME.profile.json is written to the current folder.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..auto_mask import CurvePoint
    from ..driver import Model, Run
    from ..options import Options
    from ..outcome import Case, Comparison

SUMMARY = "compile a model and run it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Model, inputs, machine, and what to print."""
    from ..parameters import add_binding_arguments, add_mask_arguments

    parser.add_argument("model", type=Path, metavar="MODEL", help="an ONNX file")
    parser.add_argument("--input", action="append", default=[], metavar="NAME=FILE", help="an input: .npy, .npz, .pb or a picture")
    parser.add_argument(
        "--test-data", action="append", default=[], type=Path, metavar="DIR", help="an ONNX test folder; compares the outputs"
    )
    parser.add_argument("--target", default="host", metavar="T", help="the machine ('intaglio targets' lists them); chips are emulated")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads on the host")
    add_binding_arguments(parser)
    add_mask_arguments(parser)
    parser.add_argument("--masks", type=Path, metavar="DIR", help="write what the masks choose over the input picture, as PNG")
    parser.add_argument("--profile", action="store_true", help="measure every layer")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rtol", type=float, default=1e-3, metavar="X", help="relative tolerance of --test-data (%(default)s)")
    parser.add_argument("--atol", type=float, default=1e-5, metavar="X", help="absolute tolerance of --test-data (%(default)s)")
    parser.add_argument(
        "--labels", type=Path, metavar="FILE", help="names of the classes, one a line; labels.txt beside the model if there is one"
    )


def run(arguments: argparse.Namespace) -> int:
    """Compile, run every case, print; 1 if an output differs from what was expected."""
    from ..driver import compile
    from ..outcome import cases_of, compare
    from ..parameters import tolerance
    from ..report.remarks import print_remarks
    from ..report.terminal import progress

    rtol, atol = tolerance("--rtol", arguments.rtol), tolerance("--atol", arguments.atol)
    _refuse_unrunnable(arguments.target)
    options, curve = _options(arguments)
    with progress(("import", "graph", "tensor", "loop")) as tell:
        model = compile(
            arguments.model,
            arguments.target,
            arguments.threads,
            dict(options.dims),
            dict(options.shapes),
            options.profile,
            cache=not arguments.no_cache,
            progress=tell,
            masks=options.masks,
        )
        cases = cases_of(model, arguments.input, arguments.test_data)
        runs = [model.measure(case.inputs) for case in cases]
    comparisons = [found for case, each in zip(cases, runs, strict=True) for found in compare(case, each.outputs, rtol, atol)]
    if arguments.remarks:
        print_remarks(model.report)
    _show(arguments, model, cases, runs, comparisons, curve)
    return 0 if all(each.passed for each in comparisons) else 1


def _options(arguments: argparse.Namespace) -> tuple[Options, tuple[CurvePoint, ...]]:
    """What the words on the command line choose, calibrated if asked for; what masks for a dense model cost."""
    from dataclasses import replace

    from ..auto_mask import auto_masked
    from ..options import Options
    from ..parameters import auto_share, dim, mask_options, pairs, shape

    options = Options.of(
        arguments.model,
        target=arguments.target,
        threads=arguments.threads,
        dims=pairs("--dim", arguments.dim, dim),
        shapes=pairs("--shape", arguments.shape, shape),
        profile=arguments.profile and arguments.target == "host",  # the emulator counts by function, and needs no probes
        masks=mask_options(arguments),
    )
    share = auto_share(arguments.auto_mask)
    options, curve = auto_masked(arguments.model, options, share, arguments.calibrate, not arguments.no_cache)
    return replace(options, masks=replace(options.masks, observe=arguments.masks is not None)), curve


def _refuse_unrunnable(name: str) -> None:
    """Before a long compilation: another host's code can be run nowhere here."""
    from ...errors import CompileError, error
    from ...targets.load import load_target

    if name != "host" and not load_target(name).emulator.program:
        raise CompileError(error(f"{name} is not emulated").help("run with --target host, or compile it and run it on the machine itself"))


def _show(
    arguments: argparse.Namespace,
    model: Model,
    cases: list[Case],
    runs: list[Run],
    comparisons: list[Comparison],
    curve: tuple[CurvePoint, ...],
) -> None:
    from ..report.auto_mask import curve_record, print_curve
    from ..report.masks import pictures_record, print_pictures, write_pictures
    from ..report.profile import profile_record, write_profile
    from ..report.run import labels_for, print_run, run_record
    from ..report.tables import print_profile
    from ..report.terminal import message, print_json

    pictures = write_pictures(arguments.masks, cases, runs) if arguments.masks is not None else []
    profile = profile_record(runs[-1]) if arguments.profile else None
    if arguments.json:
        record = run_record(model, runs, comparisons) | curve_record(curve)
        if arguments.masks is not None:
            record["masks"] = pictures_record(pictures)
        print_json(record | {"profile": profile} if profile else record)
    else:
        print_curve(curve)
        print_run(model, cases, runs, comparisons, labels_for(arguments.labels, arguments.model))
        if arguments.masks is not None:
            print_pictures(pictures)
    if profile:
        if not arguments.json:
            print_profile(profile)
        message(f"wrote {write_profile(profile, Path.cwd())}")
