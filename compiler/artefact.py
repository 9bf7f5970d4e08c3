"""What a compilation leaves: the object and everything that is said about it.

An `Artefact` is plain data: it is kept on disk, saved beside a library, run on the host or in the emulator, and none of that needs the
model again. The one thing to know: `encode` and `decode` are exact inverses, and a change to what they write needs another FORMAT,
which parts old entries of the cache from new ones.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..codegen.sizes import Sizes
from .masks import Region, region_from

if TYPE_CHECKING:
    import numpy as np

__all__ = ["FORMAT", "Artefact", "Layer", "Manifest", "Port", "decode", "encode"]

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output: the user's name, extents (None where open), the names of open extents, the element type as the IR writes it."""

    name: str
    shape: tuple[int | None, ...]
    element: str
    dims: tuple[str, ...] = ()

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The element type as NumPy has it."""
        from ..dialects.ir.types import parse_scalar

        return parse_scalar(self.element).dtype

    @property
    def is_static(self) -> bool:
        """Whether every extent is known."""
        return None not in self.shape

    @property
    def extents(self) -> tuple[int | str | None, ...]:
        """The shape with names in place of unknown extents where there are any."""
        names = self.dims or ("",) * len(self.shape)
        return tuple(name or None if extent is None else extent for extent, name in zip(self.shape, names, strict=True))


@dataclass(frozen=True, slots=True)
class Layer:
    """One call of a kernel: its symbol, the ONNX nodes that it computes (name, operator), their work, and the bytes it reads and writes."""

    kernel: str
    nodes: tuple[tuple[str, str], ...]
    macs: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Manifest(Sizes):
    """Everything about an object but its bytes. `external` are the digests of data files.

    The last `observed` of the outputs are values that the model itself does not return.
    """

    name: str
    target: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    threads: bool = False
    profile: bool = False
    sites: int = 0
    kernels: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()
    remarks: tuple[str, ...] = ()
    external: tuple[tuple[str, str], ...] = ()
    observed: int = 0
    regions: tuple[Region, ...] = ()

    def record(self) -> dict[str, Any]:
        """The manifest as JSON's values."""
        return {"format": FORMAT, **asdict(self), "flash_bytes": self.flash_bytes, "ram_bytes": self.ram_bytes}


@dataclass(frozen=True, slots=True)
class Artefact:
    """The object, its C header, the LLVM IR it was made from. A model with open extents has no code yet and an empty object."""

    manifest: Manifest
    object: bytes = b""
    header: str = ""
    text: str = ""


def encode(artefact: Artefact) -> bytes:
    """The artefact without its object as bytes: three lengths, then manifest, header and LLVM IR."""
    parts = [json.dumps(artefact.manifest.record()).encode(), artefact.header.encode(), artefact.text.encode()]
    return struct.pack("<3Q", *map(len, parts)) + b"".join(parts)


def decode(data: bytes, object_code: bytes) -> Artefact:
    """What `encode` wrote, with its object. Raises ValueError, KeyError or struct.error for anything else."""
    lengths = struct.unpack_from("<3Q", data)
    parts, position = [], struct.calcsize("<3Q")
    for length in lengths:
        parts.append(data[position : position + length])
        position += length
    if position != len(data):
        raise ValueError(f"{len(data)} bytes, but {position} are told of")
    return Artefact(_manifest(json.loads(parts[0])), object_code, parts[1].decode(), parts[2].decode())


def _manifest(record: dict[str, Any]) -> Manifest:
    if record.pop("format") != FORMAT:
        raise ValueError("another format")
    for derived in ("flash_bytes", "ram_bytes"):
        record.pop(derived)
    record["inputs"] = tuple(map(_port, record["inputs"]))
    record["outputs"] = tuple(map(_port, record["outputs"]))
    record["layers"] = tuple(
        Layer(**{**layer, "nodes": tuple((name, op_type) for name, op_type in layer["nodes"])}) for layer in record["layers"]
    )
    record["external"] = tuple((location, digest) for location, digest in record["external"])
    record["regions"] = tuple(map(region_from, record["regions"]))
    return Manifest(**{**record, "kernels": tuple(record["kernels"]), "remarks": tuple(record["remarks"])})


def _port(record: dict[str, Any]) -> Port:
    return Port(record["name"], tuple(record["shape"]), record["element"], tuple(record["dims"]))
