"""Operators that are defined by other operators: functions of the model itself, and those of ONNX's schemas.

`Functions` finds the function for a node, and refuses before anything is imported what has neither rule nor function, all in one
go. `bound_nodes` gives the nodes of a function with the attributes of the node that calls it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol, cast

from onnx import AttributeProto, FunctionProto, NodeProto, TypeProto, defs

from ...dialects.ir.types import TensorType
from ...errors import CompileError, Diagnostic, error
from .operators.registry import NodeContext, find_rule, operator_name
from .problems import shown, shown_path
from .reader import ModelFile
from .tensors import ELEMENTS
from .versions import domain_of, operator_sets

__all__ = ["Functions", "bound_nodes"]

MOST_LISTED = 5
MOST_DEPTH = 64  # of functions that call functions, and branches; Python recurses no deeper than 1000 calls
CONTROL_FLOW = ("If", "Loop", "Scan", "SequenceMap")
Key = tuple[str, str, str]


class _Schema(Protocol):
    """What onnx's schemas can do besides what its stubs say."""

    has_function: bool
    has_context_dependent_function: bool

    def get_function_with_opset_version(self, version: int) -> bytes: ...
    def get_context_dependent_function_with_opset_version(self, version: int, node: bytes, types: Sequence[bytes]) -> bytes: ...


class Functions:
    """The functions that a model brings and those that ONNX defines."""

    def __init__(self, file: ModelFile) -> None:
        self.file = file
        self.own: dict[Key, FunctionProto] = {(domain_of(f.domain), f.name, f.overload): f for f in file.model.functions}

    def local(self, node: NodeProto) -> FunctionProto | None:
        """The function of the model that a node calls."""
        return self.own.get((domain_of(node.domain), node.op_type, node.overload))

    def of_schema(self, context: NodeContext) -> FunctionProto | None:
        """How ONNX defines the operator of a node by others, for the types of its inputs."""
        schema = _schema(context.node, context.version)
        if schema is None:
            return None
        if schema.has_function:
            return _parsed(schema.get_function_with_opset_version(context.version))
        if not schema.has_context_dependent_function:
            return None
        types = [_type_proto(context, i).SerializeToString() for i in range(len(context.inputs))]
        return _parsed(schema.get_context_dependent_function_with_opset_version(context.version, context.node.SerializeToString(), types))

    def refuse_unsupported(self, nodes: Sequence[NodeProto], versions: Mapping[str, int]) -> None:
        """Raise a CompileError with every operator that cannot be imported, if there is any."""
        unsupported: dict[tuple[str, str], list[NodeProto]] = {}
        for node, outer in self._unsupported(nodes, versions, (), {}):
            unsupported.setdefault((node.domain, node.op_type), []).append(outer)
        if unsupported:
            raise CompileError.of(self._diagnostic(*key, found, versions) for key, found in unsupported.items())

    def _unsupported(
        self, nodes: Iterable[NodeProto], versions: Mapping[str, int], chain: tuple[NodeProto, ...], seen: dict[Key, None]
    ) -> Iterator[tuple[NodeProto, NodeProto]]:
        """Nodes that have neither rule nor function, each with the node of the main graph that it comes from."""
        for node in nodes:
            outer = chain[0] if chain else node
            key = (domain_of(node.domain), node.op_type, node.overload)
            if function := self.local(node):
                if key not in seen and len(chain) < MOST_DEPTH:  # what lies deeper is refused when it is expanded
                    seen[key] = None
                    inner = operator_sets(function.opset_import, f"function {shown(function.name)}", versions)
                    yield from self._unsupported(function.node, inner, (*chain, outer), seen)
            elif not _is_known(node, versions.get(key[0], 0)):
                yield node, outer

    def _diagnostic(self, domain: str, op_type: str, nodes: Sequence[NodeProto], versions: Mapping[str, int]) -> Diagnostic:
        named = NodeProto(domain=domain, op_type=op_type)
        version = versions.get(domain_of(domain))
        opset = f"opset {version}" if version is not None else "a domain that the model does not import"
        diagnostic = error(f"the operator {operator_name(named)} ({opset}) is not supported yet")
        if op_type in CONTROL_FLOW:
            diagnostic = diagnostic.note("of control flow only If is supported yet")
        for node in nodes[:MOST_LISTED]:
            name = node.name or next(filter(None, node.output), "")
            diagnostic = diagnostic.at(f"{shown_path(self.file.path)}, node {shown(name)} ({operator_name(node)})")
        if len(nodes) > MOST_LISTED:
            diagnostic = diagnostic.note(f"and {len(nodes) - MOST_LISTED} more nodes")
        return diagnostic.help("replace the operator in the model, or take it out and run that part elsewhere")


def bound_nodes(function: FunctionProto, call: NodeProto) -> list[NodeProto]:
    """The nodes of a function with references to its attributes replaced by what the calling node gives, or the defaults."""
    given: dict[str, AttributeProto] = {attribute.name: attribute for attribute in function.attribute_proto}
    given.update((attribute.name, attribute) for attribute in call.attribute)
    return [_bound(node, given) if _refers(node) else node for node in function.node]


def _refers(node: NodeProto) -> bool:
    return any(
        attribute.ref_attr_name or any(map(_refers, (*attribute.g.node, *(inner for g in attribute.graphs for inner in g.node))))
        for attribute in node.attribute
    )


def _bound(node: NodeProto, given: Mapping[str, AttributeProto]) -> NodeProto:
    copy = NodeProto()
    copy.CopyFrom(node)
    del copy.attribute[:]
    for attribute in node.attribute:
        if not attribute.ref_attr_name:
            bound = copy.attribute.add()
            bound.CopyFrom(attribute)
            for graph in (bound.g, *bound.graphs):
                nodes = [_bound(inner, given) for inner in graph.node]
                if nodes:
                    del graph.node[:]
                    graph.node.extend(nodes)
        elif attribute.ref_attr_name in given:  # else the operator's own default holds
            bound = copy.attribute.add()
            bound.CopyFrom(given[attribute.ref_attr_name])
            bound.name = attribute.name
    return copy


def _is_known(node: NodeProto, version: int) -> bool:
    """Whether there is a rule or a function for the operator. What the function is made of is looked at when it is expanded."""
    if find_rule(domain_of(node.domain), node.op_type, version) is not None:
        return True
    schema = _schema(node, version)
    if schema is None or not schema.has_function:
        return schema is not None and schema.has_context_dependent_function
    body = _parsed(schema.get_function_with_opset_version(version))
    return body is not None and all(_is_known(inner, version) for inner in body.node)


def _schema(node: NodeProto, version: int) -> _Schema | None:
    try:
        schema = defs.get_schema(node.op_type, version, domain_of(node.domain))
    except defs.SchemaError:
        return None
    return None if schema.deprecated else cast("_Schema", schema)


def _parsed(function: bytes) -> FunctionProto | None:
    return FunctionProto.FromString(function) if function else None


def _type_proto(context: NodeContext, i: int) -> TypeProto:
    proto = TypeProto()
    value = context.optional(i)
    if value is not None and isinstance(value.type, TensorType):
        number = next(n for n, element in ELEMENTS.items() if element.dtype == value.type.element.dtype)
        proto.tensor_type.elem_type = number
        for extent in value.type.shape:
            dim = proto.tensor_type.shape.dim.add()
            if extent is not None:
                dim.dim_value = extent
    return proto
