"""Which versions of which operator sets are read, and which of them a model or function asks for.

ONNX's own operators from opset 7 (2018, the first that most exporters of today's files ever wrote) to the newest that the
installed onnx package describes. Other domains are not refused here: a model may name one and use none of its operators.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from onnx import OperatorSetIdProto, defs

from ...errors import CompileError, Diagnostic, error

__all__ = ["OLDEST", "newest", "operator_sets"]

OLDEST = 7
_ALIASES = {"ai.onnx": ""}


def newest() -> int:
    """The newest opset of the installed onnx package."""
    return defs.onnx_opset_version()


def domain_of(name: str) -> str:
    """A domain by its usual name; ONNX's own has two."""
    return _ALIASES.get(name, name)


def operator_sets(imports: Iterable[OperatorSetIdProto], where: str, around: Mapping[str, int] | None = None) -> dict[str, int]:
    """The version in force for each domain, which are those `around` where a function says nothing else.

    Raises CompileError for versions of ONNX's operators that are not read.
    """
    versions = {**(around or {}), **{domain_of(entry.domain): entry.version for entry in imports}}
    version = versions.setdefault("", 1)  # files from before opsets name none
    if not OLDEST <= version <= newest():
        raise CompileError(_refusal(version).at(where))
    return versions


def _refusal(version: int) -> Diagnostic:
    diagnostic = error(f"the model uses opset {version} of ONNX, and opsets {OLDEST} to {newest()} are read")
    if version > newest():
        return diagnostic.help("install a newer onnx package, or export the model for an older opset")
    return diagnostic.help("convert the model with onnx.version_converter, or export it again for a newer opset")
