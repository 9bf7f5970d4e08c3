"""Masks in many spellings are found and mean the same; what only resembles one stays dense."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

import intaglio.passes.pipelines  # noqa: F401 - registers every pass
from generate_masked import masked_regions
from intaglio.compiler.frontend.importer import import_model
from intaglio.compiler.frontend.reader import read_model
from intaglio.dialects import graph
from intaglio.dialects.func import Function, Module
from intaglio.dialects.graph.extents import tensor
from intaglio.dialects.ir.builder import Builder
from intaglio.dialects.ir.evaluator import evaluate
from intaglio.dialects.ir.operation import Value
from intaglio.dialects.ir.types import f32, i1
from intaglio.passes.analysis import masked_regions as masks
from intaglio.passes.instruments import VerifyEach
from intaglio.passes.manager import Pipeline, all_pipelines
from mask_models import C, H, Net, W
from onnx_models import Array, expected, imported
from programs import inputs_of

SHARED = Path(__file__).resolve().parents[4] / "shared" / "masks"
# Batch norms are absorbed into weights, which rounds them once more; outputs are around 1 to 10, sums of up to a few hundred products.
ATOL = 2e-5


# What runs before the pass in the pipeline of the stage; what follows it takes the regions apart again.
BEFORE = ",".join(takewhile(lambda name: name != "recognize-masks", all_pipelines()["graph"]))


def recognised(module: Module, strict: bool = False) -> tuple[Module, list[str]]:
    """The module after the pass, and the remarks."""
    option = "{strict=true}" if strict else ""
    reports = Pipeline.parse(f"{BEFORE},cse,recognize-masks{option},canonicalize,dce").run(module, [VerifyEach()])
    return module, [str(remark) for report in reports if report.pass_name == "recognize-masks" for remark in report.remarks]


def shared(folder: str) -> list[str]:
    return sorted(path.stem for path in (SHARED / folder).glob("*.onnx")) or ["absent"]


def example(name: str, folder: str) -> tuple[Module, dict[str, Array]]:
    if name == "absent":
        pytest.skip("the shared examples of masks are not beside the checkout")
    stem = name if folder == "patterns" else name.rsplit("_", 2)[0]
    with np.load(SHARED / folder / f"{stem}.npz") as arrays:
        return import_model(read_model(SHARED / folder / f"{name}.onnx"), {}, {}), dict(arrays)


def assert_computes(module: Module, arrays: dict[str, Array], skipped_nan: bool = False) -> None:
    for sign, name in ((1, "y"), (-1, "y_neg")):
        result = evaluate(module, "main", [sign * arrays["x"]])[0]
        wanted = arrays[name]
        if skipped_nan:  # the dense product of 0 and NaN, which is documented to be 0
            wanted = np.where(np.isnan(wanted), 0, wanted)
        np.testing.assert_allclose(result, wanted, rtol=0, atol=ATOL)


# Parts of these may be treated, says their note; that outputs are equal decides.
PARTLY = ("miss_other_mask_in_blend", "miss_nan_outside")


@pytest.mark.parametrize("name", shared("patterns"))
def test_shared_pattern(name: str) -> None:
    module, arrays = example(name, "patterns")
    facts = {each["name"]: each for each in json.loads((SHARED / "patterns/index.json").read_text())}[name]
    _, remarks = recognised(module)
    regions = masks.masked_regions(module)
    assert_computes(module, arrays, name == "miss_nan_outside")
    if not facts["recognise"]:
        assert remarks
        assert bool(regions) == (name in PARTLY)
        return
    kinds = {"layer gate": "layer", "channel gate": "channel"}
    assert {region.kind for region in regions} == {kinds.get(facts["kind"], "spatial")}
    assert {region.mask for region in regions} == {facts["mask"]}
    assert {region.granularity for region in regions} == {facts.get("granularity", 1)}


@pytest.mark.parametrize("name", shared("patterns"))
def test_shared_pattern_strictly(name: str) -> None:
    module, arrays = example(name, "patterns")
    _, remarks = recognised(module, strict=True)
    assert_computes(module, arrays)
    kept = name in ("where_bool", "nonzero_scatternd", "compress_scatternd", "if_gate")
    assert bool(masks.masked_regions(module)) == kept
    assert kept or name.startswith("miss") or any("strict masks keep" in remark for remark in remarks)


@pytest.mark.parametrize("name", shared("patterns_torch"))
def test_shared_export(name: str) -> None:
    module, arrays = example(name, "patterns_torch")
    recognised(module)
    regions = masks.masked_regions(module)
    assert_computes(module, arrays)
    kind = {"laudnet_layer": "layer", "laudnet_channel": "channel"}.get(name.rsplit("_", 2)[0], "spatial")
    assert {region.kind for region in regions} == {kind}
    tile = name.rsplit("_", 2)[0].rsplit("_", 1)[-1]
    if tile in ("s1", "s2", "s4"):
        assert [region.granularity for region in regions] == [int(tile[1:])]
    assert all(region.layers for region in regions)


@pytest.mark.parametrize("name", shared("patterns"))
def test_inlined_again_it_is_dense(name: str) -> None:
    module, arrays = example(name, "patterns")
    recognised(module)
    Pipeline.parse("inline-masked").run(module, [VerifyEach()])
    assert not masks.masked_regions(module)
    assert_computes(module, arrays, name == "miss_nan_outside")


# Spellings of our own.


def product_turned(net: Net) -> None:
    net.add("Sum", "x", net.add("Mul", net.mask(4), net.branch()), out="y")


def identities(net: Net) -> None:
    mask = net.add("Identity", net.add("Cast", net.add("Identity", net.mask(2)), to=TensorProto.FLOAT))
    net.add("Identity", net.add("Mul", net.add("Identity", net.branch()), mask), out="y")


def mask_without_a_channel_axis(net: Net) -> None:
    flat = net.axes("Squeeze", net.mask(), [0, 1])
    net.add("Mul", net.branch(), flat, out="y")


def expanded_mask(net: Net) -> None:
    wide = net.add("Expand", net.mask(2), net.constant([1, C, H, W], np.int64))
    net.add("Mul", wide, net.branch(), out="y")


def whole_numbers(net: Net) -> None:
    flags = net.add("Cast", net.mask(2, TensorProto.INT32), to=TensorProto.FLOAT)
    net.add("Mul", net.branch(), flags, out="y")


def sign_of_relu(net: Net) -> None:
    net.add("Mul", net.branch(), net.add("Sign", net.add("Relu", net.conv("x", outputs=1))), out="y")


def clipped_ceiling(net: Net) -> None:
    gate = net.add("Ceil", net.add("Clip", net.conv("x", outputs=1), net.constant(0), net.constant(1)))
    net.add("Mul", gate, net.branch(), out="y")


def rounded_sigmoid(net: Net) -> None:
    net.add("Mul", net.branch(), net.add("Round", net.add("Sigmoid", net.conv("x", outputs=1))), out="y")


def larger_of_two_masks(net: Net) -> None:
    net.add("Mul", net.branch(), net.add("Max", net.mask(4), net.mask(2)), out="y")


def either_of_two_masks(net: Net) -> None:
    both = net.add("Or", net.flags(), net.add("Not", net.flags()))
    net.add("Mul", net.branch(), net.add("Cast", both, to=TensorProto.FLOAT), out="y")


def chosen_numbers(net: Net) -> None:
    one, zero = net.constant([[[[1]]]]), net.constant(0)
    net.add("Mul", net.branch(), net.add("Where", net.flags(), one, zero), out="y")


def position_of_the_larger(net: Net) -> None:
    place = net.add("ArgMax", net.conv("x", outputs=2), axis=1, keepdims=0)
    net.add("Mul", net.branch(), net.axes("Unsqueeze", net.add("Cast", place, to=TensorProto.FLOAT), [1]), out="y")


def blend_of_not(net: Net) -> None:
    flags = net.flags()
    on, off = net.add("Cast", flags, to=TensorProto.FLOAT), net.add("Cast", net.add("Not", flags), to=TensorProto.FLOAT)
    net.add("Add", net.add("Mul", off, "x"), net.add("Mul", net.branch(), on), out="y")


def blend_by_difference(net: Net) -> None:
    net.add("Add", net.add("Mul", net.add("Sub", net.branch(), "x"), net.mask(2)), "x", out="y")


def choice_turned(net: Net) -> None:
    net.add("Where", net.flags(), "x", net.branch(), out="y")


def silu_inside(net: Net) -> None:
    before = net.conv("x", window=3)
    net.add("Mul", net.conv(net.add("Mul", before, net.add("Sigmoid", before)), window=3), net.mask(2), out="y")


def branches_inside(net: Net) -> None:
    before = net.conv("x")
    both = net.add("Concat", net.conv(before, window=3), net.add("Relu", before), axis=1)
    net.add("Mul", net.conv(both, inputs=2 * C), net.mask(2), out="y")


def activation_behind(net: Net) -> None:
    added = net.add("Add", net.add("Mul", net.branch(), net.mask(2)), "x")
    net.add("Sigmoid", net.add("LeakyRelu", added), out="y")


SPELLINGS: tuple[Callable[[Net], None], ...] = (
    product_turned, identities, mask_without_a_channel_axis, expanded_mask, whole_numbers, sign_of_relu, clipped_ceiling, rounded_sigmoid,
    larger_of_two_masks, either_of_two_masks, chosen_numbers, position_of_the_larger, blend_of_not, blend_by_difference, choice_turned,
    silu_inside, branches_inside, activation_behind,
)  # fmt: skip


@pytest.mark.parametrize("opset", [11, 23])
@pytest.mark.parametrize("spelling", SPELLINGS, ids=[each.__name__ for each in SPELLINGS])
def test_spelling(spelling: Callable[[Net], None], opset: int) -> None:
    net = Net(opset)
    spelling(net)
    module, remarks = recognised(imported(net.model()))
    assert [region.kind for region in masks.masked_regions(module)] == ["spatial"], remarks
    (wanted,) = expected(net.model(), {"x": net.feed()})
    np.testing.assert_allclose(evaluate(module, "main", [net.feed()])[0], wanted, rtol=0, atol=ATOL)


@pytest.mark.parametrize(("spelling", "granularity"), [(product_turned, 4), (identities, 2), (expanded_mask, 2), (larger_of_two_masks, 2)])
def test_granularity(spelling: Callable[[Net], None], granularity: int) -> None:
    net = Net()
    spelling(net)
    module, _ = recognised(imported(net.model()))
    assert [region.granularity for region in masks.masked_regions(module)] == [granularity]


def test_a_gate_for_each_picture() -> None:
    net = Net(batch=3)
    gate = net.add("Cast", net.add("Greater", net.conv(net.add("GlobalMaxPool", "x"), outputs=1), net.constant(1)), to=TensorProto.FLOAT)
    net.add("Add", net.add("Mul", net.branch(), gate), "x", out="y")
    module, _ = recognised(imported(net.model()))
    (region,) = masks.masked_regions(module)
    assert (region.kind, [layer.dilation for layer in region.layers]) == ("layer", [0, 0])
    np.testing.assert_allclose(evaluate(module, "main", [net.feed()])[0], expected(net.model(), {"x": net.feed()})[0], rtol=0, atol=ATOL)


def test_both_branches_of_an_if() -> None:
    net = Net()
    condition = net.add("Greater", net.add("ReduceMax", "x", keepdims=0), net.constant(0))
    parts = []
    for seed, name in enumerate(("then", "else")):
        inner = Net(random=np.random.default_rng(seed))
        inner.add("Relu", inner.conv("x", window=3), out=f"{name}_y")
        weights = {f"{name}_{key}": value for key, value in inner.weights.items()}
        for node in inner.nodes:
            node.input[:] = [f"{name}_{each}" if each in inner.weights else each for each in node.input]
            node.output[:] = [each if each.startswith(name) else f"{name}_{each}" for each in node.output]
        inner.nodes[1].input[0] = inner.nodes[0].output[0]
        initialisers = [onnx.numpy_helper.from_array(array, key) for key, array in weights.items()]
        parts.append(helper.make_graph(inner.nodes, name, [], [onnx.ValueInfoProto(name=f"{name}_y")], initialisers))
    net.nodes.append(helper.make_node("If", [condition], ["y"], name="gate", then_branch=parts[0], else_branch=parts[1]))
    module, _ = recognised(imported(net.model()))
    assert [region.kind for region in masks.masked_regions(module)] == ["layer", "layer"]
    for sign in (1, -1):
        feed = sign * np.abs(net.feed())
        np.testing.assert_allclose(evaluate(module, "main", [feed])[0], expected(net.model(), {"x": feed})[0], rtol=0, atol=ATOL)


def test_dilation_and_scale_of_every_layer() -> None:
    """5x5 of dilation 2 (reach 4), before it 3x3 with stride 2 (reach 2 * 4 + 1 = 9 on its input's grid), before it 1x1."""
    net = Net()
    first = net.conv("x", out="first")
    second = net.conv(net.add("Relu", first), window=3, out="second", strides=[2, 2])
    third = net.conv(net.add("Relu", second), window=5, out="third", dilations=[2, 2], group=C)
    mask = net.add("MaxPool", net.mask(), kernel_shape=[2, 2], strides=[2, 2])
    net.add("Mul", third, mask, out="y")
    module, _ = recognised(imported(net.model()))
    (region,) = masks.masked_regions(module)
    found = [(layer.node, layer.scale, layer.low, layer.high, layer.dilation) for layer in region.layers]
    assert found == [
        ("Conv@first", (2, 2), (-9, -9), (9, 9), 9),
        ("Conv@second", (1, 1), (-4, -4), (4, 4), 4),
        ("Conv@third", (1, 1), (0, 0), (0, 0), 0),
    ]


def mask_times_itself(net: Net) -> None:
    mask = net.mask()
    net.add("Mul", mask, mask, out="y")


def minus_one_or_one(net: Net) -> None:
    net.add("Mul", net.branch(), net.add("Sign", net.conv("x", outputs=1)), out="y")


def mask_of_rows(net: Net) -> None:
    rows = net.add("ReduceMax", net.conv("x", outputs=1), axes=[3])
    net.add("Mul", net.branch(), net.add("Cast", net.add("Greater", rows, net.constant(0)), to=TensorProto.FLOAT), out="y")


def branch_read_by_the_mask(net: Net) -> None:
    branch = net.conv("x", window=3)
    flags = net.add("Greater", net.add("ReduceMax", branch, axes=[1]), net.constant(0))
    net.add("Mul", branch, net.add("Cast", flags, to=TensorProto.FLOAT), out="y")


def sum_of_two_masks(net: Net) -> None:
    net.add("Mul", net.branch(), net.add("Add", net.mask(), net.mask()), out="y")


NEAR_MISSES = (minus_one_or_one, mask_of_rows, branch_read_by_the_mask, sum_of_two_masks)


@pytest.mark.parametrize("miss", [*NEAR_MISSES, mask_times_itself], ids=lambda each: each.__name__)
def test_near_miss(miss: Callable[[Net], None]) -> None:
    net = Net(13)
    miss(net)
    module, remarks = recognised(imported(net.model()))
    assert not masks.masked_regions(module)
    if miss is not mask_times_itself:
        assert any("not masked by" in remark and "Mul@y" in remark for remark in remarks)
    (wanted,) = expected(net.model(), {"x": net.feed()})
    np.testing.assert_allclose(evaluate(module, "main", [net.feed()])[0], wanted, rtol=0, atol=ATOL)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(masked_regions(), st.integers(0, 99), st.sampled_from(["product", "residual", "choice", "blend"]))
def test_random_region(op: graph.Masked, seed: int, form: str) -> None:
    """A region spread out, multiplied by its mask and recognised again computes what it did."""
    types = [op.inputs[0].type, tensor(op.mask).with_element(i1), op.output.type]
    module = Module.empty()
    function = module.add(Function.make("main", types, ["x", "mask", "y"]))
    x, flags, y = function.arguments
    build = Builder.at_end(function.body)
    mapping: dict[Value, Value] = {op.body.arguments[0]: x}
    for inner in op.body:
        if not isinstance(inner, graph.Yield):
            build.add(inner.clone(mapping))
    made = mapping[op.body.terminator.operands[0]]
    on, off = (build.add(graph.Cast(each, to=f32)).output for each in (flags, build.add(graph.Not(flags)).output))
    if form == "choice":
        result = build.add(graph.Where(flags, made, y)).output
    else:
        result = build.add(graph.Mul(made, on)).output
        rest = y if form == "residual" else build.add(graph.Mul(off, y)).output
        result = result if form == "product" else build.add(graph.Add(rest, result)).output
    function.close([build.add(graph.Relu(result)).output])
    inputs = inputs_of(function, seed)
    wanted = evaluate(module, "main", inputs)
    heavy = any(isinstance(inner, graph.Conv) for inner in op.body)
    Pipeline.parse("recognize-masks").run(module, [VerifyEach()])
    assert not heavy or len(masks.masked_regions(module)) == 1
    np.testing.assert_array_equal(evaluate(module, "main", inputs)[0], wanted[0])
    Pipeline.parse("inline-masked").run(module, [VerifyEach()])
    np.testing.assert_array_equal(evaluate(module, "main", inputs)[0], wanted[0])
