"""What a graph is made of: layers with shapes, work and parameters, and a forecast of the memory it needs.

In comes a module of the graph dialect, as imported; out comes an `Inspection`. Nothing is compiled. MACs are the multiply-accumulates
of the definition (a convolution's are output elements times input channels of a group times window), whatever algorithm is chosen later.
The one thing to know: a layer is an ONNX node, and all operations that came from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..dialects import func, graph
from ..dialects.ir.location import Node
from ..dialects.ir.operation import Operation, Value
from ..dialects.ir.traits import Terminator
from ..dialects.ir.types import Extent, TensorType

__all__ = ["Forecast", "GraphLayer", "Inspection", "Shape", "inspect_module", "work_by_node"]

_CODE_BYTES = 900  # of a kernel on a chip
_ENTRY_BYTES = 400
_STACK_BYTES = 512


@dataclass(frozen=True, slots=True)
class Shape:
    """A tensor's shape, with None or a name for what is open, and its element type as the IR writes it."""

    extents: tuple[Extent | str, ...]
    element: str

    def __str__(self) -> str:
        return "x".join(["?" if extent is None else str(extent) for extent in self.extents] + [self.element])


@dataclass(frozen=True, slots=True)
class GraphLayer:
    """One ONNX node. `macs` and `bytes` (read and written, parameters included) are None where a shape is open."""

    name: str
    op_type: str
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    macs: int | None
    parameters: int
    parameter_bytes: int
    bytes: int | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the compiled model will about need: `flash_bytes` with code, `ram_bytes` with stack, without inputs and outputs."""

    flash_bytes: int
    ram_bytes: int
    peak_tensor_bytes: int


@dataclass(frozen=True, slots=True)
class Inspection:
    """All layers, the totals of the model (shared parameters once), and the forecast, None where shapes are open."""

    inputs: tuple[tuple[str, Shape], ...]
    outputs: tuple[tuple[str, Shape], ...]
    layers: tuple[GraphLayer, ...]
    macs: int | None
    parameters: int
    parameter_bytes: int
    forecast: Forecast | None


def inspect_module(module: func.Module) -> Inspection:
    """Layers, totals and forecast of `main`."""
    main = module.function("main")
    layers = tuple(_layer(node, ops) for node, ops in _by_node(main).items())
    constants = [op.value.type for op in main.walk() if isinstance(op, graph.Constant)]
    parameter_bytes = sum(type_.nbytes for type_ in constants)
    return Inspection(
        inputs=tuple(zip(main.argument_names, map(_shape, main.arguments), strict=True)),
        outputs=tuple(zip(main.result_names, map(_shape, main.returned), strict=True)),
        layers=layers,
        macs=_total([layer.macs for layer in layers]),
        parameters=sum(type_.elements for type_ in constants),
        parameter_bytes=parameter_bytes,
        forecast=_forecast(main, layers, parameter_bytes),
    )


def work_by_node(module: func.Module) -> Mapping[Node, int]:
    """Multiply-accumulates of every node; 0 where a shape is open."""
    return {node: _total(map(_macs, ops)) or 0 for node, ops in _by_node(module.function("main")).items()}


def _by_node(main: func.Function) -> dict[Node, list[Operation]]:
    found: dict[Node, list[Operation]] = {}
    for op in main.body:
        if not isinstance(op, graph.Constant) and not op.has(Terminator):
            node = op.location.nodes[0] if op.location else Node("", op.name)
            found.setdefault(node, []).append(op)
    return found


def _layer(node: Node, ops: Sequence[Operation]) -> GraphLayer:
    own = dict.fromkeys(result for op in ops for result in op.results)
    read = list(dict.fromkeys(value for op in ops for value in op.operands if value not in own))
    inputs = [value for value in read if not _is_constant(value)]
    outputs = [value for value in own if any(user not in ops for user in value.users)]
    parameters = [type_ for value in read if _is_constant(value) and (type_ := _tensor(value)) is not None]
    return GraphLayer(
        name=node.name,
        op_type=node.op_type,
        inputs=tuple(map(_shape, inputs)),
        outputs=tuple(map(_shape, outputs)),
        macs=_total(map(_macs, ops)),
        parameters=sum(type_.elements for type_ in parameters),
        parameter_bytes=sum(type_.nbytes for type_ in parameters),
        bytes=_total([_nbytes(value) for value in (*read, *outputs)]),
    )


def _is_constant(value: Value) -> bool:
    return isinstance(value.owner, graph.Constant)


def _tensor(value: Value) -> TensorType | None:
    return value.type if isinstance(value.type, TensorType) else None


def _shape(value: Value) -> Shape:
    type_ = _tensor(value)
    if type_ is None:
        return Shape((), str(value.type))
    names = type_.names or ("",) * type_.rank
    extents = (name or None if extent is None else extent for extent, name in zip(type_.shape, names, strict=True))
    return Shape(tuple(extents), str(type_.element))


def _nbytes(value: Value) -> int | None:
    type_ = _tensor(value)
    return type_.nbytes if type_ is not None and type_.is_static else None


def _total(numbers: Sequence[int | None] | Iterator[int | None]) -> int | None:
    """The sum, or None when a part is not known."""
    known = list(numbers)
    return None if None in known else sum(number for number in known if number is not None)


# Work.


def _macs(op: Operation) -> int | None:
    count = _MACS.get(op.name)
    if count is None:
        return 0
    try:
        return count([_shape_of(value) for value in op.operands], _shape_of(op.results[0]), op)
    except ValueError:  # an open extent
        return None


def _shape_of(value: Value) -> tuple[int, ...]:
    type_ = _tensor(value)
    return type_.extents if type_ is not None else ()


Shapes = Sequence[tuple[int, ...]]


def _conv(inputs: Shapes, output: tuple[int, ...], op: Operation) -> int:
    return math.prod(output) * math.prod(inputs[1][1:])


def _conv_transpose(inputs: Shapes, output: tuple[int, ...], op: Operation) -> int:
    return math.prod(inputs[0]) * math.prod(inputs[1][1:])


def _matmul(inputs: Shapes, output: tuple[int, ...], op: Operation) -> int:
    return math.prod(output) * inputs[0][-1]


def _gemm(inputs: Shapes, output: tuple[int, ...], op: Operation) -> int:
    return math.prod(inputs[0]) * output[-1]  # M times K, in either order, times N


_MACS: Mapping[str, Callable[[Shapes, tuple[int, ...], Operation], int]] = {
    "graph.conv": _conv,
    "graph.conv_transpose": _conv_transpose,
    "graph.matmul": _matmul,
    "graph.gemm": _gemm,
}


# The forecast.


def _forecast(main: func.Function, layers: Sequence[GraphLayer], parameter_bytes: int) -> Forecast | None:
    """Parameters and code, a kernel for every distinct layer with work of its own; the peak of live tensors, and some stack."""
    peak = _peak(main)
    if peak is None:
        return None
    kernels = {(layer.op_type, layer.inputs, layer.outputs): None for layer in layers}
    return Forecast(parameter_bytes + _ENTRY_BYTES + _CODE_BYTES * len(kernels), peak + _STACK_BYTES, peak)


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
    if op.name in _MACS or op.name.endswith("pool"):
        return
    for value in op.operands:
        if live.get(value) == size and last[value] == number:
            del live[value]
            return
