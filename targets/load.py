"""Targets by name. `load_target("cortex-m4")` reads data/cortex-m4.toml; `"host"` is detected.

In goes a name, out comes a `Target`. A file has the fields of `Target` as keys, except `name`, which is the file's own
name, with the tables `caches`, `costs`, `toolchain` and `emulator`. Every key must be there and have its type: a file with
a slip is refused as a whole, with all of its faults.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from ..errors import CompileError, Diagnostic, error, quote
from .description import Caches, Costs, Emulator, Target, Toolchain
from .host import detect_host

__all__ = ["load_target", "parse_target", "target_names"]

_RECORDS = {"Caches": Caches, "Costs": Costs, "Toolchain": Toolchain, "Emulator": Emulator}
_PLAIN: Mapping[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "str": (str,), "bool": (bool,), "tuple[str, ...]": (list,)}


@cache
def target_names() -> tuple[str, ...]:
    """Every name `load_target` knows: "host" first, then the data files in alphabetical order."""
    stems = (f.name.removesuffix(".toml") for f in _data().iterdir() if f.name.endswith(".toml"))
    return ("host", *sorted(stems))


@cache
def load_target(name: str) -> Target:
    """The target of this name."""
    if name == "host":
        return detect_host()
    if name not in target_names():
        near = get_close_matches(name, target_names(), 3, 0.4) or target_names()
        raise CompileError(error(f"no target is named {quote(name)}").help(f"take one of: {', '.join(near)}; 'intaglio targets' lists all"))
    return parse_target(name, _data().joinpath(f"{name}.toml").read_text("utf-8"))


def parse_target(name: str, text: str) -> Target:
    """The target that a data file's text describes."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise CompileError(error(f"target file is not TOML: {fault}").at(f"{name}.toml")) from None
    table["name"] = name
    if faults := [f.at(f"{name}.toml") for f in _faults(Target, table, "")]:
        raise CompileError.of(faults)
    return Target(**{f.name: _value(table[f.name], str(f.type)) for f in fields(Target)})


def _faults(record: type, table: Mapping[str, object], prefix: str) -> Iterator[Diagnostic]:
    """What is wrong with `table` as the fields of `record`."""
    wanted = {f.name: str(f.type) for f in fields(record)}
    for key in table:
        if key not in wanted:
            near = get_close_matches(key, wanted, 1)
            yield error(f"unknown key {quote(prefix + key)}").help(f"did you mean {near[0]!r}?" if near else "remove it")
    for key, kind in wanted.items():
        value = table.get(key)
        if value is None:
            yield error(f"key {quote(prefix + key)} is missing")
        elif kind in _RECORDS and isinstance(value, dict):
            yield from _faults(_RECORDS[kind], value, f"{prefix}{key}.")
        elif kind in _RECORDS or not _fits(value, kind):
            yield error(f"key {quote(prefix + key)} is {value!r}, which is no {kind}")


def _fits(value: object, kind: str) -> bool:
    if isinstance(value, bool) and kind != "bool":  # Python's bool is an int, TOML's is not
        return False
    return isinstance(value, _PLAIN[kind]) and (not isinstance(value, list) or all(isinstance(v, str) for v in value))


def _value(value: object, kind: str) -> Any:  # checked by _faults
    if isinstance(value, dict):
        return _RECORDS[kind](**value)
    return tuple(value) if isinstance(value, list) else value


def _data() -> Traversable:
    return files(__package__).joinpath("data")
