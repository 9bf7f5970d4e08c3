"""The source tree as the layout tests see it: which files are shipped, what each is called in the package, what it imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_SHIPPED = ("benchmarks", "build", "dist", "docs", "examples", "tests", "typings")


def is_ours(path: Path) -> bool:
    """Not hidden, not generated: something a person wrote and a checkout holds."""
    parts = path.relative_to(ROOT).parts
    generated = parts[0] in ("build", "dist") or any(part == "__pycache__" or part.endswith(".egg-info") for part in parts)
    return not generated and not any(part.startswith(".") and part != ".ci" for part in parts)


def files() -> Iterator[Path]:
    """Every file of the checkout, in order; links are not followed."""
    waiting = [ROOT]
    while waiting:
        for path in sorted(waiting.pop().iterdir()):
            if path.is_symlink() or not is_ours(path):
                continue
            if path.is_dir():
                waiting.append(path)
            else:
                yield path


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module. `level` counts the leading dots; the target of a relative import is spelled out."""

    target: str
    level: int
    line: int


@dataclass(frozen=True, slots=True)
class Module:
    """A file of the package: `name` is `intaglio.passes.tensor.fuse`, a folder's `__init__` has the folder's name."""

    name: str
    path: Path

    @property
    def package(self) -> str:
        """The folder that relative imports start from."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    def imports(self) -> Iterator[Import]:
        """Everything imported anywhere in the file, inside functions and under TYPE_CHECKING too."""
        for node in ast.walk(ast.parse(self.path.read_text(encoding="utf-8"), str(self.path))):
            match node:
                case ast.Import(names=names):
                    yield from (Import(alias.name, 0, node.lineno) for alias in names)
                case ast.ImportFrom(module=module, names=names, level=level):
                    base = self.resolve(module or "", level)
                    # `from ...dialects import graph` imports the module `graph`, `from .text import quote` only `text`
                    targets = {f"{base}.{alias.name}" if f"{base}.{alias.name}" in names_of_modules() else base: None for alias in names}
                    yield from (Import(target, level, node.lineno) for target in targets)
                case ast.Call(func=ast.Name("import_module") | ast.Attribute(attr="import_module"), args=[ast.Constant(str(target)), *_]):
                    yield Import(target, 0, node.lineno)

    def resolve(self, module: str, level: int) -> str:
        """The absolute name that a (relative) import means."""
        if level == 0:
            return module
        base = self.package.split(".")[: len(self.package.split(".")) - level + 1]
        return ".".join([*base, *filter(None, [module])])


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the package."""
    found = []
    for path in files():
        parts = path.relative_to(ROOT).with_suffix("").parts
        if path.suffix == ".py" and parts[0] not in NOT_SHIPPED:
            found.append(Module(".".join(["intaglio", *(part for part in parts if part != "__init__")]), path))
    return tuple(found)


@cache
def names_of_modules() -> frozenset[str]:
    """Their names, for looking one up."""
    return frozenset(module.name for module in modules())
