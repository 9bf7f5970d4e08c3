"""Where every value of `main` lies: an analysis, which changes nothing.

In comes a function of tensor.kernel, view, concat and constant; out goes a place for each value (a piece of memory, an offset in elements,
strides) and the list of operations and operands for which there is none without a copy, which `materialize` then makes.

Wishes run backwards and come first: what is returned wants to lie in the caller's memory, an input of a concatenation in its slice of
the result, and a view hands the wish on to its source. The producer writes there directly. Then places run forwards: a view is another
look at its source if its map is strided. Every element of a piece of memory is written once, so any order of the kernels that respects
the values is right; but for a choice whose background has a border in memory: it is written over that, where all who read it come before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ...dialects.func import Function, Return
from ...dialects.ir.operation import Operation, Value
from ...dialects.ir.types import BufferType, TensorType
from ...dialects.tensor import Concat, Constant, Kernel, View
from ...dialects.tensor.view import tensor_type
from .in_place import is_masked, may_overwrite
from .strided import Strided, respects_order, source_layout, view_layout


@dataclass(frozen=True, slots=True)
class Memory:
    """One piece of memory: a model input or output, a constant, or a block of the arena; `number` counts per kind."""

    kind: Literal["input", "output", "constant", "arena"]
    number: int
    buffer: BufferType


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value lies in a piece of memory."""

    memory: Memory
    layout: Strided

    def buffer(self, type_: TensorType) -> BufferType:
        """The buffer that a value of `type_` is here."""
        return BufferType(type_.extents, type_.element, self.layout.strides)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Operand `operand` of `op` cannot lie where it would have to, and must be copied; without a number it is `op` that has no place."""

    op: Operation
    operand: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Bufferization:
    """The places; complete if there are no refusals."""

    places: dict[Value, Place]
    blocks: tuple[Memory, ...]
    refusals: tuple[Refusal, ...]


def bufferize(function: Function) -> Bufferization:
    """Decide where each value of `function` lies."""
    analysis = _Analysis(function)
    for op in reversed(function.body):
        analysis.wish(op)
    analysis.settle_inputs()
    for op in function.body:
        analysis.settle(op)
    return Bufferization(analysis.places, tuple(analysis.blocks), tuple(analysis.refusals))


def output_buffer(type_: TensorType) -> BufferType:
    """How the caller hands over a model input or output: row-major, without gaps."""
    return BufferType.of(type_.with_order(()))


@dataclass(slots=True)
class _Analysis:
    function: Function
    places: dict[Value, Place] = field(default_factory=dict)
    wishes: dict[Value, Place] = field(default_factory=dict)
    blocks: list[Memory] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    constants: int = 0

    # Backwards: who wants its operands where.

    def wish(self, op: Operation) -> None:
        """Hand the places that `op` wants for its operands to their producers; note those that cannot be had."""
        match op:
            case Return():
                for i, value in enumerate(op.values):
                    buffer = output_buffer(tensor_type(value))
                    self.want(op, i, Place(Memory("output", i, buffer), Strided(0, buffer.strides)))
            case Concat():
                place = self.wishes.get(op.output) or self.fresh(op.output)
                self.wishes[op.output] = place
                for i, layout in enumerate(_slices(op, place.layout)):
                    self.want(op, i, Place(place.memory, layout))

    def want(self, op: Operation, operand: int, place: Place) -> None:
        reason = self.refusal(op.operands[operand], place)
        if reason:
            self.refusals.append(Refusal(op, operand, reason))

    def refusal(self, value: Value, place: Place) -> str:
        """Let `value` be made at `place`; or say why it cannot be."""
        if value in self.wishes:
            return "it is needed in two places"
        match value.owner:
            case Kernel() | Concat():
                reason = "" if respects_order(tensor_type(value), place.layout.strides) else "its layout is another"
            case View() as view:
                layout = source_layout(view, place.layout)
                reason = "it is a view of another shape" if layout is None else self.refusal(view.source, Place(place.memory, layout))
            case Operation() as owner:
                reason = f"{owner.name} makes it"
            case _:
                reason = "it is an input of the model"
        if not reason:
            self.wishes[value] = place
        return reason

    # Forwards: who lies where.

    def settle_inputs(self) -> None:
        for argument in self.function.arguments:
            buffer = output_buffer(tensor_type(argument))
            self.places[argument] = Place(Memory("input", argument.number, buffer), Strided(0, buffer.strides))

    def settle(self, op: Operation) -> None:
        """Give the results of `op` their places."""
        match op:
            case Return():
                return
            case Constant():
                memory = Memory("constant", self.constants, BufferType.of(tensor_type(op.output)))
                self.places[op.output] = Place(memory, Strided(0, memory.buffer.strides))
                self.constants += 1
            case View():
                self.places[op.output] = self.settled_view(op)
            case _:
                for result in op.results:
                    self.places[result] = self.wishes.get(result) or self.overwritten(op) or self.fresh(result)
                if not isinstance(op, Kernel | Concat):
                    self.refusals.append(Refusal(op, None, "it computes outside of a kernel"))

    def settled_view(self, op: View) -> Place:
        source = self.places[op.source]
        layout = view_layout(op, source.layout)
        wish = self.wishes.get(op.output)
        if layout is None:
            self.refusals.append(Refusal(op, None, "its elements are not strided"))
            return wish or self.fresh(op.output)
        return wish or Place(source.memory, layout)

    def overwritten(self, op: Operation) -> Place | None:
        """Where the background of a choice lies inside its border, if only `op` and what comes before it reads that memory."""
        if not isinstance(op, Kernel) or not is_masked(op):
            return None
        for number, value in enumerate(op.inputs):
            place = self.places[value]
            inside = isinstance(value.owner, View) and place.memory.kind == "arena"
            alone = sum(self.places[other].memory == place.memory for other in op.inputs) == 1
            if inside and alone and may_overwrite(op, number) and _behind(op).issuperset(self.readers(place.memory)):
                return place
        return None

    def readers(self, memory: Memory) -> Iterator[Operation]:
        """The kernels that read from a piece of memory, also by views that come later, and whatever else holds on to it."""
        waiting = [value for value, place in self.places.items() if place.memory == memory]
        while waiting:
            for user in waiting.pop().users:
                if isinstance(user, View):
                    waiting.append(user.output)
                else:
                    yield user

    def fresh(self, value: Value) -> Place:
        """A new block of the arena."""
        memory = Memory("arena", len(self.blocks), BufferType.of(tensor_type(value)))
        self.blocks.append(memory)
        return Place(memory, Strided(0, memory.buffer.strides))


def _behind(op: Operation) -> set[Operation]:
    """`op`, and everything that has to run before it."""
    found, waiting = {op}, [op]
    while waiting:
        makers = {value.owner for value in waiting.pop().operands if isinstance(value.owner, Operation)} - found
        found |= makers
        waiting += makers
    return found


def _slices(op: Concat, layout: Strided) -> Iterator[Strided]:
    """Where each input of a concatenation lies."""
    start = 0
    for value in op.inputs:
        yield Strided(layout.offset + start * layout.strides[op.dim], layout.strides)
        start += tensor_type(value).extents[op.dim]


def producers(value: Value) -> Sequence[Operation]:
    """The kernels whose results `value` consists of, through views and concatenations, each once."""
    match value.owner:
        case Kernel() as kernel:
            return (kernel,)
        case View() as view:
            return producers(view.source)
        case Concat() as concat:
            return tuple(dict.fromkeys(op for part in concat.inputs for op in producers(part)))
    return ()
