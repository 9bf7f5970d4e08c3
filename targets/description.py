"""`Target`: everything the compiler asks of a machine.

The numbers come from a file in data/ (see load.py) or from detection (host.py); nothing above this floor tests a target's
name. Sizes are bytes, costs are cycles; a zero means "has none" (`vector_bits`: scalar code only; `flash_bytes` and
`ram_bytes` of a hosted target: not bounded). The one thing to know: `instructions` names what is *worth using*, `features`
is what LLVM is told; the first is never derived from the second.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["Caches", "Costs", "Emulator", "Target", "Toolchain"]


@dataclass(frozen=True, slots=True)
class Caches:
    """Bytes of data cache one core sees at each level; 0 where there is none."""

    l1_bytes: int
    l2_bytes: int
    l3_bytes: int


@dataclass(frozen=True, slots=True)
class Costs:
    """Cycles per f32 operation at full throughput: a scalar one on chips, one vector wide on hosts.

    Without an FPU `fma`, `mul` and `add` are calls into the toolchain's soft-float routines. `integer_mul` is the 32-bit
    product, `branch` a taken one.
    """

    load: float
    store: float
    fma: float
    mul: float
    add: float
    branch: float
    integer_mul: float


@dataclass(frozen=True, slots=True)
class Toolchain:
    """How the linker's toolchain names this machine; it builds the soft-float and 64-bit routines. Empty on hosts."""

    target: str
    cpu: str


@dataclass(frozen=True, slots=True)
class Emulator:
    """Who executes this target's objects: `program` is "unicorn", "qemu-system-arm" or "qemu-riscv64"; empty if nobody does."""

    program: str
    machine: str


@dataclass(frozen=True, slots=True)
class Target:
    """One machine. Field by field: how LLVM names it, how it links, what its core is like, what memory it has."""

    name: str
    description: str
    family: str  # "x86", "aarch64", "arm" or "riscv"

    triple: str  # four parts: with three, LLVM reads "none" as the vendor and takes the wrong float ABI
    cpu: str
    features: tuple[str, ...]  # as LLVM writes them, with their sign: "+m"
    abiname: str  # RISC-V only; without it an object with +f is marked single-float
    pointer_bits: int
    hosted: bool  # an operating system, a C library and Python may be there
    relocation: str  # "static" or "pic"

    vector_bits: int  # widest vector of f32 worth using; of scalable vectors the smallest length the standard allows
    vector_registers: int
    float_registers: int  # scalar f32; on x86 and aarch64 the vector registers
    integer_registers: int  # that generated code can use at once, beside stack and program counter
    has_fpu: bool
    fma: bool  # a multiplication and addition in one instruction, rounded once
    fma_ports: int  # vector (or scalar) FMAs started per cycle
    fma_latency: int
    load_ports: int
    masked_memory: bool  # masked loads and stores that cost as much as plain ones
    unaligned_memory: bool  # unaligned integer loads and stores are single instructions
    instructions: tuple[str, ...]  # worth using: "avx2", "avx512", "vnni", "avxvnni", "dotprod", "i8mm", "smlad", "mve", "rvv", ...

    flash_bytes: int  # of a typical part
    ram_bytes: int
    caches: Caches
    costs: Costs
    toolchain: Toolchain
    emulator: Emulator

    @property
    def feature_string(self) -> str:
        """The features as LLVM's target machine takes them."""
        return ",".join(self.features)

    @property
    def code_model(self) -> str:
        """The code model for LLVM. llvmlite's own default makes RISC-V code reach the toolchain's routines by a table in RAM."""
        return "small"

    @property
    def vector_lanes(self) -> int:
        """f32 lanes of one vector register; 1 on a scalar machine."""
        return max(self.vector_bits // 32, 1)

    def has(self, instruction: str) -> bool:
        """Whether `instruction` is worth using here."""
        return instruction in self.instructions

    def with_memory(self, *, flash_bytes: int | None = None, ram_bytes: int | None = None) -> Target:
        """This target with the memory of the user's own part."""
        return replace(
            self,
            flash_bytes=self.flash_bytes if flash_bytes is None else flash_bytes,
            ram_bytes=self.ram_bytes if ram_bytes is None else ram_bytes,
        )
