"""A chip in this process: link objects for it, run one C function, count what it does.

arguments.py     what a C function is given (`Input`, `Output`, `Scratch`, `Word`, `Pointers`), and where it lies in memory
image.py         objects into a linked program: segments, functions, sizes
counter.py       the count of executed instructions, per address, in machine code
unicorn_chip.py  cores that Unicorn has: Cortex-M0+ to M33, RV32, RV64
qemu_chip.py     cores that only QEMU has: Cortex-M55, RV64 with vectors; needs QEMU to be installed
qemu_sources.py  the start-up programs and the counting plugin for it
execute.py       `execute()`, which joins them
"""

from .arguments import Argument, Input, Output, Pointers, Scratch, Word
from .execute import Execution, execute

__all__ = ["Argument", "Execution", "Input", "Output", "Pointers", "Scratch", "Word", "execute"]
