"""Another reader of MLIR's text (xDSL, as `xdsl-opt --allow-unregistered-dialect`), to hold our printer against."""

from __future__ import annotations

from functools import cache

from xdsl.context import Context
from xdsl.dialects import get_all_dialects
from xdsl.parser import Parser


@cache
def _context() -> Context:
    context = Context(allow_unregistered=True)
    for name, factory in get_all_dialects().items():
        context.register_dialect(name, factory)
    return context


def read_elsewhere(text: str) -> None:
    """Parse and verify `text` with xDSL, which raises what it does not like."""
    Parser(_context(), text).parse_module().verify()
