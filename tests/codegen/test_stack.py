"""Static stack bounds of generated code for small cores, against what an emulated core really does to sp, and against hand arithmetic."""

from __future__ import annotations

import io

import pytest

from intaglio.codegen.llvm.text import Module, Ref, constant
from intaglio.codegen.object import Machine, emit_object
from intaglio.codegen.stack.frames import Frame, deepest, read_frames
from intaglio.errors import InternalError
from machines import chip

M0, M4, M55 = chip("cortex-m0plus"), chip("cortex-m4"), chip("cortex-m55")
RV32, RV64, RVV = chip("rv32imc"), chip("rv64gc"), chip("rv64gcv")
ALL = pytest.mark.parametrize("machine", [M0, M4, M55, RV32, RV64], ids=["m0", "m4", "m55", "rv32", "rv64"])


def frames(module: Module, machine: Machine) -> dict[str, Frame]:
    return read_frames(emit_object(str(module), machine))


def busy(size: int, align: int, live: int) -> Module:
    """A leaf that touches a buffer in its frame and keeps `live` values alive over it."""
    module = Module()
    f = module.function("f", "i32", [("ptr", "")])
    buffer = f.alloca("i8", size, align)
    values = [f.emit("i32", f"load volatile i32, ptr {f.gep(f.parameters[0], 4 * i).name}, align 4") for i in range(live)]
    f.do(f"store volatile i8 1, ptr {buffer.name}, align 1")
    f.do(f"store volatile i8 1, ptr {f.gep(buffer, size - 1).name}, align 1")
    for i, value in enumerate(reversed(values)):
        f.do(f"store volatile i32 {value.name}, ptr {f.gep(f.parameters[0], 4 * i).name}, align 4")
    f.ret(constant("i32", 0))
    return module


def emulated_depth(code: bytes, machine: Machine) -> int:
    """How far sp falls while the first function of .text runs on an emulated core."""
    unicorn = pytest.importorskip("unicorn")
    elffile = pytest.importorskip("elftools.elf.elffile")
    text = elffile.ELFFile(io.BytesIO(code)).get_section_by_name(".text").data()
    thumb = machine.triple.startswith("thumb")
    if thumb:
        from unicorn import arm_const

        core = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
        core.ctl_set_cpu_model(arm_const.UC_CPU_ARM_CORTEX_M4)
        sp, ra, argument = arm_const.UC_ARM_REG_SP, arm_const.UC_ARM_REG_LR, arm_const.UC_ARM_REG_R0
    else:
        from unicorn import riscv_const

        core = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV64 if "64" in machine.triple else unicorn.UC_MODE_RISCV32)
        sp, ra, argument = riscv_const.UC_RISCV_REG_SP, riscv_const.UC_RISCV_REG_RA, riscv_const.UC_RISCV_REG_A0
    code_base, stack_top, data, end = 0x10000, 0x40000000, 0x50000000, 0x20000
    core.mem_map(code_base, 0x20000)
    core.mem_map(stack_top - 0x100000, 0x100000)
    core.mem_map(data, 0x1000)
    core.mem_write(code_base, text)
    lowest = stack_top - 32  # an odd multiple of 32: an alignment to 64 must cost something

    def look(engine: object, address: int, size: int, _: object) -> None:
        nonlocal lowest
        lowest = min(lowest, core.reg_read(sp))

    core.hook_add(unicorn.UC_HOOK_CODE, look)
    core.reg_write(sp, lowest)
    core.reg_write(ra, end + thumb)
    core.reg_write(argument, data)
    core.emu_start(code_base + thumb, end, count=10_000)
    return stack_top - 32 - lowest


@pytest.mark.parametrize("machine", [M0, M4, RV32, RV64], ids=["m0", "m4", "rv32", "rv64"])
@pytest.mark.parametrize("size", [1, 500, 1024, 5000, 70_000])
@pytest.mark.parametrize(("align", "live"), [(4, 0), (8, 14), (64, 3)])
def test_the_bound_holds_and_is_tight(machine: Machine, size: int, align: int, live: int) -> None:
    module = busy(size, align, live)
    own = frames(module, machine)["f"].own_bytes
    really = emulated_depth(emit_object(str(module), machine), machine)
    assert own is not None
    assert size <= really <= own <= really + (align if align > 16 else 0)


def chain() -> Module:
    """entry calls middle calls the outside; each has 100 bytes of its own."""
    module = Module()
    outside = module.declare("outside", "void", ["ptr"])
    below = outside
    for name in ("middle", "entry"):
        f = module.function(name, "void", [("ptr", "")])
        buffer = f.alloca("i8", 100, 4)
        f.call(below, "void", [buffer])
        f.call(outside, "void", [buffer])
        f.ret()
        below = f.ref
    return module


@ALL
def test_depths_add_up_along_the_deepest_chain(machine: Machine) -> None:
    found = frames(chain(), machine)
    own = [found[name].own_bytes for name in ("middle", "entry")]
    assert all(bytes_ is not None and 100 <= bytes_ <= 144 for bytes_ in own)
    assert set(found["entry"].calls) == {"middle", "outside"}
    assert deepest(found, "entry", {"outside": 24}) == sum(b for b in own if b) + 24
    assert deepest(found, "entry") is None


@ALL
def test_tail_calls_count_as_calls(machine: Machine) -> None:
    module = Module()
    f = module.function("f", "void", [])
    f.do(f"tail call void {module.declare('outside', 'void', []).name}()")
    f.ret()
    assert frames(module, machine)["f"].calls == ("outside",)


@ALL
def test_what_is_unbounded_is_unknown(machine: Machine) -> None:
    module = Module()
    outside = module.declare("outside", "void", ["ptr"])
    dynamic = module.function("dynamic", "void", [("i32", "")])
    dynamic.call(outside, "void", [dynamic.emit("ptr", f"alloca i8, i32 {dynamic.parameters[0].name}, align 8")])
    dynamic.ret()
    pointer = module.function("pointer", "void", [("ptr", "")])
    pointer.call(pointer.parameters[0], "void", [])
    pointer.do("fence seq_cst")
    pointer.ret()
    recursive = module.function("recursive", "i32", [("i32", "")])
    again = recursive.call(recursive.ref, "i32", recursive.parameters)
    recursive.ret(recursive.binary("add", again, Ref("1", "i32")))
    found = frames(module, machine)
    assert found["dynamic"].own_bytes is None
    assert found["pointer"].indirect
    assert [deepest(found, name, {"outside": 0}) for name in ("dynamic", "pointer", "recursive")] == [None] * 3


def test_arguments_on_the_stack_beside_a_big_frame_are_counted() -> None:
    """Thumb-1 moves sp again for them when the frame is large: eight words of arguments beyond r0 to r3."""
    module = Module()
    many = module.declare("many", "void", ["i32"] * 12)
    touch = module.declare("touch", "void", ["ptr"])
    f = module.function("f", "void", [])
    f.call(touch, "void", [f.alloca("i8", 1024, 4)])
    f.call(many, "void", [constant("i32", 1)] * 12)
    f.ret()
    own = frames(module, M0)["f"].own_bytes
    assert own is not None
    assert 1024 + 32 <= own <= 1024 + 32 + 24


def test_other_machines_are_refused() -> None:
    with pytest.raises(InternalError, match="neither"):
        frames(chain(), chip("x86-64-v3"))


def test_scalable_vectors_in_the_frame_are_unknown() -> None:
    module = Module()
    f = module.function("f", "void", [])
    slot = f.emit("ptr", "alloca <vscale x 4 x i32>, align 16")
    f.call(module.declare("outside", "void", ["ptr"]), "void", [slot])
    f.ret()
    assert frames(module, RVV)["f"].own_bytes is None


@ALL
def test_a_loop_too_long_for_a_branch_is_no_call(machine: Machine) -> None:
    """Thumb-1 goes far with bl; the frame is that of a short loop."""
    own = []
    for loads in (1, 2000):
        module = Module()
        f = module.function("f", "void", [("ptr", "")])
        f.call(module.declare("outside", "void", []), "void", [])
        again, end = f.label("again"), f.label("end")
        f.br(again)
        f.start(again)
        values = [f.emit("i32", f"load volatile i32, ptr {f.parameters[0].name}, align 4") for _ in range(loads)]
        f.cond_br(f.icmp("eq", values[-1], constant("i32", 0)), again, end)
        f.start(end)
        f.ret()
        found = frames(module, machine)["f"]
        assert found.calls == ("outside",)
        assert not found.indirect
        own.append(found.own_bytes)
    assert own[0] == own[1]


@ALL
def test_returns_in_the_middle_of_a_function(machine: Machine) -> None:
    """Helium's cores give the frame back under a condition, in an IT block."""
    module = Module()
    outside = module.declare("outside", "void", ["ptr"])
    f = module.function("f", "i32", [("i32", ""), ("i32", "")])
    buffer = f.alloca("i8", 4, 4)
    for number in range(2):
        f.call(outside, "void", [buffer])
        out, on = f.label("out"), f.label("on")
        f.cond_br(f.icmp("ult", f.parameters[number], constant("i32", 64)), out, on)
        f.start(out)
        f.ret(constant("i32", number + 1))
        f.start(on)
    f.call(outside, "void", [buffer])
    f.ret(constant("i32", 0))
    own = frames(module, machine)["f"].own_bytes
    assert own is not None
    assert 4 <= own <= 48
