"""Taking a tensor program over the border to loops, and running what comes out in the evaluator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from intaglio.dialects.func import Module
from intaglio.dialects.ir.attributes import Array
from intaglio.dialects.ir.evaluator import evaluate
from intaglio.dialects.ir.types import BufferType
from intaglio.dialects.tensor import Kernel
from intaglio.passes import pipelines as _named  # noqa: F401 - registers the passes
from intaglio.passes.instruments import VerifyEach
from intaglio.passes.manager import Pipeline
from programs import Outcome, copy, inputs_of, run

NAN_BYTE = 255  # floats of such bytes are NaN
RUBBISH = 99  # what outputs and arena hold before the run: a kernel that forgets an element shows


def to_loops(
    module: Module, target: str, loop: bool = True, pads: bool = True, impose: Callable[[Kernel], None] = lambda kernel: None
) -> Module:
    """A copy of a tensor program, taken through the passes of the tensor stage and the border (and those of the loop stage).

    Without `pads`, what masked windows read has no padding in memory. `impose` may change the schedules that were chosen.
    """
    lowered = copy(module)
    pad = "pad-results," if pads else ""
    tensor = f"canonicalize,fold-constants,cse,fuse-kernels,dce,{pad}assign-layouts,materialize-copies,choose-schedules{{target={target}}}"
    rest = f"pack-weights,tensor-to-loop{{target={target}}}"
    Pipeline.parse(tensor).run(lowered, [VerifyEach()])
    for op in lowered.walk():
        if isinstance(op, Kernel) and op.schedule:
            impose(op)
    Pipeline.parse(rest + (",canonicalize,cse,dce" if loop else "")).run(lowered, [VerifyEach()])
    return lowered


def run_loops(module: Module, inputs: Sequence[Array], like: Sequence[Array], before: int = RUBBISH) -> tuple[Array, ...]:
    """What `main` of the loop stage writes into outputs shaped as `like`. `before`: what outputs and the bytes of the arena hold first."""
    arena = module.function("main").arguments[-1].type
    assert isinstance(arena, BufferType)
    outputs = [_held(before, each) for each in like]
    arguments: list[Any] = [*map(np.array, inputs), *outputs, np.full(arena.elements, before, np.uint8).view(arena.element.dtype)]
    evaluate(module, "main", arguments)
    return tuple(outputs)


def _held(before: int, like: Array) -> Array:
    """An array full of what was there before."""
    nan = like.dtype.kind == "f" and before == NAN_BYTE
    return np.full(like.shape, np.nan if nan else before % 2 if like.dtype == bool else before).astype(like.dtype)


def lowered_outcomes(module: Module, target: str, seed: int = 0) -> tuple[Outcome, Outcome]:
    """What a tensor program gives out before and after it becomes loops."""
    main = module.function("main")
    inputs = inputs_of(main, seed)
    before = run(module, main, inputs)
    after = run_loops(to_loops(module, target), inputs, before.results)
    return before, Outcome(after, ())
