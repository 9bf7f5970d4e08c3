"""What is known of the numbers in a tensor: the values of the lattice of `value_lattice`."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

__all__ = ["Range"]


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, both included and maybe infinite; all whole (or infinite) if `whole`; and NaN if `nan`.

    If `unit` is given, every number is 0 or exactly this, as those of a mask that is multiplied by a constant.
    """

    low: float
    high: float
    whole: bool = False
    nan: bool = False
    unit: float | None = None

    @property
    def is_binary(self) -> bool:
        """Whether every number is 0 or 1. NaN is asked for apart."""
        return self.whole and self.low >= 0 and self.high <= 1

    @property
    def only(self) -> float | None:
        """What every number is that is not 0, if that is known; 0 if all are."""
        return self.low if self.is_constant else 1.0 if self.is_binary else self.unit

    @property
    def is_constant(self) -> bool:
        return self.low == self.high and not self.nan

    @property
    def is_finite(self) -> bool:
        return math.isfinite(self.low) and math.isfinite(self.high)

    def __contains__(self, number: float) -> bool:
        if math.isnan(number):
            return self.nan
        if self.unit is not None and number not in (0, self.unit):
            return False
        return self.low <= number <= self.high and (not self.whole or math.isinf(number) or number == math.floor(number))

    def __or__(self, other: Range) -> Range:
        """The smallest range around both."""
        whole, nan = self.whole and other.whole, self.nan or other.nan
        units = dict.fromkeys(unit for unit in (self.only, other.only) if unit != 0)
        both = Range(min(self.low, other.low), max(self.high, other.high), whole, nan)
        return both.of_one(next(iter(units)) if len(units) == 1 else None)

    def of_one(self, unit: float | None) -> Range:
        """The range with this `unit`, where that says more."""
        return self if self.only is not None else replace(self, unit=unit)

    def __str__(self) -> str:
        kind = "whole numbers" if self.whole else "numbers"
        return f"{kind} from {self.low:g} to {self.high:g}{' or NaN' if self.nan else ''}"
