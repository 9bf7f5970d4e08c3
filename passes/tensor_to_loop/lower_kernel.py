"""One kernel to one function of buffers."""

from __future__ import annotations

from collections.abc import Sequence

from ...dialects import tensor
from ...dialects.func import Function
from ...dialects.ir.types import BufferType
from ...targets.description import Target
from ..schedule.choose import choose_schedule
from ..schedule.space import Schedule
from .list_runs import lower_list_runs
from .loop_nest import KernelLowering
from .masked_runs import RunsLowering


def lower_kernel(
    kernel: tensor.Kernel,
    name: str,
    inputs: Sequence[BufferType],
    outputs: Sequence[BufferType],
    target: Target,
    shared: int | None = None,
) -> Function:
    """A function of the kernel's input buffers and then its output buffers, by its schedule (chosen here if it has none).

    `shared`: the input that lies where the only result does; each of its elements is read before it is written.
    """
    if isinstance(kernel.body.first, tensor.ListRuns):
        return lower_list_runs(kernel.body.first, name, inputs[0], outputs[0])
    schedule = Schedule.parse(kernel.schedule) if kernel.schedule else choose_schedule(kernel, inputs, outputs, target)
    lowering = RunsLowering if schedule.runs else KernelLowering
    return lowering(kernel, name, inputs, outputs, schedule, shared).run()
