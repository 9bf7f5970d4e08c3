"""The C program around a model: compiled by a C compiler, linked by its own script, run from reset to the end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from intaglio.codegen.packages import package_files
from intaglio.dialects import arith, func, loop
from intaglio.dialects.ir.attributes import Dense
from intaglio.dialects.ir.operation import Value
from intaglio.dialects.ir.types import f32
from intaglio.errors import CompileError
from intaglio.runtime.emulator import execute
from intaglio.targets.linker import run_zig
from intaglio.targets.load import load_target
from loops import Body, buffer, build, kernel, model

FLAGS = ("-Os", "-ffreestanding", "-ffunction-sections", "-Wall", "-Wextra", "-Werror")
WEIGHTS = np.linspace(1, 2, 40).astype(np.float32)


def program() -> func.Module:
    """y = x + weights, with names that C does not know."""

    def add(body: Body, x: Value, y: Value) -> None:
        weights = body.add(loop.Resource(value=Dense(WEIGHTS))).output
        body.count(40, lambda b, i: b.store(b.add(arith.AddF(b.load(x, [i]), b.load(weights, [i]))).output, y, [i]))

    types = buffer(f32, 40)
    return model([kernel("add", [types, types], add)], {"in/put:0 */": types}, {"float": types}, arena_bytes=0)


@pytest.mark.parametrize("name", ["cortex-m4", "rv32imc"])
def test_the_package_becomes_a_program(name: str, tmp_path: Path) -> None:
    """By the commands of its Makefile, with all warnings; the sections lie where the script says."""
    pytest.importorskip("ziglang", reason="no C compiler is installed")
    pytest.importorskip("unicorn", reason="the emulator is not installed")
    elftools = pytest.importorskip("elftools.elf.elffile", reason="pyelftools is not installed")
    target = load_target(name)
    built = build(program(), name)
    for file, text in package_files(built.facts, target).items():
        (tmp_path / file).write_text(text)
        assert "@" not in text.replace("$@", "")
    (tmp_path / "model.h").write_text(built.header)
    (tmp_path / "model.o").write_bytes(built.object)
    machine = ("-target", target.toolchain.target, f"-mcpu={target.toolchain.cpu}")
    sources = [str(tmp_path / part) for part in ("main.c", "startup.c", "model.o")]
    layout = f"-Wl,--gc-sections,-e,reset,-T,{tmp_path / 'link.ld'}"
    run_zig("cc", *machine, *FLAGS, "-nostdlib", layout, *sources, "-lcompiler_rt", "-o", str(tmp_path / "model.elf"))
    with (tmp_path / "model.elf").open("rb") as program_file:
        elf = elftools.ELFFile(program_file)
        flash = elf.get_section_by_name(".rodata")
        assert WEIGHTS.tobytes() in flash.data()
        assert flash["sh_addr"] % 16 == 0
        start = elf["e_entry"] & ~1
        assert any(part["sh_addr"] <= start < part["sh_addr"] + part["sh_size"] for part in elf.iter_sections() if part["sh_flags"] & 4)
    run_zig("cc", *machine, *FLAGS, "-c", sources[0], "-o", str(tmp_path / "main.o"))
    done = execute(target, [(tmp_path / "main.o").read_bytes(), built.object], "main", [])
    assert done.status == 0
    assert done.by_function["model_add"] > 40


def test_hosts_have_no_package() -> None:
    built = build(program())
    with pytest.raises(CompileError, match="no package for host"):
        package_files(built.facts, load_target("host"))
