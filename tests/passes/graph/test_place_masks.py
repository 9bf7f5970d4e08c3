"""Masked regions in the graph again: decisions, hints, observed masks; and masked code against dense through every stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from onnx import TensorProto

from generate_masks import masked_blocks
from intaglio.compiler.driver import compile
from intaglio.compiler.masks import MaskOptions
from intaglio.dialects import graph, loop
from intaglio.dialects import tensor as tensor_dialect
from intaglio.dialects.func import Module, Return
from intaglio.dialects.graph.extents import tensor
from intaglio.dialects.ir.evaluator import evaluate
from intaglio.errors import CompileError
from intaglio.passes import pipelines as _named  # noqa: F401 - registers the passes
from intaglio.passes.analysis.domain import domain
from intaglio.passes.analysis.gate import gate_of
from intaglio.passes.graph.place_masks import densities_text
from intaglio.passes.instruments import VerifyEach
from intaglio.passes.manager import Pipeline
from intaglio.passes.schedule.space import Schedule
from mask_models import Net, gated_channels
from onnx_models import expected, imported, lowered
from stages import NAN_BYTE, run_loops, to_loops

ATOL = 1e-4
CHOSEN = Net().mask(4)
CONVOLUTIONS_OF_A_BRANCH = 2


def net(tile: int = 4, groups: int = 1) -> Net:
    made = Net()
    mask = made.mask(tile, groups=groups)
    made.add("Mul", made.branch(), mask, out="y")
    return made


def placed(model: Net, options: str) -> tuple[Module, list[str]]:
    module = imported(model.model())
    reports = Pipeline.parse(f"recognize-masks,place-masks{{target=cortex-m4 {options}}}").run(module, [VerifyEach()])
    return module, [str(remark) for report in reports for remark in report.remarks]


def scheduled(low: Module, target: str) -> list[tuple[tensor_dialect.Kernel, Schedule]]:
    """The kernels of a lowered module with their schedules."""
    stage = "canonicalize,cse,fuse-kernels,pad-results,assign-layouts,materialize-copies,choose-schedules"
    Pipeline.parse(f"{stage}{{target={target}}}").run(low)
    return [(op, Schedule.parse(op.schedule)) for op in low.walk() if isinstance(op, tensor_dialect.Kernel) and op.schedule]


def listed(low: Module) -> int:
    """How many kernels walk a list."""
    return sum(bool(schedule.runs) for _, schedule in scheduled(low, "cortex-m4"))


def selections(module: Module) -> int:
    return sum(isinstance(op, graph.SelectTiles) for op in module.walk())


@pytest.mark.parametrize(
    ("options", "skips"),
    [
        ("density=0.1", True),
        ("density=1.0", False),
        ("density=1.0 decision=masked", True),
        ("density=0.1 decision=dense", False),
        (f'density=1.0 densities="{CHOSEN}=0.1"', True),
    ],
)
def test_decision(options: str, skips: bool) -> None:
    module, remarks = placed(net(), options)
    assert bool(selections(module)) == skips
    assert any("cycles instead of" in remark and "Mul@y" in remark for remark in remarks)
    assert any(("skips what" if skips else "stays dense") in remark for remark in remarks)


def test_groups_of_channels_share_a_list() -> None:
    """Pixels that any group needs are in the list; which group they are for is a choice of elements in the same kernel."""
    model = net(groups=2)
    module, remarks = placed(model, "decision=masked")
    assert any("that any of its 2 groups chooses" in remark for remark in remarks)
    chosen = [op for op in module.walk() if isinstance(op, graph.SelectTiles)]
    assert [bool(op.length) for op in chosen] == [True, False, True]
    assert [tensor(op.active).extents[1] for op in chosen] == [1, 2, 1]
    (wanted,) = expected(model.model(), {"x": model.feed()})
    (made,) = evaluate(module, "main", [model.feed()])
    np.testing.assert_allclose(made, wanted, rtol=0, atol=ATOL)
    assert listed(lowered(module)) == CONVOLUTIONS_OF_A_BRANCH


def several_groups(wide: int = 16) -> Net:
    """A mask of two groups, which choose the tiles of 4 x 4 where the means of two input channels are positive."""
    made = Net()
    pooled = made.add("AveragePool", made.add("Gather", "x", made.constant([0, 1], np.int64), axis=1), kernel_shape=[4, 4], strides=[4, 4])
    flags = made.add("Cast", made.add("Greater", pooled, made.constant(0)), to=TensorProto.FLOAT)
    mask = made.add("Gather", made.spread(flags, 4, 2), made.constant(np.arange(wide) // (wide // 2), np.int64), axis=1)
    inner = made.add("Relu", made.conv("x", outputs=wide, window=3))
    made.add("Mul", made.conv(inner, inputs=wide, outputs=wide, window=3), mask, out="y")
    return made


@pytest.mark.parametrize(("target", "block"), [("cortex-m4", 4), ("x86-64-v2", 4), ("x86-64-v4", 1)])
def test_channels_are_chosen_in_blocks(target: str, block: int) -> None:
    """Equal neighbours go together where they are whole vectors; the choice is in the kernel of the convolution, normalised or not."""
    model = gated_channels(4)
    module = imported(model.model())
    reports = Pipeline.parse(f"graph{{target={target} decision=masked}}").run(module, [VerifyEach()])
    remarks = [str(remark) for report in reports for remark in report.remarks]
    assert any("skips what its channel mask does not choose" in remark and "blocks of 4 channels" in remark for remark in remarks)
    (chosen,) = [op for op in module.walk() if isinstance(op, graph.SelectTiles)]
    assert chosen.unit == (1, block, 8, 8)
    low = lowered(module)
    Pipeline.parse("canonicalize,cse,fuse-kernels").run(low)
    assert sum(gate_of(domain(op)) is not None for op in low.walk() if isinstance(op, tensor_dialect.Kernel)) == 1


@pytest.mark.parametrize("chip", ["cortex-m4", "rv32imafc"])
@pytest.mark.parametrize("model", [gated_channels(4), several_groups()], ids=["channels", "groups"])
def test_chips_count_less(chip: str, model: Net, tmp_path: Path) -> None:
    """At a density of a quarter, well under half of what is counted with everything chosen."""
    onnx.save(model.model(), tmp_path / "m.onnx")
    compiled = compile(tmp_path / "m.onnx", chip, cache=False, masks=MaskOptions(decision="masked"))
    counts = []
    magnitudes = np.random.default_rng(7).uniform(0.1, 1, (1, 4, 8, 8)).astype(np.float32)
    first_tile_and_channel = np.full_like(magnitudes, -1)
    first_tile_and_channel[:, 0, :4, :4] = 4  # so that the mean of the channel is positive, too
    for signs in (first_tile_and_channel, np.ones_like(magnitudes)):
        x = signs * magnitudes
        done = compiled.measure({"x": x})
        np.testing.assert_allclose(done.outputs["y"], expected(model.model(), {"x": x})[0], rtol=0, atol=ATOL)
        counts.append(done.instructions or 0)
    assert 0 < counts[0] < 0.5 * counts[1]


def test_unknown_hint() -> None:
    with pytest.raises(CompileError, match="no masked region has the mask 'choosen'"):
        placed(net(), 'densities="choosen=0.1"')


def test_names_in_hints() -> None:
    assert densities_text({"a/b,c=d": 0.5}) == "a%2Fb%2Cc%3Dd=0.5"


@pytest.mark.parametrize("decision", ["dense", "masked"])
def test_observed(decision: str) -> None:
    model = net()
    module, _ = placed(model, f"observe=true decision={decision}")
    assert module.function("main").result_names == ("y", f"mask:0:{CHOSEN}")
    y, mask = evaluate(module, "main", [model.feed()])
    assert set(np.unique(mask)) == {0, 1}
    assert not y[np.broadcast_to(mask == 0, y.shape)].any()


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(masked_blocks(["product", "residual", "channels"]))
def test_masked_is_dense(model: Net) -> None:
    """Skipped tiles hold NaN in the evaluators, and rubbish in the buffers of loops: a dilation that is too small would show."""
    feed = model.feed()
    module = imported(model.model())
    (wanted,) = evaluate(module, "main", [feed])
    Pipeline.parse("recognize-masks,place-masks{target=cortex-m4 decision=masked},canonicalize,cse,dce").run(module, [VerifyEach()])
    assert selections(module)
    (chosen,) = evaluate(module, "main", [feed])
    np.testing.assert_allclose(chosen, wanted, rtol=0, atol=ATOL)
    assert tensor(module.function("main").returned[0]).extents == wanted.shape
    low = lowered(module)
    np.testing.assert_allclose(evaluate(low, "main", [feed])[0], wanted, rtol=0, atol=ATOL)
    for pads in (True, False):
        np.testing.assert_allclose(run_loops(to_loops(low, "cortex-m4", pads=pads), [feed], [wanted])[0], wanted, rtol=0, atol=ATOL)


def never_everything(kernel: tensor_dialect.Kernel) -> None:
    """Walk the list however long it is."""
    kernel.schedule = str(replace(Schedule.parse(kernel.schedule), dense_from=0))


@pytest.mark.parametrize("target", ["x86-64-v4", "x86-64-v2", "cortex-m4"])
def test_nothing_is_read_that_is_not_computed(target: str) -> None:
    """All memory is NaN before the run: a dilation that is too small, or a border that nobody stores, makes the result NaN."""

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(masked_blocks(["product", "residual", "choice", "blend", "channels"]))
    def hold(model: Net) -> None:
        feed, module = model.feed(), imported(model.model())
        (wanted,) = evaluate(module, "main", [feed])
        Pipeline.parse(f"graph{{target={target} decision=masked}}").run(module, [VerifyEach()])
        assert selections(module)
        loops = to_loops(lowered(module), target, impose=never_everything)
        (made,) = run_loops(loops, [feed], [wanted], NAN_BYTE)
        np.testing.assert_allclose(made, wanted, rtol=0, atol=ATOL)

    hold()


def stage() -> Net:
    """Two blocks in a row: the first one's result is the second one's background."""
    made = Net()
    masks = [made.mask(4), made.mask(2)]
    x = "x"
    for number, mask in enumerate(masks):
        branch = made.add("Mul", made.branch(made.add("Sigmoid", x)), mask)
        x = made.add("Relu", made.add("Add", branch, x), out="y" if number else "")
    return made


def test_stage_skips_in_every_block() -> None:
    """What reads a choice of tiles stays out of its kernel, which would compute everything else."""
    module, _ = placed(stage(), "decision=masked")
    low = lowered(module)
    blocks_of_a_stage = 2
    assert listed(low) == CONVOLUTIONS_OF_A_BRANCH * blocks_of_a_stage


@pytest.mark.parametrize("decision", ["auto", "dense", "masked"])
def test_compiled(decision: str, tmp_path: Path) -> None:
    """Machine code of every decision against onnxruntime."""
    model = stage()
    onnx.save(model.model(), tmp_path / "m.onnx")
    masks = MaskOptions(decision=decision)  # type: ignore[arg-type]
    (made,) = compile(tmp_path / "m.onnx", cache=False, masks=masks).run({"x": model.feed()}).values()
    (wanted,) = expected(model.model(), {"x": model.feed()})
    np.testing.assert_allclose(made, wanted, rtol=0, atol=ATOL)


def blocks_outside(kernel: tensor_dialect.Kernel) -> None:
    """Walk the list for every block of channels, which the threads share, as where weights are large."""
    never_everything(kernel)
    schedule = Schedule.parse(kernel.schedule)
    if schedule.runs and schedule.vector >= 0:
        chosen = domain(kernel).chosen
        order = (*(dim for dim in schedule.order if dim not in chosen), *chosen)
        kernel.schedule = str(replace(schedule, order=order, parallel=order[0], prefetch=1))


def assert_listed(model: Net, target: str, impose: Callable[[tensor_dialect.Kernel], None] = never_everything) -> Module:
    """Loops that walk their lists give onnxruntime's result, with memory that is NaN before; these loops."""
    feed, module = model.feed(), imported(model.model())
    (wanted,) = expected(model.model(), {"x": feed})
    Pipeline.parse(f"graph{{target={target} decision=masked}}").run(module, [VerifyEach()])
    loops = to_loops(lowered(module), target, impose=impose)
    (made,) = run_loops(loops, [feed], [wanted], NAN_BYTE)
    np.testing.assert_allclose(made, wanted, rtol=0, atol=ATOL)
    return loops


def grouped(parts: int, groups: int = 1) -> Net:
    """Two 3 x 3 convolutions whose input channels come in parts, under a mask in groups of channels; the second reads the first."""
    made = Net(channels=12, side=8)
    inner = made.add("Relu", made.conv("x", window=3, group=parts))
    made.add("Mul", made.conv(made.add("Relu", made.conv(inner)), window=3, group=parts), made.mask(2, groups=groups), out="y")
    return made


@pytest.mark.parametrize("target", ["x86-64-v4", "cortex-m4"])
@pytest.mark.parametrize("parts", [1, 2, 3, 12])
def test_convolutions_in_groups_walk_the_list(parts: int, target: str) -> None:
    """Channels that are put together of a group and what is in it stand between the pixels of a run, whatever they are."""
    module = imported(grouped(parts).model())
    Pipeline.parse(f"graph{{target={target} decision=masked}}").run(module, [VerifyEach()])
    convolutions = 3
    assert sum(bool(schedule.runs) for _, schedule in scheduled(lowered(module), target)) == convolutions


@pytest.mark.parametrize("target", ["x86-64-v4", "cortex-m4"])
@pytest.mark.parametrize(("parts", "groups"), [(4, 2), (3, 2)])
def test_convolutions_in_groups(parts: int, groups: int, target: str) -> None:
    """Groups of the convolution and of the mask, one inside the other or crossing."""
    assert_listed(grouped(parts, groups), target)


def test_convolutions_in_groups_that_threads_share_by_channels() -> None:
    assert_listed(grouped(3), "x86-64-v2", blocks_outside)


@pytest.mark.parametrize("threads", [1, 2])
def test_convolutions_in_groups_compiled(threads: int, tmp_path: Path) -> None:
    """With blobs, and with tiles here and there."""
    model = grouped(3, 2)
    onnx.save(model.model(), tmp_path / "m.onnx")
    compiled = compile(tmp_path / "m.onnx", cache=False, masks=MaskOptions(decision="masked"), threads=threads)
    for x in (model.feed(), np.random.default_rng(1).normal(0, 1, model.feed().shape).astype(np.float32)):
        np.testing.assert_allclose(compiled.run({"x": x})["y"], expected(model.model(), {"x": x})[0], rtol=0, atol=ATOL)


def bottlenecks(channels: int, side: int, groups: int = 1) -> Net:
    """Two blocks whose first convolution has no window; the second has no identity but zeros."""
    made = Net(batch=2, channels=channels, side=side)
    inner = made.add("Relu", made.conv("x", outputs=8))
    inner = made.conv(made.add("Relu", made.conv(inner, 8, 8, window=3)), 8)
    x = made.add("Relu", made.add("Add", made.add("Mul", inner, made.mask(4, groups=groups)), "x"))
    made.add("Mul", made.conv(made.add("Relu", made.conv(x, outputs=8)), 8), made.mask(2, groups=groups), out="y")
    return made


def module_selections(model: Net, target: str, decision: str) -> list[graph.SelectTiles]:
    """What is selected in a model, in order."""
    module = imported(model.model())
    Pipeline.parse(f"recognize-masks,place-masks{{target={target} decision={decision}}}").run(module, [VerifyEach()])
    return [op for op in module.walk() if isinstance(op, graph.SelectTiles)]


def plain_selections(model: Net, target: str) -> list[bool]:
    """Of every choice that is made element by element, by pixels and groups of channels at once, whether the model returns it."""
    plain = [op for op in module_selections(model, target, "masked") if not op.length]
    assert all(op.background is not None for op in plain)
    return [any(isinstance(user, Return) for user in op.output.users) for op in plain]


@pytest.mark.parametrize(
    ("target", "groups", "wanted"), [("x86-64-v4", 1, [False, True]), ("x86-64-v4", 2, [False, True]), ("cortex-m4", 1, [])]
)
def test_what_lies_in_rows_of_pixels_is_chosen_element_by_element(target: str, groups: int, wanted: list[bool]) -> None:
    """Beside the model's input, and where the model returns it; each has a background, and is no list of runs."""
    assert plain_selections(bottlenecks(16, 8, groups), target) == wanted


def test_groups_that_do_not_fill_vectors_are_chosen_where_they_are_made() -> None:
    """Each choice of elements is followed by one of pixels."""
    assert plain_selections(bottlenecks(12, 8, 2), "x86-64-v4") == [False, False]


@pytest.mark.parametrize(
    ("channels", "side", "groups"), [(16, 8, 1), (20, 12, 1), (48, 4, 1), (32, 8, 2), (48, 8, 2), (40, 12, 2), (12, 8, 2)]
)
@pytest.mark.parametrize("target", ["x86-64-v4", "x86-64-v2", "aarch64"])
def test_blocks_are_turned_on_the_way(target: str, channels: int, side: int, groups: int) -> None:
    """Whole blocks, and what is left over beside them; with groups of channels as wide as a vector, a half and a quarter, and less."""
    assert_listed(bottlenecks(channels, side, groups), target)


def turned_kernels(model: Net, options: str) -> list[bool]:
    """Of every kernel that turns square blocks, whether it chooses."""
    module = imported(model.model())
    Pipeline.parse(f"graph{{target=x86-64-v4 {options}}}").run(module, [VerifyEach()])
    turned = [kernel for kernel, schedule in scheduled(lowered(module), "x86-64-v4") if schedule.across >= 0]
    return [any(isinstance(inner, tensor_dialect.Masked) for inner in kernel.body) for kernel in turned]


@pytest.mark.parametrize("groups", [1, 2])
def test_nothing_is_turned_but_what_is_chosen(groups: int) -> None:
    """Neither the model's input nor its result has a copy of its own in the other layout, however the mask lies."""
    assert turned_kernels(bottlenecks(64, 8, groups), "decision=masked") == [True, True]


@pytest.mark.parametrize("groups", [1, 2])
def test_a_dense_decision_turns_no_more_than_a_model_without_masks(groups: int) -> None:
    """The choice beside the model's input is made where that and the convolution's result meet; the one in front of the result behind
    its convolution, where nothing is gained by turning only some of it. No list is walked."""
    model = bottlenecks(64, 8, groups)
    assert turned_kernels(model, "decision=dense") == [True, False]
    assert not any(plain.length for plain in module_selections(model, "x86-64-v4", "dense"))


@pytest.mark.parametrize("target", ["x86-64-v4", "cortex-m4"])
def test_a_dense_decision_keeps_the_tiles_of_a_model_without_masks(target: str) -> None:
    """The flags of a mask in groups are written out in rows of channels, like what they choose from."""
    tiles = []
    for groups in (1, 2):
        module = imported(net(groups=groups).model())
        Pipeline.parse(f"graph{{target={target} decision=dense}}").run(module, [VerifyEach()])
        kernels = scheduled(lowered(module), target)
        tiles.append([schedule.tile for kernel, schedule in kernels if domain(kernel).root is not None][-CONVOLUTIONS_OF_A_BRANCH:])
    assert tiles[0] == tiles[1]


@pytest.mark.parametrize("decision", ["masked", "dense"])
@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("threads", [1, 2])
def test_turned_blocks_compiled(threads: int, groups: int, decision: Literal["masked", "dense"], tmp_path: Path) -> None:
    model = bottlenecks(64, 12, groups)
    onnx.save(model.model(), tmp_path / "m.onnx")
    masks = MaskOptions(decision=decision)
    (made,) = compile(tmp_path / "m.onnx", cache=False, masks=masks, threads=threads).run({"x": model.feed()}).values()
    (wanted,) = expected(model.model(), {"x": model.feed()})
    np.testing.assert_allclose(made, wanted, rtol=0, atol=ATOL)


def between(reads_later: bool) -> Net:
    """A block behind one convolution and in front of another, which has no padding in memory; perhaps its input is read once more."""
    made = Net(channels=8, side=16)
    x = made.add("Sigmoid", made.conv("x"))
    branch = made.conv(made.add("Relu", made.conv(x, window=3)), window=3)
    block = made.add("Relu", made.add("Add", made.add("Mul", branch, made.mask(4)), x))
    last = made.conv(block, window=2, pad=0)
    if reads_later:
        last = made.add("Add", last, made.conv(made.add("Neg", x), window=2, pad=0))
    made.add("Relu", last, out="y")
    return made


@pytest.mark.parametrize("target", ["x86-64-v4", "cortex-m4"])
@pytest.mark.parametrize("reads_later", [False, True])
def test_a_result_lies_over_its_background_where_nobody_reads_that_again(target: str, reads_later: bool) -> None:
    loops = assert_listed(between(reads_later), target)
    calls = [op for op in loops.function("main").body if isinstance(op, loop.Call)]
    assert any(len(set(call.buffers)) < len(call.buffers) for call in calls) == (not reads_later)
