"""The pass over the border from tensor to loop."""

from __future__ import annotations

from dataclasses import dataclass

from ...dialects.func import Module
from ...targets.load import load_target
from ..manager import Pass, Report, option
from .entry import MemoryOptions, alignment_of, lower_module
from .lower_kernel import lower_kernel
from .materialize import materialize


@dataclass(frozen=True)
class TensorToLoop(Pass, name="tensor-to-loop", runs_on=()):  # it changes what `main` takes, so its own tests draw programs for it
    """Give every value a place and make functions of kernels.

    Before:
        func main(%x) { %1 = tensor.kernel(%x) {...}; %2 = tensor.kernel(%1) {...}; return %2 }
    After:
        func kernel_0(%in, %out) {...}
        func main(%x, %out, %arena) { %1 = loop.carve(%arena); loop.call(%x, %1) @kernel_0; loop.call(%1, %out) @kernel_0; return }

    Runs on: `main` at the tensor stage, with schedules chosen. What has no place yet becomes a kernel, as in materialize-copies.
    Leaves alone: other functions of the module.
    """

    target: str = option("host", "the machine that the kernels are for")
    alignment: int = option(0, "bytes between places in the arena; 0: what suits the target")
    in_place: bool = option(False, "let elementwise kernels overwrite an input that nobody needs afterwards")

    def run(self, module: Module, report: Report) -> None:
        target = load_target(self.target)
        materialize(module.function("main"), report)
        options = MemoryOptions(self.alignment or alignment_of(target), self.in_place)
        plan = lower_module(module, lower_kernel, target, options)
        report.count("kernels called", len(plan.kernels))
        report.count("functions made", sum(1 for _ in module.functions()) - 1)
        report.count("arena bytes", plan.memory.arena_bytes)
        report.count("arena bytes, lower bound", plan.memory.bound_bytes)
