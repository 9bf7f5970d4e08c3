"""`execute()`: objects for a chip in, what one call of one function did out.

The limits keep it from hanging: instructions everywhere, and seconds where another program executes them. The one thing to
know: counts of cores without FPU include the toolchain's float routines, so they depend on its version.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import CompileError, error
from ...targets.description import Target
from .arguments import Argument, Array, Scratch
from .image import Image, link
from .qemu_chip import run_qemu
from .unicorn_chip import Run, check_installed, run_unicorn

__all__ = ["Execution", "execute"]

_STACK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Execution:
    """What one call did. Instructions are those of the entry, of all it calls, and of its return.

    flash_bytes is code, constants and first values of variables, routines of the toolchain included; ram_bytes is variables,
    stack and scratch, without the caller's inputs and outputs. stack_bytes is what was written to: a bound from below.
    """

    outputs: tuple[Array, ...]
    status: int
    instructions: int
    by_function: dict[str, int]
    stack_bytes: int
    flash_bytes: int
    ram_bytes: int
    borrowed: tuple[str, ...]  # routines the toolchain had to give


def execute(
    target: Target,
    objects: Sequence[bytes],
    entry: str,
    arguments: Sequence[Argument],
    *,
    limit_instructions: int = 20_000_000_000,
    stack_bytes: int = _STACK_BYTES,
) -> Execution:
    """Link `objects` for `target` and call `entry` with `arguments` in an emulator."""
    if not target.emulator.program:
        raise CompileError(
            error(f"{target.name} is not emulated").help("run the model with --target host, or compile it and run it on the machine itself")
        )
    for number, content in enumerate(objects):
        _check_object(target, content, number)
    if target.emulator.program == "unicorn":
        check_installed(target)
        image = link(objects, target, entry)
        run = run_unicorn(image, arguments, limit_instructions, stack_bytes)
    else:
        image, run = run_qemu(target, objects, entry, arguments, limit_instructions, stack_bytes)
    return _report(image, run, sum(a.bytes for a in arguments if isinstance(a, Scratch)))


def _report(image: Image, run: Run, scratch_bytes: int) -> Execution:
    return Execution(
        outputs=run.outputs,
        status=(run.returned & 0xFFFF_FFFF ^ 0x8000_0000) - 0x8000_0000,
        instructions=run.instructions,
        by_function=run.by_function,
        stack_bytes=run.stack_bytes,
        flash_bytes=image.flash_bytes,
        ram_bytes=image.static_ram_bytes + run.stack_bytes + scratch_bytes,
        borrowed=image.borrowed,
    )


def _check_object(target: Target, content: bytes, number: int) -> None:
    machine = {"arm": 40, "riscv": 243}[target.family]
    width = 2 if target.pointer_bits == 64 else 1
    if content[:5] != b"\x7fELF" + bytes([width]) or int.from_bytes(content[18:20], "little") != machine:
        raise CompileError(error(f"object {number} is no ELF object for {target.name}").help("compile it for this target"))
