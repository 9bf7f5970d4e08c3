"""Products of matrices against onnxruntime, at the graph and at the tensor stage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from operators import check, normal


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((3, 4), (4, 5)),
        ((4,), (4, 5)),
        ((3, 4), (4,)),
        ((4,), (4,)),
        ((2, 3, 4), (4, 5)),
        ((3, 4), (2, 4, 5)),
        ((2, 1, 3, 4), (3, 4, 5)),
        ((1, 3, 4), (2, 4, 5)),
        ((2, 3, 4), (4,)),
        ((4,), (2, 4, 3)),
        ((3, 1), (1, 2)),
    ],
)
def test_matmul(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    check("MatMul", normal(*a), normal(*b, seed=1))


def test_matmul_over_nothing_is_zero() -> None:
    check("MatMul", normal(2, 0), normal(0, 3))


def test_matmul_of_integers() -> None:
    a, b = ((normal(3, 4, seed=s) * 1e6).astype(np.int32) for s in (0, 1))
    check("MatMul", a, b.T.copy(), rtol=0, atol=0)


@pytest.mark.parametrize("transposed", [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("c", [None, (), (1,), (5,), (3, 1), (3, 5)])
def test_gemm(transposed: tuple[int, int], c: tuple[int, ...] | None) -> None:
    a, b = normal(3, 4), normal(4, 5, seed=1)
    ins = [a.T.copy() if transposed[0] else a, b.T.copy() if transposed[1] else b]
    if c is not None:
        ins.append(np.asarray(normal(*c, seed=2), np.float32))
    attributes: dict[str, Any] = {"transA": transposed[0], "transB": transposed[1]}
    check("Gemm", *ins, **attributes)
    check("Gemm", *ins, alpha=0.5, beta=-2.0, **attributes)
