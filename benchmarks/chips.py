"""Models on emulated chips: executed instructions per multiply-accumulate, per layer, and what they take in flash and RAM.

    python benchmarks/chips.py examples/digits/digits.onnx kws_f32 --targets cortex-m4 rv32imafc --layers

The emulator executes the very object that is written for the chip and counts its instructions, so figures repeat exactly; each model is run
twice to show it. `error` is the distance from the JIT's outputs, relative to the largest. `live` is the peak of live tensors
between the nodes of the ONNX file (`live.py`).
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import intaglio
from feeds import Feeds, feeds, find, largest_error
from intaglio.compiler.driver import Run
from live import peak_of_live_tensors

MODELS = ("kws_f32", "ad_f32", "mnist_8")
TARGETS = ("cortex-m4", "rv32imafc")


@dataclass(frozen=True, slots=True)
class Row:
    """One model on one chip."""

    model: str
    target: str
    macs: int
    instructions: int
    per_mac: float
    repeats: bool
    error: float
    arena_bytes: int
    live_bytes: int
    stack_bytes: int
    flash_bytes: int


def measure(path: Path, target: str, given: Feeds) -> tuple[Row, Run]:
    """Run the model twice on the chip and once here."""
    shapes = {name: array.shape for name, array in given.items()}
    model = intaglio.compile(path, target, shapes=shapes)
    first, second = model.measure(given), model.measure(given)
    here = intaglio.compile(path, shapes=shapes).run(given)
    macs = sum(layer.macs for layer in model.manifest.layers)
    row = Row(
        model=path.stem,
        target=target,
        macs=macs,
        instructions=first.instructions or 0,
        per_mac=(first.instructions or 0) / max(macs, 1),
        repeats=first.instructions == second.instructions,
        error=largest_error(list(first.outputs.values()), list(here.values())),
        arena_bytes=model.manifest.arena_bytes,
        live_bytes=peak_of_live_tensors(path, shapes),
        stack_bytes=first.stack_bytes or 0,
        flash_bytes=first.flash_bytes or 0,
    )
    return row, first


def print_layers(run: Run) -> None:
    """Instructions of every call of a kernel."""
    for layer, count in zip(run.artefact.manifest.layers, run.by_layer, strict=True):
        per_mac = f"{count / layer.macs:8.2f} per MAC" if layer.macs else ""
        print(f"    {count:12,}  {'+'.join(op for _, op in layer.nodes)[:60]:60s} {per_mac}")


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=MODELS, help="paths, or names in $INTAGLIO_ZOO")
    parser.add_argument("--targets", nargs="+", default=TARGETS)
    parser.add_argument("--layers", action="store_true", help="instructions of every layer")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    arguments = parser.parse_args()
    for path in find(arguments.models):
        for target in arguments.targets:
            row, run = measure(path, target, feeds(path))
            if arguments.json:
                print(json.dumps(asdict(row)), flush=True)
                continue
            print(f"{row.model} on {row.target}: {row.instructions:,} instructions{'' if row.repeats else ' (not the same twice!)'}, "
                  f"{row.per_mac:.2f} per MAC of {row.macs:,}, error {row.error:.1e}, arena {row.arena_bytes:,} "
                  f"(live {row.live_bytes:,}), stack {row.stack_bytes:,}, flash {row.flash_bytes:,}", flush=True)
            if arguments.layers:
                print_layers(run)


if __name__ == "__main__":
    main()
