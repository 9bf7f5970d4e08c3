"""What a graph is made of: layers with shapes, work and parameters.

In comes a module of the graph dialect, as imported; out comes an `Inspection`. Nothing is compiled. MACs are the
multiply-accumulates of the definition (a convolution's are output elements times input channels of a group times window),
whatever algorithm is chosen later. The one thing to know: a layer is an ONNX node, and all operations that came from it.
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
from ..targets.description import Target
from .forecast import Forecast, forecast

__all__ = ["GraphLayer", "Inspection", "Shape", "inspect_module", "work_by_node"]


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
class Inspection:
    """All layers, the totals of the model (shared parameters once), and the forecast, None where shapes are open."""

    inputs: tuple[tuple[str, Shape], ...]
    outputs: tuple[tuple[str, Shape], ...]
    layers: tuple[GraphLayer, ...]
    macs: int | None
    parameters: int
    parameter_bytes: int
    forecast: Forecast | None


def inspect_module(module: func.Module, target: Target | None = None) -> Inspection:
    """Layers, totals and forecast of `main`, on `target` if it is known."""
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
        forecast=forecast(main, parameter_bytes, target),
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
