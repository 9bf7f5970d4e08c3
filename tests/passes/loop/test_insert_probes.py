"""Probes stand around the calls of the entry function."""

from __future__ import annotations

from intaglio.dialects import loop
from intaglio.dialects.ir.verifier import verify
from intaglio.passes.loop.insert_probes import InsertProbes
from intaglio.passes.manager import Report
from intaglio.passes.tensor_to_loop.entry import MemoryOptions, lower_module
from intaglio.targets.load import load_target
from kernel_programs import Program
from lower_kernel_naive import lower_kernel


def test_each_call_is_one_site_with_its_nodes() -> None:
    program = Program([(3,)])
    module = program.close(program.kernel(program.kernel(program.arguments[0])))
    lower_module(module, lower_kernel, load_target("cortex-m4"), MemoryOptions(8))
    report = Report()
    InsertProbes().run(module, report)
    verify(module)
    assert report.counts == {"sites": 2}
    sites = [op for op in module.function("main").body if isinstance(op, loop.Probe | loop.Call)]
    seen = [(op.site, op.begin) if isinstance(op, loop.Probe) else "call" for op in sites]
    assert seen == [(0, True), "call", (0, False), (1, True), "call", (1, False)]
    assert [op.location.nodes[0].name for op in sites] == ["node_1"] * 3 + ["node_2"] * 3


def test_a_second_run_changes_nothing() -> None:
    program = Program([(3,)])
    module = program.close(program.kernel(program.arguments[0]))
    lower_module(module, lower_kernel, load_target("cortex-m4"), MemoryOptions(8))
    InsertProbes().run(module, Report())
    report = Report()
    InsertProbes().run(module, report)
    assert not report.counts
