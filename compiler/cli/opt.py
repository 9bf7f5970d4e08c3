"""The IR tool: text in, a pipeline of passes, text out.

Without -p, the pipeline is taken from a first line `// opt: PIPELINE`, as the files have it that a crash leaves.
"""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "run passes on IR text"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE, -p, --check."""
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="IR text; stdin if it is left out")
    parser.add_argument("-p", "--pipeline", metavar="PIPELINE", help="for example 'canonicalize,fold-constants{max-bytes=4096},graph-to-tensor'")
    parser.add_argument("--check", action="store_true", help="evaluate before and after on seeded inputs, and fail on a difference")


def run(arguments: argparse.Namespace) -> int:
    """Parse, run, verify, print."""
    from ...dialects.ir.printer import print_operation
    from ...dialects.ir.verifier import verify
    from ...errors import printable
    from ..check import check_equal
    from ..irtext import parse_module, pipeline_of, read_text
    from ..report.terminal import message, write

    text, source = read_text(arguments.file)
    pipeline = pipeline_of(text, arguments.pipeline)
    module = parse_module(text, source)
    before = module.clone({})
    for report in pipeline.run(module):
        for remark in report.remarks:
            message(str(remark))
    verify(module)
    write(print_operation(module))
    if arguments.check:
        result = check_equal(before, module, exact=all(pass_.exact for pass_ in pipeline.passes))
        message(f"checked: {printable(result)}")
    return 0
