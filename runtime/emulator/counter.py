"""Counting executed instructions in machine code: Unicorn calls `on_block` for each basic block, and no Python runs.

`BlockCounter` hands Unicorn a small function made with llvmlite. It adds the block's instructions (read from its bytes once,
then remembered per address) to a total and to the count of its address, and stops the machine when the limit is passed.
An instruction that an IT block skips counts, as it takes its cycle on a core.

This is the one place in the runtime beside jit.py that uses llvmlite. Whoever can compile for a chip has it; a hook in
Python is a hundred times slower, and a C extension would have to be built for every platform.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

__all__ = ["BlockCounter", "Hooks", "compiled_hooks", "count_instructions"]

_SLOW = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int32)

# The state is nine words; the numbers in the getelementptr are the fields of _State, in order.
_IR = """
define void @on_block(ptr %machine, i64 %address, i32 %size, ptr %state) {
  %last_p = getelementptr i64, ptr %state, i64 8
  store i64 %address, ptr %last_p
  %base_p = getelementptr i64, ptr %state, i64 2
  %base = load i64, ptr %base_p
  %offset = sub i64 %address, %base
  %index = lshr i64 %offset, 1
  %entries_p = getelementptr i64, ptr %state, i64 3
  %entries = load i64, ptr %entries_p
  %inside = icmp ult i64 %index, %entries
  br i1 %inside, label %look, label %slow
look:
  %known_pp = getelementptr i64, ptr %state, i64 4
  %known_p = load ptr, ptr %known_pp
  %entry_p = getelementptr i32, ptr %known_p, i64 %index
  %entry = load i32, ptr %entry_p
  %bytes = lshr i32 %entry, 16
  %remembered = and i32 %entry, 65535
  %same = icmp eq i32 %bytes, %size
  br i1 %same, label %add, label %slow
slow:
  %slow_pp = getelementptr i64, ptr %state, i64 6
  %slow_p = load ptr, ptr %slow_pp
  %counted = call i32 %slow_p(ptr %machine, i64 %address, i32 %size)
  br i1 %inside, label %add, label %done
add:
  %n32 = phi i32 [ %remembered, %look ], [ %counted, %slow ]
  %n = zext i32 %n32 to i64
  %executed_pp = getelementptr i64, ptr %state, i64 5
  %executed_p = load ptr, ptr %executed_pp
  %count_p = getelementptr i64, ptr %executed_p, i64 %index
  %count = load i64, ptr %count_p
  %count_n = add i64 %count, %n
  store i64 %count_n, ptr %count_p
  %total = load i64, ptr %state
  %total_n = add i64 %total, %n
  store i64 %total_n, ptr %state
  %limit_p = getelementptr i64, ptr %state, i64 1
  %limit = load i64, ptr %limit_p
  %over = icmp ugt i64 %total_n, %limit
  br i1 %over, label %stop, label %done
stop:
  %stop_pp = getelementptr i64, ptr %state, i64 7
  %stop_p = load ptr, ptr %stop_pp
  %status = call i32 %stop_p(ptr %machine)
  br label %done
done:
  ret void
}

define void @on_instruction(ptr %machine, i64 %address, i32 %size, ptr %state) {
  %last_p = getelementptr i64, ptr %state, i64 8
  store i64 %address, ptr %last_p
  ret void
}
"""


class _State(ctypes.Structure):
    _fields_ = [
        ("total", ctypes.c_uint64),
        ("limit", ctypes.c_uint64),
        ("base", ctypes.c_uint64),
        ("entries", ctypes.c_uint64),
        ("known", ctypes.c_void_p),  # per halfword of the code: bytes << 16 | instructions of the block that begins there
        ("executed", ctypes.c_void_p),  # per halfword: instructions executed in blocks that begin there
        ("slow", ctypes.c_void_p),
        ("stop", ctypes.c_void_p),
        ("last", ctypes.c_uint64),
    ]


@dataclass(frozen=True, slots=True)
class Hooks:
    """Addresses of the two functions, and the engine that owns their code."""

    on_block: int
    on_instruction: int
    engine: object


class BlockCounter:
    """The count of one run over the code at `base`; give `state_address` to the hooks."""

    def __init__(self, code: bytes, base: int, thumb: bool, limit: int, stop: Callable[[], object], stop_address: int) -> None:
        entries = len(code) // 2 + 1
        self.executed = np.zeros(entries, np.uint64)
        self.strayed: int | None = None  # the first address outside the code, if control got there
        self._known = np.zeros(entries, np.uint32)

        def slow(_machine: int, address: int, size: int) -> int:
            offset = address - base
            if not 0 <= offset < len(code):
                self.strayed = address
                stop()
                return 0
            count = count_instructions(code[offset : offset + size], thumb)
            self._known[offset >> 1] = size << 16 | count
            return count

        self._slow = _SLOW(slow)  # kept: the machine code holds only its address
        self._state = _State(
            0,
            limit,
            base,
            entries,
            self._known.ctypes.data,
            self.executed.ctypes.data,
            ctypes.cast(self._slow, ctypes.c_void_p),
            stop_address,
            0,
        )

    @property
    def state_address(self) -> int:
        """What the hooks take as their last argument."""
        return ctypes.addressof(self._state)

    @property
    def total(self) -> int:
        """Instructions executed so far."""
        return int(self._state.total)

    @property
    def last(self) -> int:
        """The block, or with `on_instruction` the instruction, begun last."""
        return int(self._state.last)


@cache
def compiled_hooks() -> Hooks:
    """The hooks, compiled once per process."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(opt=2)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(_IR), machine)
    engine.finalize_object()
    return Hooks(engine.get_function_address("on_block"), engine.get_function_address("on_instruction"), engine)


def count_instructions(code: bytes, thumb: bool) -> int:
    """Instructions in a straight piece of Thumb or compressed RISC-V code; the first halfword tells an instruction's length."""
    count = at = 0
    while at < len(code):
        low = code[at] | code[at + 1] << 8
        wide = low >> 11 >= 0b11101 if thumb else low & 3 == 3
        at += 4 if wide else 2
        count += 1
    return count
