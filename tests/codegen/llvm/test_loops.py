"""Loops, memory, vectors, calls and probes, compiled, against the reference."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from intaglio.codegen.build import build_object
from intaglio.codegen.llvm.translate import translate
from intaglio.dialects import arith, lanes, loop, math
from intaglio.dialects.ir.affine import AffineMap
from intaglio.dialects.ir.attributes import Dense
from intaglio.dialects.ir.operation import Block, Region, Value
from intaglio.dialects.ir.types import BufferType, TensorType, f32, from_dtype, i1, i8, i32, i64, index, vector
from intaglio.runtime.jit import load_object
from intaglio.runtime.manifest import Manifest
from intaglio.runtime.model import NativeModel
from intaglio.targets.load import load_target
from loops import Array, Body, buffer, kernel, model, native, reference

RANDOM = np.random.default_rng(7)


def floats(*shape: int) -> Array:
    return RANDOM.standard_normal(shape).astype(np.float32)


def check(inputs: Mapping[str, Array], output: BufferType, write: Callable[..., None], **options: Any) -> Array:
    """One kernel `write(body, *inputs, output)`; compiled and reference must be equal."""
    types = {name: BufferType.of(TensorType(a.shape, from_dtype(a.dtype))) for name, a in inputs.items()}
    program = model([kernel("k", [*types.values(), output], write)], types, {"y": output})
    got, wanted = native(program, **options).run(inputs)["y"], reference(program, inputs, {"y": output})["y"]
    np.testing.assert_array_equal(got, wanted)
    return got


# Loops.


@pytest.mark.parametrize("extent", [0, 1, 2, 7])
@pytest.mark.parametrize("step", [1, 3])
def test_carried_values(extent: int, step: int) -> None:
    def write(body: Body, x: Value, y: Value) -> None:
        zero = body.add(arith.number(0.0, f32)).output
        total = body.count(extent, lambda b, i, acc: [b.add(arith.AddF(acc, b.load(x, [i]))).output], [zero], step=step)
        body.store(total[0], y, [body.index(0)])

    check({"x": floats(8)}, buffer(f32, 1), write)


def test_two_carried_values_that_change_places() -> None:
    def write(body: Body, x: Value, y: Value) -> None:
        zero = body.index(0)
        first, second = body.load(x, [zero]), body.load(x, [body.index(1)])
        swapped = body.count(5, lambda b, i, p, q: [q, p], [first, second])
        body.store(body.add(arith.SubF(*swapped)).output, y, [zero])

    check({"x": floats(2)}, buffer(f32, 1), write)


def test_bounds_that_depend_on_outer_counters() -> None:
    """The clamped window of a convolution at the border: from max(0, 2 - i) to min(5, 6 - i), which may be empty."""

    def write(body: Body, x: Value, y: Value) -> None:
        def row(b: Body, i: Value) -> None:
            low = b.add(arith.MaxSI(b.index(0), b.add(arith.SubI(b.index(2), i)).output)).output
            high = b.add(arith.MinSI(b.index(5), b.add(arith.SubI(b.index(6), i)).output)).output
            zero = b.add(arith.number(0.0, f32)).output
            total = b.count(
                high, lambda t, r, acc: [t.add(arith.AddF(acc, t.load(x, [i, r], lambda i, r: (i + r - 2,)))).output], [zero], lower=low
            )
            b.store(total[0], y, [i])

        body.count(9, row)

    check({"x": floats(8)}, buffer(f32, 9), write)


def test_counters_from_affine_bounds_and_applied_maps() -> None:
    def write(body: Body, x: Value, y: Value) -> None:
        def block(b: Body, i: Value) -> None:
            end = b.add(arith.AddI(i, b.index(4))).output

            def element(t: Body, j: Value) -> None:
                wrapped = t.add(loop.Apply([j], map=AffineMap.of(lambda j: [(j * 3 + 2) % 5 + (j - 7) // 4 + 2], 1))).output
                t.store(t.load(x, [wrapped]), y, [j])

            b.count(end, element, lower=i)

        body.count(12, block, step=4)

    check({"x": floats(8)}, buffer(f32, 12), write)


def test_conditions_with_results() -> None:
    def write(body: Body, x: Value, y: Value) -> None:
        def element(b: Body, i: Value) -> None:
            value = b.load(x, [i])
            zero = b.add(arith.number(0.0, f32)).output
            positive = b.add(lanes.CmpF.of("ogt", value, zero)).output
            then, otherwise = Body(block=Block()), Body(block=Block())
            then.add(loop.Yield([then.add(arith.MulF(value, value)).output]))
            otherwise.add(loop.Yield([otherwise.add(arith.SubF(zero, otherwise.load(x, [otherwise.index(0)]))).output]))
            chosen = b.add(loop.If(positive, then=Region(then.block), otherwise=Region(otherwise.block))).outputs[0]
            b.store(chosen, y, [i])

        body.count(9, element)

    check({"x": floats(9)}, buffer(f32, 9), write)


# Memory.


@pytest.mark.parametrize("target", ["host", "masks off"])
@pytest.mark.parametrize("lanes_", [4, 16])
@pytest.mark.parametrize("valid", [1, 2, 3])
@pytest.mark.parametrize("element", [f32, i8, i1, i64], ids=str)
def test_part_of_the_lanes(target: str, lanes_: int, valid: int, element: Any) -> None:
    """Reads and writes nothing beyond: the row after the last one begins where the buffer ends."""
    x = RANDOM.integers(0, 2, (3, valid)).astype(element.dtype)
    types = {"x": buffer(element, 3, valid)}

    def write(body: Body, source: Value, y: Value) -> None:
        def row(b: Body, i: Value) -> None:
            v = b.load(source, [i, b.index(0)], lanes=lanes_, axis=1, valid=valid)
            b.store(v, y, [i, b.index(0)], lambda i, j: (i * -1 + 2, j), axis=1, valid=valid)

        body.count(3, row)

    program = model([kernel("k", [types["x"]] * 2, write)], types, {"y": types["x"]})
    machine = load_target("host") if target == "host" else replace(load_target("host"), masked_memory=False)
    built = build_object(program, machine, "model")
    got = NativeModel(Manifest.from_mapping(built.facts.manifest()), load_object(built.object)).run({"x": x})["y"]
    np.testing.assert_array_equal(got, x[::-1])


def test_missing_lanes_are_zero() -> None:
    def write(body: Body, x: Value, y: Value) -> None:
        zero = body.index(0)
        body.store(body.load(x, [zero], lanes=8, valid=5), y, [zero])

    check({"x": floats(5)}, buffer(f32, 8), write)


def test_lanes_along_other_axes() -> None:
    """Stride 6 for the loads, stride 0 for a broadcast row, stride 4 for the stores."""

    def write(body: Body, x: Value, y: Value) -> None:
        def column(b: Body, j: Value) -> None:
            body_ = b.load(x, [b.index(0), j], lanes=4, axis=0)
            b.store(body_, y, [j, b.index(0)], lambda j, i: (i, j), axis=0)

        body.count(4, column)

    check({"x": floats(4, 6)}, buffer(f32, 4, 4), write)

    def repeat(body: Body, x: Value, y: Value) -> None:
        same = body.add(loop.Subview(x, type=BufferType((8,), f32, (0,)), offset=2)).output
        body.store(body.load(same, [body.index(0)], lanes=8), y, [body.index(0)])

    check({"x": floats(4)}, buffer(f32, 8), repeat)


def test_views_and_scratch() -> None:
    """A transposed view of a slice goes through scratch memory, which comes back reversed."""

    def write(body: Body, x: Value, y: Value) -> None:
        view = body.add(loop.Subview(x, type=BufferType((3, 2), f32, (1, 4)), offset=5)).output
        scratch = body.add(loop.Alloca(type=buffer(f32, 6))).output

        def row(b: Body, i: Value) -> None:
            b.count(2, lambda c, j: c.store(c.load(view, [i, j]), scratch, [i, j], lambda i, j: (i * 2 + j,)))

        body.count(3, row)
        body.count(6, lambda b, i: b.store(b.load(scratch, [i], lambda i: (i * -1 + 5,)), y, [i]))

    check({"x": floats(3, 4)}, buffer(f32, 6), write)


@pytest.mark.parametrize("width", [1, 8])
@pytest.mark.parametrize("kind", [i64, i32, index], ids=str)
def test_gathered_elements_are_clamped(width: int, kind: Any) -> None:
    subscripts = np.array([0, 3, -5, 99, 2, 4, -(2**31), 1], (np.int32 if kind == i32 else np.int64))
    types = {"s": buffer(kind if kind != index else i64, 8), "x": buffer(f32, 5, 4)}

    def write(body: Body, s: Value, x: Value, y: Value) -> None:
        def element(b: Body, i: Value) -> None:
            picked = b.load(s, [i], lanes=width)
            if kind == index:
                picked = b.add(lanes.IndexCast(picked, to=vector(width, index))).output
            column = b.add(loop.Broadcast(i, lanes=width)).output if width > 1 else i
            if kind != index:
                column = b.add(lanes.IndexCast(column, to=vector(width, kind))).output
            b.store(b.add(loop.Gather(x, [picked, column])).output, y, [i])

        body.count(8, element, step=width)

    program = model([kernel("k", [*types.values(), buffer(f32, 8)], write)], types, {"y": buffer(f32, 8)})
    inputs = {"s": subscripts, "x": floats(5, 4)}
    np.testing.assert_array_equal(native(program).run(inputs)["y"], reference(program, inputs, {"y": buffer(f32, 8)})["y"])


# Vectors.


@pytest.mark.parametrize("kind", ["add", "mul", "max", "min"])
@pytest.mark.parametrize("element", [f32, i32], ids=str)
def test_reduction_of_lanes(kind: Any, element: Any) -> None:
    x = (RANDOM.standard_normal(32) * 100).astype(element.dtype)

    def write(body: Body, source: Value, y: Value) -> None:
        def half(b: Body, i: Value) -> None:
            b.store(b.add(loop.Reduce(b.load(source, [i], lanes=16), kind=kind)).output, y, [i], lambda i: ((i // 16),))

        body.count(32, half, step=16)

    check({"x": x}, buffer(element, 2), write)
    if element == f32 and kind in ("max", "min"):
        x[3] = np.nan
        assert np.isnan(check({"x": x}, buffer(element, 2), write)[0])


def test_lane_numbers_and_single_lanes() -> None:
    def write(body: Body, x: Value, y: Value) -> None:
        zero = body.index(0)
        numbers = body.add(lanes.IndexCast(body.add(loop.Iota(lanes=8)).output, to=vector(8, i32))).output
        fifth = body.add(loop.ExtractLane(body.load(x, [zero], lanes=8), lane=5)).output
        body.store(body.add(arith.AddI(numbers, body.add(loop.Broadcast(fifth, lanes=8)).output)).output, y, [zero])

    check({"x": np.arange(8, dtype=np.int32) * 10}, buffer(i32, 8), write)


# Kernels and the entry.


def doubling(name: str = "twice", count: int = 64) -> Any:
    """A kernel with parallel turns: y = x + x."""

    def write(body: Body, x: Value, y: Value) -> None:
        def turn(b: Body, i: Value) -> None:
            v = b.load(x, [i], lanes=4)
            b.store(b.add(arith.AddF(v, v)).output, y, [i])

        body.count(count, turn, step=4, parallel=True)

    return kernel(name, [buffer(f32, count)] * 2, write)


def chain(repeats: int) -> Any:
    """x, doubled `repeats` times through two places of the arena, in place every other time, then the weights are added."""
    types = buffer(f32, 64)
    weights = np.arange(64, dtype=np.float32)

    def add(body: Body, x: Value, w: Value, y: Value) -> None:
        body.count(64, lambda b, i: b.store(b.add(arith.AddF(b.load(x, [i]), b.load(w, [i]))).output, y, [i]))

    def entry(body: Body, x: Value, y: Value, arena: Value) -> None:
        places = [body.add(loop.Carve(arena, type=types, offset=offset)).output for offset in (0, 256)]
        resource = body.add(loop.Resource(value=Dense(weights))).output
        source = x
        for number in range(repeats):
            target = places[number // 2 % 2]
            body.add(loop.Probe(site=number, begin=True))
            body.add(loop.Call([source, target], callee="twice"))
            body.add(loop.Probe(site=number, begin=False))
            source = target
        body.add(loop.Call([source, resource, y], callee="add"))

    kernels = [doubling(), kernel("add", [types] * 3, add)]
    return model(kernels, {"x": types}, {"y": types}, entry, arena_bytes=512)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_results_do_not_depend_on_threads(threads: int) -> None:
    program, x = chain(5), floats(64)
    compiled = native(program, threads)
    wanted = reference(program, {"x": x}, {"y": buffer(f32, 64)}, 512)["y"]
    for _ in range(4):
        np.testing.assert_array_equal(compiled.run({"x": x})["y"], wanted)
    compiled.close()


@pytest.mark.parametrize("threads", [1, 2])
def test_probes_count_calls_and_ticks(threads: int) -> None:
    compiled = native(chain(3), threads, profile=True)
    for _ in range(4):
        compiled.run({"x": floats(64)})
    counters = compiled.take_counters()
    assert counters[:, 0].tolist() == [4, 4, 4]
    assert (counters[:, 1] > 0).all()
    assert not compiled.take_counters().any()
    compiled.close()


def test_without_profile_probes_leave_no_trace() -> None:
    machine = load_target("host")
    assert "cyclecounter" not in build_object(chain(3), machine, "model").text
    assert "cyclecounter" in build_object(chain(3), machine, "model", profile=True).text or machine.family != "x86"


def test_a_kernel_that_works_in_place_is_told_so() -> None:
    """`twice` is called once with one place for both of its buffers, so it may not assume that they differ; `add` may."""
    text = build_object(chain(2), load_target("host"), "model").text
    heads = {line.split("@")[1].split("(")[0]: line for line in text.splitlines() if line.startswith("define internal")}
    assert "noalias" not in heads["model_twice"]
    assert heads["model_add"].count("noalias") == 3
    assert heads["model_add"].count("readonly") == 2


def test_fused_multiply_add_in_a_register_tile() -> None:
    """A matmul by tiles of 2 x 8: exact, because every product and sum is a small integer."""
    a, b = RANDOM.integers(-4, 5, (6, 10)).astype(np.float32), RANDOM.integers(-4, 5, (10, 16)).astype(np.float32)

    def write(body: Body, x: Value, w: Value, y: Value) -> None:
        def rows(t: Body, i: Value) -> None:
            def columns(u: Body, j: Value) -> None:
                zero = u.add(arith.number(0.0, vector(8, f32))).output

                def step(v: Body, k: Value, *sums: Value) -> list[Value]:
                    line = v.load(w, [k, j], lanes=8, axis=1)
                    splats = [v.add(loop.Broadcast(v.load(x, [i, k], lambda i, k, r=r: (i + r, k)), lanes=8)).output for r in range(2)]
                    return [v.add(math.Fma(s, line, acc)).output for s, acc in zip(splats, sums, strict=True)]

                sums = u.count(10, step, [zero, zero])
                for r, acc in enumerate(sums):
                    u.store(acc, y, [i, j], lambda i, j, r=r: (i + r, j), axis=1)

            t.count(16, columns, step=8)

        body.count(6, rows, step=2, parallel=True)

    np.testing.assert_array_equal(check({"x": a, "w": b}, buffer(f32, 6, 16), write), a @ b)


def test_threads_meet_only_where_work_changes_hands() -> None:
    """Of calls that one thread (a) or all (p) do: behind every p, and behind the last a of a row."""

    def write(is_parallel: bool) -> Callable[..., None]:
        def copy(body: Body, x: Value, y: Value) -> None:
            body.count(8, lambda b, i: b.store(b.load(x, [i]), y, [i]), parallel=is_parallel)

        return copy

    vector = buffer(f32, 8)
    kernels = [kernel("a", [vector, vector], write(False)), kernel("p", [vector, vector], write(True))]
    order = "aapaaappa"

    def main(body: Body, x: Value, y: Value, arena: Value) -> None:
        places = [body.add(loop.Carve(arena, type=vector, offset=32 * i)).output for i in range(len(order) - 1)]
        for callee, (source, target) in zip(order, pairwise([x, *places, y]), strict=True):
            body.add(loop.Call([source, target], callee=callee))

    program = model(kernels, {"x": vector}, {"y": vector}, main, arena_bytes=32 * len(order))
    text = translate(program, load_target("host"), "model", threads=True).text
    run = text[text.index("@model_share") :]
    calls = re.findall(r"call void @model_+(a|p|meet)\(", run[: run.index("\n}")])
    assert "".join(call[0] for call in calls) == "aampmaaampmpmam"
    x = floats(8)
    np.testing.assert_array_equal(native(program, threads=2).run({"x": x})["y"], x)
