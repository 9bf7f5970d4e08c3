"""A forecast of the flash and RAM that a graph needs on a chip, before anything is compiled.

In comes `main` of the graph dialect, as imported; out comes a `Forecast`. RAM is the peak of live tensors. Code is a sum over distinct
operations, by what their kernels are made of: a convolution with a window has register tiles for the inside and for every border, a product
has one or two; what is computed element by element or only moved goes into others.

The one thing to know: the numbers were fitted to what was compiled in November 2026, six models (examples/digits, examples/dynamic and the
f32 nets of MLPerf Tiny) for ten chips. How far they are off is said at their chapters below.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ..dialects import func, graph
from ..dialects.ir.operation import Operation, Value
from ..dialects.ir.traits import DataMovement, Elementwise, Terminator
from ..dialects.ir.types import TensorType
from ..targets.description import Target

__all__ = ["Forecast", "forecast"]

_ENTRY_BYTES = 300
_WINDOW_BYTES = 5000  # on a Cortex-M with FPU, as are those below
_DEPTHWISE_BYTES = 2000
_PRODUCT_BYTES = 800
_OTHER_BYTES = 1000  # pooling, reductions, softmax
_STACK_BYTES = 512  # measured: 56 to 770


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the compiled model will about need: `flash_bytes` with code, `ram_bytes` with stack, without inputs and outputs."""

    flash_bytes: int
    ram_bytes: int
    peak_tensor_bytes: int


def forecast(main: func.Function, parameter_bytes: int, target: Target | None) -> Forecast | None:
    """The forecast, None where shapes are open. Without a target it is that of a Cortex-M with FPU, whose code is the largest."""
    peak = _peak(main)
    if peak is None:
        return None
    kernels = {_identity(op): _kernel_bytes(op) for op in main.body if not isinstance(op, graph.Constant) and not op.has(Terminator)}
    code = _ENTRY_BYTES + round(sum(kernels.values()) * _density(target))
    return Forecast(parameter_bytes + code, peak + _STACK_BYTES, peak)


# Code.
# Forecast over what it became: 0.63 to 1.32 without masks, and 0.56 and 0.66 (rv32imafc, cortex-m4) with those of examples/dynamic, whose
# code no operation shows.
# Weights are forecast as they stand in the file, and packing adds up to 9 %. Both together, the flash: 0.76 to 1.04.


def _identity(op: Operation) -> tuple[object, ...]:
    """Operations that are alike in this become one kernel, as a rule."""
    return (op.name, *(str(value.type) for value in (*op.operands, *op.results)), *map(str, op.attributes.items()))


def _kernel_bytes(op: Operation) -> int:
    match op:
        case graph.Conv() | graph.ConvTranspose() if math.prod(op.kernel) > 1:
            is_depthwise = 1 < op.groups == _tensor(op.input).shape[1]
            return _DEPTHWISE_BYTES if is_depthwise else _WINDOW_BYTES
        case graph.Conv() | graph.ConvTranspose() | graph.Gemm() | graph.MatMul():
            return _PRODUCT_BYTES
        case graph.BatchNormalization():  # goes into the weights of what it follows
            return 0
    return 0 if op.has(Elementwise) or op.has(DataMovement) else _OTHER_BYTES


def _density(target: Target | None) -> float:
    """How large a kernel is, in parts of what it is on a Cortex-M with FPU. Few or no float registers mean small register tiles."""
    if target is None:
        return 1.0
    if target.vector_bits:
        return 0.5  # measured on cortex-m55
    return (0.7 if target.family == "riscv" else 1.0) * (1.0 if target.has_fpu else 0.7)


# RAM. Forecast over what it became, stack included: 1.00 to 1.42; the arena is met to the byte.


def _peak(main: func.Function) -> int | None:
    """The largest sum of live intermediate values, in the order of the file. What dies where a value of its size is born gives it
    its place: fusion and in-place kernels see to that, save for windows and products, which read what they have passed."""
    order = [op for op in main.body if not isinstance(op, graph.Constant)]
    last = {value: number for number, op in enumerate(order) for value in op.operands}
    live: dict[Value, int] = {}
    peak = 0
    given = dict.fromkeys((*main.arguments, *main.returned))
    for number, op in enumerate(order):
        for result in op.results:
            size = _nbytes(result)
            if size is None:
                return None
            if result not in given and last.get(result, number) > number:
                _give_place(op, number, size, last, live)
                live[result] = size
        peak = max(peak, sum(live.values()))
        live = {value: size for value, size in live.items() if last[value] > number}
    return peak


def _give_place(op: Operation, number: int, size: int, last: Mapping[Value, int], live: dict[Value, int]) -> None:
    """Take the place of an operand that dies here, if the operation allows it."""
    if isinstance(op, graph.Conv | graph.ConvTranspose | graph.Gemm | graph.MatMul) or op.name.endswith("pool"):
        return
    for value in op.operands:
        if live.get(value) == size and last[value] == number:
            del live[value]
            return


def _tensor(value: Value) -> TensorType:
    assert isinstance(value.type, TensorType)
    return value.type


def _nbytes(value: Value) -> int | None:
    return value.type.nbytes if isinstance(value.type, TensorType) and value.type.is_static else None
