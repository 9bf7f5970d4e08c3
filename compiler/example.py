"""A small C program around a compiled model, with the start-up code and linker script of its family.

In comes an artefact for a chip; out come files by name, to stand beside object and header. `example()` fills the inputs with a pattern, runs the model and
returns the index of the largest element of the first output, or the model's negative status. The one thing to know: nothing here needs a C library, and
names from the model appear only as the identifiers that the header has made of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..codegen.header import Field, c_identifiers
from ..targets.description import Target
from ..targets.load import load_target
from .artefact import Artefact, Port

__all__ = ["example_files"]

_MAIN = """\
/* Runs the model once. Written by intaglio; change it as you like. */
#include "{name}.h"

static uint8_t arena[{upper}_ARENA_BYTES + 1] __attribute__((aligned({upper}_ARENA_ALIGN)));
{arrays}

/* The index of the largest element of the first output, or the model's status if it is not {upper}_OK. */
int32_t example(void)
{{
    const {name}_inputs inputs = {{ {inputs} }};
    const {name}_outputs outputs = {{ {outputs} }};
{fills}
    int32_t status = {name}_run(&inputs, &outputs, arena, sizeof arena);
    if (status != {upper}_OK)
        return status;
    int32_t best = 0;
    for (uint32_t i = 1; i < {count}; i++)
        if ({first}[i] > {first}[best])
            best = (int32_t)i;
    return best;
}}
"""

_START_ARM = """\
/* From reset to example(): the vector table, the FPU, variables. */
#include <stdint.h>

extern uint32_t data_start[], data_end[], data_values[], bss_start[], bss_end[], stack_top[];
extern int32_t example(void);
volatile int32_t example_result; /* for the debugger */

__attribute__((noreturn)) void start(void)
{
#if defined(__ARM_FP)
    *(volatile uint32_t *)0xe000ed88 |= 0xfu << 20; /* CPACR: let code use the FPU */
    __asm__ volatile("dsb\\n isb");
#endif
    for (volatile uint32_t *to = data_start, *from = data_values; to < data_end;)
        *to++ = *from++;
    for (volatile uint32_t *to = bss_start; to < bss_end;)
        *to++ = 0;
    example_result = example();
    for (;;) {
    }
}

static void fault(void)
{
    for (;;) {
    }
}

__attribute__((used, section(".vectors"))) static const void *const vectors[16] = {
    stack_top, (const void *)start, (const void *)fault, (const void *)fault, (const void *)fault, (const void *)fault, (const void *)fault,
};
"""

_START_RISCV = """\
/* From reset to example(): stack, FPU, variables. */
#include <stdint.h>

extern uint32_t data_start[], data_end[], data_values[], bss_start[], bss_end[];
extern int32_t example(void);
volatile int32_t example_result; /* for the debugger */

__attribute__((noreturn, used)) static void begin(void)
{
    for (volatile uint32_t *to = data_start, *from = data_values; to < data_end;)
        *to++ = *from++;
    for (volatile uint32_t *to = bss_start; to < bss_end;)
        *to++ = 0;
    example_result = example();
    for (;;) {
    }
}

__attribute__((naked, section(".vectors"))) void start(void)
{
    __asm__ volatile(".option push\\n .option norelax\\n la gp, __global_pointer$\\n .option pop\\n la sp, stack_top");
#if defined(__riscv_flen)
    __asm__ volatile("li t0, 0x2000\\n csrs mstatus, t0"); /* FS: let code use the FPU */
#endif
    __asm__ volatile("j %0" : : "i"(begin));
}
"""

_LINK = """\
/* Sizes of {target}; addresses are those of many parts: put your own here. */
ENTRY(start)
MEMORY
{{
  FLASH (rx) : ORIGIN = {flash:#x}, LENGTH = {flash_bytes}
  RAM (rwx) : ORIGIN = {ram:#x}, LENGTH = {ram_bytes}
}}
SECTIONS
{{
  /DISCARD/ : {{ *(.ARM.exidx* .ARM.extab* .eh_frame* .comment .note*) }}
  .text : {{ KEEP(*(.vectors)) *(.text .text.*) }} > FLASH
  .rodata : {{ *(.rodata .rodata.* .srodata .srodata.*) }} > FLASH /* the weights are .rodata.{name}_weights */
  .data : ALIGN(8) {{ data_start = .; *(.data .data.* .sdata .sdata.*) . = ALIGN(8); data_end = .; }} > RAM AT > FLASH
  data_values = LOADADDR(.data);
  .bss (NOLOAD) : ALIGN(8) {{ bss_start = .; *(.bss .bss.* .sbss .sbss.* COMMON) . = ALIGN(8); bss_end = .; }} > RAM
}}
__global_pointer$ = ORIGIN(RAM) + 0x800;
stack_top = ORIGIN(RAM) + LENGTH(RAM);
"""

_BUILD = """\
#!/bin/sh
# Links {name}_example.elf. The compiler is clang from 'pip install ziglang'; GCC for the chip takes the same sources and linker script,
# with -nostartfiles.
set -eu
cd "$(dirname "$0")"
python3 -m ziglang cc -target {zig_target} -mcpu={zig_cpu} -Os -ffreestanding \\
    -Wl,-e,start -Wl,-T,{name}_example.ld -Wl,--gc-sections {name}_example.c {name}_start.c {name}.o -o {name}_example.elf
"""

_ADDRESSES = {"arm": (0x0800_0000, 0x2000_0000), "riscv": (0x2000_0000, 0x4000_0000)}


def example_files(artefact: Artefact) -> dict[str, bytes]:
    """The program, its start-up code, linker script and build command."""
    target = load_target(artefact.manifest.target)
    name = artefact.manifest.name
    texts = {
        f"{name}_example.c": _main(artefact),
        f"{name}_start.c": _START_ARM if target.family == "arm" else _START_RISCV,
        f"{name}_example.ld": _link(artefact, target),
        f"{name}_build.sh": _BUILD.format(name=name, zig_target=target.toolchain.target, zig_cpu=target.toolchain.cpu),
    }
    return {file: text.encode() for file, text in texts.items()}


def _link(artefact: Artefact, target: Target) -> str:
    flash, ram = _ADDRESSES[target.family]
    return _LINK.format(
        target=target.name, name=artefact.manifest.name, flash=flash, ram=ram, flash_bytes=target.flash_bytes, ram_bytes=target.ram_bytes
    )


def _main(artefact: Artefact) -> str:
    manifest = artefact.manifest
    inputs, outputs = _fields(manifest.inputs), _fields(manifest.outputs)
    ins, outs = ([f"{role}_{each}" for each in c_identifiers([f.name for f in fields])] for role, fields in (("input", inputs), ("output", outputs)))
    arrays = [
        f"static {field.c_type} {array}[{max(field.elements, 1)}];"
        for field, array in zip((*inputs, *outputs), (*ins, *outs), strict=True)
    ]
    fills = [f"    for (uint32_t i = 0; i < {f.elements}; i++)\n        {a}[i] = ({f.c_type})(i % 7);" for f, a in zip(inputs, ins, strict=True)]
    return _MAIN.format(
        name=manifest.name,
        upper=manifest.name.upper(),
        arrays="\n".join(arrays),
        inputs=", ".join(ins) or "0",
        outputs=", ".join(outs) or "0",
        fills="\n".join(fills),
        first=outs[0],
        count=outputs[0].elements,
    )


def _fields(ports: Sequence[Port]) -> list[Field]:
    return [Field(port.name, tuple(extent or 0 for extent in port.shape), port.element) for port in ports]
