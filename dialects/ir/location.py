"""Where an operation came from: the ONNX nodes, plural after fusion. Reports and errors speak in these names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...errors import printable, quote


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the model file: its name and operator type, as they stand there."""

    name: str
    op_type: str

    def __str__(self) -> str:
        return f"{self.op_type}:{self.name}"

    @staticmethod
    def parse(text: str) -> Node:
        op_type, _, name = text.partition(":")
        return Node(name, op_type)


@dataclass(frozen=True, slots=True)
class Location:
    """The nodes an operation came from, in the order of the file; empty where the compiler made it."""

    nodes: tuple[Node, ...] = ()

    @staticmethod
    def fused(parts: Iterable[Location]) -> Location:
        """All nodes of `parts`, each once, in order."""
        return Location(tuple(dict.fromkeys(node for part in parts for node in part.nodes)))

    @property
    def operators(self) -> str:
        """The operators of the nodes, each once, for the beginning of a message; "" where there are none."""
        return " + ".join(dict.fromkeys(printable(node.op_type) for node in self.nodes))

    @property
    def places(self) -> tuple[str, ...]:
        """The nodes as messages name them."""
        return tuple(f"node {quote(node.name)} ({printable(node.op_type)})" for node in self.nodes)

    def __bool__(self) -> bool:
        return bool(self.nodes)


UNKNOWN = Location()
