"""Host detection: the pure part on machines we are not on."""

from __future__ import annotations

from pathlib import Path

import pytest

from intaglio.errors import CompileError
from intaglio.targets.description import Caches
from intaglio.targets.host import describe_host, detect_host, read_caches

CACHES = Caches(32 << 10, 512 << 10, 8 << 20)
AVX2 = dict.fromkeys(("avx", "avx2", "fma"), True)
AVX512 = AVX2 | dict.fromkeys(("avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512vnni"), True)


@pytest.mark.parametrize(
    ("cpu", "features", "bits", "registers", "ports", "masked"),
    [
        ("sapphirerapids", AVX512, 512, 32, 2, True),
        ("tigerlake", AVX512, 512, 32, 1, True),
        ("znver4", AVX512, 512, 32, 1, True),
        ("znver5", AVX512, 512, 32, 2, True),
        ("znver3", AVX2, 256, 16, 2, False),
        ("skylake", AVX2, 256, 16, 2, True),
        ("skylake-avx512", AVX512 | {"avx512vl": False}, 256, 16, 2, True),
        ("nehalem", {"avx": False}, 128, 16, 2, False),
    ],
)
def test_x86_hosts(cpu: str, features: dict[str, bool], bits: int, registers: int, ports: int, masked: bool) -> None:
    host = describe_host("x86_64-unknown-linux-gnu", cpu, features, CACHES)
    assert (host.vector_bits, host.vector_registers, host.fma_ports, host.masked_memory) == (bits, registers, ports, masked)
    assert host.fma is features.get("fma", False)
    assert host.has("avx512") is (bits == 512)
    assert host.caches == CACHES


def test_an_arm_host_and_a_stranger() -> None:
    host = describe_host("aarch64-apple-darwin", "apple-m1", {"neon": True, "dotprod": True}, CACHES)
    assert (host.family, host.vector_bits, host.vector_registers, host.fma) == ("aarch64", 128, 32, True)
    assert host.instructions == ("neon", "dotprod")
    with pytest.raises(CompileError, match="this machine is 'powerpc64le'"):
        describe_host("powerpc64le-unknown-linux-gnu", "pwr9", {}, CACHES)


def test_features_are_handed_over_with_their_sign_in_a_fixed_order() -> None:
    host = describe_host("x86_64-unknown-linux-gnu", "x", {"sse2": True, "avx": False}, CACHES)
    assert host.feature_string == "-avx,+sse2"


def test_caches_are_read_from_the_kernels_table(tmp_path: Path) -> None:
    for number, (level, kind, size) in enumerate(
        [("1", "Data", "48K"), ("1", "Instruction", "64K"), ("2", "Unified", "2M"), ("4", "Unified", "1G")]
    ):
        folder = tmp_path / f"index{number}"
        folder.mkdir()
        for name, text in (("level", level), ("type", kind), ("size", size)):
            (folder / name).write_text(text + "\n")
    assert read_caches("x86", tmp_path) == Caches(48 << 10, 2 << 20, 0)
    assert read_caches("x86", tmp_path / "nothing") == Caches(32 << 10, 512 << 10, 0)


def test_this_machine_is_described() -> None:
    host = detect_host()
    assert host.name == "host"
    assert host.hosted
    assert host.caches.l1_bytes >= 8 << 10
