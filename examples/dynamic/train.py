"""Trains the dynamic model and writes `dynamic.onnx`, `labels.txt`, the pictures and the ONNX test folder.

    pip install torch scikit-learn pillow onnx onnxruntime
    python examples/dynamic/train.py          some four minutes on one core

In: scenes of `scenes.py`, drawn anew for every epoch. Out: a residual CNN of which each block computes only where its masker wants it
(Han et al., "Latency-aware Spatial-wise Dynamic Networks", NeurIPS 2022, section 3), and on the screen its accuracy and densities. PyTorch
is needed for this script alone.

The one thing to know: in training a mask is sampled (Gumbel softmax, hard) and the loss pulls the density of every block towards `TARGET`
in each picture; the exported net compares the same two logits, keep >= drop, so nothing is random in it.
"""

from __future__ import annotations

import time
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper, numpy_helper
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from scenes import Floats, Labels, Pixels, as_input, digits, draw, held_out

HERE = Path(__file__).resolve().parent
LABELS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SHOWN = ("zero", "two", "three", "seven", "nine")
SEED = 12
EPOCHS = 30
DENSE_EPOCHS = 4  # at first every mask may stay full: a block that is not yet of use would be dropped everywhere
BATCH = 50
PEAK_RATE = 4e-3
TARGET = 0.2  # about what a digit and its rim cover; what is beyond goes into stray tiles
DENSITY_WEIGHT = 10.0
TAU = (5.0, 0.1)  # of the Gumbel softmax, first and last epoch
START_KEEP = 5.0  # the maskers' first bias, so that training starts dense


@dataclass(frozen=True, slots=True)
class Shape:
    """A block: channels in and out, channels in between, pixels along one side of a mask's tile."""

    channels: int
    width: int
    granularity: int


class Masker(nn.Module):
    """Pools to the coarse grid, weighs keep against drop in each tile, and brings the decision back to every pixel."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.granularity = shape.granularity
        self.conv = nn.Conv2d(shape.channels, 2, 1)
        self.tau = TAU[0]
        self.density = torch.zeros(1)
        nn.init.normal_(self.conv.weight, std=0.01)
        self.conv.bias.data = torch.tensor([START_KEEP, 0.0])

    def forward(self, x: Tensor) -> Tensor:
        logits = self.conv(functional.avg_pool2d(x, self.granularity))
        if self.training:
            mask = functional.gumbel_softmax(logits, tau=self.tau, hard=True, dim=1)[:, :1]
            self.density = mask.mean((1, 2, 3))
        else:
            keep, drop = logits.split(1, dim=1)
            mask = (keep >= drop).float()
        return functional.interpolate(mask, scale_factor=self.granularity, mode="nearest")


def normalised(channels_in: int, channels_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """A convolution and its normalisation, which the export folds into one."""
    conv = nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, norm=nn.BatchNorm2d(channels_out)))


class Block(nn.Module):
    """relu(branch(x) * mask + x): where the mask drops a tile, it stays what it was."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.masker = Masker(shape)

    def branch(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.branch(x) * self.masker(x) + x)


class Basic(Block):
    """3x3, 3x3."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.conv1 = normalised(shape.channels, shape.width, 3)
        self.conv2 = normalised(shape.width, shape.channels, 3)

    def branch(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv2(functional.relu(self.conv1(x)))
        return y


class Bottleneck(Block):
    """1x1, 3x3, 1x1."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.conv1 = normalised(shape.channels, shape.width, 1)
        self.conv2 = normalised(shape.width, shape.width, 3)
        self.conv3 = normalised(shape.width, shape.channels, 1)

    def branch(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv3(functional.relu(self.conv2(functional.relu(self.conv1(x)))))
        return y


class Net(nn.Module):
    """Two dense convolutions with stride 2 and masked blocks behind each, the mean over the picture, a dense layer, softmax.

    Whatever changes extents is dense and stands between the blocks, so that their shortcuts are identities and all of a block can be
    skipped. The stem's window is wide enough to tell strokes from light: the first masker sees nothing else.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = normalised(1, 16, 5, 2)
        self.block1 = Basic(Shape(16, 16, 4))
        self.down = normalised(16, 64, 3, 2)
        self.block2 = Bottleneck(Shape(64, 32, 2))
        self.block3 = Bottleneck(Shape(64, 48, 4))
        self.dense = nn.Linear(64, 10)

    def scores(self, x: Tensor) -> Tensor:
        """What the loss sees: ten scores before softmax."""
        x = self.block1(functional.relu(self.stem(x)))
        x = self.block3(self.block2(functional.relu(self.down(x))))
        y: Tensor = self.dense(x.mean((2, 3)))
        return y

    def forward(self, x: Tensor) -> Tensor:
        return self.scores(x).softmax(1)

    def maskers(self) -> list[Masker]:
        """One for each block, in order."""
        return [module for module in self.modules() if isinstance(module, Masker)]


def batches(pixels: Pixels, labels: Labels, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Whole batches in a random order."""
    order = rng.permutation(len(labels))
    for start in range(0, len(order) - BATCH + 1, BATCH):
        chosen = order[start : start + BATCH]
        yield torch.from_numpy(as_input(pixels[chosen])), torch.from_numpy(labels[chosen])


def step(net: Net, x: Tensor, labels: Tensor, target: float) -> Tensor:
    """Cross entropy, and the squared distance of each picture's density in every block to the target, so that all cost about the same."""
    task = functional.cross_entropy(net.scores(x), labels)
    distances = [(masker.density - target) ** 2 for masker in net.maskers()]
    return task + DENSITY_WEIGHT * torch.stack(distances).mean()


def train(net: Net, images: Floats, labels: Labels) -> None:
    """One pass over the digits an epoch, each time in new places; the rate rises and falls once."""
    rng = np.random.default_rng(SEED)
    optimizer = torch.optim.AdamW(net.parameters(), lr=PEAK_RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=EPOCHS * (len(labels) // BATCH))
    began = time.monotonic()
    for epoch in range(EPOCHS):
        set_tau(net, epoch)
        losses = []
        for x, y in batches(draw(images, rng), labels, rng):
            loss = step(net, x, y, target_in(epoch))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        densities = " ".join(f"{masker.density.mean().item():.2f}" for masker in net.maskers())
        print(f"epoch {epoch + 1:2}: loss {np.mean(losses):.3f}, densities {densities}, {time.monotonic() - began:.0f} s", flush=True)


def target_in(epoch: int) -> float:
    """From full masks down to `TARGET` in the first half, then constant."""
    share = np.clip((epoch - DENSE_EPOCHS) / (EPOCHS / 2 - DENSE_EPOCHS), 0, 1)
    return float(1 + (TARGET - 1) * share)


def set_tau(net: Net, epoch: int) -> None:
    """Exponential decay between the two ends of `TAU`."""
    first, last = TAU
    for masker in net.maskers():
        masker.tau = first * (last / first) ** (epoch / (EPOCHS - 1))


def export(net: Net) -> None:
    """`dynamic.onnx`: normalisations folded, batch free, masks decided by comparison."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # this exporter names nodes after modules, the new one does not
        torch.onnx.export(
            net.eval(),
            (torch.zeros(1, 1, 64, 64),),
            HERE / "dynamic.onnx",
            dynamo=False,
            opset_version=17,
            input_names=["image"],
            output_names=["probabilities"],
            dynamic_axes={"image": {0: "batch"}, "probabilities": {0: "batch"}},
        )


def write_examples(session: onnxruntime.InferenceSession, pixels: Pixels, labels: Labels) -> None:
    """For each label in `SHOWN` the first held-out scene that is read right, alone as a picture and together as an ONNX test folder."""
    (HERE / "labels.txt").write_text("\n".join(LABELS) + "\n")
    read = session.run(None, {"image": as_input(pixels)})[0].argmax(1)
    chosen = [int(np.flatnonzero((labels == read) & (labels == LABELS.index(label)))[0]) for label in SHOWN]
    for label, place in zip(SHOWN, chosen, strict=True):
        Image.fromarray(pixels[place]).save(HERE / f"{label}.png", optimize=True)
    folder = HERE / "test_data_set_0"
    folder.mkdir(exist_ok=True)
    image = as_input(pixels[chosen])
    (probabilities,) = session.run(None, {"image": image})
    for name, array, file in (("image", image, "input_0.pb"), ("probabilities", probabilities, "output_0.pb")):
        (folder / file).write_bytes(numpy_helper.from_array(array, name).SerializeToString())


def report(pixels: Pixels, labels: Labels) -> None:
    """Accuracy and each block's mean density by onnxruntime: the README's figures."""
    model = onnx.load(HERE / "dynamic.onnx")
    masks = [node.output[0] for node in model.graph.node if node.op_type == "Cast"]
    model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in masks)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    probabilities, *values = session.run(None, {"image": as_input(pixels)})
    print(f"{int((probabilities.argmax(1) == labels).sum())} of {len(labels)} held-out scenes")
    for name, value in zip(masks, values, strict=True):
        print(f"{name}: mean density {value.mean():.4f}, from {value.mean((1, 2, 3)).min():.3f} to {value.mean((1, 2, 3)).max():.3f}")
    print(f"mean over the blocks: {np.mean([value.mean() for value in values]):.4f}")


def main() -> None:
    """Train, export, write the examples, print what the README states."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    net = Net()
    train(net, *digits("train"))
    export(net)
    pixels, labels = held_out()
    report(pixels, labels)
    session = onnxruntime.InferenceSession(HERE / "dynamic.onnx", providers=["CPUExecutionProvider"])
    write_examples(session, pixels, labels)


if __name__ == "__main__":
    main()
