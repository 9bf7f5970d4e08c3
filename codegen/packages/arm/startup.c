/* From reset to main on a Cortex-M: variables, floating point, main. What main returned stays in `result`. */
#include <stdint.h>

extern uint32_t stack_end, data_begin, data_end, data_values, bss_begin, bss_end;
int main(void);
volatile int result;

#if @HAS_FPU@
#define CPACR (*(volatile uint32_t *)0xE000ED88u) /* coprocessor access control, Armv7-M ARM B3.2.20 */
#endif

void reset(void)
{
    const uint32_t *from = &data_values;
    for (uint32_t *to = &data_begin; to < &data_end;)
        *to++ = *from++;
    for (uint32_t *to = &bss_begin; to < &bss_end;)
        *to++ = 0;
#if @HAS_FPU@
    CPACR |= 0xFu << 20;
    __asm volatile("dsb\n\tisb");
#endif
    result = main();
    for (;;)
        __asm volatile("wfi");
}

static void halt(void)
{
    for (;;)
        ;
}

/* Stack pointer, reset, then NMI, HardFault and what follows them. */
__attribute__((section(".vectors"), used)) const void *const vectors[16] = {
    &stack_end, (const void *)reset, (const void *)halt, (const void *)halt, (const void *)halt, (const void *)halt,
    (const void *)halt, 0, 0, 0, 0, (const void *)halt, (const void *)halt, 0, (const void *)halt, (const void *)halt,
};
