"""Objects with weights, sizes and headers, on every target; and the emulated chip against this machine."""

from __future__ import annotations

import ctypes
import io
import re

import numpy as np
import pytest

from intaglio.codegen import elf
from intaglio.codegen.build import build_object
from intaglio.codegen.cache import Cache
from intaglio.codegen.header import c_identifiers
from intaglio.dialects import arith, func, lanes, loop, math
from intaglio.dialects.ir.attributes import Dense
from intaglio.dialects.ir.operation import Value
from intaglio.dialects.ir.types import f32, i32, vector
from intaglio.targets.load import load_target, target_names
from loops import Body, buffer, build, kernel, model, native

RANDOM = np.random.default_rng(11)
WEIGHTS = RANDOM.standard_normal((12, 8)).astype(np.float32)
X = RANDOM.standard_normal((4, 12)).astype(np.float32)

# What the toolchain of a chip must give: soft float, wide integers. Everything else must be in the object.
BUILTINS = re.compile(r"__(aeabi_|add|sub|mul|div|mod|fix|float|ext|trunc|[lg][te]|eq|ne|unord|udiv|umod|clz|ash)\w*")
HOSTED = {"_GLOBAL_OFFSET_TABLE_"}


def dense(lanes_: int) -> func.Module:
    """y = max(x w, 0), then squashed by tanh(exp(...)): weights, scratch in the arena, two kernels."""

    def product(body: Body, x: Value, w: Value, y: Value) -> None:
        def row(b: Body, i: Value) -> None:
            def column(c: Body, j: Value) -> None:
                zero = c.add(arith.number(0.0, vector(lanes_, f32))).output

                def step(d: Body, k: Value, acc: Value) -> list[Value]:
                    a = d.load(x, [i, k])
                    a = d.add(loop.Broadcast(a, lanes=lanes_)).output if lanes_ > 1 else a
                    return [d.add(math.Fma(a, d.load(w, [k, j], lanes=lanes_, axis=1), acc)).output]

                total = c.count(12, step, [zero])[0]
                c.store(c.add(arith.MaximumF(total, zero)).output, y, [i, j], axis=1)

            b.count(8, column, step=lanes_)

        body.count(4, row, parallel=True)

    def squash(body: Body, x: Value, y: Value) -> None:
        def element(b: Body, i: Value) -> None:
            v = b.add(math.Exp(b.add(arith.NegF(b.load(x, [i]))).output)).output
            rounded = b.add(math.Floor(b.add(arith.MulF(v, b.add(arith.number(8.0, f32)).output)).output)).output
            whole = b.add(lanes.FPToSI(rounded, to=i32)).output
            b.store(b.add(arith.AddF(b.add(math.Tanh(v)).output, b.add(lanes.SIToFP(whole, to=f32)).output)).output, y, [i])

        body.count(32, element)

    def entry(body: Body, x: Value, y: Value, arena: Value) -> None:
        w = body.add(loop.Resource(value=Dense(WEIGHTS))).output
        again = body.add(loop.Resource(value=Dense(WEIGHTS.copy()))).output
        middle = body.add(loop.Carve(arena, type=buffer(f32, 4, 8), offset=64)).output
        flat = body.add(loop.Subview(middle, type=buffer(f32, 32))).output
        body.add(loop.Call([x, w, middle], callee="product"))
        body.add(loop.Call([x, again, middle], callee="product"))
        body.add(loop.Call([flat, y], callee="squash"))

    kernels = [kernel("product", [buffer(f32, 4, 12), buffer(f32, 12, 8), buffer(f32, 4, 8)], product),
               kernel("squash", [buffer(f32, 32)] * 2, squash)]  # fmt: skip
    return model(kernels, {"x": buffer(f32, 4, 12)}, {"y": buffer(f32, 32)}, entry, arena_bytes=256)


def expected() -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    v = np.exp(-np.maximum(X.astype(np.float64) @ WEIGHTS, 0)).reshape(-1)
    return np.asarray(np.tanh(v) + np.floor(v * 8))


def test_weights_reach_the_kernels() -> None:
    np.testing.assert_allclose(native(dense(8)).run({"x": X})["y"], expected(), rtol=1e-5)


def test_equal_weights_are_stored_once_and_not_through_text() -> None:
    built = build(dense(8))
    assert built.facts.weights_bytes == WEIGHTS.nbytes
    assert built.object.count(WEIGHTS.tobytes()) == 1
    assert 'c"' not in built.text


@pytest.mark.parametrize("name", target_names())
def test_objects_for_every_target(name: str) -> None:
    """Emitted without complaint, nothing left open but builtins, no writable data, every symbol with the model's prefix."""
    target = load_target(name)
    built = build(dense(max(1, min(8, target.vector_lanes))), name, threads=target.hosted)
    found = list(elf.symbols(built.object))
    missing = {s.name for s in found if not s.section} - HOSTED
    assert all(BUILTINS.fullmatch(s) for s in missing), missing
    assert not (target.hosted and missing)
    assert not any(s.flags & 1 and s.size for s in elf.sections(built.object) if s.is_loaded)
    defined = [s.name for s in found if s.section and (s.is_function or s.name.endswith("weights"))]
    assert {"model_run", "model_product", "model_squash", "model_weights"} <= set(defined)
    assert all(symbol.startswith("model_") for symbol in defined)
    assert (built.facts.stack_bytes is None) == target.hosted, "the stack of every chip is known"
    assert built.facts.flash_bytes >= WEIGHTS.nbytes + built.facts.text_bytes > WEIGHTS.nbytes


@pytest.mark.parametrize("name", ["host", "cortex-m4", "rv64gc"])
def test_another_reader_finds_the_weights(name: str) -> None:
    elftools = pytest.importorskip("elftools.elf.elffile", reason="pyelftools is not installed")
    built = build(dense(1), name)
    section = elftools.ELFFile(io.BytesIO(built.object)).get_section_by_name(".rodata.model_weights")
    assert section.data() == WEIGHTS.tobytes()


@pytest.mark.parametrize("name", ["cortex-m4", "rv32imafc", "cortex-m0plus"])
def test_the_emulated_chip_agrees_with_this_machine(name: str) -> None:
    pytest.importorskip("unicorn", reason="the emulator is not installed")
    from intaglio.runtime.emulator import Input, Output, Pointers, Scratch, Word, execute

    built = build(dense(1), name)
    facts = built.facts
    done = execute(
        load_target(name),
        [built.object],
        "model_run",
        [
            Pointers((Input(X),)),
            Pointers((Output((32,), np.dtype(np.float32)),)),
            Scratch(facts.arena_bytes, facts.arena_alignment),
            Word(facts.arena_bytes),
        ],
    )
    assert done.status == 0
    np.testing.assert_allclose(done.outputs[0].view(np.float32), native(dense(8)).run({"x": X})["y"], rtol=1e-5)
    assert facts.stack_bytes is not None
    assert done.stack_bytes <= facts.stack_bytes
    assert {"model_product", "model_squash", "model_run"} <= done.by_function.keys()


def test_the_cache_gives_the_same_object(tmp_path: object) -> None:
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    cache, target = Cache(tmp_path), load_target("host")
    first = build_object(dense(8), target, "model", cache=cache)
    assert build_object(dense(8), target, "model", cache=cache).object == first.object == build(dense(8)).object
    assert sum(f.stat().st_size for f in tmp_path.rglob("*") if f.is_file()) > 0


# Status codes.


def test_every_wrong_argument_has_its_status() -> None:
    compiled = native(dense(8))
    entry = compiled._entry
    frame = compiled._frame()
    x, y = X.copy(), np.zeros(32, np.float32)
    ins, outs, arena, size = frame.words
    assert entry(ins, outs, arena, size) == -1, "the structs hold null pointers"
    frame.inputs[0], frame.outputs[0] = x.ctypes.data, y.ctypes.data
    assert entry(ins, outs, arena, size) == 0
    assert entry(0, outs, arena, size) == entry(ins, 0, arena, size) == entry(ins, outs, 0, size) == -1
    assert entry(ins, outs, arena, size - 1) == -2
    assert entry(ins, outs, arena + 8, size) == -3


# The header.


def test_names_become_different_identifiers() -> None:
    names = ["image", "in/put:0", "in_put_0", "float", "1st", "", "_x", "Image", "ü*/", "x"]
    made = c_identifiers(names)
    assert len({m.upper() for m in made}) == len(names)
    assert all(m.isidentifier() and m.isascii() and not m.startswith("_") for m in made)
    assert made[0] == "image"


HOSTILE = 'evil */ int main(void) { return 1; } /* \\\n #include "/etc/passwd" ??/\n ü'


def test_the_header_compiles_as_c_and_cpp_whatever_the_names() -> None:
    pytest.importorskip("ziglang", reason="no C compiler is installed")
    import tempfile
    from pathlib import Path

    from intaglio.targets.linker import run_zig

    program = dense(1)
    main = program.function("main")
    main.argument_names = (HOSTILE, "y", "arena")
    header = build(program, "cortex-m4").header
    assert HOSTILE not in header
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "model.h").write_text(header, encoding="ascii")
        user = (
            '#include "model.h"\nint f(void) { model_inputs i = {0}; model_outputs o = {0}; return model_run(&i, &o, 0, 0) == MODEL_OK; }\n'
        )
        for suffix, standard in (("c", "c99"), ("cpp", "c++11")):
            source = Path(folder) / f"user.{suffix}"
            source.write_text(user)
            flags = [
                "-c",
                "-o",
                str(source.with_suffix(".o")),
                "-Wall",
                "-Wextra",
                "-Werror",
                "-Wno-missing-field-initializers",
                f"-std={standard}",
            ]
            run_zig("cc" if suffix == "c" else "c++", *flags, str(source))


def test_an_input_that_is_not_aligned_beyond_its_elements() -> None:
    """The ABI promises no more than natural alignment; vector code must not take more."""
    compiled = native(dense(8))
    raw = np.zeros(X.nbytes + 64, np.uint8)
    start = -raw.ctypes.data % 64 + 4
    x = raw[start : start + X.nbytes].view(np.float32).reshape(X.shape)
    x[:] = X
    assert ctypes.c_void_p(x.ctypes.data).value is not None
    np.testing.assert_array_equal(compiled.run({"x": x})["y"], compiled.run({"x": X})["y"])
