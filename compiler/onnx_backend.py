"""ONNX's own interface to backends: `prepare`, `run_model`, `run_node`, `supports_device`.

In come ONNX protobufs in memory and arrays in the order of the inputs; out come tuples of arrays with a field per output. The one thing to know: the
compiler takes files, whose checks are in one place, so a model is written to a temporary folder first; external data is not followed.
"""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, helper
from onnx.backend.base import Backend, BackendRep, namedtupledict

from ..errors import CompileError, error, quote
from .driver import Model, compile

__all__ = ["IntaglioBackend", "IntaglioRep"]


class IntaglioRep(BackendRep):
    """A compiled model under ONNX's interface. Its file stays in `folder` as long as it lives: open extents are compiled for later."""

    def __init__(self, model: Model, folder: Path) -> None:
        self.model = model
        weakref.finalize(self, rmtree, folder, ignore_errors=True)

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """The outputs for `inputs`: a mapping by name, arrays in order, or one array."""
        outputs = self.model.run(_by_name(self.model, inputs))
        names = [port.name for port in self.model.outputs]
        return namedtupledict("Outputs", names)(*(outputs[name] for name in names))


class IntaglioBackend(Backend):
    """Compiles for the processor of this machine, the only device."""

    @classmethod
    def prepare(cls, model: ModelProto, device: str = "CPU", **kwargs: Any) -> IntaglioRep:
        """Compile `model`; `kwargs` are those of `intaglio.compile`."""
        if not cls.supports_device(device):
            raise CompileError(error(f"the device {quote(device)} is not supported").help("take CPU; for chips use intaglio.compile"))
        folder = Path(tempfile.mkdtemp(prefix="intaglio-"))
        try:
            path = folder / "model.onnx"
            path.write_bytes(model.SerializeToString())
            return IntaglioRep(compile(path, **kwargs), folder)
        except BaseException:
            rmtree(folder, ignore_errors=True)
            raise

    @classmethod
    def run_model(cls, model: ModelProto, inputs: Any, device: str = "CPU", **kwargs: Any) -> tuple[Any, ...]:
        """`prepare` and `run` in one."""
        return cls.prepare(model, device, **kwargs).run(inputs)

    @classmethod
    def run_node(
        cls, node: NodeProto, inputs: Any, device: str = "CPU", outputs_info: Sequence[tuple[np.dtype[Any], tuple[int, ...]]] | None = None, **kwargs: Any
    ) -> tuple[Any, ...]:
        """The results of one node; `opset_version` chooses the version of its operator, else the newest is meant."""
        names = [name for name in node.input if name]
        arrays = {name: np.asarray(array) for name, array in zip(names, inputs, strict=True)}
        model = _model_of(node, arrays, kwargs.pop("opset_version", onnx.defs.onnx_opset_version()))
        return cls.run_model(model, list(arrays.values()), device, **kwargs)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Whether `device` is the processor of this machine."""
        return device.partition(":")[0] == "CPU"


def _model_of(node: NodeProto, arrays: Mapping[str, np.ndarray[Any, np.dtype[Any]]], opset: int) -> ModelProto:
    """A model of one node, with the shapes of the arrays."""
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape) for name, array in arrays.items()
    ]
    outputs = [helper.make_empty_tensor_value_info(name) for name in node.output if name]
    graph = helper.make_graph([node], "node", inputs, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid(node.domain, opset)])


def _by_name(model: Model, inputs: Any) -> dict[str, object]:
    if isinstance(inputs, Mapping):
        return dict(inputs)
    arrays = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
    if len(arrays) != len(model.inputs):
        raise CompileError(error(f"{len(arrays)} arrays are given, and the model has {len(model.inputs)} inputs"))
    return {port.name: array for port, array in zip(model.inputs, arrays, strict=True)}
