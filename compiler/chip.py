"""Compiled models in the emulated chip: the very object, linked and executed in this process.

In come an artefact and arrays in the order of the inputs; out come the outputs and what the run took. The one thing to know: a chip's
instructions are counted per function, so a layer's are those of its kernel, shared evenly among the calls of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import InternalError
from ..targets import abi
from ..targets.load import load_target
from .artefact import Artefact
from .feeds import Array

if TYPE_CHECKING:
    from ..runtime.emulator import Argument, Execution

__all__ = ["ChipRun", "run_on_chip"]


@dataclass(frozen=True, slots=True, eq=False)
class ChipRun:
    """Outputs, executed instructions, the stack's high-water mark, and sizes with the toolchain's routines; `calls` has the instructions per layer."""

    outputs: tuple[Array, ...]
    instructions: int
    stack_bytes: int
    flash_bytes: int
    ram_bytes: int
    by_layer: tuple[int, ...]


def run_on_chip(artefact: Artefact, arrays: Sequence[Array]) -> ChipRun:
    """Execute the artefact's object on its target."""
    from ..runtime.emulator import execute

    target = load_target(artefact.manifest.target)
    done = execute(target, [artefact.object], abi.entry_symbol(artefact.manifest.name), _arguments(artefact, arrays))
    if done.status != abi.Status.OK:
        raise InternalError(f"{artefact.manifest.name} returned the status {done.status} on {target.name}")
    return ChipRun(done.outputs, done.instructions, done.stack_bytes, done.flash_bytes, done.ram_bytes, _by_layer(artefact, done))


def _arguments(artefact: Artefact, arrays: Sequence[Array]) -> list[Argument]:
    """What the entry is called with; counters when it was built with probes."""
    import numpy as np

    from ..runtime.emulator import Input, Output, Pointers, Scratch, Word

    manifest = artefact.manifest
    outputs = [Output(tuple(extent or 0 for extent in port.shape), port.dtype) for port in manifest.outputs]
    arena = Scratch(manifest.arena_bytes, manifest.arena_alignment)
    arguments: list[Argument] = [Pointers(tuple(map(Input, arrays))), Pointers(tuple(outputs)), arena, Word(manifest.arena_bytes)]
    if manifest.profile:
        arguments.append(Output((2 * manifest.sites + 1,), np.uint64))
    return arguments


def _by_layer(artefact: Artefact, done: Execution) -> tuple[int, ...]:
    layers = artefact.manifest.layers
    calls: dict[str, int] = {}
    for layer in layers:
        calls[layer.kernel] = calls.get(layer.kernel, 0) + 1
    return tuple(done.by_function.get(layer.kernel, 0) // calls[layer.kernel] for layer in layers)
