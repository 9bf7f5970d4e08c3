"""Small ONNX models for tests: built from nodes, imported, lowered, and compared with onnxruntime at both stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from intaglio.compiler.frontend.importer import import_model
from intaglio.compiler.frontend.reader import read_model
from intaglio.dialects.func import Module
from intaglio.dialects.ir.evaluator import evaluate
from intaglio.dialects.ir.verifier import verify
from intaglio.passes import graph_to_tensor  # noqa: F401 - registers the lowerings
from intaglio.passes.conversion import convert_dialect
from intaglio.passes.manager import Report

Array = npt.NDArray[Any]


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Array],
    outputs: Sequence[str],
    opset: int,
    weights: Mapping[str, Array] | None = None,
    free: bool = False,
    functions: Sequence[onnx.FunctionProto] = (),
    domains: Mapping[str, int] | None = None,
) -> onnx.ModelProto:
    """A model whose inputs have the types of the arrays; with `free` every dim is unknown and called `?`."""
    declared = []
    for name, array in inputs.items():
        shape = ["?"] * array.ndim if free else list(array.shape)
        declared.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), shape))
    graph = helper.make_graph(
        nodes,
        "test",
        declared,
        [onnx.ValueInfoProto(name=name) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()],
    )
    sets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, version) for domain, version in (domains or {}).items())]
    return helper.make_model(graph, opset_imports=sets, ir_version=10, functions=functions)


def imported(proto: onnx.ModelProto, dims: Mapping[str, int] | None = None, shapes: Mapping[str, Sequence[int]] | None = None) -> Module:
    """The model as a verified module of the graph dialect."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        path.write_bytes(proto.SerializeToString())
        module = import_model(read_model(path), dims or {}, shapes or {})
    verify(module)
    return module


def lowered(module: Module) -> Module:
    """The module, converted in place to the tensor dialect and verified."""
    convert_dialect(module, "graph", Report())
    for function in module.functions():
        function.refresh_type()
    verify(module)
    return module


def expected(proto: onnx.ModelProto, inputs: Mapping[str, Array]) -> list[Array]:
    """What onnxruntime computes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    results: list[Array] = session.run(None, dict(inputs))
    return results


def compare(
    proto: onnx.ModelProto, inputs: Mapping[str, Array], rtol: float = 0.0, atol: float = 0.0, oracle: Sequence[Array] = ()
) -> Module:
    """Hold both stages against onnxruntime (or `oracle`), dims bound to the shapes of `inputs`; returns the lowered module."""
    wanted = list(oracle) or expected(proto, inputs)
    module = imported(proto, shapes={name: array.shape for name, array in inputs.items()})
    for stage in ("graph", "tensor"):
        if stage == "tensor":
            lowered(module)
        results = evaluate(module, "main", list(inputs.values()))
        assert len(results) == len(wanted)
        for result, want in zip(results, wanted, strict=True):
            assert (result.dtype, result.shape) == (want.dtype, want.shape), stage
            np.testing.assert_allclose(result, want, rtol=rtol, atol=atol, err_msg=stage)
    return module
