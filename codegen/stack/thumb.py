"""Thumb's instructions, as far as they bear on the stack pointer: Armv6-M to Armv8.1-M.

Encodings: Armv8-M Architecture Reference Manual, chapter C2; relocations: ELF for the Arm Architecture.
"""

from __future__ import annotations

from .walk import Code, Walk, signed

__all__ = ["Thumb"]

_SP, _LR = 13, 14
_FRAME_POINTERS = (7, 11)


class Thumb(Walk):
    """`origin`: registers that hold sp, sp on its way to an alignment, or the frame pointer less something."""

    def __init__(self, code: Code) -> None:
        super().__init__(code)
        self.origin: dict[int, tuple[str, int]] = {}

    def end_block(self) -> None:
        super().end_block()
        self.origin.clear()

    def step(self, at: int) -> int:
        first = self.code.number(at, 2)
        if first >> 11 < 0b11101:
            self._narrow(at, first)
            return 2
        self._wide(at, first, self.code.number(at + 2, 2))
        return 4

    # Sixteen bits.

    def _narrow(self, at: int, half: int) -> None:
        match half >> 12:
            case 0b0000 | 0b0001 | 0b0010 | 0b0011:
                self._low_registers(half)
            case 0b0100:
                self._all_registers(at, half)
            case 0b1011:
                self._stack(half)
            case 0b1101:
                self.jump(at, at + 4 + signed(half << 1, 9))
            case 0b1110:
                self.jump(at, at + 4 + signed(half << 1, 12))
            case _:
                self._forget(*_near_fields(half))

    def _stack(self, half: int) -> None:
        if half >> 9 == 0b1011010:  # push
            self.take(4 * (half & 0x1FF).bit_count())
        elif half >> 9 == 0b1011110:  # pop
            self.give(0)
        elif half >> 8 == 0b10110000:  # add sp, sub sp
            self.take((half & 0x7F) * (4 if half & 0x80 else -4))
        elif half & 0xF500 == 0xB100:  # cbz, cbnz
            self.end_block()
        else:
            self._forget(*_near_fields(half))

    def _all_registers(self, at: int, half: int) -> None:
        """Additions, moves and branches that reach the upper registers; loads of constants."""
        target, source = half >> 4 & 8 | half & 7, half >> 3 & 15
        match half >> 8 & 15:
            case 4 if target == _SP:
                self.take(self._less(source, -1))
            case 6:
                self._move(target, source)
            case 7:
                self.indirect |= half >> 3 & 31 != _LR  # bx lr
                self.end_block()
            case kind if kind >= 8:
                self._write(half >> 8 & 7, self._literal((at + 4 & ~3) + 4 * (half & 255)))
            case _:
                self._forget(target, source)

    def _low_registers(self, half: int) -> None:
        target, source, named = half & 7, half >> 3 & 7, half >> 8 & 7
        origin, bits = self.origin.get(source, ("", 0))
        match half >> 11:
            case 0b00000 if origin == "aligned":  # lsls
                self._hold(target, origin, bits)
            case 0b00001 if origin == "sp":  # lsrs
                self._hold(target, "aligned", half >> 6 & 31)
            case 0b00011 if half & 0x200 and source in _FRAME_POINTERS:  # subs
                self._hold(target, "frame")
            case 0b00100:  # movs
                self._write(named, half & 255)
            case 0b00111 if named in self.origin:  # subs of a number
                pass
            case _:
                self._forget(*_near_fields(half))

    def _move(self, target: int, source: int) -> None:
        if target == _SP:
            self._restore(source)
        elif source == _SP:
            self._hold(target, "sp")
        elif source in _FRAME_POINTERS:
            self._hold(target, "frame")
        else:
            self._forget(target)

    def _restore(self, source: int) -> None:
        """sp from a register: back to the frame, or an alignment of it; else an alloca."""
        origin, bits = self.origin.get(source, ("frame" if source in _FRAME_POINTERS else "", 0))
        if origin == "aligned":
            self.take(1 << bits)
        elif origin == "frame":
            self.end_block()
        else:
            self.unknown = True

    def _literal(self, at: int) -> int | None:
        return None if at in self.code.relocations else signed(self.code.number(at, 4), 32)

    # Thirty-two bits.

    def _wide(self, at: int, first: int, second: int) -> None:
        if first >> 11 == 0b11110 and second & 0x8000:
            self._branch(at, first, second)
        elif first & 0xFE00 == 0xE800:
            self._many(first, second, 4 * second.bit_count() if not first & 0x40 else 4 * (second & 255))
        elif first & 0xFE00 == 0xEC00:
            self._many(first, second, 4 * (second & 255) if second >> 8 & 15 in (10, 11) else None)
        elif first & 0xFE80 == 0xF800 and second & 0x0900 == 0x0900:  # one register, with writeback
            self._many(first | 0x20 | (second & 0x400) >> 2, second, second & 255)
        elif first & 0xFF7F == 0xF85F:
            offset = second & 0xFFF
            self._write(second >> 12, self._literal((at + 4 & ~3) + (offset if first & 0x80 else -offset)))
        elif first >> 11 == 0b11110:
            self._immediate(first, second)
        elif first & 0xFE00 == 0xEA00:
            self._registers(first, second)
        else:
            self.unknown |= first >> 8 in (0xFA, 0xFB) and second >> 8 & 15 == _SP
            self._forget(*_fields(first, second))

    def _branch(self, at: int, first: int, second: int) -> None:
        sign, j1, j2 = first >> 10 & 1, second >> 13 & 1, second >> 11 & 1
        far = sign << 24 | (1 ^ j1 ^ sign) << 23 | (1 ^ j2 ^ sign) << 22 | (first & 0x3FF) << 12 | (second & 0x7FF) << 1
        match second >> 12 & 5, second >> 14 & 1:
            case 5, 1:
                self.call(at, at + 4 + signed(far, 25))
            case 1, 0:
                self.jump(at, at + 4 + signed(far, 25))
            case 0, 0 if first >> 6 & 14 != 14:
                near = sign << 20 | j2 << 19 | j1 << 18 | (first & 63) << 12 | (second & 0x7FF) << 1
                self.jump(at, at + 4 + signed(near, 21))
            case _, 1:  # loops with their count in lr
                self.end_block()

    def _many(self, first: int, second: int, amount: int | None) -> None:
        """Loads and stores of several registers, of two, or of one: with sp and writeback, a push or a pop."""
        self._forget(*_fields(first, second))
        writes_back, loads, falls = first & 0x20, first & 0x10, first & 0x180 == 0x100
        if loads:
            self.give(0)
        if first & 15 == _SP and writes_back and not loads:
            self.take(amount if falls else None)

    def _immediate(self, first: int, second: int) -> None:
        target, source, plain = second >> 8 & 15, first & 15, first & 0x200
        number = (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | second & 255
        number = number if plain else _expanded(number)
        match first >> 4 & 0x3F:
            case 0x24:  # movw
                self._write(target, source << 12 | number)
            case 0x2C if target in self.constants:  # movt
                self._write(target, signed(self.constants[target] & 0xFFFF | (source << 12 | number) << 16, 32))
            case 0x04 if source == 15:  # mov
                self._write(target, number)
            case 0x10 | 0x20 | 0x1A | 0x2A if target == _SP == source:  # add, sub
                self.take(number if first >> 4 & 0xA == 0xA else -number)
            case 0x1A | 0x2A if target == _SP and (source in _FRAME_POINTERS or source in self.origin):
                self.end_block()
            case 0x1A | 0x2A if source in _FRAME_POINTERS:
                self._hold(target, "frame")
            case 0x36 if source == 15 and self.origin.get(target, ("",))[0] == "sp" and second & 0x70C0 == 0:  # bfc from bit 0
                self._hold(target, "aligned", (second & 31) + 1)
            case _:
                self._write(target, None)

    def _registers(self, first: int, second: int) -> None:
        target, source, last = second >> 8 & 15, first & 15, second & 15
        kind = first & 0xFFF0 if second & 0x70F0 == 0 else 0  # without a shift
        if kind in (0xEBA0, 0xEB00) and target == _SP == source:
            self.take(self._less(last, 1 if kind == 0xEBA0 else -1))
        elif kind == 0xEA40 and source == 15:
            self._move(target, last)
        else:
            self._write(target, None)

    # Registers.

    def _less(self, register: int, sign: int) -> int | None:
        known = self.constants.get(register)
        return None if known is None else sign * known

    def _write(self, target: int, value: int | None) -> None:
        """A number, or something unknown, which sp must not become."""
        self.unknown |= target == _SP
        self.origin.pop(target, None)
        self.set(target, value)

    def _hold(self, target: int, origin: str, bits: int = 0) -> None:
        self.set(target, None)
        self.origin[target] = (origin, bits)

    def _forget(self, *registers: int) -> None:
        for register in registers:
            self.origin.pop(register, None)
            self.set(register, None)


def _near_fields(half: int) -> tuple[int, ...]:
    return half & 7, half >> 3 & 7, half >> 8 & 7


def _fields(first: int, second: int) -> tuple[int, ...]:
    """All that may name a register."""
    return first & 15, second >> 12, second >> 8 & 15, second & 15


def _expanded(number: int) -> int:
    """A modified immediate: ThumbExpandImm."""
    byte = number & 255
    if number >> 10 == 0:
        return byte * (1, 0x10001, 0x1000100, 0x1010101)[number >> 8 & 3]
    turned, places = 0x80 | byte & 0x7F, number >> 7
    return (turned >> places | turned << 32 - places) & 0xFFFFFFFF
