"""The programs that stand around a call in QEMU: a start-up program per family, and the plugin that counts.

Texts for `str.format` (start-up, assembled per call) and C (the plugin, compiled once). The memory handed in begins with
words for the way back: the result at 0, a fault's instruction at 8, its cause at 16, the address it touched at 24.
"""

from __future__ import annotations

__all__ = ["ARM_START", "COUNTER", "RISCV_START"]

# Board: the core starts from the vector table at 0. FPU and Helium are off until CPACR (0xe000ed88) says otherwise; MSPLIM makes
# a stack overflow fault. Files are written by semihosting: open 1, write 5, exit 0x20 with its reason 0x20026 and a status.
ARM_START = """
  .syntax unified
  .thumb
  .section .vectors, "a"
  .word {spare_stack}
  .word chip_start
  .rept 14
  .word chip_fault
  .endr
  .text
  .global chip_start, chip_return, chip_fault
  .type chip_start, %function
chip_start:
  ldr r0, =0xe000ed88
  ldr r1, [r0]
  orr r1, r1, #0xf00000
  str r1, [r0]
  dsb
  isb
  ldr r0, ={stack_start}
  msr msplim, r0
  ldr r0, ={stack_pointer}
  mov sp, r0
  ldr r4, =chip_words
  ldmia r4, {{r0-r3}}
  bl {entry}
chip_return:
  ldr r1, ={base}
  str r0, [r1]
  movs r6, #0
  b chip_leave

  .type chip_fault, %function
chip_fault:
  mrs r4, msp
  ldr r1, ={base}
  ldr r0, =0xe000ed28
  ldr r2, [r0]
  str r2, [r1, #16]
  ldr r2, [r0, #16]
  str r2, [r1, #24]
  movs r2, #0
  msr msplim, r2
  ldr r2, [r4, #24]
  str r2, [r1, #8]
  movs r6, #{fault_status}

chip_leave:
  movs r0, #0
  msr msplim, r0
  ldr r0, ={spare_stack}
  mov sp, r0
  movs r0, #1
  adr r1, chip_file
  bkpt 0xab
  ldr r2, ={base}
  ldr r3, ={size}
  push {{r0, r2, r3, r4}}
  mov r1, sp
  movs r0, #5
  bkpt 0xab
  ldr r1, =0x20026
  push {{r1, r6}}
  mov r1, sp
  movs r0, #0x20
  bkpt 0xab
  b .
  .pool
  .align 2
chip_file:
  .word chip_name, 5, 8
chip_name:
  .asciz "dump.bin"
  .align 2
chip_words:
  .word {words}
"""

# Linux program: handlers for the signals that a fault becomes (4 SIGILL, 7 SIGBUS, 8 SIGFPE, 11 SIGSEGV) on a stack of their own:
# system calls 132 sigaltstack and 134 rt_sigaction. The way back is write 64 to stdout, then exit 93. A signal's context has the pc at 176.
RISCV_START = """
  .text
  .global chip_start, chip_return, chip_fault
  .type chip_start, @function
chip_start:
  .option push
  .option norelax
  la gp, __global_pointer$
  .option pop
  la a0, chip_spare
  li a1, 0
  li a7, 132
  ecall
  la s1, chip_signals
1: lw a0, 0(s1)
  beqz a0, 2f
  la a1, chip_action
  li a2, 0
  li a3, 8
  li a7, 134
  ecall
  addi s1, s1, 4
  j 1b
2: li sp, {stack_pointer}
  la t0, chip_words
  ld a0, 0(t0)
  ld a1, 8(t0)
  ld a2, 16(t0)
  ld a3, 24(t0)
  ld a4, 32(t0)
  ld a5, 40(t0)
  ld a6, 48(t0)
  ld a7, 56(t0)
  call {entry}
chip_return:
  li t0, {base}
  sd a0, 0(t0)
  li s2, 0
  j chip_leave

  .type chip_fault, @function
chip_fault:
  ld t1, 176(a2)
  ld t2, 16(a1)
  li t0, {base}
  sd t1, 8(t0)
  sd a0, 16(t0)
  sd t2, 24(t0)
  li s2, {fault_status}

chip_leave:
  li s0, {base}
  li s1, {size}
3: li a0, 1
  mv a1, s0
  mv a2, s1
  li a7, 64
  ecall
  blez a0, 4f
  add s0, s0, a0
  sub s1, s1, a0
  bnez s1, 3b
4: mv a0, s2
  li a7, 93
  ecall

  .section .rodata.chip, "a"
  .balign 8
chip_words:
  .dword {words}
chip_action:
  .dword chip_fault, 0x08000004, 0
chip_spare:
  .dword {spare_start}, 0, {spare_bytes}
chip_signals:
  .word 4, 7, 8, 11, 0
  .section .chip_memory, "aw"
  .incbin "memory.bin"
"""

COUNTER = """
/* QEMU plugin (interface 1, QEMU 6.0 and later, the few declarations written out): counts every block that is executed between
   two addresses, and ends the program at a limit. Arguments, in this order: start=, stop=, fault= (addresses) and limit=.
   It writes "blocks.txt": lines "block PC INSTRUCTIONS TIMES", and last "end LAST_PC" or "limit LAST_PC". */
typedef unsigned long long u64;
typedef unsigned long size;
struct qemu_plugin_tb;
extern void qemu_plugin_register_vcpu_tb_trans_cb(u64, void (*)(u64, struct qemu_plugin_tb *));
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, void (*)(unsigned, void *), int, void *);
extern size qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern u64 qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
extern void *fopen(const char *, const char *);
extern int fprintf(void *, const char *, ...);
extern int fclose(void *);
extern void _exit(int);
extern u64 strtoull(const char *, char **, int);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;
enum { MOST = 1 << 18 };
static struct block { u64 pc, instructions, times; } blocks[MOST];
static u64 used, running, total, last, start, stop, fault, limit;

static void report(const char *how) {
  void *file = fopen("blocks.txt", "w");
  for (u64 i = 0; i < used; i++)
    if (blocks[i].times) fprintf(file, "block %llu %llu %llu\\n", blocks[i].pc, blocks[i].instructions, blocks[i].times);
  fprintf(file, "%s %llu\\n", how, last);
  fclose(file);
}

static void on_execute(unsigned cpu, void *data) {
  struct block *block = data;
  (void)cpu;
  if (block->pc == start) running = 1;
  if (running && (block->pc == stop || block->pc == fault)) {
    running = 0;
    report("end");
  }
  if (!running) return;
  last = block->pc;
  block->times++;
  total += block->instructions;
  if (total > limit) {
    report("limit");
    _exit(98);
  }
}

static void on_translate(u64 id, struct qemu_plugin_tb *tb) {
  (void)id;
  if (used == MOST) _exit(97);
  struct block *block = &blocks[used++];
  block->pc = qemu_plugin_tb_vaddr(tb);
  block->instructions = qemu_plugin_tb_n_insns(tb);
  qemu_plugin_register_vcpu_tb_exec_cb(tb, on_execute, 0, block);
}

__attribute__((visibility("default"))) int qemu_plugin_install(u64 id, const void *about, int argc, char **argv) {
  (void)about;
  if (argc != 4) return 1;
  start = strtoull(argv[0] + 6, 0, 0);
  stop = strtoull(argv[1] + 5, 0, 0);
  fault = strtoull(argv[2] + 6, 0, 0);
  limit = strtoull(argv[3] + 6, 0, 0);
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
  return 0;
}
"""
