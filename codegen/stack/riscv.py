"""RISC-V's instructions, as far as they bear on the stack pointer: RV32 and RV64 with the compressed ones.

Encodings: The RISC-V Instruction Set Manual, volume I, version 20240411, chapters 2, 4 and 26 (C); relocations: RISC-V ELF psABI 1.0.
"""

from __future__ import annotations

from .walk import Code, Walk, signed

__all__ = ["RiscV"]

_RA, _SP, _FP = 1, 2, 8
_CALLS = (18, 19)  # R_RISCV_CALL, R_RISCV_CALL_PLT: at the auipc of a pair
_WRITES_INTEGERS = (0x03, 0x2F, 0x33, 0x3B, 0x73)  # loads, atomics, register with register, system


class RiscV(Walk):
    """All that is taken counts: frames have room for the arguments of calls, so nothing is taken twice."""

    def __init__(self, code: Code) -> None:
        super().__init__(code)
        self.paired = -1  # the offset of a jump that belongs to a call already taken in

    def end_block(self) -> None:
        self.constants.clear()

    def step(self, at: int) -> int:
        word = self.code.number(at, 4)
        if word & 3 != 3:
            self._compressed(at, word & 0xFFFF)
            return 2
        self._full(at, word)
        return 4

    def _full(self, at: int, word: int) -> None:
        opcode, rd, kind, source = word & 0x7F, word >> 7 & 31, word >> 12 & 7, word >> 15 & 31
        match opcode:
            case 0x13 if kind == 0:
                self._add(rd, source, signed(word >> 20, 12))
            case 0x13 if kind == 7 and rd == _SP:  # and: an alignment
                self.take(-signed(word >> 20, 12) if source == _SP else None)
            case 0x13 if kind == 1:
                self._shift(rd, source, word >> 20 & 63)
            case 0x1B if kind == 0:
                self._add(rd, source, signed(word >> 20, 12))
            case 0x37:
                self._assign(rd, None if at in self.code.relocations else signed(word & 0xFFFFF000, 32))
            case 0x17:
                self._address(at, rd, word)
            case 0x33 if kind == 0 and rd == _SP and source == _SP and word >> 25 in (0, 0x20):
                self._adjust(self.constants.get(word >> 20 & 31), -1 if word >> 25 else 1)
            case 0x67:
                self._jump_register(at, rd, source)
            case 0x6F if rd:
                self.call(at, at + _jump_offset(word))
            case 0x6F:
                self.jump(at, at + _jump_offset(word))
            case 0x63:
                self.end_block()
            case _ if opcode in _WRITES_INTEGERS:
                self._assign(rd, None)
            case _:
                self.set(rd, None)  # a float or a vector, or no register: nothing is lost by forgetting one

    def _compressed(self, at: int, half: int) -> None:
        rd, near, number = half >> 7 & 31, 8 + (half >> 7 & 7), signed(half >> 7 & 32 | half >> 2 & 31, 6)
        match half & 3, half >> 13:
            case 1, 0:
                self._add(rd, rd, number)
            case 1, 1 if self.code.wide:
                self._add(rd, rd, number)
            case 1, 1:
                self.call(at, at + _near_offset(half))
            case 1, 2:
                self._assign(rd, number)
            case 1, 3 if rd == _SP:
                places = ((12, 9), (6, 4), (5, 6), (4, 8), (3, 7), (2, 5))
                self._adjust(signed(sum((half >> bit & 1) << place for bit, place in places), 10))
            case 1, 3:
                self._assign(rd, number << 12)
            case 1, 4:
                self.set(near, None)
            case 1, 5:
                self.jump(at, at + _near_offset(half))
            case 1, 6 | 7:
                self.end_block()
            case 2, 0:
                self._shift(rd, rd, half >> 7 & 32 | half >> 2 & 31)
            case 2, 4:
                self._move(at, half, rd, half >> 2 & 31)
            case 0, _:
                self.set(8 + (half >> 2 & 7), None)
            case 2, 1 | 2 | 3:
                self.set(rd, None)

    def _move(self, at: int, half: int, rd: int, source: int) -> None:
        adds = bool(half >> 12 & 1)
        if not source:
            self._jump_register(at, _RA if adds else 0, rd)
        elif adds and rd == _SP:
            self._adjust(self.constants.get(source))
        elif rd == _SP:
            self.unknown |= source != _FP
        else:
            self.set(rd, None if adds else self.constants.get(source))

    def _add(self, rd: int, source: int, number: int) -> None:
        if rd == _SP and source == _SP:
            self._adjust(number)
        elif rd == _SP:
            self.unknown |= source != _FP  # from the frame pointer: the epilogue
        else:
            known = 0 if source == 0 else self.constants.get(source)
            self.set(rd, None if known is None else signed(known + number, 32))

    def _shift(self, rd: int, source: int, bits: int) -> None:
        known = self.constants.get(source)
        self._assign(rd, None if known is None else known << bits)

    def _assign(self, rd: int, value: int | None) -> None:
        self.unknown |= rd == _SP
        self.set(rd, value)

    def _adjust(self, amount: int | None, sign: int = 1) -> None:
        if amount is None:
            self.unknown = True
        else:
            self.frame += max(0, -sign * amount)

    def _address(self, at: int, rd: int, word: int) -> None:
        """auipc: the first half of a call, or of a constant's address."""
        relocation = self.code.relocations.get(at)
        self._assign(rd, None)
        if relocation and relocation.kind in _CALLS:
            self.call(at, -1)
            self.paired = at + 4
        elif not relocation and self.code.number(at + 4, 4) & 0x000F_807F == rd << 15 | 0x67:  # a jump by the same register
            self.call(at, at + signed(word & 0xFFFFF000, 32) + signed(self.code.number(at + 4, 4) >> 20, 12))
            self.paired = at + 4

    def _jump_register(self, at: int, rd: int, source: int) -> None:
        self.indirect |= at != self.paired and (rd != 0 or source != _RA)
        self.end_block()


def _jump_offset(word: int) -> int:
    return signed((word >> 31) << 20 | (word >> 12 & 255) << 12 | (word >> 20 & 1) << 11 | (word >> 21 & 1023) << 1, 21)


def _near_offset(half: int) -> int:
    """Of c.j and c.jal: offset[11|4|9:8|10|6|7|3:1|5]."""
    places = ((12, 11), (11, 4), (10, 9), (9, 8), (8, 10), (7, 6), (6, 7), (5, 3), (4, 2), (3, 1), (2, 5))
    return signed(sum((half >> bit & 1) << place for bit, place in places), 12)
