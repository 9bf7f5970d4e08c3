"""The emulator's parts that need no emulator: memory layout, instruction lengths, and what is said when a program is missing."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from intaglio.errors import CompileError
from intaglio.runtime.emulator import Argument, Input, Output, Pointers, Scratch, Word, execute, unicorn_chip
from intaglio.runtime.emulator.arguments import PAGE, PAINT, place
from intaglio.runtime.emulator.counter import count_instructions
from intaglio.targets import linker
from intaglio.targets.load import load_target

BASE, END = 0x3000_0000, 0x8000_0000


def test_buffers_end_at_a_guard_page_and_have_natural_alignment() -> None:
    arguments: list[Argument] = [
        Input(np.zeros(3, np.int16)),
        Scratch(100, 64),
        Word(-1),
        Output((1025,), np.float32),
        Output((0,), np.int8),
    ]
    placement = place(arguments, BASE, END, 4)
    short, arena, floats, empty = placement.regions
    assert (short.start, short.address, short.end) == (BASE, BASE + PAGE - 6, BASE + PAGE)
    assert arena.start == short.end + PAGE
    assert arena.address % 64 == 0
    assert arena.address + 100 <= arena.end < arena.address + 100 + 64
    assert floats.address + 4 * 1025 == floats.end == floats.start + 2 * PAGE
    assert len(empty.content) == 0
    assert empty.address == empty.end
    assert placement.words == (short.address, arena.address, 0xFFFF_FFFF, floats.address, empty.address)
    assert placement.scratch_bytes == 100
    assert len(floats.image()) == 2 * PAGE
    assert set(floats.image()) == {PAINT}


def test_a_struct_holds_its_pointers_in_order() -> None:
    placement = place([Pointers((Input(np.zeros(2, np.int8)), Output((4,), np.int32)))], BASE, END, 8)
    first, second, struct = placement.regions
    assert struct.content == first.address.to_bytes(8, "little") + second.address.to_bytes(8, "little")
    assert placement.words == (struct.address,)
    assert [region for _, region in placement.outputs] == [second]


def test_more_than_the_memory_is_refused_before_it_is_allocated() -> None:
    with pytest.raises(CompileError, match=r"argument 1 \(output\) takes 2147483648 bytes, and the emulated memory ends after 1342177280"):
        place([Word(1), Output((1 << 31,), np.int8)], BASE, END, 4)


@pytest.mark.parametrize(
    ("halfwords", "thumb", "count"),
    [
        ([0xBF00, 0xBF00], True, 2),  # nop, nop
        ([0xF000, 0xF800, 0x4770], True, 2),  # bl, bx lr
        ([0xE7FE], True, 1),  # b: the last encoding of 16 bits
        ([0xE92D, 0x4FF0, 0xEEB0, 0x0A40], True, 2),  # push.w, vmov.f32
        ([0x0001, 0x8082], False, 2),  # c.nop, c.jr ra
        ([0x0013, 0x0000, 0x0001], False, 2),  # nop, c.nop
    ],
)
def test_the_first_halfword_tells_an_instructions_length(halfwords: list[int], thumb: bool, count: int) -> None:
    assert count_instructions(np.array(halfwords, "<u2").tobytes(), thumb) == count


def elf(name: str) -> bytes:
    """As much of an object as is looked at before linking."""
    target = load_target(name)
    machine = {"arm": 40, "riscv": 243}[target.family]
    return b"\x7fELF" + bytes([target.pointer_bits // 32]) + bytes(13) + machine.to_bytes(2, "little")


def test_missing_programs_are_named_with_the_way_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    for name, package in (("cortex-m55", "qemu-system-arm"), ("rv64gcv", "qemu-user")):
        with pytest.raises(CompileError, match=f"apt-get install {package}"):
            execute(load_target(name), [elf(name)], "f", [])
    monkeypatch.setattr(linker, "find_spec", lambda _name: None)
    with pytest.raises(CompileError, match=r"no linker is installed(?s:.*)pip install intaglio\[mcu\]"):
        execute(load_target("cortex-m4"), [elf("cortex-m4")], "f", [])
    monkeypatch.setattr(unicorn_chip, "find_spec", lambda _name: None)
    with pytest.raises(CompileError, match=r"no emulator for cortex-m4 is installed(?s:.*)pip install intaglio\[mcu\]"):
        execute(load_target("cortex-m4"), [elf("cortex-m4")], "f", [])
