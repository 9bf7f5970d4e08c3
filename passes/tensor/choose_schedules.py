"""Give every kernel a schedule for a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...dialects import tensor
from ...dialects.func import Module
from ...dialects.ir.operation import Value
from ...dialects.ir.types import BufferType
from ...dialects.tensor.view import tensor_type
from ...errors import CompileError
from ...targets.description import Target
from ...targets.load import load_target
from ..manager import Pass, Report, option
from ..schedule.choose import choose_schedule
from ..tensor_to_loop.bufferize import Place, bufferize


@dataclass(frozen=True)
class ChooseSchedules(Pass, name="choose-schedules", runs_on=("tensor",)):
    """Write the schedule that the cost model ranks first into each kernel.

    Before: tensor.kernel(...) <{schedule = ""}>
    After:  tensor.kernel(...) <{schedule = "extents=1x64x56x56x64x3x3 order=... tile=1x32x1x14 vector=1 lanes=16 ..."}>

    Leaves alone: kernels that have one, because their constants may already lie as it asks; lists of runs, which are one scan.
    """

    target: str = option("host", "the machine to schedule for")

    def run(self, module: Module, report: Report) -> None:
        target = load_target(self.target)
        for function in module.functions():
            places = bufferize(function).places
            for op in function.body:
                if isinstance(op, tensor.Kernel) and not op.schedule and not isinstance(op.body.first, tensor.ListRuns):
                    self.choose(op, places, target, report)

    def choose(self, kernel: tensor.Kernel, places: Mapping[Value, Place], target: Target, report: Report) -> None:
        inputs = [_buffer(value, places) for value in kernel.inputs]
        outputs = [_buffer(value, places) for value in kernel.outputs]
        try:
            kernel.schedule = str(choose_schedule(kernel, inputs, outputs, target))
        except CompileError as refusal:
            report.remark(kernel, f"gets no schedule: {refusal.diagnostics[0].message}")


def _buffer(value: Value, places: Mapping[Value, Place]) -> BufferType:
    """Where the value will lie: its strides decide which loops may become one."""
    type_ = tensor_type(value)
    return places[value].buffer(type_) if value in places else BufferType.of(type_)
