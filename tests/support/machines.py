"""Targets as code generation wants them, for tests that compile: this machine, and chips by name."""

from __future__ import annotations

from functools import cache

from intaglio.codegen.llvm.text import Abilities
from intaglio.codegen.object import Machine
from intaglio.targets.host import detect_host
from intaglio.targets.load import load_target


@cache
def host() -> Machine:
    return Machine.of(detect_host())


@cache
def chip(name: str) -> Machine:
    return Machine.of(load_target(name))


@cache
def chip_abilities(name: str) -> Abilities:
    return Abilities.of(load_target(name))
