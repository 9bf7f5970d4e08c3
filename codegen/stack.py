"""How many bytes of stack generated code for small cores can take: per function and along the deepest chain of calls.

In: assembly as `emit_assembly` writes it, for Thumb or RISC-V. Out: a `Frame` per function, and `deepest` over all of them. The one thing
to know: the answer is an upper bound or None, never a guess. A stack pointer that moves by an amount not known here (an alloca in a
loop, scalable vectors, hand-written code), a call through a pointer, recursion, or a callee nobody knows, all give None.

LLVM could write a section with these figures, but the option cannot be reached through llvmlite. The text can be trusted instead: on
Thumb every push or subtraction of the prologue stands under a directive (`.save`, `.vsave`, `.pad`) that tells its bytes; RISC-V moves sp
by `addi` or by a constant from the instructions just before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

__all__ = ["Frame", "deepest", "read_frames"]

_NAME = r'"(?:[^"\\]|\\.)*"|[\w.$]+'
_TYPE = re.compile(rf"\s*\.type\s+({_NAME}),\s*[%@]function")
_LABEL = re.compile(rf"({_NAME}):")
_LONG = re.compile(r"\s+\.long\s+(-?\d+)")
_REGISTER_CALL = re.compile(r"(?:blx|bx)\s+(?!lr\b)(?:r\d+|ip|r12)\b|(?:jalr|jr)\s+(?!ra$)")
_DIRECT_CALL = re.compile(rf"(?:blx?|b(?:[a-z][a-z])?(?:\.[wn])?|call|tail|jal|j)\s+(?:\w+,\s*)?({_NAME})$")


@dataclass(frozen=True, slots=True)
class Frame:
    """What one function takes: its own bytes (None: unbounded or unknown) and the names it calls; `indirect` if also by pointer."""

    own_bytes: int | None
    calls: tuple[str, ...]
    indirect: bool


def read_frames(assembly: str) -> dict[str, Frame]:
    """The frames of all functions of a module."""
    pool = _constant_pool(assembly)
    readers = {"thumb": _Thumb, "riscv": _RiscV}
    kind = "thumb" if ".thumb_func" in assembly else "riscv"
    return {name: readers[kind](pool).read(lines) for name, lines in _functions(assembly)}


def deepest(frames: Mapping[str, Frame], entry: str, external: Mapping[str, int] = {}) -> int | None:
    """Bytes from the call of `entry` down; `external` are known depths of functions that are not ours (the toolchain's soft float)."""
    depth: dict[str, int | None] = dict(external)
    open_calls: set[str] = set()

    def visit(name: str) -> int | None:
        if name in depth:
            return depth[name]
        frame = frames.get(name)
        if frame is None or frame.own_bytes is None or frame.indirect or name in open_calls:
            return None
        open_calls.add(name)
        below = [visit(callee) for callee in frame.calls]
        open_calls.remove(name)
        known = [bytes_ for bytes_ in below if bytes_ is not None]
        depth[name] = frame.own_bytes + max(known, default=0) if len(known) == len(below) else None
        return depth[name]

    return visit(entry)


def _functions(assembly: str) -> Iterator[tuple[str, list[str]]]:
    """Each function's name and its lines, constant pool included."""
    expected: set[str] = set()
    name, lines = "", list[str]()
    for line in assembly.splitlines():
        label = _LABEL.match(line)
        if kind := _TYPE.match(line):
            expected.add(kind[1])
        elif label and label[1] in expected:
            name, lines = label[1], []
        elif name and re.match(r"\s*\.size\s", line):
            yield _plain(name), lines
            name = ""
        elif name:
            lines.append(line.strip())


def _plain(name: str) -> str:
    return name.strip('"')


def _constant_pool(assembly: str) -> dict[str, int]:
    """The words that Thumb code loads by label, as signed numbers."""
    found = re.findall(r"^(\.LCPI\d+_\d+):\n\s+\.long\s+(-?\d+)", assembly, re.MULTILINE)
    return {label: (int(word) + 2**31) % 2**32 - 2**31 for label, word in found}


@dataclass(slots=True)
class _Reader:
    """Walks one function once. `frame`: what the prologue takes; `passing`: the most that is taken besides, for the arguments of a call."""

    pool: Mapping[str, int]
    frame: int = 0
    passing: int = 0
    unknown: bool = False
    indirect: bool = False
    calls: dict[str, None] = field(default_factory=dict)
    constants: dict[str, int] = field(default_factory=dict)

    def read(self, lines: list[str]) -> Frame:
        for line in lines:
            if _LABEL.match(line):
                self.constants.clear()
            elif line.startswith("."):
                self.directive(line)
            else:
                self.call(line)
                self.instruction(line)
        return Frame(None if self.unknown else self.frame + self.passing, tuple(self.calls), self.indirect)

    def call(self, line: str) -> None:
        if _REGISTER_CALL.match(line):
            self.indirect = True
        elif (match := _DIRECT_CALL.match(line)) and not match[1].startswith(".L"):
            self.calls[_plain(match[1])] = None

    def directive(self, line: str) -> None:
        """Only Thumb's say something."""

    def instruction(self, line: str) -> None:
        raise NotImplementedError

    def split(self, line: str) -> tuple[str, list[str]]:
        """Mnemonic without its width, and operands."""
        mnemonic, _, rest = line.partition("\t")
        return mnemonic.removesuffix(".w").removesuffix(".n"), [part.strip() for part in rest.split(",")]

    def remember(self, register: str, value: int | None) -> None:
        """What a register holds now, where it is a constant."""
        if value is None:
            self.constants.pop(register, None)
        else:
            self.constants[register] = value


class _Thumb(_Reader):
    """`described` is set by a directive and spent by the instruction it stands over."""

    described = False
    origin: dict[str, str]

    def __init__(self, pool: Mapping[str, int]) -> None:
        super().__init__(pool)
        self.origin = {}

    def directive(self, line: str) -> None:
        name, _, value = line.partition("\t")
        if name in (".save", ".vsave"):
            self.frame += _registers(value) * (4 if name == ".save" else 8)
        elif name == ".pad":
            self.frame += int(value.removeprefix("#"))
        else:
            return
        self.described = True

    def instruction(self, line: str) -> None:
        mnemonic, operands = self.split(line)
        moves = operands[0] in ("sp", "sp!") or mnemonic in ("push", "vpush") or (line.endswith("]!") and "[sp" in line)
        if not moves:
            self.track(mnemonic, operands)
        elif self.described:
            self.described = False
        elif mnemonic == "mov":
            self.assigned(operands[1])
        else:
            self.moved(mnemonic, operands, line)

    def track(self, mnemonic: str, operands: list[str]) -> None:
        """Constants for sums with sp, and registers that hold sp, an aligned sp, or the frame pointer less something."""
        target, last = operands[0], operands[-1]
        was = self.origin.pop(target, "")
        self.remember(target, self.known(mnemonic, target, last))
        source = operands[1] if len(operands) > 1 else ""
        if mnemonic == "mov" and source == "sp":
            self.origin[target] = "sp"
        elif mnemonic in ("bfc", "lsrs") and was == "sp":
            self.origin[target] = f"aligned {last[1:]}"
        elif mnemonic == "lsls" and was.startswith("aligned"):
            self.origin[target] = was
        elif mnemonic in ("sub", "subs", "mov") and last != "sp" and (source in ("r7", "r11") or (len(operands) == 2 and was == "frame")):
            self.origin[target] = "frame"

    def known(self, mnemonic: str, target: str, last: str) -> int | None:
        """The constant that an instruction makes, by pool, by immediate or in two halves."""
        if mnemonic == "ldr":
            return self.pool.get(last)
        number = int(last[1:], 0) if re.fullmatch(r"#-?\w+", last) else None
        if mnemonic in ("mov", "movs", "movw"):
            return number
        if mnemonic == "movt" and number is not None and target in self.constants:
            return _signed(self.constants[target] % 65536 + (number << 16))
        return None

    def assigned(self, source: str) -> None:
        """mov sp, source: back to the frame, or an alignment of it; else an alloca."""
        origin = self.origin.get(source, "frame" if source in ("r7", "r11") else "")
        if origin.startswith("aligned"):
            self.frame += 1 << int(origin.split()[1])
        elif origin != "frame":
            self.unknown = True

    def moved(self, mnemonic: str, operands: list[str], line: str) -> None:
        last = operands[-1]
        if mnemonic in ("push", "vpush", "stmdb"):
            self.passing = max(self.passing, _registers(line) * (8 if mnemonic == "vpush" else 4))
        elif line.endswith("]!"):
            self.passing = max(self.passing, -int(last[1:-2], 0))
        elif mnemonic in ("add", "sub", "addw", "subw"):
            amount = int(last[1:], 0) if last.startswith("#") else self.constants.get(last)
            if amount is None:
                self.unknown = True
            elif len(operands) < 3 or operands[1] == "sp":
                self.passing = max(self.passing, -amount if mnemonic.startswith("add") else amount)
        elif mnemonic not in ("pop", "vpop", "ldm", "ldmia", "ldr", "ldrd"):
            self.unknown = True


class _RiscV(_Reader):
    def instruction(self, line: str) -> None:
        mnemonic, operands = self.split(line)
        target, source, last = operands[0], operands[1] if len(operands) > 1 else "", operands[-1]
        if mnemonic == "cm.push":
            self.frame += -int(last)
        elif target != "sp" or (mnemonic.startswith(("s", "f")) and "(" in last):
            self.track(mnemonic, target, source, last)
        elif mnemonic == "andi":
            self.frame += -int(last)
        elif source != "sp":
            self.unknown |= source not in ("s0", "fp")  # from the frame pointer: the epilogue
        else:
            amount = int(last) if mnemonic == "addi" else self.constants.get(last)
            if amount is None or mnemonic not in ("addi", "add", "sub"):
                self.unknown = True
            else:
                self.frame += max(0, amount if mnemonic == "sub" else -amount)

    def track(self, mnemonic: str, target: str, source: str, last: str) -> None:
        match mnemonic:
            case "li":
                self.remember(target, int(last))
            case "lui" if last.isdecimal():
                self.remember(target, _signed(int(last) << 12))
            case "addi" | "addiw" if source in self.constants and last.lstrip("-").isdecimal():
                self.remember(target, self.constants[source] + int(last))
            case "slli" if source in self.constants:
                self.remember(target, self.constants[source] << int(last))
            case _ if not mnemonic.startswith("b"):
                self.remember(target, None)


def _registers(text: str) -> int:
    """How many registers stand in `{r4, r5, d8-d11}`."""
    inside = text[text.index("{") + 1 : text.index("}")]
    count = 0
    for part in inside.split(","):
        first, _, last = part.strip().partition("-")
        count += 1 + (int(last[1:]) - int(first[1:]) if last else 0)
    return count


def _signed(value: int) -> int:
    return (value + 2**31) % 2**32 - 2**31
