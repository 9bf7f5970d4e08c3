"""Products of matrices."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..ir.attributes import Array
from ..ir.definition import attribute, operand, optional, result
from ..ir.operation import Operation, Value
from ..ir.traits import Pure
from ..ir.types import TensorType, Type
from .elementwise import is_number, widened
from .extents import axes, broadcast, broadcast_faults, from_axes, tensor


class MatMul(Operation, name="graph.matmul", traits=(Pure,)):
    """The product of matrices, or of stacks of them whose leading axes broadcast, as NumPy's matmul.

    a [..., M, K], b [..., K, N]: numbers of one type; of rank 1 it is a row (a) or a column (b), and that axis is missing in the output.
    output [..., M, N]: the sum over k of a[..., m, k] * b[..., k, n]; integers modulo their width.

    ONNX: MatMul 1, 9, 13.
    """

    a: Value = operand()
    b: Value = operand()
    output: Value = result()

    def _stacks(self) -> list[TensorType]:
        return [from_axes(axes(tensor(value))[:-2], tensor(value).element) for value in self.operands]

    def infer(self) -> Type:
        a, b = tensor(self.a), tensor(self.b)
        rows = axes(a)[-2:-1]
        columns = axes(b)[-1:] if b.rank > 1 else []
        return from_axes([*broadcast(self._stacks()), *rows, *columns], a.element)

    def verify(self) -> Iterable[str]:
        a, b = tensor(self.a), tensor(self.b)
        if not a.rank or not b.rank:
            yield f"{a} times {b}: a scalar is no matrix"
            return
        if not is_number(a.element) or a.element != b.element:
            yield f"the element types are {a.element} and {b.element}, but should be one type of number"
        depths = (a.shape[-1], b.shape[-2] if b.rank > 1 else b.shape[0])
        if None not in depths and depths[0] != depths[1]:
            yield f"{a} times {b}: {depths[0]} columns meet {depths[1]} rows"
        yield from broadcast_faults(self._stacks())

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.asarray(np.matmul(widened(a), widened(b))).astype(a.dtype, copy=False)


class Gemm(Operation, name="graph.gemm", traits=(Pure,)):
    """alpha * a b + beta * c, with a or b transposed on request.

    a [M, K] (`transpose_a`: [K, M]), b [K, N] (`transpose_b`: [N, K]): numbers of one type. c: broadcasts to [M, N] from behind.
    output [M, N].

    ONNX: Gemm 7, 9, 11, 13.
    """

    a: Value = operand()
    b: Value = operand()
    c: Value | None = optional()
    alpha: float = attribute(default=1.0)
    beta: float = attribute(default=1.0)
    transpose_a: bool = attribute(default=False)
    transpose_b: bool = attribute(default=False)
    output: Value = result()

    def infer(self) -> Type:
        if tensor(self.a).rank != 2 or tensor(self.b).rank != 2:
            raise ValueError(f"{self.a.type} times {self.b.type}: both should be of rank 2")
        rows = axes(tensor(self.a))[1 if self.transpose_a else 0]
        columns = axes(tensor(self.b))[0 if self.transpose_b else 1]
        return from_axes([rows, columns], tensor(self.a).element)

    def verify(self) -> Iterable[str]:
        a, b = tensor(self.a), tensor(self.b)
        elements = dict.fromkeys(tensor(value).element for value in self.operands)
        if len(elements) != 1 or not is_number(a.element):
            yield f"the element types are {' and '.join(map(str, elements))}, but should be one type of number"
        depths = (a.shape[0 if self.transpose_a else 1], b.shape[1 if self.transpose_b else 0])
        if None not in depths and depths[0] != depths[1]:
            yield f"{a} times {b}: {depths[0]} columns meet {depths[1]} rows"
        if self.c is not None:
            out = tensor(self.output)
            yield from broadcast_faults([out, tensor(self.c)])
            if [e for e, _ in broadcast([out, tensor(self.c)])] != list(out.shape) and out.is_static:
                yield f"{self.c.type} does not broadcast to {out}"

    def evaluate(self, *operands: Array | None) -> Array:
        a, b, c = operands
        assert a is not None
        assert b is not None
        left, right = widened(a.T if self.transpose_a else a), widened(b.T if self.transpose_b else b)
        out = scaled(left @ right, self.alpha)
        if c is not None and self.beta != 0:
            out = out + scaled(widened(c), self.beta)
        return out.astype(a.dtype, copy=False)


def scaled(x: Array, factor: float) -> Array:
    """`x` times a factor that is a float even where `x` is not."""
    return x if factor == 1 else np.asarray(x * (factor if x.dtype.kind == "f" else int(factor)))
