"""Compile a model to files: object and header, and whatever else is asked for.

    obj      NAME.o, one relocatable object          shared   NAME.so, with NAME.h and the manifest NAME.json
    header   NAME.h                                  asm      NAME.s, the same code as assembly
    llvm     NAME.ll, the LLVM IR it was made from   example  NAME_example/, a C program that runs it
    graph, tensor, loop                              NAME.graph.mlir and so on: the program at the end of that stage

All files are written whole, or none.
"""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "compile a model to an object and a header"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL, --target, -o, --name, --emit."""
    from ..parameters import add_binding_arguments, add_mask_arguments

    parser.add_argument("model", type=Path, metavar="MODEL", help="an ONNX file")
    parser.add_argument("--target", required=True, metavar="T", help="the machine ('intaglio targets' lists them)")
    parser.add_argument("-o", "--output", type=Path, default=Path(), metavar="DIR", help="the folder for the files (the current one)")
    parser.add_argument("--name", metavar="ID", help="what every C symbol begins with (made from the file's name)")
    parser.add_argument("--emit", default="obj,header", metavar="KIND,...", help="what to write (%(default)s)")
    add_binding_arguments(parser)
    add_mask_arguments(parser)
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="on the host: more than 1 adds the entry for several threads")
    parser.add_argument("--profile", action="store_true", help="build with probes around the kernels")


def run(arguments: argparse.Namespace) -> int:
    """Compile, make every file, write them."""
    from ...errors import printable
    from ..auto_mask import auto_masked
    from ..emit import KINDS, emit
    from ..options import Options
    from ..parameters import auto_share, choices, dim, mask_options, pairs, shape
    from ..report.auto_mask import print_curve
    from ..report.remarks import print_remarks, remarks_of
    from ..report.terminal import bytes_text, progress, write
    from ..save import write_files

    kinds = choices("--emit", arguments.emit, KINDS)
    options = Options.of(
        arguments.model,
        name=arguments.name,
        target=arguments.target,
        threads=arguments.threads,
        dims=pairs("--dim", arguments.dim, dim),
        shapes=pairs("--shape", arguments.shape, shape),
        profile=arguments.profile,
        masks=mask_options(arguments),
    )
    share = auto_share(arguments.auto_mask)
    options, curve = auto_masked(arguments.model, options, share, arguments.calibrate, not arguments.no_cache)
    print_curve(curve)
    with progress(("import", "graph", "tensor", "loop")) as tell:
        manifest, files = emit(arguments.model, options, kinds, cached=not arguments.no_cache, progress=tell)
    for path in write_files(arguments.output, files):
        write(f"{printable(str(path))}  {bytes_text(path.stat().st_size)}")
    if arguments.remarks:
        print_remarks(manifest.remarks if manifest else remarks_of(arguments.model, options))
    if manifest is None:
        return 0
    stack = "" if manifest.stack_bytes is None else f", stack {bytes_text(manifest.stack_bytes)}"
    write(
        f"flash {bytes_text(manifest.flash_bytes)}, RAM {bytes_text(manifest.ram_bytes)} (arena {bytes_text(manifest.arena_bytes)}{stack})"
    )
    return 0
