"""A module of the loop stage as LLVM IR.

In: `main` and its kernels. Out: `LlvmModule`, the text with what belongs beside it. One function per kernel, named NAME_<kernel> and never
inlined, so that profilers and emulators see it; kernels that are alike in every caller's eyes keep the promises of all callers: how
buffers are aligned, and whether they share memory. The one thing to know: promises about memory (`noalias`) are made from the places
that `main` passes, so a kernel that works in place is told so and stays right.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...dialects import arith, func, loop
from ...dialects.ir.operation import Argument, Operation, Value
from ...dialects.loop.memory import buffer_type
from ...errors import InternalError
from ...targets import abi
from ...targets.description import Target
from . import arithmetic, control, functions, memory, vectors
from .emitter import Emitter, Place
from .entry import Layout, write_entry, write_lone_team_entry, write_team_entry
from .text import Abilities, Module, Ref
from .unit import Kernel, Parameter, Turns, Unit
from .weights import Weights

__all__ = ["LlvmModule", "layout_of", "translate"]

_FAMILIES = (arithmetic, control, functions, memory, vectors)  # their import registers the rules
_STAND_IN_BYTES = 64  # what the text declares of the weights


@dataclass(frozen=True, slots=True)
class LlvmModule:
    """Text, the weights' section in parts (none if there are no weights), and facts for header and manifest."""

    text: str
    weights: tuple[bytes | memoryview, ...]
    weights_bytes: int
    weights_section: str
    layout: Layout
    kernels: tuple[Kernel, ...]
    sites: int
    threads: bool


def translate(module: func.Module, target: Target, name: str, *, profile: bool = False, threads: bool = False) -> LlvmModule:
    """LLVM IR for `target` of a model called `name`; `profile` keeps probes, `threads` adds the entry for several."""
    layout = layout_of(module)
    text = Module(Abilities.of(target))
    alignment = abi.WEIGHTS_ALIGNMENT if target.hosted else 16
    section = abi.weights_section(name)
    weights_ref = Ref(f"@{name}_weights", "ptr")
    unit = Unit(target, name, text, Weights(alignment), weights_ref)
    functions_ = [f for f in module.functions() if f is not layout.main]
    promises = _promises(module, layout, unit)
    for function in functions_:
        unit.kernels[function.sym_name] = _declare(unit, function, promises)
    for kernel in unit.kernels.values():
        _write_kernel(unit, kernel)
    write_entry(unit, layout, profile)
    if threads and _can_share(unit, layout):
        write_team_entry(unit, layout, profile)
    elif threads:
        write_lone_team_entry(unit, profile)
    weights = unit.weights.content()
    if weights:
        text.stand_in(f"{name}_weights", _STAND_IN_BYTES, alignment, section=section)
    sites = 1 + max((op.site for op in layout.main.walk() if isinstance(op, loop.Probe)), default=-1)
    return LlvmModule(
        str(text), weights, unit.weights.size, section if weights else "", layout, tuple(unit.kernels.values()), sites, threads
    )


# Roles and promises.


def layout_of(module: func.Module) -> Layout:
    """Inputs, outputs and arena of `main`. Its result names count the outputs; without names they are the last buffers that it writes."""
    main = module.function("main")
    if not main.arguments:
        raise InternalError("codegen: main has no arena")
    *buffers, arena = main.arguments
    if main.result_names:
        outputs = len(main.result_names)
    else:
        written = _written(module, main)
        outputs = 0
        while outputs < len(buffers) and written[len(buffers) - 1 - outputs]:
            outputs += 1
    split = len(buffers) - outputs
    return Layout(main, tuple(buffers[:split]), tuple(buffers[split:]), arena)


def _root(value: Value) -> Value:
    """The buffer that a view looks into."""
    owner = value.owner
    while isinstance(owner, loop.Subview | loop.Carve):
        value = owner.source if isinstance(owner, loop.Subview) else owner.arena
        owner = value.owner
    return value


def _written(module: func.Module, function: func.Function) -> list[bool]:
    """Which arguments a function writes, by itself or by calls."""
    found = [False] * len(function.arguments)
    for value in _stores(module, function):
        root = _root(value)
        if isinstance(root, Argument) and root.block is function.body:
            found[root.number] = True
    return found


def _stores(module: func.Module, function: func.Function) -> Iterator[Value]:
    for op in function.walk():
        if isinstance(op, loop.Store):
            yield op.buffer
        elif isinstance(op, loop.Call):
            yield from (v for v, writes in zip(op.buffers, _written(module, module.function(op.callee)), strict=True) if writes)


def _promises(module: func.Module, layout: Layout, unit: Unit) -> dict[str, list[Parameter]]:
    """What every call keeps to, by kernel."""
    promises: dict[str, list[Parameter]] = {}
    written = {f.sym_name: _written(module, f) for f in module.functions()}
    for caller in module.functions():
        for op in caller.walk():
            if isinstance(op, loop.Call):
                kept = _kept(op, written[op.callee], unit, layout if caller is layout.main else None)
                before = promises.get(op.callee)
                promises[op.callee] = kept if before is None else [_both(a, b) for a, b in zip(before, kept, strict=True)]
    return promises


def _both(a: Parameter, b: Parameter) -> Parameter:
    return Parameter(math.gcd(a.alignment, b.alignment), a.alone and b.alone, a.written)


def _kept(call: loop.Call, written: Sequence[bool], unit: Unit, layout: Layout | None) -> list[Parameter]:
    """What one call keeps to; inside of kernels (no layout) only the least is known."""
    ranges = [_extent(v, unit, layout) for v in call.buffers]
    kept = []
    for i, (value, mine) in enumerate(zip(call.buffers, ranges, strict=True)):
        meets = any((written[i] or written[j]) and _overlap(mine, other) for j, other in enumerate(ranges) if j != i)
        itemsize = buffer_type(value).element.dtype.itemsize
        kept.append(Parameter(mine.alignment if layout else itemsize, layout is not None and not meets, written[i]))
    return kept


@dataclass(frozen=True, slots=True)
class _Extent:
    """Bytes `begin` to before `end` of what `root` names."""

    root: object
    begin: int
    end: int
    alignment: int


def _extent(value: Value, unit: Unit, layout: Layout | None) -> _Extent:
    begin, at = 0, value
    while isinstance(owner := at.owner, loop.Subview | loop.Carve):
        if isinstance(owner, loop.Subview):
            begin, at = begin + owner.offset * buffer_type(at).element.dtype.itemsize, owner.source
        else:
            begin, at = begin + owner.offset, owner.arena
    base = buffer_type(at).element.dtype.itemsize
    if isinstance(owner, loop.Resource):
        base = unit.weights.alignment
    elif layout is not None and at is layout.arena:
        base = abi.arena_alignment(unit.target)
    return _Extent(at, begin, begin + buffer_type(value).nbytes, math.gcd(base, begin))


def _overlap(a: _Extent, b: _Extent) -> bool:
    return a.root is b.root and a.begin < b.end and b.begin < a.end


# Kernels.


def _declare(unit: Unit, function: func.Function, promises: dict[str, list[Parameter]]) -> Kernel:
    symbol = unit.symbol(function.sym_name)
    parameters = promises.get(function.sym_name) or [Parameter(1, False, True) for _ in function.arguments]
    return Kernel(function, symbol, Ref(f"@{symbol}", "ptr"), tuple(parameters), _turns(function))


def _turns(function: func.Function) -> Turns | None:
    """What the threads of a team share: the only thing a kernel does at its outermost level, with constant bounds."""
    working = [op for op in function.body if not isinstance(op, _SETTING | func.Return)]
    if len(working) == 1 and isinstance(working[0], loop.Share):
        return Turns(0, 1, working[0].parts)
    if len(working) != 1 or not isinstance(working[0], loop.Parallel):
        return None
    loop_ = working[0]
    bounds = [_constant(v) for v in (loop_.lower, loop_.upper)]
    if bounds[0] is None or bounds[1] is None:
        return None
    return Turns(bounds[0], loop_.step, max(0, -(-(bounds[1] - bounds[0]) // loop_.step)))


_SETTING = arith.Constant | loop.Resource | loop.Subview | loop.Alloca | loop.Apply | loop.Iota | loop.Broadcast


def _can_share(unit: Unit, layout: Layout) -> bool:
    """Whether a team has something to do, and `main` does nothing itself: every thread goes through it."""
    calls = [op for op in layout.main.body if isinstance(op, loop.Call)]
    plain = all(isinstance(op, loop.Call | loop.Carve | loop.Probe | func.Return | _SETTING) for op in layout.main.body)
    return plain and any(unit.kernels[op.callee].turns for op in calls)


def _constant(value: Value) -> int | None:
    owner = value.owner
    return int(owner.value.value) if isinstance(owner, arith.Constant) else None


def _write_kernel(unit: Unit, kernel: Kernel) -> None:
    function, word = kernel.function, f"i{unit.target.pointer_bits}"
    described = [("ptr", _described(p)) for p in kernel.parameters] + [(word, "")] * (2 if kernel.turns else 0)
    section = abi.text_section(unit.name, kernel.symbol.removeprefix(f"{unit.name}_"))
    f = unit.module.function(kernel.symbol, "void", described, linkage="internal", attributes=unit.attributes, section=section)
    e = Emitter(unit, f)
    for argument, ref, parameter in zip(function.arguments, f.parameters, kernel.parameters, strict=False):
        e.places[argument] = Place(ref, 0, max(parameter.alignment, buffer_type(argument).element.dtype.itemsize))
    for op in function.walk():
        if isinstance(op, loop.Alloca):
            memory.allocate(e, op)
    for op in function.body:
        _outermost(e, op, kernel, f.parameters[-2:])
    f.ret()


def _outermost(e: Emitter, op: Operation, kernel: Kernel, bounds: Sequence[Ref]) -> None:
    if isinstance(op, func.Return):
        return
    if isinstance(op, loop.Parallel) and kernel.turns is not None:
        control.some_turns(e, op, kernel.turns, bounds[0], bounds[1])
    elif isinstance(op, loop.Share) and kernel.turns is not None:
        control.some_parts(e, op, bounds[0], bounds[1])
    else:
        e.operation(op)


def _described(parameter: Parameter) -> str:
    words = ["noalias"] * parameter.alone + ["nonnull"] + ["readonly"] * (not parameter.written) + [f"align {parameter.alignment}"]
    return " ".join(words)
