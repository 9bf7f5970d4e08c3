"""What `run` prints: the outputs, the best classes of a classifier, what the run took, and the comparison with what was expected."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import CompileError, error, printable
from ..feeds import Array, shape_text
from ..frontend.problems import shown_path
from .terminal import Column, bytes_text, count_text, print_table, write

if TYPE_CHECKING:
    from ..driver import Model, Run
    from ..outcome import Case, Comparison

__all__ = ["labels_for", "print_run", "run_record"]

SMALL = 64  # elements whose values are shown in full
BEST = 5
FEWEST_CLASSES = 2
MOST_LABELS_BYTES = 2**24


def run_record(model: Model, runs: Sequence[Run], comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """The JSON object of `run`. Figures that do not apply (instructions on the host) are null; of several cases the last one is shown."""
    run = runs[-1]
    manifest = run.artefact.manifest
    record: dict[str, Any] = {
        "model": manifest.name,
        "target": manifest.target,
        "outputs": [_output_record(name, array) for name, array in run.outputs.items()],
        "latency_ms": run.latency_ms,
        "instructions": run.instructions,
        "flash_bytes": manifest.flash_bytes if run.flash_bytes is None else run.flash_bytes,
        "ram_bytes": manifest.ram_bytes if run.ram_bytes is None else run.ram_bytes,
        "arena_bytes": manifest.arena_bytes,
        "stack_bytes": manifest.stack_bytes if run.stack_bytes is None else run.stack_bytes,
        "compile_s": round(model.compile_seconds, 6),
        "kernels": len(manifest.kernels),
    }
    if comparisons:
        record["max_abs_err"] = max(each.max_abs_err for each in comparisons)
        record["passed"] = all(each.passed for each in comparisons)
    return record


def _output_record(name: str, array: Array) -> dict[str, Any]:
    record: dict[str, Any] = {"name": name, "shape": list(array.shape), "dtype": str(array.dtype)}
    if array.size <= SMALL:
        record["values"] = (array.astype("float64") if array.dtype.kind == "V" else array).tolist()
    return record


def labels_for(given: Path | None, model: Path) -> tuple[str, ...]:
    """Names of classes: of the file that was given, else of a labels.txt beside the model."""
    from ..frontend.files import read_bytes

    beside = model.parent / "labels.txt"
    if given is None and not beside.is_file():
        return ()
    path = given or beside
    try:
        return tuple(read_bytes(path, "labels", MOST_LABELS_BYTES).decode().splitlines())
    except UnicodeDecodeError:
        raise CompileError(
            error("the labels file is not UTF-8 text").at(shown_path(path)).help("write one name a line, in UTF-8")
        ) from None


def print_run(model: Model, cases: Sequence[Case], runs: Sequence[Run], comparisons: Sequence[Comparison], labels: Sequence[str]) -> None:
    """The outputs of each case that has nothing to compare with, the comparisons, and the figures."""
    for case, run in zip(cases, runs, strict=True):
        if not case.expected:
            for name, array in run.outputs.items():
                _print_output(name, array, labels)
    if comparisons:
        _print_comparisons(comparisons)
    _print_figures(model, runs[-1])


def _print_output(name: str, array: Array, labels: Sequence[str]) -> None:
    import numpy as np

    write(f"{printable(name)}: {array.dtype} {shape_text(array.shape)}")
    if _is_one_row(array):
        scores = array.reshape(-1)
        best = np.argsort(-scores.astype(np.float64), kind="stable")[:BEST]
        rows = [(str(int(i)), labels[i] if i < len(labels) else "", f"{float(scores[i]):.6g}") for i in best]
        print_table("", (Column("class", right=True), Column("label", long=True), Column("score", right=True)), rows)
    elif array.size <= SMALL:
        write(np.array2string(array, precision=6, separator=", "))
    elif array.dtype.kind in "fiu":
        values = array.astype(np.float64)
        write(f"  from {values.min():.6g} to {values.max():.6g}, mean {values.mean():.6g}")


def _is_one_row(array: Array) -> bool:
    """One float per class, for one picture: all extents but the largest are 1."""
    return array.dtype.kind in "fV" and array.size >= FEWEST_CLASSES and array.size == max(array.shape, default=0)


def _print_comparisons(comparisons: Sequence[Comparison]) -> None:
    rows = [
        (
            each.case,
            each.output,
            each.fault or f"{each.max_abs_err:.3g}",
            f"{each.wrong} of {each.elements}",
            "ok" if each.passed else "WRONG",
        )
        for each in comparisons
    ]
    columns = (
        Column("case", long=True),
        Column("output", long=True),
        Column("largest error", right=True),
        Column("outside", right=True),
        Column(""),
    )
    print_table("", columns, rows)
    write(f"largest error {max(each.max_abs_err for each in comparisons):.6g}")


def _print_figures(model: Model, run: Run) -> None:
    record = run_record(model, [run], [])
    took = f"{run.latency_ms:.4g} ms" if run.latency_ms is not None else f"{count_text(run.instructions)} instructions"
    parts = [f"{took} on {record['target']}"]
    parts += [
        f"{what} {bytes_text(record[key])}" for what, key in (("flash", "flash_bytes"), ("RAM", "ram_bytes"), ("arena", "arena_bytes"))
    ]
    if record["stack_bytes"] is not None:
        parts.append(f"stack {bytes_text(record['stack_bytes'])}")
    parts += [f"{record['kernels']} kernel{'s' * (record['kernels'] != 1)}", f"compiled in {record['compile_s']:.2f} s"]
    write(", ".join(parts))
