"""Checked model files to modules of the graph dialect.

In comes a `ModelFile`, with extents for its free dims; out comes a module with one function, `main`, in which every operator
is in its one normal form, shapes are inferred, and whatever depended on constants alone is a constant. A dim that is left open
stays unknown, and operators whose shapes hang on it become `graph.deferred`; binding it and importing again resolves them.

Each node is imported by the rule of its operator (`operators/`), which inserts operations; those whose operands are all
constants are then evaluated on the spot (`folding`), so that the next rule sees numbers where the file computes shapes.
An operator without a rule is expanded by its function (`functions`). Nothing is assumed about a value that a file claims.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import zip_longest

from onnx import FunctionProto, GraphProto, NodeProto, TensorProto, ValueInfoProto

from ...dialects import func, graph
from ...dialects.ir.attributes import Dense
from ...dialects.ir.builder import Builder
from ...dialects.ir.location import Location, Node
from ...dialects.ir.operation import Block, Value
from ...dialects.ir.traits import Pure
from ...errors import CompileError, error
from .bindings import element_type, input_types
from .folding import Budget, fold
from .functions import MOST_DEPTH, Functions, bound_nodes
from .operators.registry import NodeContext, Rule, find_rule
from .problems import shown, shown_path
from .reader import ModelFile
from .versions import domain_of, operator_sets

__all__ = ["import_model"]

MOST_NODES = 100_000  # after expansion of functions and branches; a file of a few kilobytes may ask for any number


def import_model(file: ModelFile, dims: Mapping[str, int], shapes: Mapping[str, Sequence[int]], observe: Sequence[str] = ()) -> func.Module:
    """The model as a module of the graph dialect.

    `dims` gives extents to named dims, `shapes` whole shapes to inputs; names in a file are not to be trusted (one name may stand
    for two sizes), so a shape given for one input says nothing about another. `observe` names inner values that are
    returned after the outputs. Raises CompileError with all that could be found.
    """
    model = file.model
    versions = operator_sets(model.opset_import, shown_path(file.path))
    inputs = input_types(file, dims, shapes)
    function = func.Function.make("main", list(inputs.values()), list(inputs), [*_names(model.graph.output), *observe])
    scope = Scope(file, model.graph)
    for argument, name in zip(function.arguments, inputs, strict=True):
        argument.name = name
        scope.values[name] = argument
    results = Importer(file, function.body).body(model.graph.node, scope, versions, _names(model.graph.output))
    _refuse_unobservable(file, scope, observe)
    results += [scope.find(name, Builder.at_end(function.body)) for name in observe]
    function.close([value for value in results if value is not None])
    _erase_unused(function.body)
    module = func.Module.empty()
    module.add(function)
    return module


def _refuse_unobservable(file: ModelFile, scope: Scope, names: Sequence[str]) -> None:
    outputs = _names(file.model.graph.output)
    faults = []
    for name in names:
        if name in outputs:
            faults.append(error(f"{shown(name)} is an output already").at(shown_path(file.path)))
        elif not name or scope.values.get(name) is None:
            known = [each for each in scope.values if each and each not in outputs]
            near = get_close_matches(name, known, 3, 0.0) or ["none"]
            fault = error(f"the model has no inner value {shown(name)} to observe").at(shown_path(file.path))
            faults.append(fault.help(f"its inner values include {', '.join(map(shown, near))}"))
    if faults:
        raise CompileError.of(faults)


class Scope:
    """The values by their names in one body of the file, and in those around it; initialisers become constants when they are used."""

    def __init__(self, file: ModelFile, body: GraphProto | None, outer: Scope | None = None, node: Node | None = None) -> None:
        if body is not None and body.sparse_initializer:
            name = shown(body.sparse_initializer[0].values.name)
            fault = error(f"initialiser {name} is sparse, which is not supported yet").at(shown_path(file.path))
            raise CompileError(fault.help("export the model with dense weights"))
        self.file = file
        self.outer = outer
        self.node: Node | None = node or (outer.node if outer is not None else None)  # the user's node, inside a function that it calls
        self.values: dict[str, Value | None] = {"": None}
        self.initializers: dict[str, TensorProto] = {tensor.name: tensor for tensor in body.initializer} if body is not None else {}

    def find(self, name: str, builder: Builder) -> Value | None:
        """The value called `name`; the empty name is an input that is left out."""
        if name in self.values:
            return self.values[name]
        if name in self.initializers:
            tensor = self.initializers[name]
            array = self.file.array(tensor)
            if element_type(array.dtype) is None:
                fault = error(f"initialiser {shown(name)} holds elements of type {array.dtype}, which is not supported yet")
                raise CompileError(fault.at(shown_path(self.file.path)).help("convert it to another element type"))
            constant = builder.add(graph.Constant(value=Dense(array)))
            value = self.values[name] = constant.output
            value.name = name
            return value
        assert self.outer is not None, f"the reader has let pass the undefined name {name!r}"
        return self.outer.find(name, builder)


class Importer:
    """Goes through the nodes in order and appends operations to one block."""

    def __init__(self, file: ModelFile, block: Block) -> None:
        self.file = file
        self.block = block
        self.budget = Budget()
        self.functions = Functions(file)
        self.nodes = 0
        self.depth = 0

    def body(self, nodes: Sequence[NodeProto], scope: Scope, versions: Mapping[str, int], outputs: Sequence[str]) -> list[Value | None]:
        """Import the nodes of a body; returns the values of its outputs."""
        self.functions.refuse_unsupported(nodes, versions)
        for node in nodes:
            self.node(node, scope, versions)
        builder = Builder.at_end(self.block)
        return [scope.find(name, builder) for name in outputs]

    def node(self, node: NodeProto, scope: Scope, versions: Mapping[str, int]) -> None:
        """Import one node and name its results."""
        context = self.context(node, scope, versions)
        self.nodes += 1
        if self.nodes > MOST_NODES:
            context.fail(f"the model has more than {MOST_NODES} nodes when its functions are expanded", "simplify the model")
        values = self.results(context, versions)
        for i, name in enumerate(node.output):
            if not name:
                continue
            value = values[i] if i < len(values) else None
            if value is None:
                context.fail(f"output {i} is not supported", "remove the output from the model, if nothing needs it")
            scope.values[name] = value
            value.name = value.name or name

    def context(self, node: NodeProto, scope: Scope, versions: Mapping[str, int]) -> NodeContext:
        """What the rule of a node sees."""
        name = (scope.node.name if scope.node is not None else node.name) or next(filter(None, node.output), "")
        location = Location((scope.node or Node(name, node.op_type),))
        builder = Builder.at_end(self.block, location)
        inputs = [scope.find(input_, builder) for input_ in node.input]
        version = versions.get(domain_of(node.domain), 0)

        def inline(body: GraphProto) -> list[Value | None]:
            return self.nested(context, lambda: self.body(body.node, Scope(self.file, body, scope), versions, _names(body.output)))

        context = NodeContext(self.file, node, name, version, inputs, builder, inline)
        return context

    def results(self, context: NodeContext, versions: Mapping[str, int]) -> Sequence[Value | None]:
        """The values of a node's outputs: by its function in the model, the rule of its operator, or the operator's function."""
        function = self.functions.local(context.node)
        rule = find_rule(domain_of(context.domain), context.op_type, context.version)
        if function is None and rule is not None:
            return self.apply(rule, context)
        function = function or self.functions.of_schema(context)
        if function is None:
            context.fail("is not supported for these inputs", "replace the operator")
        return self.nested(context, lambda: self.expand(function, context, versions))

    def apply(self, rule: Rule, context: NodeContext) -> Sequence[Value | None]:
        """Run a rule and fold what it inserted."""
        try:
            outcome = rule(context)
        except ValueError as fault:  # how type inference says that operands do not fit together
            context.fail(str(fault))
        values = [outcome] if isinstance(outcome, Value) else list(outcome)
        return fold(context, values, self.budget)

    def expand(self, function: FunctionProto, context: NodeContext, versions: Mapping[str, int]) -> list[Value | None]:
        """Import the body of a function in place of the node that calls it; it sees nothing of the body around the call."""
        scope = Scope(self.file, None, node=context.builder.location.nodes[0])
        scope.values.update(zip_longest(function.input, context.inputs[: len(function.input)]))
        inner = operator_sets(function.opset_import, context.place, versions)
        return self.body(bound_nodes(function, context.node), scope, inner, list(function.output))

    def nested(self, context: NodeContext, inner: Callable[[], list[Value | None]]) -> list[Value | None]:
        """Import something inside a node, no deeper than Python can recurse."""
        self.depth += 1
        if self.depth > MOST_DEPTH:
            context.fail(f"functions and branches are nested more than {MOST_DEPTH} deep", "inline the functions of the model")
        values = inner()
        self.depth -= 1
        return values


def _names(values: Iterable[ValueInfoProto]) -> list[str]:
    return [value.name for value in values]


def _erase_unused(block: Block) -> None:
    for op in reversed(block):
        if op.has(Pure) and not any(result.uses for result in op.results):
            op.erase()
