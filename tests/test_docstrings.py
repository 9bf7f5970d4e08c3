"""Examples in docstrings are executed."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

from sources import Module, modules

EXAMPLES = [module for module in modules() if ">>> " in module.path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("module", EXAMPLES, ids=lambda module: module.name)
def test_docstring_examples(module: Module) -> None:
    failed, tried = doctest.testmod(import_module(module.name))
    assert tried, f"{module.path} has examples that doctest does not find"
    assert not failed
