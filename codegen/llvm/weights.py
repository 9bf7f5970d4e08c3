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
        self._offsets: dict[object, list[tuple[Dense, int]]] = {}
        self._parts: list[bytes | memoryview] = []
        self._size = 0

    def place(self, value: Dense) -> int:
        """The offset of `value` in the block."""
        alike = self._offsets.setdefault(_looks(value), [])
        for other, offset in alike:
            if other == value:
                return offset
        gap = -self._size % self.alignment
        alike.append((value, self._size + gap))
        content = np.ascontiguousarray(value.array).reshape(-1).view(np.uint8).data
        self._parts += [bytes(gap), content]
        self._size += gap + content.nbytes
        return alike[-1][1]

    @property
    def size(self) -> int:
        return self._size

    def content(self) -> tuple[bytes | memoryview, ...]:
        """The block, in parts: they are joined once, in the object."""
        return tuple(self._parts)


def _looks(value: Dense) -> object:
    """What differs between almost all different constants; only those that look alike are compared by their digests (1 GB/s)."""
    flat = value.array.reshape(-1)
    return value.array.shape, value.array.dtype.str, value.array.dtype.name, flat[:16].tobytes(), flat[-16:].tobytes()
