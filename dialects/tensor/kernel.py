"""`tensor.kernel`: the computations that become one function, around one root whose loops they share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..ir.definition import attribute, region, results, variadic
from ..ir.operation import Operation, Region, Value
from ..ir.traits import IsolatedFromAbove, Pure
from ..ir.types import Type


class Kernel(Operation, name="tensor.kernel", traits=(Pure, IsolatedFromAbove)):
    """A region that is lowered to one function.

    inputs [...]: the arguments of the region, in order.
    outputs [...]: what the region yields; each is written once.
    `schedule` is the text of the schedule chosen for it, empty before.

    At most one computation inside has reduction dims: the root. What feeds it is evaluated where it is read, what follows it on
    the accumulators before they are stored.
    """

    inputs: list[Value] = variadic()
    contents: Region = region()
    schedule: str = attribute(default="")
    outputs: list[Value] = results()

    def infer(self) -> Sequence[Type]:
        return tuple(value.type for value in self.body.terminator.operands)

    def verify(self) -> Iterable[str]:
        given = [value.type for value in self.inputs]
        taken = [argument.type for argument in self.body.arguments]
        if given != taken:
            yield f"the region takes ({', '.join(map(str, taken))}), but is given ({', '.join(map(str, given))})"

    def execute(self, frame: Any, *operands: Any) -> Any:
        return tuple(frame.run(self.contents, operands[0]))
