"""From loops to object code: LLVM IR as text, functions of f32 written out, objects, their cache, and their stack."""
