"""This machine as code generation wants it, for tests that run what they compile."""

from __future__ import annotations

from functools import cache

from intaglio.codegen.object import Machine


@cache
def host_machine() -> Machine:
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features().flatten().split(",")
    return Machine(llvm.get_process_triple(), llvm.get_host_cpu_name(), tuple(features))
