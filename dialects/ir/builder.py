"""Putting new operations into a program at a place, with the locations of what they replace."""

from __future__ import annotations

from typing import TypeVar

from .location import UNKNOWN, Location
from .operation import Block, Operation

Op = TypeVar("Op", bound=Operation)


class Builder:
    """Inserts before an operation, or at the end of a block. New operations without a location get the builder's."""

    __slots__ = ("before", "block", "inserted", "location")

    def __init__(self, before: Operation | None = None, block: Block | None = None, location: Location = UNKNOWN) -> None:
        self.before = before
        self.location = location or (before.location if before is not None else UNKNOWN)
        self.inserted: list[Operation] = []
        if block is None and before is not None:
            block = before.block
        assert block is not None, "a builder needs a place"
        self.block = block

    @staticmethod
    def at_end(block: Block, location: Location = UNKNOWN) -> Builder:
        """A builder that appends to `block`."""
        return Builder(block=block, location=location)

    def add(self, op: Op) -> Op:
        """Insert `op` and return it."""
        if not op.location:
            op.location = self.location
        self.block.insert(op, self.before)
        self.inserted.append(op)
        return op
