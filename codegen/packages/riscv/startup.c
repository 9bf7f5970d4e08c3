/* From reset to main on a RISC-V core in machine mode: stack, variables, floating point, main. What main returned stays in `result`. */
#include <stdint.h>

extern uint32_t data_begin, data_end, data_values, bss_begin, bss_end;
int main(void);
volatile int result;

static __attribute__((used)) void begin(void)
{
    const uint32_t *from = &data_values;
    for (uint32_t *to = &data_begin; to < &data_end;)
        *to++ = *from++;
    for (uint32_t *to = &bss_begin; to < &bss_end;)
        *to++ = 0;
    result = main();
    for (;;)
        __asm volatile("wfi");
}

/* mstatus.FS, bits 13 and 14, lets floating point run (privileged architecture 3.1.6.6). */
__attribute__((naked, section(".start"), used)) void reset(void)
{
    __asm volatile(
        ".option push\n\t.option norelax\n\tla gp, __global_pointer$\n\t.option pop\n\t"
        "la sp, stack_end\n\t"
#if @HAS_FPU@
        "li t0, 0x2000\n\tcsrs mstatus, t0\n\t"
#endif
        "j begin");
}
