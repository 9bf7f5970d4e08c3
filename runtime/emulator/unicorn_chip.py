"""One call on a core that Unicorn has, in this process.

In comes a linked image and placed arguments, out a `Run`. Everything a program may touch is mapped, everything else faults.
The one thing to know: for Arm the machine is made in Thumb mode with a CPU model; the mode that is named after
microcontrollers silently makes every model a Cortex-M33.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from ...errors import CompileError, Diagnostic, InternalError, error
from ...targets.description import Target
from .arguments import PAGE, PAINT, Argument, Array, Region, place
from .counter import BlockCounter, compiled_hooks
from .image import MAP, Image

if TYPE_CHECKING:
    from unicorn import Uc

__all__ = ["Run", "check_installed", "run_unicorn"]

_RETURN = MAP.flash + MAP.flash_bytes - PAGE  # never executed: reaching it ends the run
_FLOAT_ON = 0x6000  # mstatus.FS: without it every float instruction of RISC-V faults


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What one call did."""

    returned: int
    instructions: int
    by_function: dict[str, int]
    stack_bytes: int
    outputs: tuple[Array, ...]


def check_installed(target: Target) -> None:
    """Refuse, before anything is linked, if Unicorn is missing."""
    if not find_spec("unicorn"):
        raise CompileError(error(f"no emulator for {target.name} is installed").help("install it with: pip install intaglio[mcu]"))


def run_unicorn(image: Image, arguments: Sequence[Argument], limit: int, stack_bytes: int) -> Run:
    """Call the image's entry; a fault is reported from a second run that notes every instruction."""
    chip = _Chip(image, arguments, limit, stack_bytes)
    if fault := chip.run():
        if image.target.family == "riscv" and not chip.counter.total > limit:  # Unicorn does not keep their pc
            chip = _Chip(image, arguments, limit, stack_bytes, trace=True)
            fault = chip.run() or fault
        raise CompileError(fault.at(image.where(chip.pc)))
    return Run(chip.result, chip.counter.total, image.by_function(chip.counter.executed), chip.stack_used(), chip.placement.read(chip.read))


class _BadAccess:
    """A hook that notes the access which ends the run. It knows no machine: a cycle would keep whole machines alive."""

    def __init__(self, stack_start: int, stack_size: int, regions: Sequence[Region]) -> None:
        self.stack_start = stack_start
        self.stack_size = stack_size
        self.regions = regions
        self.text = ""

    def __call__(self, _machine: Uc, kind: int, address: int, size: int, _value: int, _data: object) -> bool:
        import unicorn as uc

        writes, jumps = (uc.UC_MEM_WRITE_UNMAPPED, uc.UC_MEM_WRITE_PROT), (uc.UC_MEM_FETCH_UNMAPPED, uc.UC_MEM_FETCH_PROT)
        verb = "write" if kind in writes else "jump" if kind in jumps else "read"
        self.text = f"{verb} of {size} bytes at {address:#x}, {self._nearest(address)}"
        return False

    def _nearest(self, address: int) -> str:
        if self.stack_start - 16 * PAGE <= address < self.stack_start:
            return f"below the stack of {self.stack_size} bytes"
        for region in self.regions:
            if region.start <= address < region.end + PAGE:
                return f"{address - region.address} bytes into {region.name}, which has {len(region.content)}"
        return "where nothing is"


class _Chip:
    """A machine with the image and the arguments in its memory, ready to run once."""

    def __init__(self, image: Image, arguments: Sequence[Argument], limit: int, stack_bytes: int, trace: bool = False) -> None:
        self.image = image
        self.limit = limit
        self.trace = trace
        self.arm = image.target.family == "arm"
        self.machine = _machine(image)
        self.stack_start = MAP.buffers
        self.stack_size = -(-stack_bytes // PAGE) * PAGE
        first = MAP.buffers + self.stack_size + PAGE
        self.placement = place(arguments, first, MAP.end, image.target.pointer_bits // 8)
        self.bad_access = _BadAccess(self.stack_start, self.stack_size, self.placement.regions)
        self._fill()
        self._set_registers()
        self.counter = self._hook()

    @property
    def pc(self) -> int:
        """Where the machine stands; of a RISC-V core only a trace knows."""
        return self.counter.last if not self.arm else self._register("pc") & ~1

    @property
    def result(self) -> int:
        """The first result register."""
        return self._register("r0" if self.arm else "a0")

    def read(self, address: int, size: int) -> bytes:
        """Bytes out of the machine's memory."""
        return bytes(self.machine.mem_read(address, size))

    def stack_used(self) -> int:
        """From the top of the stack to the lowest byte that was written."""
        painted = np.frombuffer(self.read(self.stack_start, self.stack_size), np.uint8)
        touched = np.flatnonzero(painted != PAINT)
        return self.stack_size - int(touched[0]) if touched.size else 0

    def run(self) -> Diagnostic | None:
        """Run to the entry's return; what went wrong otherwise."""
        from unicorn import UcError

        entry = self.image.entry | 1 if self.arm else self.image.entry
        what = "the program stopped before its end"
        try:
            self.machine.emu_start(entry, _RETURN)
        except UcError as fault:
            what = self.bad_access.text or f"the core refused an instruction ({fault})"
        if self.counter.strayed == _RETURN or self._register("pc") & ~1 == _RETURN:
            return None
        if self.counter.strayed is not None:
            return error(f"control left the code, to {self.counter.strayed:#x}")
        if self.counter.total > self.limit:
            return error(f"{self.limit} instructions were executed and no end was reached")
        return error(what)

    def _fill(self) -> None:
        """Map and write code, variables, stack and arguments; the pages between stay unmapped."""
        import unicorn as uc

        code, writable = uc.UC_PROT_READ | uc.UC_PROT_EXEC, uc.UC_PROT_READ | uc.UC_PROT_WRITE
        flash = [s for s in self.image.sections if s.address < MAP.ram]
        ram = [s for s in self.image.sections if s.address >= MAP.ram]
        for sections, start, rights in ((flash, MAP.flash, code), (ram, MAP.ram, writable)):
            end = max((s.address + s.size for s in sections), default=start)
            if end > start:
                self.machine.mem_map(start, -(-(end - start) // PAGE) * PAGE, rights)
            for section in sections:
                self.machine.mem_write(section.address, section.content)
        self.machine.mem_map(_RETURN, PAGE, code)
        self.machine.mem_map(self.stack_start, self.stack_size, writable)
        self.machine.mem_write(self.stack_start, bytes([PAINT]) * self.stack_size)
        for region in self.placement.regions:
            rights = writable if region.writable else uc.UC_PROT_READ
            self.machine.mem_map(region.start, region.end - region.start, rights)
            self.machine.mem_write(region.start, region.image())

    def _set_registers(self) -> None:
        """Pass the words as the C calling convention does: the first in registers, the rest at the stack's top."""
        words, width = self.placement.words, self.image.target.pointer_bits // 8
        registers = [f"r{i}" for i in range(4)] if self.arm else [f"a{i}" for i in range(8)]
        spilled = b"".join(word.to_bytes(width, "little") for word in words[len(registers) :])
        top = self.stack_start + self.stack_size - -(-len(spilled) // 16) * 16
        self.machine.mem_write(top, spilled)
        for register, word in zip(registers, words, strict=False):
            self._set(register, word)
        self._set("sp", top)
        if self.arm:
            self._set("lr", _RETURN | 1)
            return
        self._set("ra", _RETURN)
        self._set("gp", MAP.ram + 0x800)
        if self.image.target.has_fpu:
            self._set("mstatus", _FLOAT_ON)

    def _hook(self) -> BlockCounter:
        """Count blocks, and note the access that faults."""
        import unicorn as uc
        from unicorn.unicorn_py3.unicorn import uclib

        text = self.image.text
        stop_address = ctypes.cast(uclib.uc_emu_stop, ctypes.c_void_p).value or 0
        counter = BlockCounter(text.content, text.address, self.arm, self.limit, self.machine.emu_stop, stop_address)
        hooks = compiled_hooks()
        for kind, address in [(uc.UC_HOOK_BLOCK, hooks.on_block)] + [(uc.UC_HOOK_CODE, hooks.on_instruction)] * self.trace:
            handle = ctypes.c_size_t()
            whole = (ctypes.c_uint64(1), ctypes.c_uint64(0))  # begin after end: all addresses
            status = uclib.uc_hook_add(
                self.machine._uch, ctypes.byref(handle), kind, ctypes.c_void_p(address), ctypes.c_void_p(counter.state_address), *whole
            )
            if status:
                raise InternalError(f"emulator: hook {kind} was refused with status {status}")
        self.machine.hook_add(uc.UC_HOOK_MEM_INVALID, self.bad_access)
        return counter

    def _register(self, name: str) -> int:
        return int(self.machine.reg_read(_register_number(name, self.arm)))

    def _set(self, name: str, value: int) -> None:
        self.machine.reg_write(_register_number(name, self.arm), value)


def _machine(image: Image) -> Uc:
    """The empty machine for the image's target."""
    import unicorn as uc
    from unicorn import arm_const, riscv_const

    target = image.target
    if target.family == "arm":
        machine = uc.Uc(uc.UC_ARCH_ARM, uc.UC_MODE_THUMB)
        machine.ctl_set_cpu_model(getattr(arm_const, f"UC_CPU_ARM_{target.emulator.machine}"))
    else:
        machine = uc.Uc(uc.UC_ARCH_RISCV, uc.UC_MODE_RISCV64 if target.pointer_bits == 64 else uc.UC_MODE_RISCV32)
        machine.ctl_set_cpu_model(getattr(riscv_const, f"UC_CPU_{target.emulator.machine}"))
    return machine


def _register_number(name: str, arm: bool) -> int:
    from unicorn import arm_const, riscv_const

    return int(getattr(arm_const, f"UC_ARM_REG_{name.upper()}") if arm else getattr(riscv_const, f"UC_RISCV_REG_{name.upper()}"))
