"""Traits: what passes may assume of an operation without knowing it."""

from __future__ import annotations


class Trait:
    """Base of all traits; used as classes, never instantiated."""


class Pure(Trait):
    """No effect but its results: may be removed, merged with an equal one, moved, or computed at compile time."""


class Terminator(Trait):
    """Ends a block; its operands are what the region yields."""


class ConstantLike(Trait):
    """Its result is its attribute `value`."""


class Commutative(Trait):
    """The two operands may change places."""


class Elementwise(Trait):
    """Each element of the result depends on the same (broadcast) element of the operands alone."""


class IsolatedFromAbove(Trait):
    """Its regions use no value from outside but their arguments."""


class SymbolTable(Trait):
    """Holds operations that are found by their `sym_name`."""


class DataMovement(Trait):
    """Every element of the results is an element of an operand or of an attribute, or an extent: nothing is computed."""
