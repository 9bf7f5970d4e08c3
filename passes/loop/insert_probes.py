"""Put measuring points around the calls of kernels."""

from __future__ import annotations

from dataclasses import dataclass

from ...dialects.func import Module
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Operation
from ...dialects.loop import Call, Probe
from ..manager import Pass, Report


@dataclass(frozen=True)
class InsertProbes(Pass, name="insert-probes", runs_on=("loop",)):
    """Number the calls in `main` from 0 and put a probe before and one behind each, with the call's ONNX nodes.

    Before: `loop.call(...)`. After: `loop.probe site 0 begin; loop.call(...); loop.probe site 0 end`.

    Runs on: `main` at the loop stage. Leaves alone: a `main` that has probes, so that running it twice counts nothing twice.
    """

    def run(self, module: Module, report: Report) -> None:
        calls = [op for op in module.function("main").body if isinstance(op, Call)]
        if any(isinstance(call.previous, Probe) for call in calls):
            return
        for site, call in enumerate(calls):
            _enclose(call, site)
        report.count("sites", len(calls))


def _enclose(call: Call, site: int) -> None:
    following: Operation | None = call.next
    Builder(before=call).add(Probe(site=site, begin=True))
    Builder(before=following, block=call.block, location=call.location).add(Probe(site=site, begin=False))
