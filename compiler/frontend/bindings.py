"""Types of a model's inputs: what the file declares, with the extents that the user binds.

In come the file, extents by dim name and shapes by input name; out comes a type per input, in order. Names of dims in files are
badly chosen (`?`, empty, one name for two sizes): a name binds only through `dims`, never from one input's shape to another's.
An initialiser that is also listed as an input (all are, before IR version 4) is a constant and no input.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

import numpy as np
from onnx import TensorShapeProto, ValueInfoProto

from ...dialects.ir.types import Extent, Scalar, StringType, TensorType, from_dtype
from ...errors import CompileError, Diagnostic, error, quote
from .problems import join, shown, shown_path
from .reader import ModelFile
from .tensors import ELEMENTS

__all__ = ["element_type", "input_types", "scalar_of"]

MOST_LISTED = 8
NAMELESS = ("", "?", "-1", "None")


def element_type(dtype: np.dtype[np.generic]) -> Scalar | None:
    """The element type for arrays of `dtype`; None for those that cannot be compiled yet."""
    try:
        scalar = from_dtype(dtype)
    except KeyError:
        return None
    return None if isinstance(scalar, StringType) else scalar


def scalar_of(number: int) -> Scalar | None:
    """The element type with this number in TensorProto.DataType; None for those that cannot be compiled yet."""
    return element_type(ELEMENTS[number].dtype) if number in ELEMENTS else None


def input_types(file: ModelFile, dims: Mapping[str, int], shapes: Mapping[str, Sequence[int]]) -> dict[str, TensorType]:
    """The type of each input by its name. Raises CompileError with everything that does not fit."""
    graph = file.model.graph
    constants = {tensor.name for tensor in graph.initializer} | {sparse.values.name for sparse in graph.sparse_initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    found: list[Diagnostic] = [*_unknown("input", shapes, [value.name for value in inputs])]
    found += _unknown("dim", dims, _dim_names(inputs))
    found += [error(f"dim {quote(name)} cannot have the extent {extent}") for name, extent in dims.items() if extent < 0]
    types: dict[str, TensorType] = {}
    for value in inputs:
        type_ = _input_type(value, dims, shapes.get(value.name))
        if isinstance(type_, TensorType):
            types[value.name] = type_
        else:
            found.append(replace(type_, places=(join(shown_path(file.path), f"input {shown(value.name)}"), *type_.places)))
    if found:
        raise CompileError.of(found)
    return types


def _input_type(value: ValueInfoProto, dims: Mapping[str, int], shape: Sequence[int] | None) -> TensorType | Diagnostic:
    if not value.type.HasField("tensor_type"):
        kind = value.type.WhichOneof("value") or "missing"
        return error(f"the input's type is {kind}, and only tensors are supported yet")
    tensor = value.type.tensor_type
    element = scalar_of(tensor.elem_type)
    if element is None:
        name = ELEMENTS[tensor.elem_type].name if tensor.elem_type in ELEMENTS else f"number {tensor.elem_type}"
        return error(f"the element type {name} is not supported yet").help("change the type in the model, and convert what goes in before")
    if not tensor.HasField("shape"):
        if shape is None:
            return error("the file does not say how many dims the input has").help(
                "give its shape, for example with --shape NAME=1x3x224x224"
            )
        return TensorType(tuple(shape), element)
    declared = tuple(_declared(dim, dims) for dim in tensor.shape.dim)
    return _bound(declared, element, shape)


def _declared(dim: TensorShapeProto.Dimension, dims: Mapping[str, int]) -> Extent | str:
    """The extent of a dim, or its name (which may be empty)."""
    if dim.WhichOneof("value") == "dim_value" and dim.dim_value >= 0:
        return dim.dim_value
    if dim.dim_param in dims:
        return dims[dim.dim_param]
    return "" if dim.dim_param in NAMELESS else dim.dim_param


def _bound(declared: Sequence[Extent | str], element: Scalar, shape: Sequence[int] | None) -> TensorType | Diagnostic:
    """The declared shape with the open dims taken from `shape`."""
    if shape is None:
        extents = tuple(None if isinstance(extent, str) else extent for extent in declared)
        names = tuple(extent if isinstance(extent, str) else "" for extent in declared)
        return TensorType(extents, element, names if any(names) else ())
    fits = len(shape) == len(declared) and all(
        given >= 0 and (isinstance(extent, str) or extent == given) for extent, given in zip(declared, shape, strict=True)
    )
    if not fits:
        wanted = " x ".join("?" if extent in ("", None) else str(extent) for extent in declared)
        given = " x ".join(map(str, shape)) or "of a scalar"
        return error(f"the shape {given} does not fit the input, which is {wanted or 'a scalar'}").help(
            "every extent that the file gives must agree; change the others"
        )
    return TensorType(tuple(shape), element)


def _dim_names(inputs: Iterable[ValueInfoProto]) -> list[str]:
    names = [dim.dim_param for value in inputs for dim in value.type.tensor_type.shape.dim]
    return list(dict.fromkeys(name for name in names if name))


def _unknown(kind: str, given: Iterable[str], known: Sequence[str]) -> Iterable[Diagnostic]:
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, MOST_LISTED, 0.0) or ["none"]
            listed = ", ".join(map(shown, near)) if known else "none"
            yield error(f"the model has no {kind} {shown(name)}").help(f"its {kind}s are {listed}, nearest first")
