"""The checks notice rewrites that are broken on purpose, and nothing else."""

from __future__ import annotations

import pytest

from break_rewrites import BREAKS, Break, caught_by


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.title)
def test_a_broken_rewrite_is_caught(broken: Break) -> None:
    assert caught_by(broken) is not None


def test_nothing_is_caught_where_nothing_is_broken() -> None:
    assert caught_by(None) is None
