"""The pass `graph-to-tensor`, the border between the two stages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...dialects.func import Function, Module
from ...dialects.ir.types import TensorType
from ...errors import CompileError, Diagnostic, error, quote
from ..conversion import convert_dialect
from ..manager import Pass, Report


@dataclass(frozen=True)
class GraphToTensor(Pass, name="graph-to-tensor", runs_on=("graph",), exact=False):
    """Replace every operator by computations and views.

    Before: `%1 = "graph.transpose"(%0) <{perm = [1, 0]}>`. After: `%1 = "tensor.view"(%0) <{map = affine_map<(d0, d1) -> (d1, d0)>}>`.

    Runs on: graph. Needs: static shapes. Refuses, in one go: dims that are left open, operators that have no lowering.
    """

    def run(self, module: Module, report: Report) -> None:
        faults = [fault for function in module.functions() for fault in _open_dims(function)]
        if faults:
            raise CompileError.of(faults)
        convert_dialect(module, "graph", report)
        for function in module.functions():
            function.refresh_type()


def _open_dims(function: Function) -> Iterator[Diagnostic]:
    for argument, name in zip(function.arguments, function.argument_names, strict=False):
        type_ = argument.type
        if isinstance(type_, TensorType) and not type_.is_static:
            names = type_.names or ("",) * type_.rank
            shape = " x ".join(str(n) if n is not None else name or "?" for n, name in zip(type_.shape, names, strict=True))
            fault = error(f"the input {quote(name)} is {type_.element} {shape}: every extent is needed to compile it")
            yield fault.help("bind the dims, for example with --dim NAME=1 or --shape INPUT=1x3x224x224")
