"""Pages that are made from the code are as the code is now."""

from __future__ import annotations

import pytest

from pages import PAGES
from sources import ROOT


@pytest.mark.parametrize("name", PAGES)
def test_made_pages_are_fresh(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == PAGES[name](), "run python tests/support/pages.py"
