"""The writer of LLVM IR: what it writes parses, and computes what the call says."""

from __future__ import annotations

import ctypes
import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.codegen.llvm.text import (
    Abilities,
    Function,
    Module,
    Ref,
    constant,
    element,
    lane_constants,
    lanes,
    like,
    string,
    symbol,
    vector,
)
from intaglio.codegen.object import emit_assembly, emit_object
from intaglio.runtime.jit import load_object
from machines import host

BARE = Abilities()


def run(module: Module, name: str, *arrays: np.ndarray) -> None:
    """Call void name(pointers of the arrays)."""
    with load_object(emit_object(str(module), host())) as loaded:
        function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(arrays))(loaded.address(name))
        function(*(a.ctypes.data for a in arrays))


def pointers(count: int, abilities: Abilities = BARE) -> tuple[Module, Function, tuple[Ref, ...]]:
    module = Module(abilities)
    f = module.function("f", "void", [("ptr", "noalias")] * count)
    return module, f, f.parameters


@given(st.floats(width=64))
def test_f32_and_f16_constants_are_rounded_once_to_even(value: float) -> None:
    for type, dtype, spell in (("float", np.float32, None), ("half", np.float16, "<e")):
        with np.errstate(over="ignore"):
            expected = dtype(value)
        text = constant(type, value).name
        if math.isnan(value):
            continue
        if spell:
            assert text == f"0xH{struct.unpack('<H', struct.pack(spell, expected))[0]:04X}"
        else:
            assert struct.unpack("<d", int(text, 16).to_bytes(8, "little"))[0] == expected


def test_bf16_constants_are_the_nearest_of_all_bf16_values() -> None:
    bits = np.arange(0x7F80, dtype=np.uint32)  # zero to the greatest, positive
    every = (bits << 16).view(np.float32).astype(np.float64)
    rng = np.random.default_rng(0)
    halfway = (every[:-1] + every[1:]) / 2
    for value in [*rng.choice(every, 50), *rng.choice(halfway, 100), *np.exp(rng.uniform(-95, 88, 200))]:
        distance = np.abs(every - value)
        nearest = np.flatnonzero(distance == distance.min())
        expected = min(nearest, key=lambda i: i % 2)
        assert constant("bfloat", float(value)).name == f"0xR{expected:04X}"
        assert constant("bfloat", -float(value)).name == f"0xR{expected | 0x8000:04X}"
    assert constant("bfloat", math.inf).name == "0xR7F80"
    assert constant("bfloat", 3.4e38).name == "0xR7F80"


def test_constants_of_every_type_are_read_by_llvm() -> None:
    module = Module()
    for type in ("float", "double", "half", "bfloat", "i1", "i8", "i32", "i64"):
        for value in (0, 1, -1, *([math.inf, math.nan, 1e-40, -0.0] if type[0] in "fdhb" else [])):
            f = module.function(f"{type} {value!r}", like("<4 x i8>", type), [])
            f.ret(constant(vector(type, 4), value))
    f = module.function("lanes", "<3 x i32>", [])
    f.ret(lane_constants("i32", (1, 2, 3)))
    emit_assembly(str(module), host())


def test_types() -> None:
    assert vector("float", 1) == "float"
    assert vector("float", 1, scalable=True) == "<vscale x 1 x float>"
    assert (lanes("<16 x i8>"), lanes("i8"), element("<16 x i8>"), element("ptr")) == (16, 1, "i8", "ptr")
    assert like("<vscale x 4 x float>", "i1") == "<vscale x 4 x i1>"
    assert like("float", "i32") == "i32"


@given(st.text(max_size=20))
def test_any_name_is_one_symbol(name: str) -> None:
    """No name ends its token: the module still holds one function, with that name's bytes."""
    import llvmlite.binding as llvm

    if not name or "\0" in name:
        return
    module = Module()
    module.function(name, "void", []).ret()
    (function,) = llvm.parse_assembly(str(module)).functions
    assert function.name == name


def test_names_and_bytes_are_escaped() -> None:
    assert symbol("conv_1.w") == "@conv_1.w"
    assert symbol('"\n') == '@"\\22\\0a"'
    assert symbol("1x") == '@"\\31\\78"'
    assert string(b"a\xff") == "\\61\\ff"


def test_data_and_tables() -> None:
    module, f, (out,) = pointers(1)
    first = module.data("w", b"\x01\x02\x03\xff", 4, section=".rodata.w", linkage="internal")
    zeros = module.data("zeros", bytes(16), 16)
    table = module.pointers("table", [first, zeros], 8)
    loaded = f.load("ptr", f.gep(table, 0, "ptr"), 8)
    f.store(f.load("i32", loaded, 4), out, 4)
    f.store(f.load("i32", zeros, 4), f.gep(out, 4), 4)
    f.ret()
    result = np.full(2, 7, np.uint32)
    run(module, "f", result)
    assert result.tolist() == [0xFF030201, 0]


def test_lanes_masks_and_shuffles() -> None:
    module, f, (x, out) = pointers(2)
    type = "<4 x float>"
    loaded = f.load(type, x, 4)
    f.store(f.shuffle(loaded, None, (3, 2, 1, 0)), out, 4)
    second = f.insert(loaded, f.extract(loaded, 3), 0)
    f.store(f.shuffle(loaded, second, (0, 4, 3, -1)), f.gep(out, 4, "float"), 4)
    mask = lane_constants("i1", (1, 1, 0, 0))
    f.store(f.masked_load(type, x, 4, mask, constant(type, 9.0)), f.gep(out, 8, "float"), 4)
    greater = f.fcmp("ogt", loaded, f.splat(constant("float", 1.5), 4))
    f.masked_store(loaded, f.gep(out, 12, "float"), 4, greater)
    f.ret()
    source, result = np.array([1, 2, 3, 4], np.float32), np.zeros(16, np.float32)
    run(module, "f", source, result)
    assert result[:7].tolist() == [4, 3, 2, 1, 1, 4, 4]
    assert result[8:].tolist() == [1, 2, 9, 9, 0, 2, 3, 4]


@pytest.mark.parametrize("fma", [True, False])
def test_muladd_rounds_once_only_with_fma(fma: bool) -> None:
    module, f, (x, out) = pointers(2, Abilities(fma=fma))
    a = f.load("double", x, 8)
    f.store(f.muladd(a, a, constant("double", -1.0)), out, 8)
    f.ret()
    value, result = np.array([1 + 2.0**-30]), np.zeros(1)
    run(module, "f", value, result)
    assert result[0] == 2.0**-29 + (2.0**-60 if fma else 0)


def test_loops_branches_and_calls() -> None:
    """f(out): out = sum over i < 10 of (i is 3: 100, i is 5: 200, else twice(i))."""
    module = Module()
    twice = module.function("twice", "i32", [("i32", "")], linkage="internal")
    twice.ret(twice.binary("shl", twice.parameters[0], constant("i32", 1)))
    f = module.function("f", "void", [("ptr", "")])
    loop, three, five, other, after, done = (f.label(hint) for hint in ("loop", "three", "five", "other", "after", "done"))
    f.br(loop)
    f.start(loop)
    i, total = f.phi("i32"), f.phi("i32")
    i.add(constant("i32", 0), "entry")
    total.add(constant("i32", 0), "entry")
    f.switch(i.ref, other, [(3, three), (5, five)])
    for label in (three, five):
        f.start(label)
        f.br(after)
    f.start(other)
    doubled = f.call(twice.ref, "i32", [i.ref])
    f.br(after)
    f.start(after)
    value = f.phi("i32")
    for incoming, label in ((constant("i32", 100), three), (constant("i32", 200), five), (doubled, other)):
        value.add(incoming, label)
    following, added = f.binary("add nuw", i.ref, constant("i32", 1)), f.binary("add", total.ref, value.ref)
    i.add(following, f.here)
    total.add(added, f.here)
    f.cond_br(f.icmp("ult", following, constant("i32", 10)), loop, done)
    f.start(done)
    f.store(added, f.parameters[0], 4)
    f.ret()
    result = np.zeros(1, np.int32)
    run(module, "f", result)
    assert result[0] == 300 + 2 * (45 - 8)


def test_scalable_vectors_reach_risc_v() -> None:
    from intaglio.codegen.object import Machine

    module = Module(Abilities(fma=True))
    type = "<vscale x 4 x float>"
    f = module.function("f", "void", [("ptr", ""), ("float", "")])
    x = f.load(type, f.parameters[0], 4)
    f.store(f.muladd(x, f.splat(f.parameters[1], 4, scalable=True), constant(type, 1.0)), f.parameters[0], 4)
    f.ret()
    machine = Machine("riscv64-unknown-none-elf", "generic-rv64", ("+m", "+a", "+f", "+d", "+v"), "lp64d", "static")
    assert "vfm" in emit_assembly(str(module), machine)
