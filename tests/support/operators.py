"""One ONNX node as a whole test: built from arrays, compared with onnxruntime at the graph and at the tensor stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import helper

from intaglio.dialects.func import Module
from onnx_models import compare, model

Array = npt.NDArray[Any]

# Single precision, sums of a few hundred products of numbers around 1; both sides add in an order of their own.
RTOL, ATOL = 1e-5, 1e-5


def check(
    op_type: str,
    *inputs: Array | None,
    opset: int = 17,
    constants: Sequence[int] = (),
    oracle: Sequence[Array] = (),
    rtol: float = RTOL,
    atol: float = ATOL,
    **attributes: Any,
) -> Module:
    """Hold a node against onnxruntime, or against `oracle`; inputs whose numbers are in `constants` are initialisers, None is left out."""
    names = [f"x{i}" if array is not None else "" for i, array in enumerate(inputs)]
    node = helper.make_node(op_type, names, ["y"], name="node", **attributes)
    given = {names[i]: array for i, array in enumerate(inputs) if array is not None and i not in constants}
    weights = {names[i]: array for i, array in enumerate(inputs) if array is not None and i in constants}
    with np.errstate(all="ignore"):
        return compare(model([node], given, ["y"], opset, weights), given, rtol, atol, oracle)


def normal(*shape: int, seed: int = 0, dtype: npt.DTypeLike = np.float32) -> Array:
    """Numbers around zero, the same every time."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)
