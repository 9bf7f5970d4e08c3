"""Reads a model file: the one place where a foreign model is checked before anything else looks at it.

In comes a path, out comes a `ModelFile` or one `CompileError` with everything that was found. Who holds a `ModelFile` may
rely on: every string is text (docstrings aside, which nobody reads); every body has its nodes in an order that can be
executed, with every name defined and defined once; every dense tensor agrees with its bytes, and external bytes lie inside
the model's folder. What operators, opsets and domains mean is the importer's question, not asked here.

Nesting is bounded by protobuf, which refuses messages deeper than 100; that is why the walks here may recurse.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from onnx import AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto

from ...errors import Diagnostic
from .external import ExternalFiles
from .files import read_bytes
from .names import check_names, inner_graphs, model_bodies, node_place
from .problems import Problems, join, refuse, shown
from .tensors import Array, tensor_array, tensor_faults

__all__ = ["ModelFile", "read_model"]

MOST_FILE_BYTES = 2**31 - 1  # protobuf's own limit

WRONG_KINDS = (  # how files begin that are often taken for models
    (b"version https://git-lfs", "a Git LFS pointer", "fetch the file itself with 'git lfs pull'"),
    (b"PK\x03\x04", "a zip archive (PyTorch and Keras write such files)", "export the model with torch.onnx.export or tf2onnx"),
    (b"\x89HDF", "an HDF5 file", "export the model with tf2onnx"),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"<", "a text in HTML or XML", "download the file itself instead of its page"),
)


@dataclass(frozen=True, slots=True, eq=False)
class ModelFile:
    """A checked model. `digest` is the SHA-256 of the file itself; external data is not read for it. `remarks` tell what was sorted."""

    path: Path
    model: ModelProto
    digest: str
    external: ExternalFiles = field(repr=False)
    remarks: tuple[Diagnostic, ...] = ()

    def array(self, tensor: TensorProto) -> Array:
        """A tensor of this model as a read-only array; external data is mapped, not read."""
        return tensor_array(tensor, self.external)


def read_model(path: str | Path) -> ModelFile:
    """Read and check the ONNX model at `path`."""
    path = Path(path)
    data = read_bytes(path, "model", MOST_FILE_BYTES)
    digest = hashlib.sha256(data).hexdigest()
    model = _parse(path, data)
    problems = Problems(path)
    _check_texts(model, "", problems)
    problems.raise_any()  # every other check handles names, and these are none
    external = ExternalFiles(path.parent)
    _check_presence(model, problems)
    check_names(model, problems)
    for body in model_bodies(model):
        _check_body(body.graph, body.where, external, problems)
    problems.raise_any()
    return ModelFile(path, model, digest, external, tuple(problems.remarks))


def _parse(path: Path, data: bytes) -> ModelProto:
    for start, kind, hint in WRONG_KINDS:
        if data.startswith(start):
            raise refuse(path, f"the model file is {kind}, not an ONNX model", hint)
    try:
        model = ModelProto.FromString(data)
    except (DecodeError, RecursionError, UnicodeDecodeError) as fault:
        reason = str(fault).rsplit(": ", 1)[-1]
        hint = "it is truncated, damaged, nested too deeply or of another format; download or export it again"
        raise refuse(path, f"the {len(data)} bytes of the model file are not an ONNX model ({reason})", hint) from None
    if not model.HasField("graph"):
        raise refuse(path, "the model file holds no graph", "it is truncated or no ONNX model; export it again")
    return model


def _check_texts(message: Message, where: str, problems: Problems) -> None:
    """Strings that are not UTF-8 come out of protobuf as bytes, in places where everyone expects text."""
    if isinstance(message, TensorProto):  # ListFields would copy the weights
        texts = [message.name, *(text for entry in message.external_data for text in (entry.key, entry.value))]
        _check_text("name or external_data", texts, where, problems)
        return
    for descriptor, value in message.ListFields():
        place = f"{where}.{descriptor.name}".lstrip(".")
        if descriptor.type == FieldDescriptor.TYPE_STRING and descriptor.name != "doc_string":
            _check_text(descriptor.name, [value] if isinstance(value, str | bytes) else value, where, problems)
        elif descriptor.type == FieldDescriptor.TYPE_MESSAGE:
            if isinstance(value, Message):
                _check_texts(value, place, problems)
            else:
                for index, item in enumerate(value):
                    _check_texts(item, f"{place}[{index}]", problems)


def _check_text(name: str, texts: Iterable[str | bytes], where: str, problems: Problems) -> None:
    for text in texts:
        if isinstance(text, bytes):
            hint = "the file is damaged, or was written by a faulty tool; export the model again"
            problems.report(f"{name} is not UTF-8 text: {shown(text.decode('latin-1'))}", where, hint)


def _check_presence(model: ModelProto, problems: Problems) -> None:
    for what, values in (("nodes", model.graph.node), ("outputs", model.graph.output)):
        if not values:
            problems.report(f"the graph has no {what}", "", "there is nothing to compile; export the model again")


def _check_body(body: GraphProto | FunctionProto, where: str, external: ExternalFiles, problems: Problems) -> None:
    """The tensors and attributes of a body and of the graphs inside it."""
    if isinstance(body, GraphProto):
        for initializer in body.initializer:
            _check_tensor(initializer, join(where, f"initialiser {shown(initializer.name)}"), external, problems)
        for sparse in body.sparse_initializer:
            _check_sparse(sparse, join(where, f"initialiser {shown(sparse.values.name)}"), external, problems)
    node: NodeProto
    for index, node in enumerate(body.node):
        place = join(where, node_place(index, node))
        _check_node(node, place, external, problems)
        for inner, graph in inner_graphs(node):
            _check_body(graph, join(place, inner), external, problems)


def _check_node(node: NodeProto, where: str, external: ExternalFiles, problems: Problems) -> None:
    if not node.op_type:
        problems.report("a node has no operator", where, "export the model again")
    seen: set[str] = set()
    attribute: AttributeProto
    for attribute in node.attribute:
        place = join(where, f"attribute {shown(attribute.name)}")
        if attribute.name in seen:
            problems.report(f"the attribute {shown(attribute.name)} is given twice", where, "remove one of the two")
        seen.add(attribute.name)
        for tensor in _attribute_tensors(attribute):
            _check_tensor(tensor, place, external, problems)
        for sparse in (*([attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []), *attribute.sparse_tensors):
            _check_sparse(sparse, place, external, problems)


def _attribute_tensors(attribute: AttributeProto) -> Iterator[TensorProto]:
    if attribute.HasField("t"):
        yield attribute.t
    yield from attribute.tensors


def _check_sparse(sparse: SparseTensorProto, where: str, external: ExternalFiles, problems: Problems) -> None:
    """The two dense parts; whether the indices lie inside the dims is for whoever makes it dense."""
    _check_tensor(sparse.values, join(where, "values"), external, problems)
    _check_tensor(sparse.indices, join(where, "indices"), external, problems)


def _check_tensor(tensor: TensorProto, where: str, external: ExternalFiles, problems: Problems) -> None:
    hint = "the file is damaged or was cut short; download or export it again"
    if tensor.data_location == TensorProto.EXTERNAL:
        hint = "put the data file where the model's folder holds it, unchanged since the export, and not behind a link that leads out"
    for fault in tensor_faults(tensor, external):
        problems.report(f"tensor {shown(tensor.name)} {fault}", where, hint)
