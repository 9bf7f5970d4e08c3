"""What all functions of one translation share: the target, the text module, the weights, and what is known of each kernel."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...dialects import func
from ...targets import abi
from ...targets.description import Target
from .text import Function, Module, Ref
from .weights import Weights

__all__ = ["ATTRIBUTES", "Kernel", "Parameter", "Turns", "Unit"]

#: `no-builtins` keeps LLVM from making calls of memset and memcpy out of loops.
ATTRIBUTES = 'nounwind noinline "no-builtins"'


@dataclass(frozen=True, slots=True)
class Parameter:
    """What all callers of a kernel promise for one of its buffers, and what the kernel does with it."""

    alignment: int
    alone: bool  # no other buffer that is written, or read if this one is written, shares bytes with it
    written: bool


@dataclass(frozen=True, slots=True)
class Turns:
    """The turns of a kernel's parallel loop: turn t has the counter lower + t * step."""

    lower: int
    step: int
    count: int


@dataclass(frozen=True, slots=True)
class Kernel:
    """A function of the module as its callers see it: turns are None where it is not a function of a range."""

    function: func.Function
    symbol: str
    ref: Ref
    parameters: tuple[Parameter, ...]
    turns: Turns | None


@dataclass(slots=True)
class Unit:
    """One translation."""

    target: Target
    name: str
    module: Module
    weights: Weights
    weights_ref: Ref
    kernels: dict[str, Kernel] = field(default_factory=dict)
    helpers: dict[str, Ref] = field(default_factory=dict)  # functions that translation wrote for itself

    @property
    def attributes(self) -> str:
        """Attributes of every function."""
        wide = self.target.vector_bits >= 512 and self.target.family == "x86"
        return f'{ATTRIBUTES} "prefer-vector-width"="512"' if wide else ATTRIBUTES

    def helper(self, name: str, result: str, parameters: Sequence[str]) -> Function:
        """An inner function of our own, to be filled."""
        symbol = f"{self.name}__{name}"
        section = abi.text_section(self.name, f"_{name}")
        return self.module.function(
            symbol, result, [(p, "") for p in parameters], linkage="internal", attributes=self.attributes, section=section
        )

    def symbol(self, name: str) -> str:
        """A symbol of the model for a function of the module, taken by nobody else."""
        stem = f"{self.name}_{re.sub(r'[^A-Za-z0-9_]', '_', name)}"
        taken = {kernel.symbol for kernel in self.kernels.values()} | {f"{self.name}_{word}" for word in _OURS}
        candidate, number = stem, 1
        while candidate in taken:
            number += 1
            candidate = f"{stem}_{number}"
        return candidate


_OURS = ("run", "run_team", "worker", "share", "weights", "inputs", "outputs", "main")
