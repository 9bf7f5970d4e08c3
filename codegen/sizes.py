"""What a compiled model takes of a machine's memory.

Plain numbers, which code generation finds and everything above it reports. The one thing to know: the caller's inputs and outputs are
not the model's, so the sum of RAM comes without them.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Sizes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Bytes of an object's parts and of what a call needs. `stack_bytes` is None where it is not known."""

    arena_bytes: int = 0
    arena_alignment: int = 1
    text_bytes: int = 0
    constant_bytes: int = 0
    weights_bytes: int = 0
    stack_bytes: int | None = None

    @property
    def flash_bytes(self) -> int:
        """Code, constants and weights."""
        return self.text_bytes + self.constant_bytes + self.weights_bytes

    @property
    def flash_parts(self) -> str:
        """What `flash_bytes` is the sum of, in words."""
        return f"code {self.text_bytes}, constants {self.constant_bytes}, weights {self.weights_bytes}"

    @property
    def ram_bytes(self) -> int:
        """Arena and stack; the caller's inputs and outputs come on top."""
        return self.arena_bytes + (self.stack_bytes or 0)
