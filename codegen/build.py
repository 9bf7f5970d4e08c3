"""A module of the loop stage to an object with its header: what the driver calls.

In: the module, a target, the model's name as a C identifier. Out: a `CompiledObject`. The one thing to know: what a cache keeps is the
object before the weights are put in, so its key needs no look at them and its files stay small.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..dialects import func
from ..targets import abi
from ..targets.description import Target
from . import elf
from .cache import Cache, key
from .header import Facts, Field, header_text
from .llvm.entry import Layout
from .llvm.translate import LlvmModule, translate
from .object import Machine, emit_object
from .stack.frames import deepest, read_frames

__all__ = ["CompiledObject", "build_object"]

_TOOLCHAIN_STACK_BYTES = 64  # what the toolchain's float and integer routines may take below ours, generously


@dataclass(frozen=True, slots=True)
class CompiledObject:
    """A model in machine code: the object, its C header, and what both say in numbers."""

    object: bytes
    header: str
    facts: Facts
    kernels: tuple[str, ...]  # symbols, in the order of the module
    text: str  # the LLVM IR it was made from


def build_object(
    module: func.Module,
    target: Target,
    name: str,
    *,
    profile: bool = False,
    threads: bool = False,
    cache: Cache | None = None,
) -> CompiledObject:
    """Machine code of `module` for `target`; `profile` keeps the probes, `threads` adds the entry for several."""
    translated = translate(module, target, abi.check_name(name), profile=profile, threads=threads)
    machine = Machine.of(target, middle_level=0 if target.hosted else 2)
    data = _emit(translated, machine, cache)
    sizes = _sizes(data)
    if translated.weights:
        alignment = abi.WEIGHTS_ALIGNMENT if target.hosted else 16
        data = elf.with_content(data, translated.weights_section, f"{name}_weights", translated.weights, alignment)
    facts = Facts(
        name=name,
        target=target.name,
        inputs=_fields(translated.layout, "inputs"),
        outputs=_fields(translated.layout, "outputs"),
        arena_bytes=translated.layout.arena_bytes,
        arena_alignment=abi.arena_alignment(target),
        text_bytes=sizes[0],
        constant_bytes=sizes[1],
        weights_bytes=translated.weights_bytes,
        stack_bytes=None if target.hosted else _stack_bytes(data, name),
        sites=translated.sites,
        profile=profile,
        threads=threads,
    )
    return CompiledObject(data, header_text(facts), facts, tuple(kernel.symbol for kernel in translated.kernels), translated.text)


def _emit(translated: LlvmModule, machine: Machine, cache: Cache | None) -> bytes:
    if cache is None:
        return emit_object(translated.text, machine)
    name = key(translated.text, repr(machine), _version())
    data = cache.get(name)
    if data is None:
        data = emit_object(translated.text, machine)
        cache.put(name, data)
    return data


def _version() -> str:
    import llvmlite

    return str(llvmlite.__version__)


def _sizes(data: bytes) -> tuple[int, int]:
    """Bytes of code, and of constants besides the weights, whose stand-in goes away."""
    loaded = [s for s in elf.sections(data) if s.is_loaded and not s.name.startswith((".ARM.ex", ".eh_frame"))]
    code = sum(s.size for s in loaded if s.is_code)
    return code, sum(s.size for s in loaded if not s.is_code and not s.name.endswith("_weights"))


def _stack_bytes(data: bytes, name: str) -> int | None:
    frames = read_frames(data)
    known = {callee: _TOOLCHAIN_STACK_BYTES for frame in frames.values() for callee in frame.calls if callee not in frames}
    return deepest(frames, abi.entry_symbol(name), known)


def _fields(layout: Layout, role: str) -> tuple[Field, ...]:
    from ..dialects.loop.memory import buffer_type

    names = layout.main.argument_names
    values = layout.inputs if role == "inputs" else layout.outputs
    first = 0 if role == "inputs" else len(layout.inputs)
    found = []
    for number, value in enumerate(values):
        type_ = buffer_type(value)
        given = names[first + number] if names else f"{role[:-1]}{number}"
        found.append(Field(given, type_.shape, str(type_.element)))
    return tuple(found)
