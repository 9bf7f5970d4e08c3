"""All constants of a model as one block of bytes, equal ones once.

In: the constants that translation meets. Out: where each stands, and at the end the bytes. The one thing to know: the bytes never pass
through LLVM. The text declares a global of a few bytes that nobody may look into, and `elf.with_content` gives its section the real
content, so that 46 MB of weights cost their copies and nothing else.
"""

from __future__ import annotations

import numpy as np

from ...dialects.ir.attributes import Dense

__all__ = ["Weights"]


class Weights:
    """Grows while a module is translated; offsets are in order of first use."""

    def __init__(self, alignment: int) -> None:
        self.alignment = alignment
        self._offsets: dict[str, int] = {}
        self._parts: list[bytes | memoryview] = []
        self._size = 0

    def place(self, value: Dense) -> int:
        """The offset of `value` in the block."""
        if value.digest not in self._offsets:
            gap = -self._size % self.alignment
            content = np.ascontiguousarray(value.array).reshape(-1).view(np.uint8).data
            self._offsets[value.digest] = self._size + gap
            self._parts += [bytes(gap), content]
            self._size += gap + content.nbytes
        return self._offsets[value.digest]

    @property
    def size(self) -> int:
        return self._size

    def content(self) -> bytes:
        """The block."""
        return b"".join(self._parts)
