"""The import rules by operator, and what a rule sees of its node.

    @importer("Flatten", since=1)
    def flatten(node: NodeContext) -> Value:
        return node.add(graph.Flatten(node.input(0), axis=node.int("axis", 1))).output

A rule holds from the version it names up to the next rule of the same operator; differences that are smaller than a rule read
`node.version`. It returns one value per output (a single value where there is one). What the file got wrong ends in `node.fail`.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NoReturn, TypeAlias, TypeVar

import numpy as np
from onnx import AttributeProto, GraphProto, NodeProto

from ....dialects import graph
from ....dialects.ir.attributes import Array, Dense
from ....dialects.ir.builder import Builder
from ....dialects.ir.operation import Operation, Value
from ....dialects.ir.types import TensorType
from ....errors import CompileError, error, printable, quote
from ..bindings import element_type
from ..problems import LONGEST_NAME, shown, shown_path
from ..reader import ModelFile

__all__ = ["NodeContext", "Rule", "as_ints", "find_rule", "imported", "importer", "is_imported", "operator_name"]

Op = TypeVar("Op", bound=Operation)
T = TypeVar("T")


class Attributes:
    """Reads the attributes of a node, each by the type it is to have; what is missing and has no default is refused."""

    __slots__ = ()

    node: NodeProto
    file: ModelFile

    def fail(self, message: str, help: str = "") -> NoReturn:
        """Refuse the model because of this node."""
        raise NotImplementedError

    def has(self, name: str) -> bool:
        return any(attribute.name == name for attribute in self.node.attribute)

    def int(self, name: str, default: builtins.int | None = None) -> builtins.int:
        found = self._attribute(name, AttributeProto.INT)
        return found.i if found is not None else self._given(name, default)

    def float(self, name: str, default: builtins.float | None = None) -> builtins.float:
        """A number that the file holds in single precision."""
        found = self._attribute(name, AttributeProto.FLOAT)
        return found.f if found is not None else self._given(name, default)

    def string(self, name: str, default: str | None = None) -> str:
        found = self._attribute(name, AttributeProto.STRING)
        return _text(found.s) if found is not None else self._given(name, default)

    def ints(self, name: str, default: Sequence[builtins.int] | None = None) -> tuple[builtins.int, ...]:
        found = self._attribute(name, AttributeProto.INTS)
        return tuple(found.ints) if found is not None else tuple(self._given(name, default))

    def floats(self, name: str, default: Sequence[builtins.float] | None = None) -> tuple[builtins.float, ...]:
        found = self._attribute(name, AttributeProto.FLOATS)
        return tuple(found.floats) if found is not None else tuple(self._given(name, default))

    def strings(self, name: str, default: Sequence[str] | None = None) -> tuple[str, ...]:
        found = self._attribute(name, AttributeProto.STRINGS)
        return tuple(map(_text, found.strings)) if found is not None else tuple(self._given(name, default))

    def tensor(self, name: str) -> Array | None:
        """The elements of a tensor attribute, None where there is none."""
        found = self._attribute(name, AttributeProto.TENSOR)
        return self.file.array(found.t) if found is not None else None

    def graph(self, name: str) -> GraphProto:
        """A graph attribute, for `inline`."""
        found = self._attribute(name, AttributeProto.GRAPH)
        return found.g if found is not None else self._given(name, None)

    def _attribute(self, name: str, kind: AttributeProto.AttributeType) -> AttributeProto | None:
        attribute: AttributeProto
        for attribute in self.node.attribute:
            if attribute.name == name:
                if attribute.type not in (kind, AttributeProto.UNDEFINED):  # files from before the field have no type
                    found, wanted = (AttributeProto.AttributeType.Name(k).lower() for k in (attribute.type, kind))
                    self.fail(f"the attribute {quote(name)} is of type {found}, not {wanted}")
                return attribute
        return None

    def _given(self, name: str, default: T | None) -> T:
        if default is None:
            self.fail(f"the attribute {quote(name)} is missing")
        return default


@dataclass(slots=True, eq=False)
class NodeContext(Attributes):
    """One node of the file while its rule runs; inputs that are left out are None."""

    file: ModelFile
    node: NodeProto
    name: str
    version: int
    inputs: list[Value | None]
    builder: Builder = field(repr=False)
    inline: Callable[[GraphProto], Sequence[Value | None]] = field(repr=False)  # imports a graph attribute in place

    @property
    def place(self) -> str:
        """The node as messages name it."""
        return f"{shown_path(self.file.path)}, node {shown(self.name)} ({operator_name(self.node)}, opset {self.version})"

    @property
    def op_type(self) -> str:
        return self.node.op_type

    @property
    def domain(self) -> str:
        return self.node.domain

    @property
    def outputs(self) -> int:
        """How many outputs the node lists; one that is listed without a name counts."""
        return len(self.node.output)

    def wants(self, output: int) -> bool:
        """Whether output number `output` has a name, so that somebody may use it."""
        return output < len(self.node.output) and bool(self.node.output[output])

    # Inputs

    def input(self, i: int) -> Value:
        """Input i, which must be there."""
        value = self.optional(i)
        if value is None:
            self.fail(f"input {i} is missing")
        return value

    def optional(self, i: int) -> Value | None:
        """Input i, or None where the node leaves it out."""
        return self.inputs[i] if i < len(self.inputs) else None

    def present(self) -> list[Value]:
        """All inputs of a variadic operator."""
        return [self.input(i) for i in range(len(self.inputs))]

    def type(self, i: int) -> TensorType:
        """Type of input i, which must be there."""
        type_ = self.input(i).type
        assert isinstance(type_, TensorType)
        return type_

    def constant(self, i: int) -> Array | None:
        """The elements of input i if it is there and known at compile time."""
        value = self.optional(i)
        owner = value.owner if value is not None else None
        return owner.value.array if isinstance(owner, graph.Constant) else None

    def axis(self, axis: int, rank: int) -> int:
        """`axis` counted from 0; it may count from the end in the file."""
        if not -rank <= axis < rank:
            self.fail(f"axis {axis} is outside of {rank} dims")
        return axis % rank

    def axes(self, axes: Iterable[int], rank: int) -> tuple[int, ...]:
        """`axes` counted from 0, each once."""
        normal = tuple(self.axis(int(axis), rank) for axis in axes)
        if len(set(normal)) != len(normal):
            self.fail(f"the axes {list(normal)} name an axis twice")
        return normal

    # Results

    def add(self, op: Op) -> Op:
        """Insert an operation with the node's location."""
        for fault in op.verify():
            self.fail(fault)
        return self.builder.add(op)

    def array(self, value: Array) -> Value:
        """A constant."""
        if element_type(value.dtype) is None:
            self.fail(f"elements of type {value.dtype} are not supported yet", "use another element type")
        return self.add(graph.Constant(value=Dense(value))).output

    def fail(self, message: str, help: str = "") -> NoReturn:
        """Refuse the model because of this node."""
        diagnostic = error(f"{operator_name(self.node)}: {message}").at(self.place)
        raise CompileError(diagnostic.help(help or "the node does not keep to the specification of its operator; export the model again"))


Rule: TypeAlias = Callable[[NodeContext], Value | Sequence[Value | None]]
R = TypeVar("R", bound=Rule)

_RULES: dict[tuple[str, str], dict[int, Rule]] = {}


def importer(op_type: str, since: int = 1, domain: str = "") -> Callable[[R], R]:
    """Mark the rule for `op_type` from version `since` of its domain on."""

    def register(rule: R) -> R:
        versions = _RULES.setdefault((domain, op_type), {})
        assert since not in versions, f"{op_type} since {since} has two rules"
        versions[since] = rule
        return rule

    return register


def find_rule(domain: str, op_type: str, version: int) -> Rule | None:
    """The rule for an operator in the given version of its domain."""
    versions = _RULES.get((domain, op_type), {})
    return versions[max(fitting)] if (fitting := [since for since in versions if since <= version]) else None


def is_imported(op_type: str, domain: str = "") -> bool:
    """Whether any version of the operator has a rule."""
    return (domain, op_type) in _RULES


def imported() -> Iterator[tuple[str, str, tuple[int, ...], str]]:
    """Domain, operator, the versions from which its rules hold, and the file of rules it belongs to, sorted."""
    for (domain, op_type), versions in sorted(_RULES.items()):
        family = next(iter(versions.values())).__module__.rpartition(".")[2]
        yield domain, op_type, tuple(sorted(versions)), family


def operator_name(node: NodeProto) -> str:
    """An operator as messages name it: with its domain, if it is not ONNX's own."""
    return printable(f"{node.domain}.{node.op_type}"[:LONGEST_NAME] if node.domain else node.op_type[:LONGEST_NAME])


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def as_ints(array: Array) -> tuple[int, ...]:
    """The elements of a small integer tensor as Python's numbers."""
    return tuple(int(element) for element in np.asarray(array).reshape(-1))
