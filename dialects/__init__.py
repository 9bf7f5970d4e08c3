"""What programs are made of: the IR core (`ir`), the support dialects (`builtin`, `func`, `arith`, `math`) and the three forms
of a model: `graph` (whole operators), `tensor` (computations with index maps), `loop` (nests over buffers and vectors)."""
