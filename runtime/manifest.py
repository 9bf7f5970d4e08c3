"""What is to be known of a compiled model to call it: names, shapes, element types, sizes.

In: the JSON that stands beside a saved library, or that code generation gives. Out: a `Manifest`. The one thing to know: a manifest comes
from a file, so every field is checked here before anybody allocates what it says.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from ..errors import CompileError, error, printable, quote
from ..targets import abi

__all__ = ["FORMAT", "Manifest", "Port"]

FORMAT = 1
_MAX_BYTES = 1 << 40
_PLAIN = {"f64": "float64", "f32": "float32", "f16": "float16", "i1": "bool", "index": "int64"}
_NARROW = {
    "bf16": "bfloat16",
    "i4": "int4",
    "ui4": "uint4",
    "f8E4M3FN": "float8_e4m3fn",
    "f8E4M3FNUZ": "float8_e4m3fnuz",
    "f8E5M2": "float8_e5m2",
    "f8E5M2FNUZ": "float8_e5m2fnuz",
    "f8E8M0FNU": "float8_e8m0fnu",
    "f4E2M1FN": "float4_e2m1fn",
}


@cache
def _dtype(element: str) -> np.dtype[Any]:
    """NumPy's type of an element. Raises KeyError; formats that NumPy does not have need ml_dtypes."""
    if element in _NARROW:
        import ml_dtypes

        narrow: np.dtype[Any] = np.dtype(getattr(ml_dtypes, _NARROW[element]))
        return narrow
    if element in _PLAIN:
        return np.dtype(_PLAIN[element])
    if element in {f"{sign}i{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}:
        return np.dtype(f"{'u' if element[0] == 'u' else ''}int{element.lstrip('ui')}")
    raise KeyError(element)


@dataclass(frozen=True)
class Port:
    """An input or output; `element` is the IR's name of its type."""

    name: str
    shape: tuple[int, ...]
    element: str

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        return _dtype(self.element)

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{self.dtype}[{' x '.join(map(str, self.shape))}]"


@dataclass(frozen=True, slots=True)
class Manifest:
    """A compiled model: `name` is the prefix of its symbols, `sites` counts its probes, `profile` and `threads` say how it was built."""

    name: str
    target: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    arena_bytes: int
    arena_alignment: int
    sites: int = 0
    profile: bool = False
    threads: bool = False

    def to_json(self) -> str:
        """The manifest as it is saved."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> Manifest:
        """The manifest that `to_json` wrote. Raises CompileError if it is damaged."""
        try:
            return cls.from_mapping(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
            message = f"{type(fault).__name__}: {fault}"
            raise CompileError(error(f"the manifest is damaged: {printable(message[:200])}").help("save the model again")) from fault

    @classmethod
    def from_mapping(cls, fields: Mapping[str, Any]) -> Manifest:
        """From plain values. Raises ValueError, KeyError or TypeError if they make no sense."""
        if fields.get("format", FORMAT) != FORMAT:
            raise ValueError(f"format {fields['format']!r}, and this version reads {FORMAT}")
        alignment = _natural(fields, "arena_alignment")
        if alignment < 1 or alignment & (alignment - 1):
            raise ValueError(f"the arena is aligned to {alignment}")
        return cls(
            name=abi.check_name(fields["name"]),
            target=str(fields["target"]),
            inputs=_ports(fields["inputs"]),
            outputs=_ports(fields["outputs"]),
            arena_bytes=_natural(fields, "arena_bytes"),
            arena_alignment=alignment,
            sites=_natural(fields, "sites"),
            profile=bool(fields["profile"]),
            threads=bool(fields["threads"]),
        )


def _natural(fields: Mapping[str, Any], key: str) -> int:
    value = fields[key]
    if not isinstance(value, int) or not 0 <= value <= _MAX_BYTES:
        raise ValueError(f"{key} is {value!r}")
    return value


def _ports(entries: Any) -> tuple[Port, ...]:
    ports = tuple(Port(str(entry["name"]), tuple(map(int, entry["shape"])), str(entry["element"])) for entry in entries)
    for port in ports:
        if min(port.shape, default=0) < 0 or port.nbytes > _MAX_BYTES:
            raise ValueError(f"{quote(port.name)} has the shape {port.shape}")
    return ports
