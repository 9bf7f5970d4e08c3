"""LLVM IR text to object code or assembly.

In: the text of a module and a `Machine`. Out: bytes of a relocatable object, or assembly. The one thing to know: equal text and machine
give equal bytes, and the calls of all threads run one after another (llvmlite holds one lock around LLVM), so whoever wants two cores to
compile uses processes.

LLVM itself aborts the process on what it cannot select (inline assembly of a foreign target, for one): nothing here can catch that.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ..errors import InternalError
from ..targets.description import Target

if TYPE_CHECKING:
    from llvmlite.binding import ModuleRef, TargetMachine

__all__ = ["Machine", "emit_assembly", "emit_object"]


@dataclass(frozen=True, slots=True)
class Machine:
    """What LLVM must know of the target. The triple has four parts: LLVM is not asked to guess a missing one."""

    triple: str
    cpu: str
    features: tuple[str, ...] = ()
    abiname: str = ""
    relocation: str = "pic"  # or "static"
    codegen_level: int = 2  # of instruction selection and register allocation
    middle_level: int = 0  # of the passes before it: vector kernels gain nothing by them; scalar code and chips do, at 2

    @classmethod
    def of(cls, target: Target, *, codegen_level: int = 2, middle_level: int = 0) -> Machine:
        """The machine that a target description speaks of."""
        return cls(target.triple, target.cpu, target.features, target.abiname, target.relocation, codegen_level, middle_level)


def emit_object(text: str, machine: Machine) -> bytes:
    """The relocatable object (ELF, Mach-O or COFF, as the triple says) of a module."""
    code = _emit(text, machine, as_object=True)
    assert isinstance(code, bytes)
    return code


def emit_assembly(text: str, machine: Machine) -> str:
    """The same code as text, without comments."""
    code = _emit(text, machine, as_object=False)
    assert isinstance(code, str)
    return code


def _emit(text: str, machine: Machine, *, as_object: bool) -> bytes | str:
    import llvmlite.binding as llvm

    _initialize()
    try:
        module = llvm.parse_assembly(text)
        target = llvm.Target.from_triple(machine.triple).create_target_machine(
            cpu=machine.cpu, features=",".join(machine.features), opt=machine.codegen_level, reloc=machine.relocation, codemodel="default",
            abiname=machine.abiname)
        module.triple, module.data_layout = machine.triple, str(target.target_data)
        module.verify()
    except RuntimeError as fault:
        raise _rejected(text, machine, fault) from fault
    target.set_asm_verbosity(False)
    if machine.middle_level:
        _optimize(module, target, machine.middle_level)
    return target.emit_object(module) if as_object else target.emit_assembly(module)


def _optimize(module: ModuleRef, target: TargetMachine, level: int) -> None:
    """LLVM's default pipeline without its vectorisers: vectors are our business, and the result must not depend on its cost model."""
    import llvmlite.binding as llvm

    tuning = llvm.create_pipeline_tuning_options(speed_level=level)
    tuning.loop_vectorization = False
    tuning.slp_vectorization = False
    tuning.loop_interleaving = False
    builder = llvm.create_pass_builder(target, tuning)
    builder.getModulePassManager().run(module, builder)


def _rejected(text: str, machine: Machine, fault: Exception) -> InternalError:
    with tempfile.NamedTemporaryFile("w", prefix="intaglio-", suffix=".ll", delete=False, encoding="utf-8") as file:
        file.write(text)
    reason = f"codegen: LLVM refuses the module for {machine.triple} ({machine.cpu}): {fault}"
    return InternalError(f"{reason}\nthe module is kept in {file.name}")


@cache
def _initialize() -> None:
    """Once for the process; doing it twice at the same time is harmless, LLVM's registries ignore the second."""
    import llvmlite.binding as llvm

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
