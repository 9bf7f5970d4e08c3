"""Would the tests notice? Breaks rewrites on purpose, one at a time, and shows which check catches each of them.

`python tests/broken_rewrites.py` prints a table; `test_broken_rewrites.py` holds that nothing escapes. The checks are those of the test
suite on the first small random nets, and on two with masks: the program verifies, and evaluates at the tensor and at the loop stage to
what onnxruntime computes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cache
from math import prod
from typing import Any
from unittest.mock import patch

import numpy as np

from generate_models import Array, RandomModel, random_model
from intaglio.dialects import tensor
from intaglio.dialects.func import Module
from intaglio.dialects.ir.evaluator import evaluate
from intaglio.errors import CompileError, InternalError
from intaglio.passes import pipelines  # noqa: F401 - registers every pass
from intaglio.passes.analysis import mask_reach
from intaglio.passes.graph import absorb_pads, channels
from intaglio.passes.graph_to_tensor import convolution
from intaglio.passes.instruments import VerifyEach
from intaglio.passes.manager import Pipeline
from intaglio.passes.tensor import pack_weights
from intaglio.passes.tensor_to_loop import borders, entry, loop_nest, masked_runs, register_tile
from mask_models import Net
from onnx_models import expected, imported
from stages import run_loops

SEEDS = range(80)
MOST_STEPS = 6000  # of all loops of a net together: the evaluator takes one at a time
TOLERANCE = 1e-4
TARGET = "x86-64-v3"


@dataclass(frozen=True, slots=True)
class Break:
    """A rewrite with a fault put in: `object.name` becomes `faulty(the right one)`."""

    title: str
    owner: Any
    name: str
    faulty: Callable[[Any], Any]

    def installed(self) -> AbstractContextManager[Any]:
        return patch.object(self.owner, self.name, self.faulty(getattr(self.owner, self.name)))


def _pads_shifted(right: Any) -> Any:
    """rebuilt(): the first pad goes to the other side."""

    def wrong(op: Any, operands: Any, **changed: Any) -> Any:
        pads = list(changed["pads"])
        pads[0], pads[len(pads) // 2] = pads[0] + pads[len(pads) // 2], 0
        return right(op, operands, **{**changed, "pads": tuple(pads)})

    return wrong


def _last_tile_short(right: Any) -> Any:
    """segments(): the last tile of a dim loses an element."""

    def wrong(self: Any, dim: int) -> Any:
        *others, last = right(self, dim)
        return [*others, replace(last, size=last.size - 1) if last.size > 1 else last]

    return wrong


def _tile_shifted(right: Any) -> Any:
    """placed(): full tiles but the first begin one element too early."""

    def wrong(self: Any, base: Any, size: Any, border: Any, dim: int, at: Any, segment: Any) -> Any:
        return right(self, base, size, border, dim, at - 1 if segment.start > 0 else at, segment)

    return wrong


def _bounds_late(right: Any) -> Any:
    """bounds(): every reduction loop begins one turn late."""

    def wrong(self: Any, dim: int, tile: Any, extent: int) -> Any:
        _, upper = right(self, dim, tile, extent)
        return self.emit.index(1), upper

    return wrong


def _blocks_turned(right: Any) -> Any:
    """_packed(): the elements of every block of weights in reverse."""
    return lambda *arguments: np.ascontiguousarray(right(*arguments)[..., ::-1])


def _bias_dropped(right: Any) -> Any:
    return lambda op, build, total, k: total


def _bias_not_scaled(right: Any) -> Any:
    """_new_bias(): what a batch norm does to the bias is left out."""

    def wrong(bias: Any, factor: float, count: int, after: Any, like: Any) -> Any:
        made = right(bias, factor, count, after, like)
        return None if made is None else np.zeros_like(made)

    return wrong


def _all_at_zero(right: Any) -> Any:
    """Every block of the arena at its beginning."""

    def wrong(*arguments: Any, **named: Any) -> Any:
        found = right(*arguments, **named)
        return replace(found, offsets=tuple(0 for _ in found.offsets))

    return wrong


def _neutral_zero(right: Any) -> Any:
    return lambda kind, element: 0


def _spans_shorter(right: Any) -> Any:
    """through(): windows reach one pixel less far."""
    return lambda self, strides, begins, spans: right(self, strides, begins, [max(span - 1, 0) for span in spans])


def _first_run_left_out(right: Any) -> Any:
    """part_of(): the list is walked from its second group on."""
    return lambda self, count, most: (self.emit.index(1), right(self, count, most)[1])


def _nothing_stored(right: Any) -> Any:
    return lambda self: None


BREAKS = (
    Break("absorb-pads puts a pad on the wrong side", absorb_pads, "rebuilt", _pads_shifted),
    Break("absorb-batch-norms forgets the new bias", channels, "_new_bias", _bias_not_scaled),
    Break("graph-to-tensor drops the bias of a convolution", convolution, "_with_bias", _bias_dropped),
    Break("pack-weights turns blocks round", pack_weights, "_packed", _blocks_turned),
    Break("tensor-to-loop: the last tile is one element short", loop_nest.KernelLowering, "segments", _last_tile_short),
    Break("tensor-to-loop: tiles begin one element early", loop_nest.KernelLowering, "placed", _tile_shifted),
    Break("tensor-to-loop: reduction loops begin one turn late", register_tile.TileEmitter, "bounds", _bounds_late),
    Break("place-masks: windows need one pixel less", mask_reach.Reach, "through", _spans_shorter),
    Break("tensor-to-loop: the first runs are left out", masked_runs.RunsLowering, "part_of", _first_run_left_out),
    Break("tensor-to-loop: nobody stores the borders", borders._Border, "store", _nothing_stored),
    Break("tensor-to-loop: lanes of a maximum begin at 0", register_tile, "neutral", _neutral_zero),
    Break("memory: blocks that live at once share their place", entry, "plan_arena", _all_at_zero),
)


def caught_by(each: Break | None) -> tuple[str, int] | None:
    """The check and the seed that notice a fault; None if none does."""
    for seed, model, wanted in nets():
        found = _installed_check(each, model, wanted)
        if found:
            return found, seed
    return None


def _installed_check(each: Break | None, model: RandomModel, wanted: list[Array]) -> str | None:
    if each is None:
        return check(model, wanted)
    with each.installed():
        return check(model, wanted)


def check(model: RandomModel, wanted: list[Array]) -> str | None:
    """What is wrong with the way of a net to loops: the verifier's word, or the stage whose values are others than onnxruntime's."""
    try:
        module = imported(model.proto, shapes={name: array.shape for name, array in model.inputs.items()})
        for stage, pipeline in (("tensor", "graph{decision=masked},graph-to-tensor,fuse-kernels"), ("loop", REST)):
            Pipeline.parse(pipeline).run(module, [VerifyEach()])
            if not _near(_values(module, stage, model, wanted), wanted):
                return f"values at the {stage} stage"
    except (CompileError, InternalError) as refused:
        return f"verifier: {str(refused).splitlines()[0][:60]}"
    except IndexError:
        return "an address outside of its buffer"
    return None


REST = (
    "canonicalize,pad-results,assign-layouts,materialize-copies,"
    f"choose-schedules{{target={TARGET}}},pack-weights,tensor-to-loop{{target={TARGET}}}"
)


def _values(module: Module, stage: str, model: RandomModel, wanted: list[Array]) -> list[Array]:
    if stage == "loop":
        return list(run_loops(module, list(model.inputs.values()), wanted))
    return [np.asarray(value) for value in evaluate(module, "main", [a if a.shape else a[()] for a in model.inputs.values()])]


def _near(values: list[Array], wanted: list[Array]) -> bool:
    """Within rounding of sums in f32, relative to the largest value of each output."""
    return all(
        np.allclose(value, want, rtol=0, atol=TOLERANCE * float(np.max(np.abs(want), initial=1.0)))
        for value, want in zip(values, wanted, strict=True)
    )


@cache
def _small_nets() -> tuple[tuple[int, RandomModel, list[Array]], ...]:
    return tuple((seed, model, expected(model.proto, model.inputs)) for seed in SEEDS if _steps(model := random_model(seed)) <= MOST_STEPS)


@cache
def _masked_nets() -> tuple[tuple[int, RandomModel, list[Array]], ...]:
    """A window between two layers, kept where a mask says so, at some pixels or in a few tiles. Their seeds are -1 and -2."""
    found = []
    for seed, tile, level in ((-1, 1, 1.0), (-2, 4, 0.5)):
        net = Net()
        mask = net.mask(tile, level=level)
        inner = net.add("Relu", net.conv("x"))
        net.add("Add", "x", net.add("Mul", net.conv(inner, window=3), mask), out="y")
        model = RandomModel(seed, net.model(), {"x": net.feed()}, free=False)
        found.append((seed, model, expected(model.proto, model.inputs)))
    return tuple(found)


def nets() -> Iterator[tuple[int, RandomModel, list[Array]]]:
    """Small random nets and two with masks, with what onnxruntime makes of them."""
    yield from _small_nets()
    yield from _masked_nets()


def _steps(model: RandomModel) -> int:
    """Points of all iteration spaces of the net."""
    module = imported(model.proto, shapes={name: array.shape for name, array in model.inputs.items()})
    Pipeline.parse("graph,graph-to-tensor").run(module)
    return sum(prod(op.extents) for op in module.walk() if isinstance(op, tensor.Compute))


def main() -> int:
    """Print what catches each break. The status is the number of those that nothing catches."""
    escaped = 0
    sys.stdout.write(f"{len(list(nets()))} nets; nothing broken: {caught_by(None) or 'nothing found'}\n")
    for each in BREAKS:
        found = caught_by(each)
        escaped += found is None
        sys.stdout.write(f"{each.title:<55} {'ESCAPED' if found is None else f'{found[0]} (seed {found[1]})'}\n")
    return escaped
