"""Modules and functions, as in MLIR."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .ir.builder import Builder
from .ir.definition import attribute, region, variadic
from .ir.evaluator import Frame, find_symbol
from .ir.location import UNKNOWN, Location
from .ir.operation import Argument, Block, Operation, Region, Value
from .ir.traits import IsolatedFromAbove, SymbolTable, Terminator
from .ir.types import FunctionType, Type


class Module(Operation, name="builtin.module", traits=(IsolatedFromAbove, SymbolTable)):
    """A list of functions that are found by name."""

    contents: Region = region()

    @staticmethod
    def empty() -> Module:
        return Module(contents=Region(Block()))

    def functions(self) -> Iterator[Function]:
        """The functions in order."""
        for op in self.body:
            if isinstance(op, Function):
                yield op

    def function(self, name: str) -> Function:
        """The function called `name`. Raises KeyError."""
        found = find_symbol(self, name)
        assert isinstance(found, Function)
        return found

    def add(self, function: Function) -> Function:
        """Append a function."""
        self.body.insert(function)
        return function


class Function(Operation, name="func.func", traits=(IsolatedFromAbove,)):
    """A named function: the arguments of its block in, what `func.return` is given out.

    `argument_names` and `result_names` are the user's names of inputs and outputs (empty for inner functions). At the loop stage `main`
    returns nothing: it takes the inputs, one buffer per result name, and the arena, whose name is empty.
    """

    contents: Region = region()
    sym_name: str = attribute()
    function_type: FunctionType = attribute()
    argument_names: tuple[str, ...] = attribute(default=(), discardable=True)
    result_names: tuple[str, ...] = attribute(default=(), discardable=True)

    @staticmethod
    def make(
        name: str,
        inputs: Sequence[Type],
        argument_names: Sequence[str] = (),
        result_names: Sequence[str] = (),
        location: Location = UNKNOWN,
    ) -> Function:
        """An empty function with these inputs; end it with `close`."""
        function = Function(
            sym_name=name,
            function_type=FunctionType(tuple(inputs), ()),
            argument_names=tuple(argument_names),
            result_names=tuple(result_names),
            contents=Region(Block(inputs)),
        )
        function.location = location
        return function

    def close(self, values: Sequence[Value]) -> Function:
        """Append the return of `values` and set the type accordingly."""
        Builder.at_end(self.body, self.location).add(Return(list(values)))
        self.refresh_type()
        return self

    def refresh_type(self) -> None:
        """Make the type say what block and return say, after a pass has changed them."""
        inputs = tuple(a.type for a in self.body.arguments)
        self.function_type = FunctionType(inputs, tuple(v.type for v in self.returned))

    @property
    def arguments(self) -> list[Argument]:
        return self.body.arguments

    @property
    def returned(self) -> tuple[Value, ...]:
        """The values that it returns."""
        return self.body.terminator.operands

    def verify(self) -> Iterable[str]:
        inputs = tuple(a.type for a in self.body.arguments)
        last = self.body.last
        outputs = tuple(v.type for v in last.operands) if last is not None else ()
        if self.function_type != FunctionType(inputs, outputs):
            yield f"the type is {self.function_type}, but block and return say {FunctionType(inputs, outputs)}"
        for names, count in ((self.argument_names, len(inputs)), (self.result_names if outputs else (), len(outputs))):
            if names and len(names) != count:
                yield f"{len(names)} names for {count} values"

    def execute(self, frame: Frame, *operands: Any) -> None:
        raise TypeError("a function is called, not executed")


class Return(Operation, name="func.return", traits=(Terminator,)):
    """End a function with its results."""

    values: list[Value] = variadic()
