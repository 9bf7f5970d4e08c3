"""How many bytes of stack generated code for small cores can take: per function and along the deepest chain of calls.

`frames` reads an object, `thumb` and `riscv` read the instructions of one function, `walk` is what they have in common. LLVM could write a
section with these figures, but the option cannot be reached through llvmlite; so the instructions are read, which takes no second
compilation to assembly.
"""
