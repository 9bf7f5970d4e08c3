"""Intaglio compiles ONNX models to machine code: JIT on the host, objects for small chips.

    model = intaglio.compile("model.onnx")
    outputs = model.run({"input": x})
    model.save("build/")                       # intaglio.load("build/model.so") opens it without a compiler

The directory this file stands in is the package: a path and a module name are the same thing. What stands here is imported on first use, so
that `import intaglio` costs nothing and `load` needs NumPy alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .compiler.driver import Model, compile
    from .errors import CompileError, InternalError
    from .runtime.loader import load_library as load

__all__ = ["CompileError", "InternalError", "Model", "compile", "load"]

__version__ = "0.1.0"

_PLACES = {
    "CompileError": ("errors", "CompileError"),
    "InternalError": ("errors", "InternalError"),
    "Model": ("compiler.driver", "Model"),
    "compile": ("compiler.driver", "compile"),
    "load": ("runtime.loader", "load_library"),
}


def __getattr__(name: str) -> object:
    """What is exported, at its first use."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _PLACES[name]
    found: object = getattr(import_module(f".{module}", __name__), attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *_PLACES])
