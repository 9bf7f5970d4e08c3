"""A small writer of LLVM IR as text.

In: calls that name instructions. Out: `str(module)`, ready for LLVM's parser. Values are `Ref`s: what stands in the text, and its type,
both strings. Nothing is checked or folded here; LLVM's verifier does that. The one thing to know: a function is written from top to
bottom. `start(label)` opens the next block, values are numbered in the order in which they are written, and only a phi may be
completed later. Names that come from a model pass through `symbol` and `string`, so no byte of a foreign file can end a token.

    module = Module(Abilities(fma=True))
    f = module.function("scale", "void", [("ptr", "noalias align 64"), ("float", "")])
    p, factor = f.parameters
    f.store(f.binary("fmul", f.load("<4 x float>", p, 16), f.splat(factor, 4)), p, 16)
    f.ret()
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from ...targets.description import Target

__all__ = [
    "Abilities", "Function", "Module", "Phi", "Ref", "constant", "element", "lane_constants", "lanes", "like", "string", "symbol", "vector",
]  # fmt: skip

_PLAIN = re.compile(r"[A-Za-z$._][A-Za-z0-9$._-]*")
_VECTOR = re.compile(r"<(vscale x )?(\d+) x ([^<>]+)>")
# Digits of the significand (with the hidden one), least normal exponent, greatest exponent; how LLVM spells the bits.
_FLOATS = {"half": (11, -14, 15), "bfloat": (8, -126, 127), "float": (24, -126, 127), "double": (53, -1022, 1023)}
_SHORT = {"half": "f16", "bfloat": "bf16", "float": "f32", "double": "f64", "ptr": "p0"}


@dataclass(frozen=True, slots=True)
class Ref:
    """A value: its spelling (`%7`, `@weights`, `splat (i32 3)`) and its type."""

    name: str
    type: str

    def __str__(self) -> str:
        return f"{self.type} {self.name}"


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the core does in one instruction in f32; the rest is written out, because LLVM would call a C library for it."""

    fma: bool = False
    rounding: bool = False  # floor, ceil, trunc, round half to even
    sqrt: bool = False
    scalef: bool = False  # AVX-512's multiplication by a power of two, for vectors of 4, 8 and 16

    @classmethod
    def of(cls, target: Target) -> Abilities:
        """Those of a target; RISC-V's floats round by two conversions, which LLVM writes itself."""
        rounding = target.family in ("aarch64", "riscv") or target.has("sse4") or target.has("vrint")
        return cls(target.fma, target.has_fpu and rounding, target.has_fpu, target.has("avx512"))


def symbol(name: str, sigil: str = "@") -> str:
    """A global's spelling, quoted and escaped where the name is not a plain word.

    >>> print(symbol("conv_1"), symbol('"x'))
    @conv_1 @"\\22\\78"
    """
    return sigil + (name if _PLAIN.fullmatch(name) else f'"{string(name.encode())}"')


def string(data: bytes) -> str:
    """Bytes as the inside of an LLVM string, every one escaped: three characters a byte, made at the speed of a copy."""
    return "\\" + data.hex("\\") if data else ""


def vector(scalar: str, count: int, scalable: bool = False) -> str:
    """The type of `count` lanes; one fixed lane is the scalar itself."""
    return scalar if count == 1 and not scalable else f"<{'vscale x ' * scalable}{count} x {scalar}>"


@cache
def _parts(type: str) -> tuple[str, int, str]:
    """`("vscale x ", 4, "float")`; a scalar has the lanes 0."""
    match = _VECTOR.fullmatch(type)
    return (match[1] or "", int(match[2]), match[3]) if match else ("", 0, type)


def lanes(type: str) -> int:
    """Lanes of a vector type (times vscale, if scalable), 1 for a scalar."""
    return _parts(type)[1] or 1


def element(type: str) -> str:
    """The type of one lane."""
    return _parts(type)[2]


@cache
def like(type: str, scalar: str) -> str:
    """The type with the lanes of `type` and the element `scalar`."""
    scale, count, _ = _parts(type)
    return f"<{scale}{count} x {scalar}>" if count else scalar


@cache
def _mangled(type: str) -> str:
    """How a type stands in an intrinsic's name."""
    scale, count, scalar = _parts(type)
    return ("nx" if scale else "") + (f"v{count}" if count else "") + _SHORT.get(scalar, scalar)


def _rounded(value: float, type: str) -> float:
    """The nearest value of a float type, ties to even, infinite beyond its range."""
    digits, least, greatest = _FLOATS[type]
    if value == 0 or not math.isfinite(value) or type == "double":
        return value
    step = math.ldexp(1.0, max(math.frexp(value)[1] - 1, least) - digits + 1)  # dividing by a power of two is exact
    result = round(value / step) * step
    return math.copysign(result if abs(result) < math.ldexp(1.0, greatest) * 2 else math.inf, value)


def _spelled(type: str, value: float) -> str:
    """One scalar constant. Floats are bits: LLVM writes f32 with the digits of an f64."""
    if type == "i1":
        return "true" if value else "false"
    if type not in _FLOATS:
        return str(int(value))
    rounded = _rounded(float(value), type)
    if type == "half":
        return f"0xH{struct.unpack('<H', struct.pack('<e', rounded))[0]:04X}"
    if type == "bfloat":
        return f"0xR{struct.unpack('<I', struct.pack('<f', rounded))[0] >> 16:04X}"
    return f"0x{struct.unpack('<Q', struct.pack('<d', rounded))[0]:016X}"


def constant(type: str, value: float) -> Ref:
    """A number, in every lane if `type` is a vector; floats are rounded once, to nearest even."""
    scalar = element(type)
    spelled = _spelled(scalar, value)
    return Ref(spelled if scalar == type else f"splat ({scalar} {spelled})", type)


def lane_constants(scalar: str, values: Sequence[float]) -> Ref:
    """A vector of given numbers, or the number if there is one."""
    if len(values) == 1:
        return constant(scalar, values[0])
    return Ref(f"<{', '.join(f'{scalar} {_spelled(scalar, v)}' for v in values)}>", vector(scalar, len(values)))


class Phi:
    """A value that depends on where control came from; incoming edges may be added until the module is printed."""

    def __init__(self, ref: Ref) -> None:
        self.ref = ref
        self._edges: list[str] = []

    def add(self, value: Ref, label: str) -> None:
        """Control from block `label` brings `value`."""
        self._edges.append(f"[ {value.name}, %{label} ]")

    def __str__(self) -> str:
        return f"  {self.ref.name} = phi {self.ref.type} {', '.join(self._edges)}"


class Module:
    """Globals, declarations and functions, printed in the order in which they were made."""

    def __init__(self, abilities: Abilities = Abilities()) -> None:
        self.abilities = abilities
        self._globals: list[str] = []
        self._functions: list[Function] = []
        self._declared: dict[str, str] = {}
        self._intrinsics: dict[tuple[str, str, tuple[str, ...] | None], Ref] = {}

    def function(self, name: str, result: str, parameters: Iterable[tuple[str, str]], *, linkage: str = "",
                 attributes: str = "nounwind", section: str = "") -> Function:
        """A definition to be filled; a parameter is its type and its attributes (`("ptr", "noalias align 64")`)."""
        function = Function(self, name, result, tuple(parameters), linkage, attributes, section)
        self._functions.append(function)
        return function

    def declare(self, name: str, result: str, parameters: Sequence[str], attributes: str = "") -> Ref:
        """An external function, once, however often it is asked for."""
        spelled = symbol(name)
        self._declared.setdefault(spelled, f"declare {result} {spelled}({', '.join(parameters)}) {attributes}".rstrip())
        return Ref(spelled, "ptr")

    def intrinsic(self, name: str, type: str, arguments: Sequence[Ref], over: tuple[str, ...] | None) -> Ref:
        """The declaration that `Function.intrinsic` calls; remembered, because most instructions of a kernel are one of a few."""
        callee = self._intrinsics.get((name, type, over))
        if callee is None:
            mangled = ".".join((name, *map(_mangled, (type,) if over is None else over)))
            callee = self._intrinsics[name, type, over] = self.declare(mangled, type, [a.type for a in arguments])
        return callee

    def data(self, name: str, content: bytes, align: int, *, section: str = "", linkage: str = "", writable: bool = False) -> Ref:
        """Bytes in memory; constant unless `writable`."""
        kind = "global" if writable else "constant"
        initial = f'c"{string(content)}"' if content.strip(b"\0") else "zeroinitializer"
        return self._global(name, f"{linkage} {kind} [{len(content)} x i8] {initial}", align, section)

    def stand_in(self, name: str, size: int, align: int, *, section: str) -> Ref:
        """Constant bytes whose content comes later: LLVM may assume nothing of them. Hidden, so that code reaches them directly."""
        return self._global(name, f"hidden externally_initialized constant [{size} x i8] zeroinitializer", align, section)

    def pointers(self, name: str, targets: Sequence[Ref], align: int, *, section: str = "", linkage: str = "") -> Ref:
        """A constant table of addresses."""
        return self._global(name, f"{linkage} constant [{len(targets)} x ptr] [{', '.join(map(str, targets))}]", align, section)

    def _global(self, name: str, definition: str, align: int, section: str) -> Ref:
        where = f', section "{string(section.encode())}"' if section else ""
        self._globals.append(f"{symbol(name)} = {definition.strip()}{where}, align {align}")
        return Ref(symbol(name), "ptr")

    def __str__(self) -> str:
        parts = [*self._globals, *self._declared.values(), *map(str, self._functions)]
        return "\n".join(parts) + "\n"


class Function:
    """One function, written from top to bottom; the first block is `entry` and is open from the start."""

    def __init__(self, module: Module, name: str, result: str, parameters: Sequence[tuple[str, str]], linkage: str, attributes: str,
                 section: str) -> None:
        self.module = module
        self.abilities = module.abilities
        self.here = "entry"
        self.ref = Ref(symbol(name), "ptr")
        self.parameters = tuple(Ref(f"%{i}", type) for i, (type, _) in enumerate(parameters))
        described = ", ".join(f"{type} {extra} %{i}".replace("  ", " ") for i, (type, extra) in enumerate(parameters))
        where = f' section "{string(section.encode())}"' if section else ""
        self._head = f"define {linkage} {result} {self.ref.name}({described}) {attributes}{where} {{".replace("  ", " ")
        self._lines: list[str | Phi] = ["entry:"]
        self._values = len(self.parameters)
        self._labels = 0

    def __str__(self) -> str:
        return "\n".join([self._head, *map(str, self._lines), "}"])

    # Blocks and control.

    def label(self, hint: str = "block") -> str:
        """A fresh label, to branch to before its block is open; `hint` is a plain word of ours."""
        self._labels += 1
        return f"{hint}.{self._labels}"

    def start(self, label: str) -> str:
        """Open the block `label`; the block before must be closed by br, switch or ret."""
        self._lines.append(f"{label}:")
        self.here = label
        return label

    def phi(self, type: str) -> Phi:
        """Stands before all other instructions of its block."""
        phi = Phi(self._fresh(type))
        self._lines.append(phi)
        return phi

    def br(self, label: str) -> None:
        self.do(f"br label %{label}")

    def cond_br(self, condition: Ref, yes: str, no: str) -> None:
        self.do(f"br {condition}, label %{yes}, label %{no}")

    def switch(self, value: Ref, default: str, cases: Iterable[tuple[int, str]]) -> None:
        arms = " ".join(f"{value.type} {number}, label %{label}" for number, label in cases)
        self.do(f"switch {value}, label %{default} [ {arms} ]")

    def ret(self, value: Ref | None = None) -> None:
        self.do(f"ret {value or 'void'}")

    # Instructions in general.

    def _fresh(self, type: str) -> Ref:
        ref = Ref(f"%{self._values}", type)
        self._values += 1
        return ref

    def do(self, text: str) -> None:
        """An instruction without a result."""
        self._lines.append(f"  {text}")

    def emit(self, type: str, text: str) -> Ref:
        """An instruction with a result of `type`."""
        ref = self._fresh(type)
        self._lines.append(f"  {ref.name} = {text}")
        return ref

    # Arithmetic.

    def binary(self, opcode: str, a: Ref, b: Ref) -> Ref:
        """`fadd`, `add nuw nsw`, `lshr`, ...: flags are part of the opcode."""
        return self.emit(a.type, f"{opcode} {a}, {b.name}")

    def fneg(self, a: Ref) -> Ref:
        return self.emit(a.type, f"fneg {a}")

    def muladd(self, a: Ref, b: Ref, c: Ref) -> Ref:
        """a * b + c: rounded once where the core has fma, else twice."""
        if self.abilities.fma:
            return self.intrinsic("llvm.fma", a.type, (a, b, c))
        return self.binary("fadd", self.binary("fmul", a, b), c)

    def icmp(self, relation: str, a: Ref, b: Ref) -> Ref:
        return self.emit(like(a.type, "i1"), f"icmp {relation} {a}, {b.name}")

    def fcmp(self, relation: str, a: Ref, b: Ref) -> Ref:
        return self.emit(like(a.type, "i1"), f"fcmp {relation} {a}, {b.name}")

    def select(self, condition: Ref, yes: Ref, no: Ref) -> Ref:
        return self.emit(yes.type, f"select {condition}, {yes}, {no}")

    def cast(self, opcode: str, a: Ref, type: str) -> Ref:
        """`sext`, `fptosi`, `bitcast`, ... to `type`."""
        return self.emit(type, f"{opcode} {a} to {type}")

    # Lanes.

    def splat(self, scalar: Ref, count: int, scalable: bool = False) -> Ref:
        """The value in every lane; itself if there is one fixed lane."""
        if count == 1 and not scalable:
            return scalar
        type = vector(scalar.type, count, scalable)
        first = self.emit(type, f"insertelement {type} poison, {scalar}, i64 0")
        return self.emit(type, f"shufflevector {first}, {type} poison, {like(type, 'i32')} zeroinitializer")

    def insert(self, whole: Ref, scalar: Ref, lane: int | Ref) -> Ref:
        return self.emit(whole.type, f"insertelement {whole}, {scalar}, {_index(lane)}")

    def extract(self, whole: Ref, lane: int | Ref) -> Ref:
        return self.emit(element(whole.type), f"extractelement {whole}, {_index(lane)}")

    def shuffle(self, a: Ref, b: Ref | None, order: Sequence[int]) -> Ref:
        """Lanes of a, then of b, by number; -1 is any value."""
        mask = ", ".join("i32 poison" if lane < 0 else f"i32 {lane}" for lane in order)
        type = f"<{len(order)} x {element(a.type)}>"
        return self.emit(type, f"shufflevector {a}, {a.type} {b.name if b else 'poison'}, <{len(order)} x i32> <{mask}>")

    # Memory.

    def alloca(self, type: str, count: int, align: int) -> Ref:
        """Stack space; in the entry block it is part of the frame, elsewhere the frame is unbounded."""
        return self.emit("ptr", f"alloca [{count} x {type}], align {align}")

    def gep(self, base: Ref, index: int | Ref, type: str = "i8") -> Ref:
        """The address of element `index` of elements of `type` (bytes unless told)."""
        return self.emit("ptr", f"getelementptr inbounds {type}, {base}, {_index(index)}")

    def load(self, type: str, pointer: Ref, align: int) -> Ref:
        return self.emit(type, f"load {type}, {pointer}, align {align}")

    def store(self, value: Ref, pointer: Ref, align: int) -> None:
        self.do(f"store {value}, {pointer}, align {align}")

    def masked_load(self, type: str, pointer: Ref, align: int, mask: Ref, other: Ref) -> Ref:
        """Lanes whose mask is 0 are `other` and are not read."""
        return self.intrinsic("llvm.masked.load", type, (pointer, mask, other), (type, "ptr"), first=f"align {align}")

    def masked_store(self, value: Ref, pointer: Ref, align: int, mask: Ref) -> None:
        name = self.module.declare(f"llvm.masked.store.{_mangled(value.type)}.p0", "void", (value.type, "ptr", mask.type))
        self.do(f"call void {name.name}({value}, ptr align {align} {pointer.name}, {mask})")

    # Calls.

    def call(self, callee: Ref, type: str, arguments: Iterable[Ref]) -> Ref:
        """Type "void" gives a value that must not be used."""
        text = f"call {type} {callee.name}({', '.join(map(str, arguments))})"
        if type == "void":
            self.do(text)
            return Ref("void", "void")
        return self.emit(type, text)

    def intrinsic(self, name: str, type: str, arguments: Sequence[Ref], over: tuple[str, ...] | None = None, first: str = "") -> Ref:
        """A call of an overloaded intrinsic, declared by itself; `over` are the types in its name (the result's unless told)."""
        callee = self.module.intrinsic(name, type, arguments, over)
        if not first:
            return self.call(callee, type, arguments)
        head, *rest = arguments
        return self.emit(type, f"call {type} {callee.name}({', '.join([f'{head.type} {first} {head.name}', *map(str, rest)])})")


def _index(index: int | Ref) -> str:
    return str(index) if isinstance(index, Ref) else f"i64 {index}"

