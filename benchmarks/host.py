"""The JIT beside onnxruntime: one process, one thread each, slices of calls in turn, the least time of each.

    python benchmarks/host.py resnet18 mobilenet_v2 path/to/model.onnx --json

Times are of whole calls from Python (`model.run(feeds)` and `session.run(None, feeds)`). Outputs are compared before anything is timed.
Turns are short, so that both meet the same neighbours and clock; the least time is what the machine can do when nobody disturbs it.
`compile` and `cached` are seconds in a fresh process from `import intaglio` to a model that can be called, with an empty cache and then
a filled one; `cpu` beside them is what of it the process ran, which is what a machine without other work would take.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import onnxruntime

import intaglio
from feeds import feeds, find, largest_error

MODELS = (
    "mnist_8",
    "kws_f32",
    "resnet18",
    "mobilenet_v2",
    "squeezenet_seeded",
    "shufflenet_seeded",
    "super_resolution_10",
    "mobilenet_v3_small",
    "efficientnet_lite0",
    "oww_embedding",
)
SLICE_SECONDS = 0.02
WORST_ERROR = 1e-3

FRESH = """
import json, sys, time
start = time.perf_counter(), time.process_time()
import intaglio
intaglio.compile(sys.argv[1], shapes=json.loads(sys.argv[2]))
print(time.perf_counter() - start[0], time.process_time() - start[1])
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One model: the least times of both, and the seconds that compiling takes."""

    model: str
    intaglio_ms: float
    onnxruntime_ms: float
    ratio: float
    error: float
    compile_s: float
    compile_cpu_s: float
    cached_s: float
    cached_cpu_s: float

    def __str__(self) -> str:
        times = f"{self.intaglio_ms:12.4f} {self.onnxruntime_ms:12.4f} {self.ratio:6.2f}"
        compiling = f"{self.compile_s:8.2f} {self.compile_cpu_s:6.2f} {self.cached_s:8.3f} {self.cached_cpu_s:6.3f}"
        return f"{self.model:24s} {times} {self.error:8.1e} {compiling}"


def measure(path: Path, seconds: float) -> Row:
    """One row of the table."""
    given = feeds(path)
    shapes = {name: array.shape for name, array in given.items()}
    model = intaglio.compile(path, shapes=shapes)
    session = _session(path)
    error = largest_error(list(model.run(given).values()), session.run(None, given))
    if not error <= WORST_ERROR:
        raise SystemExit(f"{path}: outputs differ by {error:.2e} of the largest")
    ours, theirs = interleaved((lambda: model.run(given), lambda: session.run(None, given)), seconds)
    return Row(path.stem, ours * 1e3, theirs * 1e3, ours / theirs, error, *compile_seconds(path, shapes))


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def interleaved(calls: Sequence[Callable[[], object]], seconds: float) -> list[float]:
    """The least time of each call, in turns of a slice each."""
    least = [float("inf")] * len(calls)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for i, call in enumerate(calls):
            least[i] = min(least[i], _slice(call))
    return least


def _slice(call: Callable[[], object]) -> float:
    least, end = float("inf"), time.perf_counter() + SLICE_SECONDS
    for _ in range(1_000_000):
        start = time.perf_counter()
        call()
        stop = time.perf_counter()
        least = min(least, stop - start)
        if stop > end:
            break
    return least


def compile_seconds(path: Path, shapes: dict[str, tuple[int, ...]]) -> tuple[float, float, float, float]:
    """Seconds to compile in a fresh process, by the clock and of the CPU: with an empty cache, and again."""
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, "-c", FRESH, str(path), json.dumps(shapes)]
        environment = {**os.environ, "INTAGLIO_CACHE": cache}
        runs = [subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout for _ in range(4)]
    cold, *warm = (tuple(map(float, run.split())) for run in runs)
    best = min(warm)
    return cold[0], cold[1], best[0], best[1]


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=MODELS, help="paths, or names in $INTAGLIO_ZOO")
    parser.add_argument("--seconds", type=float, default=2.0, help="for the timing of each model")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    arguments = parser.parse_args()
    if not arguments.json:
        times = f"{'intaglio ms':>12s} {'onnxruntime':>12s} {'ratio':>6s} {'error':>8s}"
        print(f"{'model':24s} {times} {'compile':>8s} {'cpu':>6s} {'cached':>8s} {'cpu':>6s}")
    for path in find(arguments.models):
        row = measure(path, arguments.seconds)
        print(json.dumps(asdict(row)) if arguments.json else row, flush=True)


if __name__ == "__main__":
    main()
