"""Target files: all load, all compile, and a slip in one is named."""

from __future__ import annotations

import pickle
from importlib.resources import files

import llvmlite.binding as llvm
import pytest

from intaglio.errors import CompileError
from intaglio.targets.load import load_target, parse_target, target_names

FAMILIES = {"x86": 62, "aarch64": 183, "arm": 40, "riscv": 243}  # ELF machine numbers


def data(name: str) -> str:
    return files("intaglio.targets").joinpath("data", f"{name}.toml").read_text("utf-8")


@pytest.mark.parametrize("name", target_names())
def test_llvm_compiles_for_every_target(name: str) -> None:
    target = load_target(name)
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu, features=target.feature_string, abiname=target.abiname, reloc=target.relocation, codemodel=target.code_model, opt=2
    )
    lanes = target.vector_lanes
    kind = f"<{lanes} x float>"
    module = llvm.parse_assembly(
        f"define void @f(ptr %p) {{\n %v = load {kind}, ptr %p\n %w = fmul {kind} %v, %v\n store {kind} %w, ptr %p\n ret void\n}}"
    )
    module.triple, module.data_layout = target.triple, str(machine.target_data)
    code = machine.emit_object(module)
    assert int.from_bytes(code[18:20], "little") == FAMILIES[target.family]
    assert code[4] == target.pointer_bits // 32
    soft = "mulsf3" in str(code) or "aeabi_fmul" in str(code)
    assert soft is not target.has_fpu


@pytest.mark.parametrize("name", target_names())
def test_what_a_target_says_fits_together(name: str) -> None:
    target = load_target(name)
    assert target.name == name
    assert len(target.triple.split("-")) == 4 or target.family in ("x86", "aarch64", "riscv")
    assert target.hosted == (target.relocation == "pic") == (target.flash_bytes == 0) == (target.ram_bytes == 0)
    assert target.hosted == (not target.toolchain.target) == (not target.emulator.program)
    assert bool(target.vector_bits) == bool(target.vector_registers)
    assert target.has_fpu or not (target.fma or target.float_registers or target.vector_bits)
    assert (target.family == "riscv") == bool(target.abiname)
    assert pickle.loads(pickle.dumps(target)) == target
    assert hash(target) == hash(load_target(name))


def test_all_promised_targets_are_there() -> None:
    promised = "host x86-64-v2 x86-64-v3 x86-64-v4 aarch64 cortex-m0plus cortex-m3 cortex-m4 cortex-m7 cortex-m33 cortex-m55"
    assert set(target_names()) >= {*promised.split(), "rv32imc", "rv32imac", "rv32imafc", "rv64gc", "rv64gcv"}
    assert target_names()[0] == "host"


def test_an_unknown_name_lists_the_nearest() -> None:
    with pytest.raises(CompileError, match=r"(?s)no target is named 'cortex-m5'.*cortex-m55.*intaglio targets"):
        load_target("cortex-m5")
    with pytest.raises(CompileError, match=r"'\.\./\\x1b'"):
        load_target("../\x1b")


def test_the_users_part_has_its_own_memory() -> None:
    part = load_target("cortex-m4").with_memory(ram_bytes=64 << 10)
    assert (part.ram_bytes, part.flash_bytes) == (64 << 10, load_target("cortex-m4").flash_bytes)


def test_every_slip_in_a_file_is_reported_at_once() -> None:
    text = data("cortex-m4").replace('cpu = "cortex-m4"', 'cpu = 4\nfamilly = "arm"').replace("fma_ports = 1", "fma_ports = true")
    text = text.replace("load = 1.5", "lode = 1.5").replace("features = []", "features = [1]")
    with pytest.raises(CompileError) as caught:
        parse_target("mine", text)
    message = str(caught.value)
    for part in (
        "key 'cpu' is 4, which is no str", "unknown key 'familly'", "did you mean 'family'?", "key 'fma_ports' is True, which is no int",
        "unknown key 'costs.lode'", "key 'costs.load' is missing", "key 'features' is [1]", "mine.toml",
    ):  # fmt: skip
        assert part in message


def test_a_file_that_is_no_toml_is_refused() -> None:
    with pytest.raises(CompileError, match=r"target file is not TOML(?s:.*)mine\.toml"):
        parse_target("mine", "cpu = ")
