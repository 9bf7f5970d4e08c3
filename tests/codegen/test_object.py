"""Objects and assembly: the same for the same text, and faults that are told."""

from __future__ import annotations

import concurrent.futures
from pathlib import Path

import pytest

from intaglio.codegen.llvm.text import Module, constant
from intaglio.codegen.object import Machine, emit_assembly, emit_object
from intaglio.errors import InternalError
from machines import chip, host

M4, RV32 = chip("cortex-m4"), chip("rv32imafc")


def adder(amount: int) -> str:
    module = Module()
    module.data("w", b"1234", 4, section=".rodata.w")
    f = module.function("add", "i32", [("i32", "")], section=".text.add")
    f.ret(f.binary("add", f.parameters[0], constant("i32", amount)))
    return str(module)


def sections(data: bytes) -> dict[str, int]:
    elftools = pytest.importorskip("elftools.elf.elffile")
    import io

    return {s.name: s.data_size for s in elftools.ELFFile(io.BytesIO(data)).iter_sections() if s.data_size}


@pytest.mark.parametrize("machine", [host(), M4, RV32], ids=["host", "m4", "rv32"])
def test_equal_text_gives_equal_bytes_in_every_thread(machine: Machine) -> None:
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(lambda n: emit_object(adder(n), machine), [7] * 6)
    assert all(other == first for other in others)
    assert emit_object(adder(8), machine) != first


@pytest.mark.parametrize("machine", [M4, RV32], ids=["m4", "rv32"])
def test_chips_get_sections_per_symbol_and_no_unwind_tables(machine: Machine) -> None:
    found = sections(emit_object(adder(1), machine))
    assert {".text.add", ".rodata.w"} <= found.keys()
    assert not any(name.startswith((".eh_frame", ".text.unlikely", ".debug", ".data", ".bss")) for name in found)


def test_the_middle_passes_simplify_scalar_code() -> None:
    module = Module()
    f = module.function("f", "i32", [("i32", "")])
    slot = f.alloca("i32", 1, 4)
    f.store(f.parameters[0], slot, 4)
    f.ret(f.load("i32", slot, 4))
    plain = emit_assembly(str(module), M4)
    simplified = emit_assembly(str(module), Machine(M4.triple, M4.cpu, relocation="static", middle_level=2))
    assert "sp" in plain.split("f:")[1]
    assert "sp" not in simplified.split("f:")[1].split(".size")[0].replace(".fnstart", "")


def test_a_refused_module_is_kept_for_the_reader() -> None:
    with pytest.raises(InternalError, match=r"(?s)refuses the module for thumbv7em.*expected") as caught:
        emit_object("define i32 @f( {\n", M4)
    path = Path(str(caught.value).rsplit("kept in ", 1)[1])
    assert path.read_text() == "define i32 @f( {\n"
    path.unlink()


def test_an_unverified_module_is_refused() -> None:
    with pytest.raises(InternalError, match="refuses") as caught:
        emit_object("define i32 @f(i1 %c) {\nentry:\n  br label %b\nb:\n  %x = add i32 %y, 1\n  %y = add i32 %x, 1\n  ret i32 %y\n}\n", M4)
    Path(str(caught.value).rsplit("kept in ", 1)[1]).unlink()


def test_an_unknown_triple_is_refused() -> None:
    with pytest.raises(InternalError, match="nothing-known"):
        emit_object(adder(1), Machine("nothing-known-at-all", ""))
