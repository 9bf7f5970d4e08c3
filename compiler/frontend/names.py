"""Values and nodes of a model: every name defined once, every use defined, every body in an order that can be executed.

In comes a parsed model; problems go to the collector, and bodies whose nodes stand in another order than they can run are
sorted in place (stable, so a sorted file stays as it is). Bodies are the main graph, the graphs inside If, Loop and Scan
(which see the values around them: what they use counts as an input of their node) and model-local functions (which see
nothing outside). A name defined inside hides the same name outside. That functions do not call themselves is checked here
too, so that whoever expands them comes to an end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from onnx import AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto

from .problems import Problems, join, shown

__all__ = ["Body", "check_names", "inner_graphs", "model_bodies", "node_place"]

Captured = dict[str, None]  # an ordered set
OUTSIDE = -1  # the maker of inputs and initialisers


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """What graphs and functions have in common; `outputs` are the names used at the end."""

    where: str
    graph: GraphProto | FunctionProto
    inputs: tuple[str, ...]
    constants: tuple[str, ...]
    outputs: tuple[str, ...]

    def nodes(self) -> Iterable[NodeProto]:
        """The nodes as they stand in the file."""
        return self.graph.node


def node_place(index: int, node: NodeProto) -> str:
    """A node as messages name it: its own name, or its position when it has none."""
    name = f"node {shown(node.name)}" if node.name else f"node number {index}"
    return f"{name} ({_operator(node)})"


def inner_graphs(node: NodeProto) -> Iterator[tuple[str, GraphProto]]:
    """The graphs in a node's attributes, each with its place."""
    attribute: AttributeProto
    for attribute in node.attribute:
        place = f"attribute {shown(attribute.name)}"
        if attribute.HasField("g"):
            yield place, attribute.g
        for graph in attribute.graphs:
            yield place, graph


def model_bodies(model: ModelProto) -> Iterator[Body]:
    """The outermost bodies: the main graph and the functions."""
    yield _graph_body("", model.graph)
    for function in model.functions:
        where = f"function {shown(function.name)}"
        yield Body(where, function, tuple(function.input), (), tuple(function.output))


def check_names(model: ModelProto, problems: Problems) -> None:
    """Report duplicate and undefined names, cycles and recursive functions; sort what is only out of order."""
    for body in model_bodies(model):
        _order(body, (), problems)
    _check_calls(model, problems)


def _graph_body(where: str, graph: GraphProto) -> Body:
    constants = [tensor.name for tensor in graph.initializer]
    constants += [sparse.values.name for sparse in graph.sparse_initializer]
    inputs = tuple(value.name for value in graph.input)
    return Body(where, graph, inputs, tuple(constants), tuple(value.name for value in graph.output))


def _order(body: Body, around: tuple[Mapping[str, int], ...], problems: Problems) -> Captured:
    """Check and sort one body and all inside it; returns the names it takes from the bodies around it."""
    makers = _makers(body, problems)
    captured: Captured = {}
    needs: list[list[int]] = []
    for index, node in enumerate(body.nodes()):
        where = join(body.where, node_place(index, node))
        used: dict[str, str] = {}
        for i, name in enumerate(node.input):
            used.setdefault(name, f"input {i}")
        for place, graph in inner_graphs(node):
            for name in _order(_graph_body(join(where, place), graph), (makers, *around), problems):
                used.setdefault(name, place)
        _check_uses(used, where, makers, around, captured, problems)
        needs.append([makers[name] for name in used if makers.get(name, OUTSIDE) != OUTSIDE])
    outputs = {name: f"output {i}" for i, name in enumerate(body.outputs)}
    _check_uses(outputs, body.where, makers, around, captured, problems)
    _sort(body, needs, problems)
    return captured


def _makers(body: Body, problems: Problems) -> dict[str, int]:
    """Who makes each value: the index of a node, or OUTSIDE; an initialiser may be an input's default."""
    makers: dict[str, int] = {}
    for kind, names in (("input", body.inputs), ("initialiser", body.constants), ("output", body.outputs)):
        _check_listed(kind, names, body.where, problems)
        if kind != "output":
            makers.update((name, OUTSIDE) for name in names)
    for index, node in enumerate(body.nodes()):
        for name in filter(None, node.output):
            if name in makers:
                where, first = join(body.where, node_place(index, node)), _maker_place(body, makers[name])
                hint = "every value needs a name of its own; rename one of the two"
                problems.report(f"the value {shown(name)} is made twice", where, hint, f"it is made before by {first}")
            makers.setdefault(name, index)
    return makers


def _maker_place(body: Body, maker: int) -> str:
    return "an input or initialiser" if maker == OUTSIDE else node_place(maker, body.graph.node[maker])


def _check_listed(kind: str, names: Sequence[str], where: str, problems: Problems) -> None:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if not name:
            problems.report(f"{kind} {index} has no name", where, f"give every {kind} a name")
        elif name in seen:
            problems.report(f"the {kind} {shown(name)} is listed twice", where, "remove or rename one of the two")
        seen.add(name)


def _check_uses(
    used: Mapping[str, str],
    where: str,
    makers: Mapping[str, int],
    around: Sequence[Mapping[str, int]],
    captured: Captured,
    problems: Problems,
) -> None:
    """Names that are used must be made here or around here; the latter are captured."""
    for name, place in used.items():
        if not name or name in makers:
            continue
        if any(name in outer for outer in around):
            captured[name] = None
        else:
            hint = "no node, input or initialiser makes it: export the model again, or add what is missing"
            problems.report(f"the value {shown(name)} is used but never made", join(where, place), hint)


def _sort(body: Body, needs: Sequence[Sequence[int]], problems: Problems) -> None:
    order, cycle = _execution_order(needs)
    if cycle:
        nodes = body.graph.node
        names = [node_place(index, nodes[index]) for index in cycle[:8]]
        left_out = [f"{len(cycle) - 8} more"] if len(cycle) > 8 else []
        note = " -> ".join([*names, *left_out, names[0]])
        problems.report(f"the graph has a cycle of {len(cycle)} nodes", body.where, "break the cycle; repetition is Loop or Scan", note)
    elif order != list(range(len(order))):
        place = iter(_inverse(order))  # sort() asks for the key of each node once, in order
        body.graph.node.sort(key=lambda _: next(place))
        problems.remark(f"the {len(order)} nodes stand in an order that cannot be executed, and were sorted", body.where)


def _inverse(order: Sequence[int]) -> list[int]:
    inverse = [0] * len(order)
    for position, index in enumerate(order):
        inverse[index] = position
    return inverse


def _execution_order(needs: Sequence[Iterable[int]]) -> tuple[list[int], list[int]]:
    """The stable topological order, or else a cycle, each node before the one that uses it (Kahn 1962)."""
    users: list[list[int]] = [[] for _ in needs]
    missing = [0] * len(needs)
    for index, sources in enumerate(needs):
        for source in sources:
            users[source].append(index)
            missing[index] += 1
    ready = [index for index, count in enumerate(missing) if not count]
    heapify(ready)
    order: list[int] = []
    while ready:
        order.append(heappop(ready))
        for user in users[order[-1]]:
            missing[user] -= 1
            if not missing[user]:
                heappush(ready, user)
    return order, _cycle(needs, missing) if len(order) < len(needs) else []


def _cycle(needs: Sequence[Iterable[int]], missing: Sequence[int]) -> list[int]:
    """A cycle among the nodes that wait: each waits for another one, so walking back must meet itself."""
    index = next(i for i, count in enumerate(missing) if count)
    path: dict[int, None] = {}
    while index not in path:
        path[index] = None
        index = next(source for source in needs[index] if missing[source])
    walked = list(path)
    return walked[walked.index(index) :][::-1]


def _check_calls(model: ModelProto, problems: Problems) -> None:
    """Functions are told apart by domain, name and overload, and must not reach themselves."""
    functions: dict[tuple[str, str, str], int] = {}
    for index, function in enumerate(model.functions):
        key = (function.domain, function.name, function.overload)
        if key in functions:
            problems.report(f"the function {shown(function.name)} is defined twice", "", "remove or rename one of the two")
        functions.setdefault(key, index)
    needs = [[functions[key] for key in dict.fromkeys(_calls(function)) if key in functions] for function in model.functions]
    _, cycle = _execution_order(needs)
    if cycle:
        names = ", ".join(shown(model.functions[index].name) for index in cycle[:8])
        problems.report(f"functions call themselves: {names}", "", "ONNX functions cannot be recursive; use Loop")


def _calls(body: FunctionProto | GraphProto) -> Iterator[tuple[str, str, str]]:
    node: NodeProto
    for node in body.node:
        yield node.domain, node.op_type, node.overload
        for _, graph in inner_graphs(node):
            yield from _calls(graph)


def _operator(node: NodeProto) -> str:
    return shown(node.op_type)[1:-1] if node.op_type else "no operator"
