"""Small programs of the loop stage, written by hand or by formula, and both ways to run them: compiled and by the reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio.codegen.build import CompiledObject, build_object
from intaglio.dialects import arith, func, loop
from intaglio.dialects.ir.affine import AffineMap
from intaglio.dialects.ir.builder import Builder
from intaglio.dialects.ir.evaluator import evaluate
from intaglio.dialects.ir.operation import Block, Region, Value
from intaglio.dialects.ir.types import BufferType, Scalar, TensorType, Type, index, ui8
from intaglio.dialects.ir.verifier import verify
from intaglio.runtime.jit import load_object
from intaglio.runtime.manifest import Manifest
from intaglio.runtime.model import NativeModel
from intaglio.targets.load import load_target

Array = NDArray[Any]


class Body(Builder):
    """A builder with shorthands for what every kernel says."""

    def index(self, value: int) -> Value:
        return self.add(arith.index_constant(value)).output

    def load(self, buffer: Value, dims: Sequence[Value], subscripts: Callable[..., Any] | None = None, **how: Any) -> Value:
        return self.add(loop.Load(buffer, list(dims), map=_map(buffer, dims, subscripts), **how)).output

    def store(self, value: Value, buffer: Value, dims: Sequence[Value], subscripts: Callable[..., Any] | None = None, **how: Any) -> None:
        self.add(loop.Store(value, buffer, list(dims), map=_map(buffer, dims, subscripts), **how))

    def count(
        self,
        upper: int | Value,
        write: Callable[..., Sequence[Value] | None],
        inits: Sequence[Value] = (),
        *,
        lower: int | Value = 0,
        step: int = 1,
        parallel: bool = False,
    ) -> list[Value]:
        """A loop whose body `write(body, counter, *carried)` writes, returning what it carries on."""
        block = Block([index, *(v.type for v in inits)])
        body = Body(block=block)
        body.add(loop.Yield(list(write(body, *block.arguments) or ())))
        low, high = (self.index(v) if isinstance(v, int) else v for v in (lower, upper))
        if parallel:
            self.add(loop.Parallel(low, high, contents=Region(block), step=step))
            return []
        return self.add(loop.For(low, high, list(inits), contents=Region(block), step=step)).outputs


def _map(buffer: Value, dims: Sequence[Value], subscripts: Callable[..., Any] | None) -> AffineMap:
    return AffineMap.of(subscripts or (lambda *d: d), len(dims))


def buffer(element: Scalar, *shape: int) -> BufferType:
    return BufferType.of(TensorType(shape, element))


def kernel(name: str, types: Sequence[Type], write: Callable[..., None]) -> func.Function:
    """A kernel whose body `write(body, *buffers)` writes."""
    function = func.Function.make(name, types)
    write(Body(block=function.body), *function.arguments)
    return function.close([])


def model(
    kernels: Sequence[func.Function],
    inputs: Mapping[str, BufferType],
    outputs: Mapping[str, BufferType],
    write: Callable[..., None] | None = None,
    arena_bytes: int = 0,
) -> func.Module:
    """A module whose entry calls the only kernel with all buffers, or does what `write(body, *buffers, arena)` says."""
    module = func.Module.empty()
    for function in kernels:
        module.add(function)
    arena = BufferType((arena_bytes,), ui8, (1,))
    main = func.Function.make("main", [*inputs.values(), *outputs.values(), arena], [*inputs, *outputs, "arena"])
    body = Body(block=main.body)
    if write is None:
        body.add(loop.Call(list(main.arguments[:-1]), callee=kernels[0].sym_name))
    else:
        write(body, *main.arguments)
    module.add(main.close([]))
    verify(module)
    return module


def native(module: func.Module, threads: int = 1, **options: Any) -> NativeModel:
    built = build(module, threads=threads > 1, **options)
    return NativeModel(Manifest.from_mapping(built.facts.manifest()), load_object(built.object), threads)


def build(module: func.Module, target: str = "host", **options: Any) -> CompiledObject:
    return build_object(module, load_target(target), "model", **options)


def reference(
    module: func.Module, inputs: Mapping[str, Array], outputs: Mapping[str, BufferType], arena_bytes: int = 0
) -> dict[str, Array]:
    """What the evaluator writes into the outputs."""
    results = {name: np.zeros(type_.shape, type_.element.dtype) for name, type_ in outputs.items()}
    evaluate(module, "main", [*inputs.values(), *results.values(), np.zeros(arena_bytes, np.uint8)])
    return results
