"""The C header of a compiled model.

In: `Facts`. Out: the text of NAME.h: two structs of typed pointers, the entry, sizes as macros. The one thing to know: names come from a
foreign file. A field is made of letters, digits and underscores only and differs from all others; the original stands in a comment,
with everything that could end the comment or the line written as an escape.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import CompileError, error, printable, quote
from ..targets import abi
from ..targets.abi import Status
from .sizes import Sizes

__all__ = ["Facts", "Field", "c_identifiers", "header_text"]

_C_TYPES = {
    "f64": "double",
    "f32": "float",
    "f16": "uint16_t",
    "bf16": "uint16_t",
    "i1": "uint8_t",
    "index": "int64_t",
    "i4": "int8_t",
    "ui4": "uint8_t",
}
_KEYWORDS = """
auto break case char const continue default do double else enum extern float for goto if inline int long register restrict return
short signed sizeof static struct switch typedef union unsigned void volatile while bool true false alignas alignof constexpr
nullptr static_assert thread_local typeof and and_eq asm bitand bitor catch class compl concept consteval constinit const_cast
co_await co_return co_yield decltype delete dynamic_cast explicit export friend mutable namespace new noexcept not not_eq operator
or or_eq private protected public reinterpret_cast requires static_cast template this throw try typeid typename using virtual
wchar_t xor xor_eq char8_t char16_t char32_t
"""  # of C and C++
_WORDS = frozenset(_KEYWORDS.split())


@dataclass(frozen=True, slots=True)
class Field:
    """An input or output: the user's name, its extents, its element type as the IR writes it."""

    name: str
    shape: tuple[int, ...]
    element: str

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def c_type(self) -> str:
        """The C type of an element; formats that C does not know are their bits."""
        if self.element in _C_TYPES:
            return _C_TYPES[self.element]
        match = re.fullmatch(r"(u?)i(8|16|32|64)", self.element)
        if match is None:
            raise CompileError(error(f"{quote(self.name)} has elements of {self.element}, which no C header can say"))
        return f"{'u' if match[1] else ''}int{match[2]}_t"


@dataclass(frozen=True, slots=True)
class Facts(Sizes):
    """What header and manifest say of an object, beside its sizes."""

    name: str
    target: str
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]
    sites: int
    profile: bool
    threads: bool

    def manifest(self) -> dict[str, object]:
        """What the runtime must know, as plain values (JSON)."""
        ports = {
            role: [{"name": f.name, "shape": list(f.shape), "element": f.element} for f in fields]
            for role, fields in (("inputs", self.inputs), ("outputs", self.outputs))
        }
        keys = ("name", "target", "arena_bytes", "arena_alignment", "sites", "profile", "threads")
        return {**{key: getattr(self, key) for key in keys}, **ports}


def c_identifiers(names: Sequence[str]) -> tuple[str, ...]:
    """A C identifier for each name, all different, as near to the name as can be.

    >>> c_identifiers(["image", "in/put:0", "in_put_0", "float", "1st"])
    ('image', 'in_put_0', 'in_put_0_2', 'float_', 'n1st')
    """
    found: dict[str, None] = {}
    for name in names:
        stem = re.sub(r"[^A-Za-z0-9_]", "_", name)[:100] or "unnamed"
        stem = f"n{stem}" if stem[0].isdigit() else stem
        stem = f"x{stem}" if stem[0] == "_" else stem  # C keeps names with a leading underscore for itself
        stem = f"{stem}_" if stem in _WORDS else stem
        candidate, number = stem, 1
        while candidate in found or candidate.upper() in {other.upper() for other in found}:
            number += 1
            candidate = f"{stem}_{number}"
        found[candidate] = None
    return tuple(found)


def header_text(facts: Facts) -> str:
    """The header, ready to be written."""
    return _TEMPLATE.format(
        guard=f"{facts.name.upper()}_H",
        name=facts.name,
        target=_comment(facts.target),
        sizes="\n".join(_sizes(facts)),
        shapes="\n".join(_shapes(facts)),
        statuses="\n".join(f"#define {abi.status_macro(facts.name, s)} ({int(s)}) /* {s.meaning} */" for s in Status),
        inputs=_struct(facts.inputs, const=True),
        outputs=_struct(facts.outputs, const=False),
        inputs_type=abi.inputs_type(facts.name),
        outputs_type=abi.outputs_type(facts.name),
        entries="\n".join(_entries(facts)),
    )


_TEMPLATE = """\
/* {name}, compiled for {target}. Written by intaglio; do not edit. */
#ifndef {guard}
#define {guard}

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

{sizes}

{shapes}

{statuses}

/* Every pointer needs the natural alignment of its elements. No output may overlap an input, another output or the arena. */
typedef struct {{
{inputs}
}} {inputs_type};

typedef struct {{
{outputs}
}} {outputs_type};

{entries}

#ifdef __cplusplus
}}
#endif

#endif /* {guard} */
"""


def _comment(text: str) -> str:
    """A text from outside, for the inside of a comment on one line: ASCII, no end of comment, no trigraph, no spliced line."""
    safe = printable(text).encode("ascii", "backslashreplace").decode()
    safe = safe.replace("*/", "*\\/").replace("/*", "/\\*").replace("??", "?\\?")
    return safe[:200].rstrip("\\")


def _sizes(facts: Facts) -> list[str]:
    upper = facts.name.upper()
    rows = [
        ("ARENA_BYTES", facts.arena_bytes, "working memory to hand over"),
        ("ARENA_ALIGN", facts.arena_alignment, "its address must be a multiple of this"),
        ("FLASH_BYTES", facts.flash_bytes, facts.flash_parts),
    ]
    if facts.stack_bytes is not None:
        rows += [
            ("STACK_BYTES", facts.stack_bytes, "the deepest that a call can go, without interrupts"),
            ("RAM_BYTES", facts.ram_bytes, "arena and stack, without inputs and outputs"),
        ]
    if facts.profile:
        rows.append(("COUNTERS", 2 * facts.sites, "uint64_t to hand over: calls and ticks of each site"))
    return [f"#define {upper}_{key} {value}u /* {why} */" for key, value, why in rows]


def _shapes(facts: Facts) -> list[str]:
    """Elements, rank and extents of every input and output."""
    lines = []
    for role, fields in (("INPUT", facts.inputs), ("OUTPUT", facts.outputs)):
        for field, identifier in zip(fields, c_identifiers([f.name for f in fields]), strict=True):
            stem = f"{facts.name.upper()}_{role}_{identifier.upper()}"
            lines += [f"#define {stem}_ELEMENTS {field.elements}u", f"#define {stem}_RANK {len(field.shape)}u"]
            lines += [f"#define {stem}_DIM{axis} {extent}u" for axis, extent in enumerate(field.shape)]
    return lines


def _struct(fields: Sequence[Field], const: bool) -> str:
    """One pointer per field; C wants at least one."""
    identifiers = c_identifiers([f.name for f in fields])
    lines = [
        f"    {'const ' * const}{field.c_type} *{identifier}; /* {_comment(field.name)}: {field.element}[{_extents(field)}] */"
        for field, identifier in zip(fields, identifiers, strict=True)
    ]
    return "\n".join(lines) or "    const void *nothing; /* there are none */"


def _extents(field: Field) -> str:
    return " x ".join(map(str, field.shape))


def _entries(facts: Facts) -> list[str]:
    structs = f"const {abi.inputs_type(facts.name)} *inputs, const {abi.outputs_type(facts.name)} *outputs"
    common = f"{structs}, void *arena, size_t arena_bytes" + ", uint64_t *counters" * facts.profile
    lines = [f"int32_t {abi.entry_symbol(facts.name)}({common});"]
    if facts.threads:
        lines += [
            f"int32_t {abi.team_entry_symbol(facts.name)}({common}, void *team);",
            f"void {abi.worker_symbol(facts.name)}(void *team, size_t number);",
        ]
    return lines
