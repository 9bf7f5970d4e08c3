"""Products of matrices: dims (batch..., m, n | k). Transposes and broadcasting are in the maps, the rest follows the sum."""

from __future__ import annotations

from ...dialects import graph
from ...dialects.ir.affine import d
from ...dialects.ir.builder import Builder
from ...dialects.ir.operation import Value
from ..conversion import lowering
from .computation import broadcast, compute, extents_of, narrowed, read, reduce
from .maps import tensor_type
from .scalars import Scalar, multiply_add


@lowering(graph.MatMul)
def lower_matmul(op: graph.MatMul, build: Builder) -> Value:
    """Leading axes are batch dims; those that are broadcast are read at 0."""
    a, b, out = extents_of(op.a), extents_of(op.b), extents_of(op.output)
    rows, columns = len(a) > 1, len(b) > 1
    batch = out[: len(out) - rows - columns]
    m, n, k = d(len(batch)), d(len(batch) + rows), d(len(out))
    of_a = broadcast(op.a, batch + a[-2:]).at[:-2] if rows else ()
    of_b = broadcast(op.b, batch + b[-2:]).at[:-2] if columns else ()
    reads = [read(op.a, *of_a, *([m] if rows else []), k), read(op.b, *of_b, k, *([n] if columns else []))]
    total = reduce(build, reads, (*out, a[-1]), len(out), _multiply_accumulate)
    return narrowed(build, total, tensor_type(op.a).element)


@lowering(graph.Gemm)
def lower_gemm(op: graph.Gemm, build: Builder) -> Value:
    """The product, then alpha, beta and c where they are there."""
    m, n, k = d(0), d(1), d(2)
    (M, N), K = extents_of(op.output), extents_of(op.a)[0 if op.transpose_a else 1]
    a = read(op.a, k, m) if op.transpose_a else read(op.a, m, k)
    b = read(op.b, n, k) if op.transpose_b else read(op.b, k, n)
    total = reduce(build, [a, b], (M, N, K), 2, _multiply_accumulate)

    def finish(x: Scalar, *c: Scalar) -> Scalar:
        scaled = x if op.alpha == 1 else x * op.alpha
        return scaled + (c[0] if op.beta == 1 else c[0] * op.beta) if c else scaled

    added = [broadcast(op.c, (M, N))] if op.c is not None and op.beta != 0 else []
    if not added and op.alpha == 1:
        return narrowed(build, total, tensor_type(op.a).element)
    return compute(build, [read(total, m, n), *added], (M, N), finish, tensor_type(op.a).element)


def _multiply_accumulate(acc: Scalar, a: Scalar, b: Scalar) -> Scalar:
    return multiply_add(a, b, acc)
