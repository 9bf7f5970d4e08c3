"""Scenes: a handwritten digit somewhere on a large grainy background. What `train.py` learns from and the tests judge by.

In: scikit-learn's `digits`, 1,797 grey pictures of 8x8 with values 0..16. Out: 8-bit pictures of 64x64, each with one digit of 16 to 24
pixels, so that most of a picture is not worth computing.

The one thing to know: everything is drawn from the generator that is handed in, so a seed names a set of scenes, and `held_out()` is the
test set on which the README's figures hold. No training framework is needed here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SIZE = 64
DIGIT_SIZES = (16, 24)
TEST_COUNT = 360
TEST_SEED = 12

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]
Floats = NDArray[np.float64]


def digits(part: str) -> tuple[Floats, Labels]:
    """The `train` or the `test` part of scikit-learn's pictures, N x 8 x 8 in 0..1, and their labels."""
    whole = load_digits()
    train, test, train_labels, test_labels = train_test_split(
        whole.images / 16, whole.target, test_size=TEST_COUNT, random_state=8, stratify=whole.target
    )
    images, labels = (train, train_labels) if part == "train" else (test, test_labels)
    return images, labels.astype(np.int64)


def held_out() -> tuple[Pixels, Labels]:
    """The test set: each held-out digit once, N x 64 x 64."""
    images, labels = digits("test")
    return draw(images, np.random.default_rng(TEST_SEED)), labels


def draw(images: Floats, rng: np.random.Generator) -> Pixels:
    """One scene for each digit."""
    return np.stack([scene(image, rng) for image in images])


def scene(image: Floats, rng: np.random.Generator) -> Pixels:
    """The digit, enlarged and lighter than what is behind it, on a slope of light with grain over everything."""
    side = int(rng.integers(DIGIT_SIZES[0], DIGIT_SIZES[1] + 1))
    top, left = rng.integers(0, SIZE - side + 1, 2)
    canvas = slope(rng)
    canvas[top : top + side, left : left + side] += rng.uniform(110, 160) * enlarge(image, side)
    canvas += rng.normal(0, rng.uniform(6, 14), canvas.shape)
    return np.clip(np.round(canvas), 0, 255).astype(np.uint8)


def slope(rng: np.random.Generator) -> Floats:
    """Light that falls off in some direction."""
    rows, columns = rng.uniform(-20, 20, 2)
    steps = np.linspace(-1, 1, SIZE)
    plane: Floats = rng.uniform(40, 70) + rows * steps[:, None] + columns * steps
    return plane


def enlarge(image: Floats, side: int) -> Floats:
    """Bilinear, corners on corners."""
    weights = hat(image.shape[0], side)
    grown: Floats = weights @ image @ weights.T
    return grown


def hat(count: int, side: int) -> Floats:
    """side x count: the share of each source pixel in each target pixel, along one axis."""
    places = np.linspace(0, count - 1, side)[:, None]
    return np.maximum(0.0, 1.0 - np.abs(places - np.arange(count)))


def as_input(pixels: Pixels) -> NDArray[np.float32]:
    """What the net is fed: N x 1 x 64 x 64, 8-bit values divided by 255."""
    return (pixels[:, None] / 255).astype(np.float32)
