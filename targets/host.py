"""The machine this process runs on, as a `Target`.

`detect_host()` asks LLVM for the CPU's name and features and the kernel for the cache sizes; `describe_host` is the pure
part: names and features in, `Target` out. The one thing to know: all features are handed to LLVM, also the absent ones
("-avx512f"), because a hypervisor may hide what the CPU's name promises.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from ..errors import CompileError, error, quote
from .description import Caches, Costs, Emulator, Target, Toolchain

__all__ = ["describe_host", "detect_host", "read_caches"]

_AVX512 = ("avx512f", "avx512bw", "avx512dq", "avx512vl")
_DOTS = {"avx512vnni": "vnni", "avxvnni": "avxvnni", "dotprod": "dotprod", "i8mm": "i8mm", "amx-int8": "amx-int8", "amx-bf16": "amx-bf16"}
# 512-bit FMAs start once per cycle on these; their 256-bit ones twice.
_ONE_WIDE_FMA = ("icelake-client", "tigerlake", "rocketlake", "cannonlake", "znver4")
_LATENCY_5 = ("haswell", "broadwell", "znver1")


@cache
def detect_host() -> Target:
    """This machine."""
    import llvmlite.binding as llvm

    triple = llvm.get_process_triple()
    features = dict(llvm.get_host_cpu_features())
    family = _family(triple)
    return describe_host(triple, llvm.get_host_cpu_name(), features, read_caches(family, Path("/sys/devices/system/cpu/cpu0/cache")))


def describe_host(triple: str, cpu: str, features: Mapping[str, bool], caches: Caches) -> Target:
    """The target for a CPU of this name with these features."""
    family = _family(triple)
    bits, registers = _vectors(family, features)
    fma = family == "aarch64" or features.get("fma", False)
    ports = 1 if bits == 512 and cpu in _ONE_WIDE_FMA and not features.get("amx-tile") else 2
    return Target(
        name="host",
        description=f"this machine ({cpu}, {bits}-bit vectors)",
        family=family,
        triple=triple,
        cpu=cpu,
        features=tuple(f"{'+' if on else '-'}{name}" for name, on in sorted(features.items())),
        abiname="",
        pointer_bits=64,
        hosted=True,
        relocation="pic",
        vector_bits=bits,
        vector_registers=registers,
        float_registers=registers,
        integer_registers=28 if family == "aarch64" else 14,
        has_fpu=True,
        fma=fma,
        fma_ports=ports,
        fma_latency=5 if cpu in _LATENCY_5 else 4,
        load_ports=2,
        masked_memory=_masked_memory(cpu, bits, features),
        unaligned_memory=True,
        instructions=_instructions(family, bits, features),
        flash_bytes=0,
        ram_bytes=0,
        caches=caches,
        costs=Costs(load=0.5, store=1.0, fma=1 / ports if fma else 1.5, mul=1 / ports, add=1 / ports, branch=1.0, integer_mul=1.0),
        toolchain=Toolchain("", ""),
        emulator=Emulator("", ""),
    )


def _family(triple: str) -> str:
    match triple.partition("-")[0]:
        case "x86_64" | "amd64":
            return "x86"
        case "aarch64" | "arm64":
            return "aarch64"
        case other:
            raise CompileError(
                error(f"this machine is {quote(other)}, and code for hosts is made for x86_64 and aarch64 only").help(
                    "compile for a named target instead; 'intaglio targets' lists them"
                )
            )


def _vectors(family: str, features: Mapping[str, bool]) -> tuple[int, int]:
    """Bits and number of the vector registers."""
    if family == "aarch64":
        return 128, 32
    if all(features.get(f) for f in _AVX512):
        return 512, 32
    return (256 if features.get("avx") else 128), 16


def _masked_memory(cpu: str, bits: int, features: Mapping[str, bool]) -> bool:
    """AVX-512 has masks for all; AVX2's masked stores are microcoded on AMD's cores."""
    return bits == 512 or (features.get("avx2", False) and not cpu.startswith(("zn", "bdver")))


def _instructions(family: str, bits: int, features: Mapping[str, bool]) -> tuple[str, ...]:
    base = {"aarch64": ("neon",), "x86": ("sse4",)}[family]
    wide = tuple(name for name, on in (("avx2", features.get("avx2")), ("avx512", bits == 512)) if on)
    return (*base, *wide, *(name for feature, name in _DOTS.items() if features.get(feature)))


def read_caches(family: str, folder: Path) -> Caches:
    """Data caches as Linux lists them; elsewhere sizes that common cores of the family at least have."""
    sizes = {1: 64 << 10 if family == "aarch64" else 32 << 10, 2: 512 << 10, 3: 0}
    for index in sorted(folder.glob("index*")) if folder.is_dir() else ():
        try:
            kind, level, size = ((index / part).read_text().strip() for part in ("type", "level", "size"))
        except OSError:
            continue
        if kind in ("Data", "Unified") and level.isdigit():
            sizes[int(level)] = _bytes(size) or sizes.get(int(level), 0)
    return Caches(sizes[1], sizes[2], sizes[3])


def _bytes(text: str) -> int:
    """A size such as "48K"; 0 if it is written some other way."""
    number, unit = text[:-1], {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(text[-1:], 0)
    return int(number) * unit if number.isdigit() else 0
