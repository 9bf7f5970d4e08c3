/* One run of the model. Fill the inputs, call, read the outputs: everything else is yours. */
#include "@NAME@.h"

@BUFFERS@
#if @UPPER@_ARENA_BYTES > 0
static uint8_t arena[@UPPER@_ARENA_BYTES] __attribute__((aligned(@UPPER@_ARENA_ALIGN)));
#else
static uint8_t arena[1] __attribute__((aligned(@UPPER@_ARENA_ALIGN)));
#endif

int main(void)
{
    const @NAME@_inputs inputs = { @INPUTS@ };
    const @NAME@_outputs outputs = { @OUTPUTS@ };
    return @NAME@_run(&inputs, &outputs, arena, @UPPER@_ARENA_BYTES);
}
