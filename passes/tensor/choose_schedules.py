"""Give every kernel a schedule for a target."""

from __future__ import annotations

from dataclasses import dataclass

from ...dialects import tensor
from ...dialects.func import Module
from ...dialects.ir.types import BufferType
from ...dialects.tensor.view import tensor_type
from ...errors import CompileError
from ...targets.load import load_target
from ..manager import Pass, Report, option
from ..schedule.choose import choose_schedule


@dataclass(frozen=True)
class ChooseSchedules(Pass, name="choose-schedules", runs_on=("tensor",)):
    """Write the schedule that the cost model ranks first into each kernel.

    Before: tensor.kernel(...) <{schedule = ""}>
    After:  tensor.kernel(...) <{schedule = "extents=1x64x56x56x64x3x3 order=... tile=1x32x1x14 vector=1 lanes=16 ..."}>
    """

    target: str = option("host", "the machine to schedule for")

    def run(self, module: Module, report: Report) -> None:
        target = load_target(self.target)
        for function in module.functions():
            for op in function.body:
                if isinstance(op, tensor.Kernel):
                    inputs = [BufferType.of(tensor_type(value)) for value in op.inputs]
                    outputs = [BufferType.of(tensor_type(value)) for value in op.outputs]
                    try:
                        op.schedule = str(choose_schedule(op, inputs, outputs, target))
                    except CompileError as refusal:
                        report.remark(op, f"gets no schedule: {refusal.diagnostics[0].message}")
