"""The emulated chip against NumPy: hand-written LLVM IR, compiled for every core Unicorn has."""

from __future__ import annotations

import shutil

import llvmlite.binding as llvm
import numpy as np
import pytest

from intaglio.errors import CompileError
from intaglio.runtime.emulator import Argument, Execution, Input, Output, Pointers, Scratch, Word, execute
from intaglio.targets.description import Target
from intaglio.targets.load import load_target

pytest.importorskip("unicorn", reason="the emulator is not installed (extra mcu)")
pytest.importorskip("ziglang", reason="the linker is not installed (extra mcu)")

CORES = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "rv32imc", "rv32imac", "rv32imafc", "rv64gc")
QEMU_CORES = ("cortex-m55", "rv64gcv")
SEED = 7

DOT = """
define i32 @dot(ptr %a, ptr %b, i32 %n, ptr %out) {
entry:
  br label %loop
loop:
  %i = phi i32 [ 0, %entry ], [ %i1, %loop ]
  %sum = phi i32 [ 0, %entry ], [ %sum1, %loop ]
  %ap = getelementptr i8, ptr %a, i32 %i
  %bp = getelementptr i8, ptr %b, i32 %i
  %av = load i8, ptr %ap
  %bv = load i8, ptr %bp
  %a32 = sext i8 %av to i32
  %b32 = sext i8 %bv to i32
  %p = mul i32 %a32, %b32
  %sum1 = add i32 %sum, %p
  %i1 = add i32 %i, 1
  %more = icmp slt i32 %i1, %n
  br i1 %more, label %loop, label %end
end:
  store i32 %sum1, ptr %out
  ret i32 -3
}
"""

# c[i][j] = sum over k of a[i][k] * b[k][j], 6 x 6, from a struct of two inputs and one of one output; the arena holds the sum.
MATMUL = """
define i32 @matmul(ptr %inputs, ptr %outputs, ptr %arena, {word} %arena_bytes, ptr %counters) {{
entry:
  %a = load ptr, ptr %inputs
  %bp = getelementptr ptr, ptr %inputs, i32 1
  %b = load ptr, ptr %bp
  %c = load ptr, ptr %outputs
  br label %rows
rows:
  %i = phi i32 [ 0, %entry ], [ %i1, %rows_end ]
  br label %columns
columns:
  %j = phi i32 [ 0, %rows ], [ %j1, %columns_end ]
  store float 0.0, ptr %arena
  br label %sum
sum:
  %k = phi i32 [ 0, %columns ], [ %k1, %sum ]
  %row = mul i32 %i, 6
  %ai = add i32 %row, %k
  %line = mul i32 %k, 6
  %bi = add i32 %line, %j
  %ap = getelementptr float, ptr %a, i32 %ai
  %bq = getelementptr float, ptr %b, i32 %bi
  %av = load float, ptr %ap
  %bv = load float, ptr %bq
  %p = fmul float %av, %bv
  %old = load float, ptr %arena
  %new = fadd float %old, %p
  store float %new, ptr %arena
  %k1 = add i32 %k, 1
  %k_more = icmp ult i32 %k1, 6
  br i1 %k_more, label %sum, label %columns_end
columns_end:
  %ci = add i32 %row, %j
  %cp = getelementptr float, ptr %c, i32 %ci
  %total = load float, ptr %arena
  store float %total, ptr %cp
  %j1 = add i32 %j, 1
  %j_more = icmp ult i32 %j1, 6
  br i1 %j_more, label %columns, label %rows_end
rows_end:
  %i1 = add i32 %i, 1
  %i_more = icmp ult i32 %i1, 6
  br i1 %i_more, label %rows, label %end
end:
  store i64 36, ptr %counters
  %is_64 = icmp eq {word} %arena_bytes, 64
  %status = zext i1 %is_64 to i32
  ret i32 %status
}}
"""


def compiled(target: Target, text: str) -> bytes:
    """An object for `target`."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu, features=target.feature_string, abiname=target.abiname, reloc=target.relocation, codemodel=target.code_model, opt=2
    )
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = target.triple, str(machine.target_data)
    return bytes(machine.emit_object(module))


def available(name: str) -> Target:
    """The target, or a skip that names what is missing."""
    target = load_target(name)
    program = target.emulator.program
    if program != "unicorn" and not shutil.which(program):
        pytest.skip(f"{program} is not installed, which emulates {name}")
    return target


def run_dot(target: Target, n: int = 100) -> tuple[Execution, int]:
    a, b = np.random.default_rng(SEED).integers(-128, 128, (2, 100), np.int8)
    execution = execute(target, [compiled(target, DOT)], "dot", [Input(a), Input(b), Word(n), Output((1,), np.int32)])
    return execution, int(a.astype(np.int64) @ b.astype(np.int64))


@pytest.mark.parametrize("name", [*CORES, *QEMU_CORES])
def test_dot_product_is_exact_and_counted_the_same_twice(name: str) -> None:
    target = available(name)
    (first, expected), (second, _) = run_dot(target), run_dot(target)
    assert first.outputs[0].tolist() == [expected]
    assert first.status == -3
    assert first.instructions == second.instructions
    assert 100 <= first.instructions <= 2000
    assert first.by_function == {"dot": first.instructions}
    assert first.borrowed == ()
    assert 0 < first.flash_bytes < 400


@pytest.mark.parametrize("name", [*CORES, *QEMU_CORES])
def test_matmul_through_structs_uses_soft_float_only_where_there_is_no_fpu(name: str) -> None:
    target = available(name)
    a, b = np.random.default_rng(SEED).standard_normal((2, 6, 6)).astype(np.float32)
    code = compiled(target, MATMUL.format(word=f"i{target.pointer_bits}"))
    arguments: list[Argument] = [
        Pointers((Input(a), Input(b))),
        Pointers((Output((6, 6), np.float32),)),
        Scratch(64, 64),
        Word(64),
        Output((1,), np.uint64),
    ]
    execution = execute(target, [code], "matmul", arguments)
    # six products and sums in f32: at most 7 roundings of 2^-24 each, relative to the sum of magnitudes
    bound = 7 * 2.0**-24 * (np.abs(a).astype(np.float64) @ np.abs(b).astype(np.float64))
    assert (np.abs(execution.outputs[0] - a.astype(np.float64) @ b.astype(np.float64)) <= bound).all()
    assert execution.outputs[1].tolist() == [36]
    assert execution.status == 1
    assert bool(execution.borrowed) is not target.has_fpu
    assert sum(execution.by_function.values()) == execution.instructions
    assert execution.ram_bytes == 64 + execution.stack_bytes


FAULTS = """
define i32 @write_at(ptr %p, i32 %index) {
  %q = getelementptr i32, ptr %p, i32 %index
  store volatile i32 1, ptr %q
  %v = load volatile i32, ptr %p
  ret i32 %v
}
define i32 @spin(ptr %p) {
  br label %again
again:
  %v = load volatile i32, ptr %p
  br label %again
}
define i32 @deep(ptr %p, i32 %n) {
  %frame = alloca [1024 x i8]
  store volatile i8 1, ptr %frame
  %n1 = add i32 %n, 1
  %r = call i32 @deep(ptr %frame, i32 %n1)
  %v = load volatile i8, ptr %frame
  %w = sext i8 %v to i32
  %s = add i32 %r, %w
  ret i32 %s
}
"""
INT = Output((4,), np.int32)


def refused(name: str, entry: str, *arguments: Output | Word | Input, limit: int = 1_000_000) -> str:
    target = available(name)
    code = compiled(target, FAULTS)
    with pytest.raises(CompileError) as caught:
        execute(target, [code], entry, arguments, limit_instructions=limit)
    return str(caught.value)


@pytest.mark.parametrize("name", ["cortex-m0plus", "cortex-m4", "rv32imc", "rv64gc"])
def test_a_write_past_the_output_names_function_and_instruction(name: str) -> None:
    message = refused(name, "write_at", INT, Word(4))
    assert "write of 4 bytes" in message
    assert "16 bytes into argument 0 (output), which has 16" in message
    assert "write_at+" in message
    assert ": str" in message or ": sw" in message or ": c.sw" in message


@pytest.mark.parametrize("name", ["cortex-m4", "rv32imafc", *QEMU_CORES])
def test_a_write_before_the_output_is_found_in_the_paint(name: str) -> None:
    assert "wrote before the start of argument 0 (output)" in refused(name, "write_at", INT, Word(-3))


@pytest.mark.parametrize("name", ["cortex-m4", "rv64gc", *QEMU_CORES])
def test_a_write_to_an_input_is_refused(name: str) -> None:
    message = refused(name, "write_at", Input(np.zeros(4, np.int32)), Word(2))
    assert "the code wrote to argument 0 (input), which is constant" in message or "8 bytes into argument 0 (input)" in message


@pytest.mark.parametrize("name", QEMU_CORES)
def test_where_guards_cannot_be_unmapped_writes_past_are_found_too(name: str) -> None:
    assert "wrote past the end of argument 0 (output)" in refused(name, "write_at", INT, Word(4))


@pytest.mark.parametrize("name", ["cortex-m4", "rv32imc", *QEMU_CORES])
def test_an_endless_loop_ends_at_the_limit(name: str) -> None:
    assert "1000000 instructions were executed and no end was reached" in refused(name, "spin", INT)


@pytest.mark.parametrize("name", ["cortex-m4", "rv32imc", *QEMU_CORES])
def test_a_null_pointer_and_a_stack_overflow_fault(name: str) -> None:
    null = refused(name, "write_at", Word(0), Word(1 << 28))
    assert "write_at+" in null
    assert "stack of 65536 bytes" in refused(name, "deep", INT, Word(0))


def test_what_nothing_defines_is_named() -> None:
    target = load_target("cortex-m4")
    calls = "declare i32 @absent(i32)\ndefine i32 @f(i32 %n) {\n %r = call i32 @absent(i32 %n)\n ret i32 %r\n}"
    with pytest.raises(CompileError, match="nothing defines 'absent', which the object calls"):
        execute(target, [compiled(target, calls)], "f", [Word(1)])
    assert "the objects do not define 'nobody'" in refused("cortex-m4", "nobody", Word(1))


def test_objects_of_another_machine_and_hosts_are_refused() -> None:
    code = compiled(load_target("rv32imc"), FAULTS)
    with pytest.raises(CompileError, match="object 0 is no ELF object for cortex-m4"):
        execute(load_target("cortex-m4"), [code], "spin", [INT])
    with pytest.raises(CompileError, match="x86-64-v3 is not emulated"):
        execute(load_target("x86-64-v3"), [code], "spin", [INT])


def test_nan_payloads_and_large_buffers_pass_unchanged() -> None:
    copy = """
    define i32 @copy(ptr %from, ptr %to, i32 %n) {
    entry:
      br label %loop
    loop:
      %i = phi i32 [ 0, %entry ], [ %i1, %loop ]
      %p = getelementptr float, ptr %from, i32 %i
      %q = getelementptr float, ptr %to, i32 %i
      %v = load float, ptr %p
      store float %v, ptr %q
      %i1 = add i32 %i, 1
      %more = icmp ult i32 %i1, %n
      br i1 %more, label %loop, label %end
    end:
      ret i32 0
    }
    """
    target = load_target("cortex-m4")
    count = 3 << 20  # 12 MB each way, more than any part has
    bits = np.random.default_rng(SEED).integers(0, 1 << 32, count, np.uint32)
    bits[:4] = 0x7FC0_0000, 0x7F80_0001, 0xFFC1_2345, 0x8000_0000
    output = Output((count,), np.float32)
    execution = execute(target, [compiled(target, copy)], "copy", [Input(bits.view(np.float32)), output, Word(count)])
    assert (execution.outputs[0].view(np.uint32) == bits).all()


def test_unaligned_words_fault_on_a_core_that_refuses_them() -> None:
    text = "define i32 @f(ptr %p) {\n %q = getelementptr i8, ptr %p, i32 1\n %v = load i32, ptr %q, align 4\n ret i32 %v\n}"
    target = load_target("cortex-m0plus")
    with pytest.raises(CompileError, match=r"f\+0x"):
        execute(target, [compiled(target, text)], "f", [Input(np.zeros(4, np.int32))])


@pytest.mark.parametrize(("name", "other"), [("cortex-m4", "cortex-m55"), ("cortex-m33", "cortex-m55"), ("rv64gc", "rv64gcv")])
def test_both_emulators_count_the_same(name: str, other: str) -> None:
    code = compiled(load_target(name), DOT)
    a, b = np.random.default_rng(SEED).integers(-128, 128, (2, 100), np.int8)
    arguments: list[Argument] = [Input(a), Input(b), Word(100), Output((1,), np.int32)]
    first, second = (execute(available(core), [code], "dot", arguments) for core in (name, other))
    assert (first.instructions, first.stack_bytes, first.by_function) == (second.instructions, second.stack_bytes, second.by_function)


SECTIONS = """
@kws_weights = private constant [300000 x i32] [i32 11, i32 22, {rest}], section ".rodata.kws_weights", align 64
@unused_weights = constant [1000 x i32] zeroinitializer, section ".rodata.unused_weights"
define i32 @kws_run(i32 %i) section ".text.kws_run" {{
  %p = getelementptr i32, ptr @kws_weights, i32 %i
  %v = load i32, ptr %p
  %w = call i32 @kws_double(i32 %v)
  ret i32 %w
}}
define internal i32 @kws_double(i32 %v) noinline section ".text.kws_double" {{
  %w = add i32 %v, %v
  ret i32 %w
}}
define i32 @kws_unused(ptr %p) section ".text.kws_unused" {{
  %v = load i32, ptr @unused_weights
  ret i32 %v
}}
"""


@pytest.mark.parametrize("name", ["cortex-m0plus", "cortex-m4", "rv32imc", "rv64gc", *QEMU_CORES])
def test_large_weights_in_their_own_section_are_found_and_what_is_not_called_is_dropped(name: str) -> None:
    target = available(name)
    text = SECTIONS.format(rest=", ".join(["i32 7"] * 299_997 + ["i32 -5"]))
    execution = execute(target, [compiled(target, text)], "kws_run", [Word(299_999 - 1)])
    assert execution.status == 14
    assert 1_200_000 < execution.flash_bytes < 1_200_200
    assert list(execution.by_function) == ["kws_double", "kws_run"] or list(execution.by_function) == ["kws_run", "kws_double"]
    assert execute(target, [compiled(target, text)], "kws_run", [Word(299_999)]).status == -10
