"""Emitting the value of a kernel's expression at a point: index maps are composed on the way down, loads stand at the leaves.

Subscripts are affine expressions over *symbols*: symbol 0 is the lane, the others are loop counters with known ranges. Whatever
does not depend on the lane is computed once as a scalar and broadcast where it meets a vector. Equal loads and equal
computations in one block are one operation, which is what makes neighbouring pixels of a window share their loads.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ...dialects import arith, lanes, loop, tensor
from ...dialects.ir.affine import Affine, AffineMap, Dim, Range, combination, d
from ...dialects.ir.attributes import Attribute, Number
from ...dialects.ir.builder import Builder, Op
from ...dialects.ir.operation import Argument, Block, Operation, Region, Value
from ...dialects.ir.types import BufferType, FloatType, element_of, index, lanes_of, vector
from ...dialects.tensor.view import tensor_type

LANE = 0


class Emitter:
    """Blocks under construction, the symbols in scope, and what has been emitted in each open block."""

    def __init__(self, body: Block, storage: dict[Argument, tuple[Value, BufferType]]) -> None:
        self.body = body
        self.block = body
        self.storage = storage
        self.whole: dict[Argument, Value] = {}  # the buffers as bodies look things up in them, not flattened
        self.symbols: list[Value | None] = [None]
        self.ranges: list[Range] = [(0, 0)]
        self.memo: list[dict[object, Value]] = [{}]
        self.pool: dict[Number, arith.Constant] = {}
        self.lanes = 1
        self.valid = 0
        self.root_values: dict[tuple[Affine, ...], Value] = {}
        self.root: tensor.Compute | None = None
        self.masked: dict[tensor.Masked, bool] = {}  # masked values of which the current tile is known to be active or not
        self.guarded_axes: frozenset[tuple[tensor.View, int]] = frozenset()  # axes of padded views that a read may leave
        self.inside: dict[tuple[tensor.View, int], None] = {}
        self.turned: Callable[[Argument, Affine], Value] | None = None

    # Blocks and scopes.

    def add(self, op: Op) -> Op:
        return Builder.at_end(self.block).add(op)

    @contextmanager
    def scope(self, block: Block) -> Iterator[None]:
        """Emit into `block`; what is found equal there stays there."""
        outer, self.block = self.block, block
        symbols = len(self.symbols)
        self.memo.append({})
        yield
        self.memo.pop()
        del self.symbols[symbols:], self.ranges[symbols:]
        self.block = outer

    def finish(self) -> None:
        """Put the constants at the head of the function."""
        for constant in reversed(list(self.pool.values())):
            self.body.insert(constant, self.body.first)

    def symbol(self, value: Value, low: int, high: int) -> Affine:
        """A loop counter between `low` and `high` (inclusive) as an expression."""
        self.symbols.append(value)
        self.ranges.append((low, high))
        return d(len(self.symbols) - 1)

    def remember(self, key: object, make: Callable[[], Value]) -> Value:
        for known in reversed(self.memo):
            if key in known:
                return known[key]
        value = self.memo[-1][key] = make()
        return value

    def constant(self, number: Number) -> Value:
        if number not in self.pool:
            self.pool[number] = arith.Constant(value=number)
        return self.pool[number].output

    def index(self, value: int) -> Value:
        return self.constant(Number(value, index))

    def affine(self, expression: Affine) -> Value:
        """An expression without lanes as an index value."""
        if expression.is_constant:
            return self.index(expression.constant)
        dims, map_ = self.operands([expression])
        if map_.results == (d(0),):
            return dims[0]
        return self.remember((loop.Apply, expression), lambda: self.add(loop.Apply(dims, map=map_)).output)

    def operands(self, expressions: Sequence[Affine]) -> tuple[list[Value], AffineMap]:
        """The counters that expressions depend on, and the map from them."""
        used = sorted({position for expression in expressions for position in expression.dims()})
        renumbered = {old: d(new) for new, old in enumerate(used)}
        values = [self.symbols[position] for position in used]
        assert None not in values, "a lane has no counter"
        return [v for v in values if v is not None], AffineMap(len(used), tuple(e.substitute(renumbered) for e in expressions))

    def all_ranges(self) -> list[Range]:
        return [(0, (self.valid or self.lanes) - 1), *self.ranges[1:]]

    # Values.

    def widen(self, value: Value, count: int) -> Value:
        """`value` with `count` lanes."""
        if lanes_of(value.type) == count:
            return value
        assert lanes_of(value.type) == 1, f"{value.type} has {count} lanes only in part"
        owner = value.owner
        if isinstance(owner, arith.Constant):
            return self.constant(Number(owner.value.value, vector(count, element_of(value.type))))
        return self.remember((loop.Broadcast, value, count), lambda: self.add(loop.Broadcast(value, lanes=count)).output)

    def value(self, value: Value, subscripts: Sequence[Affine]) -> Value:
        """The element of a kernel's value at subscripts, a vector if they depend on the lane."""
        at = tuple(s.simplify(self.all_ranges()) for s in subscripts)
        match value.owner:
            case tensor.Compute() as op if op is self.root:
                return self.root_values[at]
            case tensor.Compute() as op:
                return self.computed(op, at)
            case tensor.Masked() as op:
                return self.masked_value(op, at)
            case tensor.View() as op:
                return self.view(op, at)
            case tensor.Constant() as op:
                return self.constant(Number(op.value.array.reshape(-1)[0].item(), op.value.type.element))
        assert isinstance(value, Argument)
        return self.load(value, at)

    def computed(self, op: tensor.Compute, at: tuple[Affine, ...]) -> Value:
        """The element of a computation without reduction."""
        return self.remember((op, at, self.valid), lambda: self.body_value(op, self.inputs(op, at), at))

    def masked_value(self, op: tensor.Masked, at: tuple[Affine, ...]) -> Value:
        """One of the two values where the tile's state is known, else both and a selection."""
        if op in self.masked:
            chosen = op.value if self.masked[op] else op.background
            assert chosen is not None, "an inactive tile without background is not computed"
            return self.value(chosen, at)
        value = self.value(op.value, at)
        if op.background is None:
            return value
        condition = self.is_active(op, at)
        background = self.value(op.background, at)
        count = max(lanes_of(v.type) for v in (condition, value, background))
        wide = [self.widen(v, count) for v in (condition, value, background)]
        return self.remember((lanes.Select, *wide), lambda: self.add(lanes.Select(*wide)).output)

    @contextmanager
    def known(self, op: tensor.Masked, is_active: bool) -> Iterator[None]:
        """Emit for elements of which this is known."""
        self.masked[op] = is_active
        yield
        del self.masked[op]

    def is_active(self, op: tensor.Masked, at: Sequence[Affine]) -> Value:
        """Whether the tile of an element is active."""
        state = self.value(op.active, op.maps[1].compose(at))
        zero = self.widen(self.constant(Number(0, element_of(state.type))), lanes_of(state.type))
        is_float = isinstance(element_of(state.type), FloatType)
        compare = lanes.CmpF if is_float else lanes.CmpI
        return self.remember((compare, state, "active"), lambda: self.add(compare.of("une" if is_float else "ne", state, zero)).output)

    def varies(self, op: tensor.Masked, at: Sequence[Affine]) -> bool:
        """Whether the lanes of an element may lie in several tiles."""
        return any(LANE in subscript.simplify(self.all_ranges()).dims() for subscript in op.maps[1].compose(at))

    def any_of(self, flags: Sequence[Value]) -> Value:
        """Whether any of some conditions holds, in any lane."""
        found: dict[int, Value] = {}
        for flag in dict.fromkeys(flags):
            count = lanes_of(flag.type)
            found[count] = self.add(arith.OrI(found[count], flag)).output if count in found else flag
        return functools.reduce(lambda a, b: self.add(arith.OrI(a, b)).output, [self.any_lane(flag) for flag in found.values()])

    def any_lane(self, flag: Value) -> Value:
        """Whether a condition holds in any lane."""
        return flag if lanes_of(flag.type) == 1 else self.add(loop.Reduce(flag, kind="or")).output

    def inputs(self, op: tensor.Compute, point: Sequence[Affine]) -> list[Value]:
        return [self.value(source, map_.compose(point)) for source, map_ in zip(op.inputs, op.maps, strict=True)]

    def body_value(self, op: tensor.Compute, arguments: Sequence[Value], point: Sequence[Affine]) -> Value:
        """The scalar body on values of one or many lanes."""
        block = op.body
        captured = [self.whole[v] for v in op.captured if isinstance(v, Argument)]  # `domain` refuses others
        elements = list(arguments[: len(op.inputs)])
        accumulator = list(arguments[len(op.inputs) :])
        mapping: dict[Value, Value] = dict(zip(block.arguments, [*elements, *captured, *accumulator], strict=True))
        for inner in block:
            match inner:
                case tensor.Yield():
                    break
                case tensor.Index():
                    mapping[inner.output] = self.index_value(point[inner.dim])
                case tensor.Extract():
                    mapping[inner.output] = self.extract(inner, mapping)
                case arith.Constant():
                    mapping[inner.output] = self.constant(inner.value)
                case _:
                    mapping[inner.results[0]] = self.scalar_operation(inner, [mapping[v] for v in inner.operands])
        return mapping[block.terminator.operands[0]]

    def scalar_operation(self, op: Operation, operands: Sequence[Value]) -> Value:
        count = max((lanes_of(v.type) for v in operands), default=1)
        wide = [self.widen(v, count) for v in operands]
        return self.remember((type(op), tuple(op.attributes.items()), tuple(wide)), lambda: self.clone_wide(op, wide, count))

    def clone_wide(self, op: Operation, operands: Sequence[Value], count: int) -> Value:
        """The scalar operation `op` on vectors."""
        attributes: dict[str, Attribute] = dict(op.attributes)
        for key, spec in op.definition.attributes.items():
            if spec.is_result_type:
                attributes[key] = vector(count, element_of(op.results[0].type))
        copy = type(op).create(operands, op.segments, attributes, [], [op.results[0].type], op.location)
        (copy.results[0].type,) = copy.inferred_types()
        return self.add(copy).results[0]

    def index_value(self, expression: Affine) -> Value:
        """A subscript as a value, one per lane if it depends on the lane."""
        expression = expression.simplify(self.all_ranges())
        base = self.affine(expression.substitute({LANE: Affine()}))
        factor = expression.coefficient(LANE)
        if LANE not in expression.dims():
            return base
        assert all(LANE not in atom.of.dims() for atom, _ in expression.terms if not isinstance(atom, Dim)), "a lane inside a quotient"
        count = self.lanes
        iota = self.remember((loop.Iota, count), lambda: self.add(loop.Iota(lanes=count)).output)
        step = self.constant(Number(factor, iota.type))
        scaled = self.remember((arith.MulI, iota, step), lambda: self.add(arith.MulI(iota, step)).output)
        start = self.widen(base, count)
        return self.remember((arith.AddI, scaled, start), lambda: self.add(arith.AddI(scaled, start)).output)

    def extract(self, op: tensor.Extract, mapping: dict[Value, Value]) -> Value:
        subscripts = [mapping[v] for v in op.subscripts]
        count = max((lanes_of(v.type) for v in subscripts), default=1)
        wide = [self.widen(v, count) for v in subscripts]
        source = mapping[op.source]
        return self.remember((loop.Gather, source, tuple(wide)), lambda: self.add(loop.Gather(source, wide)).output)

    # Views and loads.

    def view(self, op: tensor.View, at: Sequence[Affine]) -> Value:
        inner = tuple(s.simplify(self.all_ranges()) for s in op.map.compose(at))
        if op.padding is None:
            return self.value(op.source, inner)
        match self.placement(op, inner):
            case True:
                return self.value(op.source, inner)
            case False:
                return self.constant(op.padding)
        return self.conditional(op, inner)

    def placement(self, op: tensor.View, subscripts: Sequence[Affine]) -> bool | None:
        """Whether subscripts lie inside the view's source: always, never, or None where only the run knows.

        Only guarded axes are asked: dims that were merged run beyond the extents of the others.
        """
        if not tensor_type(op.source).elements:
            return False
        answer: bool | None = True
        for axis, (subscript, extent) in enumerate(zip(subscripts, tensor_type(op.source).extents, strict=True)):
            if (op, axis) not in self.guarded_axes:
                continue
            low, high = subscript.range(self.all_ranges())
            if high < 0 or low >= extent:
                return False
            if (low < 0 or high >= extent) and (op, axis) not in self.inside:
                answer = None
        return answer

    def conditional(self, op: tensor.View, subscripts: Sequence[Affine]) -> Value:
        """A read behind a condition; subscripts that depend on the lane are not guarded (the chooser sees to it)."""
        assert op.padding is not None
        condition: Value | None = None
        for axis, (subscript, extent) in enumerate(zip(subscripts, tensor_type(op.source).extents, strict=True)):
            if (op, axis) in self.inside or (op, axis) not in self.guarded_axes:
                continue
            low, high = subscript.range(self.all_ranges())
            for needed, test in ((low < 0, ("sge", 0)), (high >= extent, ("slt", extent))):
                if needed:
                    here = self.compare(test[0], self.affine(subscript), test[1])
                    condition = here if condition is None else self.add(arith.AndI(condition, here)).output
        assert condition is not None
        then, otherwise = Block(), Block()
        with self.scope(then):
            read = self.value(op.source, subscripts)
            self.add(loop.Yield([read]))
        with self.scope(otherwise):
            self.add(loop.Yield([self.widen(self.constant(op.padding), lanes_of(read.type))]))
        return self.add(loop.If(condition, then=Region(then), otherwise=Region(otherwise))).outputs[0]

    @contextmanager
    def loop(self, lower: Value, upper: Value, low: int, high: int) -> Iterator[Affine]:
        """A loop without carried values around what is emitted inside, whose counter is between `low` and `high` (inclusive)."""
        body = Block([index])
        with self.scope(body):
            yield self.symbol(body.arguments[0], low, high)
            self.add(loop.Yield([]))
        self.add(loop.For(lower, upper, [], contents=Region(body)))

    def only_if(self, condition: Value, make: Callable[[], None], otherwise: Callable[[], None] = lambda: None) -> None:
        """Emit a condition around what `make` emits, and around what `otherwise` does."""
        blocks = Block(), Block()
        for block, inside in zip(blocks, (make, otherwise), strict=True):
            with self.scope(block):
                inside()
                self.add(loop.Yield([]))
        self.add(loop.If(condition, then=Region(blocks[0]), otherwise=Region(blocks[1])))

    def compare(self, which: str, a: Value, b: int) -> Value:
        key = (lanes.CmpI, which, a, b)
        return self.remember(key, lambda: self.add(lanes.CmpI.of(which, a, self.index(b))).output)

    def load(self, argument: Argument, subscripts: Sequence[Affine]) -> Value:
        _, type_ = self.storage[argument]
        offset = combination(zip(subscripts, type_.strides, strict=True))
        base = offset.substitute({LANE: Affine()}).simplify(self.all_ranges())
        if LANE not in offset.dims():
            return self.remember((loop.Load, argument, base), lambda: self.load_at(argument, base, 1))
        if offset.coefficient(LANE) == 1 and _lane_is_linear(offset):
            return self.remember((loop.Load, argument, base, self.valid), lambda: self.load_at(argument, base, self.lanes))
        if self.turned is not None:
            return self.turned(argument, offset)
        return self.remember((loop.Gather, argument, offset), lambda: self.gather(argument, offset))

    def load_at(self, argument: Argument, base: Affine, count: int) -> Value:
        """Neighbours in memory, as many as are real."""
        flat, _ = self.storage[argument]
        dims, map_ = self.operands([base])
        return self.add(loop.Load(flat, dims, map=map_, lanes=count, axis=0, valid=self.valid if count > 1 else 0)).output

    def gather(self, argument: Argument, offset: Affine) -> Value:
        """One element per lane, wherever they lie."""
        flat, _ = self.storage[argument]
        return self.add(loop.Gather(flat, [self.index_value(offset)])).output

    @contextmanager
    def turning(self, turned: Callable[[Argument, Affine], Value]) -> Iterator[None]:
        """Emit with `turned(input, offset)` in the place of gathers: lanes of which each is a row of a square block."""
        self.turned = turned
        yield
        self.turned = None

    def store(self, value: Value, flat: Value, type_: BufferType, subscripts: Sequence[Affine]) -> None:
        """Write a vector (or what is the same in all lanes) at subscripts."""
        offset = combination(zip(subscripts, type_.strides, strict=True)).simplify(self.all_ranges())
        dims, map_ = self.operands([offset.substitute({LANE: Affine()}).simplify(self.all_ranges())])
        count = self.lanes if LANE in offset.dims() else 1
        if count == 1 and lanes_of(value.type) > 1:  # of the last vector one lane is left
            value = self.add(loop.ExtractLane(value, lane=0)).output
        if count > 1 and offset.coefficient(LANE) != 1:
            self.scatter(self.widen(value, count), flat, offset)
            return
        self.add(loop.Store(self.widen(value, count), flat, dims, map=map_, axis=0, valid=self.valid if count > 1 else 0))

    def scatter(self, value: Value, flat: Value, offset: Affine) -> None:
        """Store lane by lane, where neighbours of the lane dim are no neighbours in memory."""
        for lane in range(self.valid or self.lanes):
            dims, map_ = self.operands([offset.substitute({LANE: Affine((), lane)})])
            element = self.add(loop.ExtractLane(value, lane=lane)).output
            self.add(loop.Store(element, flat, dims, map=map_))


def _lane_is_linear(offset: Affine) -> bool:
    return all(isinstance(atom, Dim) or LANE not in atom.of.dims() for atom, _ in offset.terms)
