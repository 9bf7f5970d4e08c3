"""Masked blocks in many spellings, through the public interface: they are recognised, and agree with onnxruntime.

A part runs with every test run, more with `INTAGLIO_RANDOM_MASKS=500 pytest tests/test_random_masks.py`, in minutes.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import intaglio
from generate_masks import Variant, gate, masked_blocks, near_miss, selection, variant
from intaglio.compiler.masks import MaskOptions, Region
from mask_applications import APPLICATIONS, SELECTIONS, STRICT, Selection
from mask_bodies import BODIES, SPREADS
from mask_decisions import DECISIONS
from mask_models import Array, Net
from onnx_models import expected

MANY = int(os.environ.get("INTAGLIO_RANDOM_MASKS", "0"))
SHARED = Path(__file__).resolve().parents[2] / "shared" / "masks"
# Sums of up to a few hundred products of numbers around 1, added in another order.
ATOL = 1e-4
MASKED, DEFAULT, STRICTLY = MaskOptions(decision="masked"), MaskOptions(), MaskOptions(strict=True)


def agreeing(path: Path, masks: MaskOptions, feeds: dict[str, tuple[Array, Array]], threads: int = 1) -> tuple[Region, ...]:
    """The masked regions of a model that is compiled and computes what is wanted of each input."""
    compiled = intaglio.compile(path, threads=threads, cache=False, masks=masks)
    for x, wanted in feeds.values():
        result = compiled.run({"x": x})["y"]
        np.testing.assert_allclose(result, wanted, rtol=0, atol=ATOL)
    return compiled.manifest.regions


def compiled(net: Net, masks: MaskOptions, folder: Path, threads: int = 1) -> tuple[Region, ...]:
    """The same against onnxruntime, for an input and its negative."""
    model, x = net.model(), net.feed()
    onnx.save(model, folder / "m.onnx")
    feeds = {name: (each, expected(model, {"x": each})[0]) for name, each in (("x", x), ("-x", -x))}
    return agreeing(folder / "m.onnx", masks, feeds, threads)


def assert_recognised(made: Variant, regions: tuple[Region, ...]) -> None:
    """One of the regions is that of the body, as deep and in tiles as large as they are."""
    found = [region for region in regions if region.kind == made.kind and len(region.layers) >= made.layers]
    assert found, f"{made}: {[(region.kind, len(region.layers)) for region in regions]}"
    assert made.kind != "spatial" or found[-1].granularity % made.tile == 0, str(made)


@pytest.mark.parametrize("number", range(MANY or len(DECISIONS)))
def test_variant(number: int, tmp_path: Path) -> None:
    made, masks = variant(number), (MASKED, DEFAULT, MASKED, STRICTLY)[number % 4]
    regions = compiled(made.net, masks, tmp_path)
    if not masks.strict or made.application in STRICT:
        assert_recognised(made, regions)


@pytest.mark.parametrize("number", range(MANY or 16))
def test_gate(number: int, tmp_path: Path) -> None:
    """Masks of pictures, channels and groups of channels."""
    made = gate(number * 7)
    assert_recognised(made, compiled(made.net, MASKED, tmp_path))


@pytest.mark.parametrize("opset", [11, 18] if MANY else [18])
@pytest.mark.parametrize("form", SELECTIONS, ids=lambda form: form.__name__)
def test_selection(form: Selection, opset: int, tmp_path: Path) -> None:
    """Boolean indexing, of pixels, elements and pictures."""
    for batch, masks in ((2, MASKED), (1, STRICTLY)):
        regions = compiled(selection(form, opset, batch), masks, tmp_path)
        assert [region.kind for region in regions] == [SELECTIONS[form]], (batch, masks)


@pytest.mark.parametrize("number", range(MANY or 13))
def test_near_miss(number: int, tmp_path: Path) -> None:
    made = near_miss(number)
    assert not compiled(made.net, MASKED, tmp_path), str(made)


def test_numbers_hold_every_spelling() -> None:
    made = [variant(number) for number in range(len(DECISIONS))]
    assert {each.decision for each in made} == set(DECISIONS)
    assert {each.spread for each in made} == set(SPREADS)
    assert {each.body for each in made} == set(BODIES)
    assert {each.application for each in made} == set(APPLICATIONS)
    assert {each.net.opset for each in made} >= {9, 11, 13, 26}


@settings(max_examples=MANY or 8, suppress_health_check=list(HealthCheck))
@given(masked_blocks(["product", "residual", "choice", "blend", "gate", "channels"]), st.sampled_from([1, 2]))
def test_random_block(tmp_path_factory: pytest.TempPathFactory, net: Net, threads: int) -> None:
    """Windows, strides, dilations, uneven pads, groups, tiles: masked code computes what onnxruntime does."""
    regions = compiled(net, MASKED, tmp_path_factory.mktemp("block"), threads)
    assert [region.decision.startswith("masked") for region in regions] == [True]


def shared(folder: str, ends: tuple[str, ...]) -> list[str]:
    """The names of the shared examples; only those with certain ends, unless asked for all."""
    return [path.stem for path in sorted((SHARED / folder).glob("*.onnx")) if MANY or path.stem.endswith(ends)] or ["absent"]


def example(name: str, folder: str, stem: str) -> tuple[Path, dict[str, tuple[Array, Array]]]:
    if name == "absent":
        pytest.skip("the shared examples of masks are not beside the checkout")
    with np.load(SHARED / folder / f"{stem}.npz") as arrays:
        return SHARED / folder / f"{name}.onnx", {key: (sign * arrays["x"], arrays[key]) for sign, key in ((1, "y"), (-1, "y_neg"))}


@pytest.mark.parametrize("name", shared("patterns_torch", ("dynamo_20",)))
def test_shared_export(name: str) -> None:
    """Blocks as PyTorch exports them."""
    path, feeds = example(name, "patterns_torch", name.rsplit("_", 2)[0])
    for masks in (MASKED, DEFAULT, STRICTLY) if MANY else (MASKED,):
        assert agreeing(path, masks, feeds) or masks.strict


@pytest.mark.parametrize("name", shared("patterns", ("_gate", "nd", "_bool", "where", "groups", "inside")))
def test_shared_pattern(name: str) -> None:
    path, feeds = example(name, "patterns", name)
    if name == "miss_nan_outside":  # dense only, where 0 times NaN is kept
        assert not agreeing(path, STRICTLY, feeds)
        return
    regions = agreeing(path, MASKED, feeds)
    assert regions or name.startswith("miss")
