"""The trained dynamic net is what its README says, and the exported blocks compute the published formula; onnxruntime and NumPy judge."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from PIL import Image

from export_block import STAGES, Block, blob_mask, block_model, network_blocks, reads_of_conv1, resnet101_lasnet, stage_block, steering
from scenes import Labels, as_input, digits, held_out
from sources import ROOT

DYNAMIC = ROOT / "examples" / "dynamic"
README = (DYNAMIC / "README.md").read_text()
LABELS = (DYNAMIC / "labels.txt").read_text().split()
PICTURES = sorted(DYNAMIC.glob("*.png"))
Array = NDArray[np.float64]


def run(model: onnx.ModelProto, *fetched: str, **inputs: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The named values, be they outputs or not, else the outputs."""
    model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in fetched)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    outputs: list[NDArray[np.float32]] = session.run(list(fetched) or None, inputs)
    return outputs


# The trained net ------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scenes() -> tuple[NDArray[np.float32], Labels]:
    pixels, labels = held_out()
    return as_input(pixels), labels


def trained() -> onnx.ModelProto:
    return onnx.load(DYNAMIC / "dynamic.onnx")


def test_the_file_is_small_valid_and_named() -> None:
    assert (DYNAMIC / "dynamic.onnx").stat().st_size < 2_000_000
    model = trained()
    onnx.checker.check_model(model, full_check=True)
    assert [item.name for item in model.graph.input] == ["image"]
    assert [d.dim_param or d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim] == ["batch", 1, 64, 64]
    assert len({node.name for node in model.graph.node} - {""}) == len(model.graph.node)
    parameters = sum(int(np.prod(item.dims)) for item in model.graph.initializer)
    assert f"{parameters:,} parameters" in README


def test_the_stated_work_is_true() -> None:
    # pixels x window x channels in x channels out of each convolution under a mask, block by block
    masked = 2 * 1024 * 9 * 16 * 16
    masked += 256 * (64 * 32 + 9 * 32 * 32 + 32 * 64)
    masked += 256 * (64 * 48 + 9 * 48 * 48 + 48 * 64)
    # stem and the convolution between stages, maskers, dense layer
    rest = 1024 * 25 * 16 + 256 * 9 * 16 * 64 + 2 * (64 * 16 + 64 * 64 + 16 * 64) + 64 * 10
    assert f"{masked + rest:,} multiply-accumulates, {masked:,} of them" in " ".join(README.split())


def test_the_stated_accuracy_is_true(scenes: tuple[NDArray[np.float32], Labels]) -> None:
    images, labels = scenes
    (probabilities,) = run(trained(), image=images)
    hits = int((probabilities.argmax(1) == labels).sum())
    assert f"{hits} of {len(labels)} held-out scenes ({hits / len(labels):.2%})".replace("%", " %") in README
    assert hits / len(labels) >= 0.975


def test_the_stated_densities_are_true(scenes: tuple[NDArray[np.float32], Labels]) -> None:
    model = trained()
    names = [node.output[0] for node in model.graph.node if node.op_type == "Cast"]
    masks = run(model, *names, image=scenes[0])
    assert [mask.shape[1:] for mask in masks] == [(1, 8, 8), (1, 8, 8), (1, 4, 4)]
    assert all(set(np.unique(mask)) == {0, 1} for mask in masks)
    measured = [float(mask.mean()) for mask in masks]
    mean = float(np.mean(measured))
    stated = [*re.findall(r"^\| `block.*\| (\d\.\d+) \|$", README, re.MULTILINE), *re.findall(r"density of (\d\.\d+) on the mean", README)]
    # a tile whose two logits are nearly equal may be decided otherwise on another CPU; one tile in a block is 0.0002 of it
    np.testing.assert_allclose([float(text) for text in stated], [*measured, mean], rtol=0, atol=0.002)
    assert mean <= 0.4


def test_the_test_scenes_were_not_trained_on() -> None:
    (seen, _), (unseen, _) = digits("train"), digits("test")
    assert (len(seen), len(unseen)) == (1437, 360)
    assert not {image.tobytes() for image in seen} & {image.tobytes() for image in unseen}


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_each_picture_is_read_as_its_name_says(path: Path) -> None:
    with Image.open(path) as picture:
        assert (picture.mode, picture.size) == ("L", (64, 64))
        (probabilities,) = run(trained(), image=as_input(np.asarray(picture)[None]))
    assert LABELS[probabilities.argmax()] == path.stem


def test_the_onnx_test_folder_holds() -> None:
    image, expected = (
        numpy_helper.to_array(onnx.TensorProto.FromString((DYNAMIC / "test_data_set_0" / name).read_bytes())).astype(np.float32)
        for name in ("input_0.pb", "output_0.pb")
    )
    assert image.shape == (5, 1, 64, 64)
    # other CPUs sum in another order: a few ulp of values below 1, through ten convolutions
    np.testing.assert_allclose(run(trained(), image=image)[0], expected, rtol=1e-3, atol=1e-5)


# The blocks -----------------------------------------------------------------------------------------------------------------------------


def weights(model: onnx.ModelProto) -> dict[str, Array]:
    return {item.name: numpy_helper.to_array(item).astype(np.float64) for item in model.graph.initializer}


def conv(x: Array, values: dict[str, Array], name: str, stride: int = 1, groups: int = 1) -> Array:
    kernel, bias = values[f"{name}.weight"], values[f"{name}.bias"]
    window = kernel.shape[2]
    padded = np.pad(x, ((0, 0), (0, 0), (window // 2,) * 2, (window // 2,) * 2))
    seen = np.lib.stride_tricks.sliding_window_view(padded, (window, window), axis=(2, 3))[:, :, ::stride, ::stride]
    parts = zip(np.split(seen, groups, 1), np.split(kernel, groups), strict=True)
    return np.concatenate([np.einsum("nchwrs,kcrs->nkhw", part, taps) for part, taps in parts], 1) + bias[:, None, None]


def branch(x: Array, values: dict[str, Array], block: Block) -> Array:
    if block.basic:
        y = np.maximum(conv(x, values, "conv1", block.stride, block.groups), 0)
        return conv(y, values, "conv2", groups=block.groups)
    y = np.maximum(conv(x, values, "conv1"), 0)
    return conv(np.maximum(conv(y, values, "conv2", block.stride, block.groups), 0), values, "conv3")


def decide(x: Array, values: dict[str, Array], block: Block) -> Array:
    """The masker: means over windows, two logits per group, a tie keeps."""
    batch, channels = x.shape[:2]
    pooled = x.reshape(batch, channels, block.grid, -1, block.grid, x.shape[3] // block.grid).mean((3, 5))
    logits = conv(pooled, values, "masker")
    return (logits[:, : block.mask_groups] >= logits[:, block.mask_groups :]).astype(np.float64)


def expected(x: Array, mask: Array, values: dict[str, Array], block: Block) -> Array:
    """relu(branch * mask + identity), with the coarse mask given."""
    fine = mask.repeat(block.granularity, 2).repeat(block.granularity, 3).repeat(block.channels_out // block.mask_groups, 1)
    identity = conv(x, values, "shortcut", block.stride) if "shortcut.weight" in values else x
    return np.maximum(branch(x, values, block) * fine + identity, 0)


BLOCKS = {
    "bottleneck": Block(16, 8, 16, 8, 4),
    "per_pixel": Block(16, 8, 16, 8, 1),
    "seven": Block(16, 8, 16, 14, 7),
    "layer": Block(16, 8, 16, 8, 8),
    "stride": Block(16, 8, 32, 8, 2, stride=2),
    "stride_per_pixel": Block(16, 8, 32, 8, 1, stride=2),
    "basic": Block(16, 16, 16, 8, 2, basic=True),
    "basic_stride": Block(16, 32, 32, 8, 4, stride=2, basic=True),
    "grouped": Block(16, 8, 16, 8, 4, groups=4),
    "mask_groups": Block(16, 8, 16, 8, 4, mask_groups=4),
}


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_a_block_computes_the_published_formula(block: Block) -> None:
    rng = np.random.default_rng(5)
    x = np.maximum(rng.standard_normal(block.input_shape(2), np.float32), 0)
    model = block_model(block, batch=2, seed=3)
    y, decided = run(model, "y", "mask.float", x=x)
    values = weights(model)
    exact = x.astype(np.float64)
    np.testing.assert_array_equal(decided, decide(exact, values, block))
    # f32 sums of at most 288 products of values near 1
    np.testing.assert_allclose(y, expected(exact, decide(exact, values, block), values, block), rtol=1e-4, atol=1e-4)

    mask = blob_mask(block.mask_shape(2), 0.5, rng)
    (y,) = run(block_model(block, "input", batch=2, seed=3), x=x, mask=mask)
    np.testing.assert_allclose(y, expected(exact, mask.astype(np.float64), values, block), rtol=1e-4, atol=1e-4)

    (y,) = run(block_model(block, "steered", batch=2, seed=3), x=x, steer=steering(mask))
    np.testing.assert_allclose(y, expected(exact, mask.astype(np.float64), values, block), rtol=1e-4, atol=1e-4)

    (y,) = run(block_model(block, "dense", batch=2, seed=3), x=x)
    np.testing.assert_allclose(y, expected(exact, np.ones(block.mask_shape(2)), values, block), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("basic", [False, True], ids=["bottleneck", "basic"])
@pytest.mark.parametrize("stage", range(4))
def test_stage_blocks_have_resnets_shapes(stage: int, basic: bool) -> None:
    size, width = STAGES[stage]
    block = stage_block(stage, 7, basic=basic, first=True)
    assert block.width == width
    assert block.channels_out == width * (1 if basic else 4)
    (y,) = run(block_model(block, "input"), x=np.ones(block.input_shape(), np.float32), mask=np.ones(block.mask_shape(), np.float32))
    assert y.shape == (1, block.channels_out, size, size)


def test_a_granularity_that_does_not_divide_the_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="4 must divide 7"):
        stage_block(3, 4)


def test_a_network_takes_masks_in_the_order_of_its_blocks() -> None:
    depths, granularity = (1, 1, 2, 1), (8, 4, 7, 1)
    model = resnet101_lasnet("input", depths=depths, classes=10)
    blocks = network_blocks(granularity, depths)
    assert [item.name for item in model.graph.input] == ["image", *(f"{name}.mask" for name in blocks)]
    rng = np.random.default_rng(0)
    masks = {f"{name}.mask": blob_mask(block.mask_shape(), 0.5, rng) for name, block in blocks.items()}
    (scores,) = run(model, image=rng.standard_normal((1, 3, 224, 224), np.float32), **masks)
    assert scores.shape == (1, 10)
    assert np.isfinite(scores).all()
    assert len(network_blocks()) == 33
    assert sorted({block.grid for block in blocks.values()}) == [2, 7]


@pytest.mark.parametrize("density", [0.0, 0.1, 0.25, 0.5, 0.75, 1.0])
@pytest.mark.parametrize("extents", [(2, 3, 7, 7), (4, 1, 28, 56)])
def test_blobs_are_of_exact_density_and_connected(extents: tuple[int, ...], density: float) -> None:
    mask = blob_mask(extents, density, np.random.default_rng(1))
    assert mask.shape == extents
    assert set(np.unique(mask)) <= {0, 1}
    assert (mask.sum((2, 3)) == round(density * extents[2] * extents[3])).all()
    assert max(pieces(plane) for plane in mask.reshape(-1, *extents[2:])) <= 2


def pieces(plane: NDArray[np.float32]) -> int:
    """How many parts of a picture hang together through sides."""
    left = {(int(row), int(column)) for row, column in np.argwhere(plane)}
    count = 0
    while left:
        count += 1
        border = [left.pop()]
        while border:
            row, column = border.pop()
            for place in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                if place in left:
                    left.remove(place)
                    border.append(place)
    return count


@pytest.mark.parametrize("stride", [1, 2])
def test_what_conv1_must_compute_is_what_the_window_reads(stride: int) -> None:
    block = Block(8, 8, 8, 8, 2, stride=stride)
    mask = blob_mask(block.mask_shape(3), 0.3, np.random.default_rng(2))
    reads = np.zeros((3, 8 * stride, 8 * stride), np.bool_)
    for n, row, column in np.argwhere(mask[:, 0].repeat(2, 1).repeat(2, 2)):
        middle_row, middle_column = row * stride, column * stride
        reads[n, max(middle_row - 1, 0) : middle_row + 2, max(middle_column - 1, 0) : middle_column + 2] = True
    np.testing.assert_array_equal(reads_of_conv1(mask, block), reads)
