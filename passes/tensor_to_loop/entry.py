"""The entry function of the loop stage, and the kernels that it calls.

`main` takes the model's inputs, its outputs and the arena, and calls one function per kernel in the planned order. Its `argument_names`
are the names of inputs and outputs and "" for the arena; `result_names` are the outputs' names, so that their number is known.
Kernels that come out as the same text are one function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from ...dialects.func import Function, Module
from ...dialects.ir.attributes import Dense
from ...dialects.ir.builder import Builder
from ...dialects.ir.location import UNKNOWN
from ...dialects.ir.operation import Operation, Value
from ...dialects.ir.printer import print_operation
from ...dialects.ir.types import BufferType, StringType, i8
from ...dialects.loop import Call, Carve, Resource, Subview
from ...dialects.tensor import Constant, Kernel
from ...dialects.tensor.view import tensor_type
from ...errors import CompileError, error
from ...targets.description import Target
from ..memory.liveness import Block, Step, lifetimes, merge_in_place, merged
from ..memory.order import cheapest_order
from ..memory.plan import MemoryPlan, plan_arena
from .bufferize import Bufferization, Memory, Place, bufferize, output_buffer, producers
from .in_place import is_masked, may_overwrite

LowerKernel: TypeAlias = Callable[[Kernel, str, Sequence[BufferType], Sequence[BufferType], Target, int | None], Function]


@dataclass(frozen=True, slots=True)
class MemoryOptions:
    """How the arena is planned. Offsets are multiples of `alignment`; `in_place` lets elementwise kernels overwrite a dead input."""

    alignment: int
    in_place: bool = False


@dataclass(frozen=True, slots=True)
class EntryPlan:
    """The order in which the kernels run and where the blocks of the arena lie; `blocks` and `offsets` are parallel."""

    kernels: tuple[Kernel, ...]
    blocks: tuple[Block, ...]
    memory: MemoryPlan


def alignment_of(target: Target) -> int:
    """Bytes between places in the arena: a cache line on hosts, a vector or a double word on chips."""
    return 64 if target.hosted else max(8, target.vector_bits // 8)


def lower_module(module: Module, lower: LowerKernel, target: Target, options: MemoryOptions) -> EntryPlan:
    """Replace `main`, whose values all have places (see `materialize`), by the entry function and its kernels."""
    main = module.function("main")
    places = bufferize(main)
    assert not places.refusals, "materialize-copies runs before"
    _refuse_strings(places)
    plan = plan_entry(main, places, options)
    entry = _Entry(main, places, plan)
    functions = _Functions(lower, target)
    for kernel in plan.kernels:
        shared = entry.shared_input(kernel)
        entry.call(kernel, functions.get(kernel, entry.types(kernel.inputs), entry.types(kernel.outputs), shared))
    main.erase()
    for function in functions.made:
        module.add(function)
    module.add(entry.function.close([]))
    return plan


def _refuse_strings(places: Bufferization) -> None:
    strings = [value for value in places.places if isinstance(tensor_type(value).element, StringType)]
    if strings:
        raise CompileError(
            error(f"{strings[0].type} is computed, and compiled code has no memory for texts").help("cut the model behind it")
        )


# What lies where in time and in the arena.


def plan_entry(main: Function, places: Bufferization, options: MemoryOptions) -> EntryPlan:
    """Order the kernels and place the blocks of the arena. Kernels that compute no element are left out."""
    kernels = [op for op in main.body if isinstance(op, Kernel) and any(tensor_type(value).elements for value in op.outputs)]
    steps = _steps(kernels, places, options)
    sizes = [memory.buffer.nbytes for memory in places.blocks]
    given = tuple(range(len(steps)))
    orders = tuple(dict.fromkeys((given, cheapest_order(steps, sizes))))
    plans = [_plan_order(steps, sizes, order, options) for order in orders]
    best = min(range(len(orders)), key=lambda i: plans[i][1].arena_bytes)
    return EntryPlan(tuple(kernels[i] for i in orders[best]), *plans[best])


def _plan_order(
    steps: Sequence[Step], sizes: Sequence[int], order: Sequence[int], options: MemoryOptions
) -> tuple[tuple[Block, ...], MemoryPlan]:
    blocks = lifetimes(steps, sizes, order)
    holder = merge_in_place(steps, blocks, order)
    plan = plan_arena(merged(blocks, holder), options.alignment)
    offsets = tuple(plan.offsets[root] for root in holder)
    return blocks, MemoryPlan(offsets, plan.arena_bytes, plan.bound_bytes)


def _steps(kernels: Sequence[Kernel], places: Bufferization, options: MemoryOptions) -> list[Step]:
    numbers: dict[Operation, int] = {kernel: i for i, kernel in enumerate(kernels)}
    return [
        Step(
            reads=_arena_blocks(kernel.inputs, places),
            writes=_arena_blocks(kernel.outputs, places),
            needs=tuple(dict.fromkeys(numbers[op] for value in kernel.inputs for op in producers(value) if op in numbers)),
            in_place=_in_place_pairs(kernel, places) if options.in_place or is_masked(kernel) else (),
        )
        for kernel in kernels
    ]


def _arena_blocks(values: Sequence[Value], places: Bufferization) -> tuple[int, ...]:
    memories = [places.places[value].memory for value in values]
    return tuple(dict.fromkeys(memory.number for memory in memories if memory.kind == "arena"))


def _in_place_pairs(kernel: Kernel, places: Bufferization) -> tuple[tuple[int, int], ...]:
    """(block of an input, block of the result) that may be one: both whole blocks of the same buffer type, read by one input only."""
    result = places.places[kernel.outputs[0]]
    pairs = []
    for i, value in enumerate(kernel.inputs):
        source = places.places[value]
        readers = sum(places.places[other].memory == source.memory for other in kernel.inputs)
        whole = source.buffer(tensor_type(value)) == source.memory.buffer == result.memory.buffer
        if readers == 1 and whole and source.memory.kind == result.memory.kind == "arena" and may_overwrite(kernel, i):
            pairs.append((source.memory.number, result.memory.number))
    return tuple(pairs)


# The entry function.


class _Entry:
    """Builds `main`: buffers are made where they are first needed."""

    def __init__(self, main: Function, places: Bufferization, plan: EntryPlan) -> None:
        self.places = places.places
        self.offsets = plan.memory.offsets
        inputs = [output_buffer(tensor_type(a)) for a in main.arguments]
        outputs = [output_buffer(tensor_type(v)) for v in main.returned]
        arena = BufferType((plan.memory.arena_bytes,), i8, (1,))
        names = main.argument_names or tuple(f"input_{i}" for i in range(len(inputs)))
        results = main.result_names or tuple(f"output_{i}" for i in range(len(outputs)))
        self.function = Function.make("main", [*inputs, *outputs, arena], (*names, *results, ""), results, main.location)
        self.build = Builder.at_end(self.function.body)
        self.constants = _constants(main)
        self.resources: dict[Dense, Value] = {}
        self.memories: dict[Memory, Value] = {}
        self.buffers: dict[tuple[Place, BufferType], Value] = {}
        self.inputs = len(inputs)

    def types(self, values: Sequence[Value]) -> list[BufferType]:
        return [self.places[value].buffer(tensor_type(value)) for value in values]

    def shared_input(self, kernel: Kernel) -> int | None:
        """The input that lies where the only result does: in its place, or in a block whose memory the plan gave to the result's."""
        place = self.places[kernel.outputs[0]]
        result = place.memory
        for number, value in enumerate(kernel.inputs):
            if self.places[value] == place:
                return number
            source = self.places[value].memory
            both = source.kind == result.kind == "arena" and source.number != result.number and source.buffer.nbytes > 0
            if both and self.offsets[source.number] == self.offsets[result.number]:
                return number
        return None

    def call(self, kernel: Kernel, function: Function) -> None:
        """Append the call of `function`, which is what became of `kernel`."""
        buffers = [self.buffer(value) for value in (*kernel.inputs, *kernel.outputs)]
        call = Call(buffers, callee=function.sym_name)
        call.location = kernel.location
        self.build.add(call)

    def buffer(self, value: Value) -> Value:
        """The buffer of a value, made once for all values that look the same."""
        place = self.places[value]
        type_ = place.buffer(tensor_type(value))
        key = (place, type_)
        if key not in self.buffers:
            base = self.memory(place.memory)
            is_base = base.type == type_ and place.layout.offset == 0
            self.buffers[key] = base if is_base else self.build.add(Subview(base, type=type_, offset=place.layout.offset)).output
        return self.buffers[key]

    def memory(self, memory: Memory) -> Value:
        """The whole piece of memory."""
        if memory not in self.memories:
            self.memories[memory] = self.make_memory(memory)
        return self.memories[memory]

    def make_memory(self, memory: Memory) -> Value:
        arguments = self.function.arguments
        match memory.kind:
            case "input":
                return arguments[memory.number]
            case "output":
                return arguments[self.inputs + memory.number]
            case "arena":
                return self.build.add(Carve(arguments[-1], type=memory.buffer, offset=self.offsets[memory.number])).output
        return self.resource(_laid_out(self.constants[memory.number]))

    def resource(self, value: Dense) -> Value:
        if value not in self.resources:
            self.resources[value] = self.build.add(Resource(value=value)).output
        return self.resources[value]


def _constants(main: Function) -> list[Constant]:
    return [op for op in main.body if isinstance(op, Constant)]


def _laid_out(constant: Constant) -> Dense:
    """The elements in the order in which they lie in memory."""
    return Dense(np.ascontiguousarray(constant.value.array.transpose(constant.order))) if constant.order else constant.value


# Kernels.


@dataclass(slots=True)
class _Functions:
    """Lowers kernels; equal ones once."""

    lower: LowerKernel
    target: Target
    made: list[Function] = field(default_factory=list)
    by_kernel: dict[str, Function] = field(default_factory=dict)
    by_text: dict[str, Function] = field(default_factory=dict)

    def get(self, kernel: Kernel, inputs: Sequence[BufferType], outputs: Sequence[BufferType], shared: int | None) -> Function:
        """The function for `kernel` on buffers of these types, whose result may lie where input `shared` lies."""
        key = "\n".join([*map(str, inputs), "->", *map(str, outputs), str(shared), _text(kernel)])
        if key not in self.by_kernel:  # saves lowering, which takes most of the time
            self.by_kernel[key] = self.lowered(kernel, inputs, outputs, shared)
        return self.by_kernel[key]

    def lowered(self, kernel: Kernel, inputs: Sequence[BufferType], outputs: Sequence[BufferType], shared: int | None) -> Function:
        name = f"kernel_{len(self.made)}"
        function = self.lower(kernel, name, inputs, outputs, self.target, shared)
        function.sym_name = ""
        found = self.by_text.setdefault(_text(function), function)
        if found is function:
            function.sym_name = name
            self.made.append(function)
        return found


def _text(op: Operation) -> str:
    """`op` as text without locations; large constants are their digests."""
    copy = op.clone({})
    for inner in copy.walk():
        inner.location = UNKNOWN
    return print_operation(copy, resources=False)
