"""One call on a core that only QEMU has: Cortex-M55 on a whole board, RV64 with vectors as a Linux program.

In come objects and arguments, out the image and a `Run`. A start-up program in assembly loads the argument registers, calls
the entry, writes all memory that was handed in to a file or to stdout, and leaves; a fault's handler does the same and adds
the address of the instruction. The one thing to know: QEMU does not refuse writes beside the arguments, so they are found
afterwards in the paint around the buffers.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import CompileError, InternalError, error, printable
from ...targets.cache import cache_folder, write_whole
from ...targets.description import Target
from ...targets.linker import run_zig
from .arguments import PAGE, PAINT, Argument, Placement, place
from .image import MAP, Image, Map, link
from .qemu_sources import ARM_START, COUNTER, RISCV_START
from .unicorn_chip import Run

__all__ = ["run_qemu"]

# On the board only the DDR at 0x60000000 is large enough; the handlers' own stack is in the SRAM.
_BOARD = Map(flash=0x6000_0000, ram=0x6400_0000, buffers=0x6500_0000, end=0x7000_0000, flash_bytes=0x0400_0000, ram_bytes=0x0100_0000)
_BOARD_SPARE_STACK = 0x2000_8000
_PACKAGES = {"qemu-system-arm": "qemu-system-arm", "qemu-riscv64": "qemu-user"}
_FAULT_STATUS, _LIMIT_STATUS, _SECONDS = 99, 98, 600
_HEAD = 4 * PAGE  # words for the way back, then a stack for signal handlers
_STACK_OVERFLOW = 1 << 20  # STKOF in the board's CFSR


@dataclass(frozen=True, slots=True)
class _Memory:
    """What is handed in: a head, the stack over a painted page, the arguments."""

    base: int
    stack_size: int
    stack_pointer: int
    placement: Placement
    content: bytes

    @property
    def stack_start(self) -> int:
        """The lowest byte of the stack."""
        return self.base + _HEAD + PAGE


def run_qemu(
    target: Target, objects: Sequence[bytes], entry: str, arguments: Sequence[Argument], limit: int, stack_bytes: int
) -> tuple[Image, Run]:
    """Call `entry`; the image returned is the plain one, without the start-up program."""
    program = target.emulator.program
    if not shutil.which(program):
        raise CompileError(
            error(f"{target.name} is emulated by {program}, which is not installed").help(
                f"install it, on Debian and Ubuntu with: apt-get install {_PACKAGES[program]}"
            )
        )
    plain = link(objects, target, entry)
    where = _BOARD if target.family == "arm" else MAP
    memory = _memory(target, arguments, where, stack_bytes)
    with tempfile.TemporaryDirectory(prefix="intaglio-") as folder:
        image = _link_around(target, objects, entry, memory, where, Path(folder))
        dump = _execute(target, image, memory, limit, Path(folder))
        executed = _executed(image, (Path(folder) / "blocks.txt").read_text())
    run = Run(
        returned=int.from_bytes(dump[:4], "little"),
        instructions=int(executed.sum()),
        by_function=image.by_function(executed),
        stack_bytes=_stack_used(memory, dump),
        outputs=memory.placement.read(lambda address, size: dump[address - memory.base :][:size], guard=True),
    )
    return plain, run


def _memory(target: Target, arguments: Sequence[Argument], where: Map, stack_bytes: int) -> _Memory:
    base, width, registers = where.buffers, target.pointer_bits // 8, 4 if target.family == "arm" else 8
    stack_size = -(-stack_bytes // PAGE) * PAGE
    top = base + _HEAD + PAGE + stack_size
    placement = place(arguments, top + PAGE, where.end, width)
    spilled = b"".join(word.to_bytes(width, "little") for word in placement.words[registers:])
    stack_pointer = top - -(-len(spilled) // 16) * 16
    end = max((region.end for region in placement.regions), default=top) + PAGE
    content = bytearray([PAINT]) * (end - base)
    content[:_HEAD] = bytes(_HEAD)
    for address, piece in ((stack_pointer, spilled), *((region.start, region.image()) for region in placement.regions)):
        content[address - base : address - base + len(piece)] = piece
    return _Memory(base, stack_size, stack_pointer, placement, bytes(content))


def _link_around(target: Target, objects: Sequence[bytes], entry: str, memory: _Memory, where: Map, folder: Path) -> Image:
    """The objects with the start-up program around them, as "a.elf" in `folder`, and the memory as "memory.bin"."""
    arm = target.family == "arm"
    count = 4 if arm else 8
    words = (memory.placement.words + (0,) * count)[:count]
    text = (ARM_START if arm else RISCV_START).format(
        entry=entry, base=memory.base, size=len(memory.content), words=", ".join(map(str, words)), fault_status=_FAULT_STATUS,
        stack_start=memory.stack_start, stack_pointer=memory.stack_pointer, spare_stack=_BOARD_SPARE_STACK,
        spare_start=memory.base + PAGE, spare_bytes=_HEAD - PAGE,
    )  # fmt: skip
    (folder / "memory.bin").write_bytes(memory.content)
    (folder / "start.S").write_text(text)
    machine = ("-target", target.toolchain.target, f"-mcpu={target.toolchain.cpu}")
    run_zig("cc", *machine, "-I", str(folder), "-c", str(folder / "start.S"), "-o", str(folder / "start.o"))
    region, section = ("VECTORS", "vectors") if arm else ("MEMORY", "chip_memory")
    extent = "ORIGIN = 0, LENGTH = 1K" if arm else f"ORIGIN = {memory.base:#x}, LENGTH = 0x20000000"
    placed = f".{section} : {{ KEEP(*(.{section})) }} > {region}"
    image = link(
        [*objects, (folder / "start.o").read_bytes()], target, entry,
        start="chip_start", where=where, memory=f"{region} : {extent}", sections=placed,
    )  # fmt: skip
    (folder / "a.elf").write_bytes(image.elf)
    (folder / "a.elf").chmod(0o700)  # otherwise qemu-riscv64 ends without a word
    return image


def _execute(target: Target, image: Image, memory: _Memory, limit: int, folder: Path) -> bytes:
    """Run QEMU in `folder`, where the plugin leaves "blocks.txt"; the memory afterwards is returned."""
    at = image.symbols
    plugin = f"{_plugin()},start={image.entry},stop={at['chip_return']},fault={at['chip_fault']},limit={limit}"
    if target.family == "arm":
        options = ["-M", target.emulator.machine, "-display", "none", "-monitor", "none", "-serial", "none", "-kernel", "a.elf"]
        options += ["-semihosting-config", "enable=on,target=native"]
        options += ["-device", f"loader,file=memory.bin,addr={memory.base:#x},force-raw=on", "-plugin", plugin]
    else:
        options = ["-cpu", target.emulator.machine, "-plugin", plugin, "a.elf"]
    try:
        done = subprocess.run([target.emulator.program, *options], cwd=folder, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise CompileError(error(f"{target.emulator.program} did not end within {_SECONDS} s")) from None
    if done.returncode == _LIMIT_STATUS:
        last = int((folder / "blocks.txt").read_text().split()[-1])
        raise CompileError(error(f"{limit} instructions were executed and no end was reached").at(image.where(last)))
    file = folder / "dump.bin"
    dump = done.stdout if target.family == "riscv" else file.read_bytes() if file.exists() else b""
    if done.returncode == _FAULT_STATUS and len(dump) == len(memory.content):
        raise _fault(target, image, memory, dump, int((folder / "blocks.txt").read_text().split()[-1]))
    if done.returncode or len(dump) != len(memory.content):
        fault = error(f"{target.emulator.program} ended with status {done.returncode} before the program did")
        raise CompileError(fault.note(printable(done.stderr.decode(errors="replace").strip()[-500:])))
    return dump


def _fault(target: Target, image: Image, memory: _Memory, dump: bytes, last: int) -> CompileError:
    """The error for what a fault's handler left; `last` is the block in which it happened."""
    pc, cause, address = (int.from_bytes(dump[offset : offset + 8], "little") for offset in (8, 16, 24))
    below = target.family == "riscv" and memory.base - (1 << 20) <= address < memory.stack_start
    if below or (target.family == "arm" and cause & _STACK_OVERFLOW):
        return CompileError(error(f"access below the stack of {memory.stack_size} bytes").at(image.where(pc if below else last)))
    kind = f"fault status {cause:#x}" if target.family == "arm" else f"signal {cause}"
    return CompileError(error(f"the core refused an instruction ({kind}, at {address:#x})").at(image.where(pc)))


def _executed(image: Image, blocks: str) -> NDArray[np.uint64]:
    """Instructions per halfword of the text."""
    counts = np.zeros(len(image.text.content) // 2 + 1, np.uint64)
    for line in blocks.splitlines():
        if line.startswith("block"):
            pc, instructions, times = map(int, line.split()[1:])
            counts[(pc - image.text.address) >> 1] += np.uint64(instructions * times)
    return counts


def _stack_used(memory: _Memory, dump: bytes) -> int:
    """From the top of the stack to the lowest byte that was written."""
    start = memory.stack_start - memory.base
    painted = np.frombuffer(dump[start - PAGE : start + memory.stack_size], np.uint8)
    touched = np.flatnonzero(painted != PAINT)
    used = painted.size - int(touched[0]) if touched.size else 0
    if used > memory.stack_size:
        raise CompileError(error(f"access below the stack of {memory.stack_size} bytes"))
    return used


def _plugin() -> Path:
    """The counting plugin, compiled at its first use."""
    library = cache_folder() / f"qemu-counter-{hashlib.sha256(COUNTER.encode()).hexdigest()[:16]}.so"
    if "," in str(library):
        raise InternalError(f"QEMU takes no comma in a plugin's path: {library}")
    if not library.exists():
        with tempfile.TemporaryDirectory(prefix="intaglio-") as folder:
            source = Path(folder) / "counter.c"
            source.write_text(COUNTER)
            options = ("-shared", "-fPIC", "-O2", "-fno-sanitize=undefined")
            write_whole(library, lambda part: run_zig("cc", *options, "-o", str(part), str(source), seconds=_SECONDS))
    return library
