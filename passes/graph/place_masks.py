"""Masked regions back into the graph, with the tiles that each of their values needs, where that is predicted to gain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote

from ...dialects import graph
from ...dialects.func import Function, Module, Return
from ...dialects.graph.extents import tensor
from ...dialects.graph.masked import inlined, spread_background
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Operation, Result, Value
from ...dialects.ir.traits import ConstantLike, Elementwise, Terminator
from ...dialects.ir.types import f32, i1
from ...errors import CompileError, error
from ...errors import quote as shown
from ...targets.description import Target
from ...targets.load import load_target
from ..analysis.mask_layout import alike_channels
from ..analysis.mask_reach import HERE, Reach, masked_reaches
from ..analysis.masked_regions import mask_name
from ..analysis.predictor import Prediction, equal_channels, is_read_by_windows, predict_region, run_length
from ..manager import Pass, Report, option
from ..schedule.space import LEAST_TURNED
from .inline_masked import inline_masked

__all__ = ["Decision", "PlaceMasks", "densities_text", "observable", "observed_name"]

LEAST_GAIN = 0.05
"""Of the dense cost: what a region must be predicted to save. Below, the prediction is not sharp enough to act upon."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a region: dense, `masked`, or masked where not too many pixels are chosen (`switches`, decided at every run).

    Why, and on which prediction (None where there was no choice).
    """

    masked: bool
    reason: str
    density: float
    prediction: Prediction | None = None
    switches: bool = False

    @property
    def name(self) -> str:
        return ("masked-switch" if self.switches else "masked") if self.masked else "dense"


def densities_text(densities: Mapping[str, float]) -> str:
    """Expected densities by mask as the option `densities` takes them: `gate%2F1=0.3,m=0.5`."""
    return ",".join(f"{quote(name, safe='')}={density!r}" for name, density in densities.items())


@dataclass(frozen=True)
class PlaceMasks(Pass, name="place-masks", runs_on=("graph",)):
    """Write every masked region out, and say for each value that a window reads which of its tiles are needed.

    Before:
        %y = graph.masked(%x, %m) { %1 = graph.conv(%x) (1x1); %2 = graph.conv(%1) (3x3); yield %2 }
    After:
        %1 = graph.conv(%x); %a = graph.reach_mask(%m) {low = -1, high = 1}; %2 = graph.select_tiles(%1, %a)
        %3 = graph.conv(%2); %b = graph.reach_mask(%m); %y = graph.select_tiles(%3, %b, zeros)

    On hosts a kernel computes everything where so much is active that this is faster. A background that is made of the model's inputs
    lies in rows of pixels and not of channels: with vectors the result is then chosen element by element behind the last convolution, of
    which only the chosen pixels are made, and blocks with none of these are not turned.

    Of a mask in groups of channels, pixels that no group chooses are skipped; in the others its groups choose element by element. Its
    density is that of the pixels. Of a mask of channels, the tiles of a selection are blocks of neighbours that are always equal.

    Needs: static shapes. Regions that are not predicted to gain become dense choices, with a remark: as `inline-masked` makes them, or
    element by element beside the model's inputs as above. Of those that are droppable nothing is left to choose.
    """

    target: str = option("host", "the machine that the prediction is for")
    decision: Literal["auto", "dense", "masked"] = option("auto", "by prediction, or the same for all regions")
    density: float = option(0.5, "share of a mask that is expected to be chosen")
    densities: str = option("", "the same for single masks: name=0.3,... with names percent-encoded")
    observe: bool = option(False, "return every mask as a further result")

    def run(self, module: Module, report: Report) -> None:
        regions = [op for op in module.walk() if isinstance(op, graph.Masked)]
        self.refuse_unknown(regions)
        if self.observe:
            observe_masks(module.function("main"))
        for op in regions:
            decision = self.decide(op)
            if decision.masked:
                report.remark(op, f"skips what its {op.kind} mask does not choose: {decision.reason}")
                report.count("masked regions")
                _Placement(op, decision, self.is_turned(op, True), load_target(self.target)).run()
                continue
            report.remark(op, f"stays dense: {decision.reason}")
            if op.droppable:
                _drop(op)
            elif not self.refusal(op) and self.is_turned(op, False):
                _Placement(op, decision, True, load_target(self.target)).run()
            else:
                inline_masked(op)

    def decide(self, op: graph.Masked) -> Decision:
        """What becomes of a region."""
        density = dict(self.known_densities()).get(mask_name(op), self.density)
        refusal = self.refusal(op)
        if refusal:
            return Decision(False, refusal, density)
        target = load_target(self.target)
        prediction = predict_region(op, density, target)
        reason = f"{prediction.text} at density {density:.3g}{_of_what(op)}"
        # On chips a second form costs code and gains nothing; blocks of channels are asked one by one.
        switches = target.hosted and op.kind != "channel"
        if self.decision != "auto":
            return Decision(self.decision == "masked", f"{reason}, and asked for", density, prediction, switches)
        return Decision(prediction.ratio <= 1 - LEAST_GAIN, reason, density, prediction, switches)

    def is_turned(self, op: graph.Masked, skips: bool) -> bool:
        """Whether results or background lie in rows of pixels, and nothing but the choice would need them otherwise.

        Choices that differ between neighbouring channels stay with their convolutions, and so do those of which nothing is skipped, if only
        the result would be turned: then the choice is free.
        """
        by_channels = op.kind == "channel" or (op.mask_groups > 1 and channels_of_group(op) % LEAST_TURNED)
        if by_channels or not load_target(self.target).vector_bits or not (_is_plain(op.background) and _last_convolutions(op)):
            return False
        is_constant = op.background is None or tensor(op.background).elements == 1
        is_returned = skips and all(isinstance(user, Return) for user in op.output.users)
        return is_returned or not (is_constant or _starts_with_windows(op))

    def known_densities(self) -> list[tuple[str, float]]:
        """The option `densities` as pairs."""
        words = [word.rpartition("=") for word in self.densities.split(",") if word]
        return [(unquote(name), float(value)) for name, _, value in words]

    def refuse_unknown(self, regions: list[graph.Masked]) -> None:
        names = list(dict.fromkeys(map(mask_name, regions)))
        unknown = [name for name, _ in self.known_densities() if name not in names]
        if unknown:
            known = ", ".join(map(shown, names)) or "none"
            raise CompileError.of(error(f"no masked region has the mask {shown(name)}").help(f"its masks are {known}") for name in unknown)

    def refusal(self, op: graph.Masked) -> str:
        """Why nothing is skipped; empty if something is."""
        out = tensor(op.output)
        if not out.is_static or not tensor(op.mask).is_static:
            return "its extents are not known"
        return ""


def channels_of_group(op: graph.Masked) -> int:
    """How many channels a group of the mask stands for."""
    return tensor(op.output).extents[1] // op.mask_groups


def _of_what(op: graph.Masked) -> str:
    """What a density is the share of, where that is not plain."""
    if op.mask_groups > 1:
        return f" of the pixels that any of its {op.mask_groups} groups chooses"
    alike = alike_channels(op.mask) if op.kind == "channel" else 1
    return f" of blocks of {alike} channels" if alike > 1 else ""


def _drop(op: graph.Masked) -> None:
    """Compute a region everywhere, without a choice."""
    op.output.replace_by(inlined(op, Builder(op)))
    op.erase()


def observable(main: Function) -> list[graph.Masked]:
    """The regions of a function whose masks can be returned: those that are not inside another one."""
    return [op for op in main.body if isinstance(op, graph.Masked)]


def observe_masks(main: Function) -> None:
    """Add the masks of the regions to what `main` returns."""
    last = main.body.terminator
    names = [observed_name(number, op) for number, op in enumerate(observable(main))]
    Builder(last, location=last.location).add(Return([*last.operands, *(op.mask for op in observable(main))]))
    last.erase()
    main.result_names = (*main.result_names, *names)
    main.refresh_type()


def observed_name(number: int, op: graph.Masked) -> str:
    """The name of the mask of region `number` as a result."""
    return f"mask:{number}:{mask_name(op)}"


class _Placement:
    """One region on its way back into the graph."""

    def __init__(self, op: graph.Masked, decision: Decision, is_turned: bool, target: Target) -> None:
        self.op = op
        self.target = target
        self.skips = decision.masked
        self.switches = decision.switches
        last = _last_convolutions(op)
        self.alone = last if is_turned else last[:-1]  # of which pixels are chosen before the result is
        self.by_runs = not is_turned
        self.build = Builder(op)
        self.reaches = masked_reaches(op) if op.kind == "spatial" else {}
        self.mapping: dict[Value, Value] = dict(zip(op.body.arguments, op.inputs, strict=True))

    def run(self) -> None:
        op = self.op
        for inner in op.body:
            if inner.has(Terminator):
                break
            self.build.add(inner.clone(self.mapping))
            if self.skips and (inner in self.alone or is_read_by_windows(inner)):
                made = self.mapping[inner.results[0]]
                self.mapping[inner.results[0]] = self.select(made, self.reaches.get(inner, HERE), None)
        (yielded,) = op.body.terminator.operands
        background = spread_background(op, self.build)
        value = self.mapping[yielded]
        if op.mask_groups > 1:
            value = self.of_groups(value, background)
        if self.by_runs or op.mask_groups == 1:
            value = self.select(value, HERE, background, by_runs=self.by_runs)
        op.output.replace_by(value)
        op.erase()

    def of_groups(self, value: Value, background: Value) -> Value:
        """The value in the groups of channels that the mask chooses, element by element; pixels that no group chooses are skipped later."""
        unit = (tensor(value).extents[0] // tensor(self.op.mask).extents[0], channels_of_group(self.op), 1, 1)
        return self.build.add(graph.SelectTiles(value, self.op.mask, background, unit=unit)).output

    def select(self, value: Value, reach: Reach, background: Value | None, *, by_runs: bool = True) -> Value:
        """`value` where the mask needs it."""
        N, K, H, W = tensor(value).extents
        batch = N // tensor(self.op.mask).extents[0]
        if self.op.kind == "channel":
            alike = equal_channels(self.op.mask, self.target)
            return self.build.add(graph.SelectTiles(value, self.of_blocks(alike), background, unit=(batch, alike, H, W))).output
        length = run_length(self.op.granularity if self.op.kind == "spatial" else W, reach, W) if by_runs else 0
        active = self.active(reach, (H, W))
        return self.build.add(
            graph.SelectTiles(value, active, background, unit=(batch, K, 1, 1), length=length, switches=self.switches)
        ).output

    def active(self, reach: Reach, extents: tuple[int, int]) -> Value:
        """The pixels that the mask needs, found from one pixel of each of its tiles where windows leave no gaps between them."""
        mask, S = self.op.mask, self.op.granularity
        if self.op.kind == "layer":
            return self.build.add(graph.Expand(mask, shape=(*tensor(mask).extents[:2], *extents))).output
        low, high, scale = reach.low, reach.high, reach.scale
        if S > 1 and all(last - first + 1 >= step for first, last, step in zip(low, high, scale, strict=True)):
            N, g, height, width = tensor(mask).extents
            mask = self.build.add(graph.Slice(mask, starts=(0,) * 4, sizes=(N, g, height // S, width // S), steps=(1, 1, S, S))).output
            high = (high[0] + (S - 1) * scale[0], high[1] + (S - 1) * scale[1])
            scale = (scale[0] * S, scale[1] * S)
        mask = self.union(mask) if self.op.mask_groups > 1 else mask
        return self.build.add(graph.ReachMask(mask, extents=extents, unit=(1, 1), scale=scale, low=low, high=high)).output

    def of_blocks(self, alike: int) -> Value:
        """A mask of channels with one entry for so many neighbours, which have the same."""
        N, K, *_ = tensor(self.op.mask).extents
        if alike == 1:
            return self.op.mask
        sliced = graph.Slice(self.op.mask, starts=(0,) * 4, sizes=(N, K // alike, 1, 1), steps=(1, alike, 1, 1))
        return self.build.add(sliced).output

    def union(self, mask: Value) -> Value:
        """1 where any group is chosen. Truth values in between, because a NaN counts as chosen."""
        flags = mask if tensor(mask).element == i1 else self.build.add(graph.Cast(mask, to=i1)).output
        numbers = self.build.add(graph.Cast(flags, to=f32)).output
        return self.build.add(graph.ReduceMax(numbers, axes=(1,))).output


def _is_plain(value: Value | None) -> bool:
    """Whether a value is made element by element of the model's inputs and constants."""
    behind = dict.fromkeys([value.owner] if isinstance(value, Result) else [])
    waiting = list(behind)
    while waiting:
        op = waiting.pop()
        if op.has(ConstantLike):
            continue
        if not op.has(Elementwise):
            return False
        makers = [operand.owner for operand in op.operands if isinstance(operand, Result) and operand.owner not in behind]
        behind.update(dict.fromkeys(makers))
        waiting += makers
    return True


def _starts_with_windows(op: graph.Masked) -> bool:
    """Whether a region reads its inputs through windows, for which they are copied into rows of channels with their padding."""
    users = [user for argument in op.body.arguments for user in argument.users]
    return any(isinstance(user, graph.Conv | graph.ConvTranspose) and max(user.kernel) > 1 for user in users)


def _last_convolutions(op: graph.Masked) -> list[Operation]:
    """The convolutions from which the result is made element by element, in order."""
    following: dict[Operation, None] = {}
    found: list[Operation] = []
    for inner in reversed(list(op.body)):
        if all(user.has(Terminator) or user in following for result in inner.results for user in result.users):
            if inner.has(Elementwise):
                following[inner] = None
            elif isinstance(inner, graph.Conv | graph.ConvTranspose):
                found.insert(0, inner)
    return found
