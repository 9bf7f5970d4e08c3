"""The pass `canonicalize`: everything that is simpler and always better, as the operations' own classes say it."""

from __future__ import annotations

from dataclasses import dataclass

from ...dialects.func import Module
from ..manager import Pass, Report
from ..rewrite import rewrite_greedily


@dataclass(frozen=True)
class Canonicalize(Pass, name="canonicalize"):
    """Apply folding and the rewrites registered with `@canonicalize` until nothing changes; remove dead operations.

    Before: `%1 = tensor.view(%0) by (d0) -> (d0)`, used by `%2 = tensor.compute(%1)`. After: `%2 = tensor.compute(%0)`.

    Runs on: all stages. Needs: nothing. Leaves: what has an effect.
    """

    def run(self, module: Module, report: Report) -> None:
        rewrite_greedily(module, (), report, canonicalize=True)
