"""Options and words of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from intaglio.compiler.options import Options, identifier_of
from intaglio.compiler.parameters import choices, dim, input_file, pairs, shape
from intaglio.errors import CompileError
from intaglio.targets.abi import check_name


@pytest.mark.parametrize(
    "name", ["digits.onnx", "mobilenet-v2.7.onnx", "1.onnx", "_x.onnx", "-.onnx", "é.onnx", "a" * 300, "a\nb.onnx", ""]
)
def test_names_of_files_become_identifiers(name: str) -> None:
    assert check_name(identifier_of(Path(name)))


def test_the_order_of_bindings_does_not_matter() -> None:
    first = Options.of(Path("m.onnx"), dims={"a": 1, "b": 2}, shapes={"x": [1, 2]})
    assert first == Options.of(Path("m.onnx"), dims={"b": 2, "a": 1}, shapes={"x": (1, 2)})


@pytest.mark.parametrize("threads", [0, -1, 5000])
def test_a_number_of_threads_that_cannot_be(threads: int) -> None:
    with pytest.raises(CompileError, match="threads cannot be used"):
        Options.of(Path("m.onnx"), threads=threads)


def test_chips_have_one_thread() -> None:
    with pytest.raises(CompileError, match="only the host runs several"):
        Options.of(Path("m.onnx"), target="cortex-m4", threads=2)


def test_words() -> None:
    assert dim("batch=8") == ("batch", 8)
    assert dim("a=b=8") == ("a=b", 8)
    assert shape("x=1x3x224x224") == ("x", (1, 3, 224, 224))
    assert shape("x=") == ("x", ())
    assert input_file("x=a=b.npy") == ("x", Path("a=b.npy"))
    assert input_file("a.npy") == ("", Path("a.npy"))


@pytest.mark.parametrize("word", ["batch", "=8", "batch=", "batch=-1", "batch=1.5", "batch=x", "batch=9999999999999", "batch=٣"])
def test_dims_that_cannot_be_read(word: str) -> None:
    with pytest.raises(CompileError, match="--dim batch=8"):
        dim(word)


@pytest.mark.parametrize("word", ["x", "x=1x", "x=1xx2", "=1x2", "x=1X2", "x=-1x3"])
def test_shapes_that_cannot_be_read(word: str) -> None:
    with pytest.raises(CompileError, match="--shape image=1x3x224x224"):
        shape(word)


def test_the_same_name_twice() -> None:
    with pytest.raises(CompileError, match="--dim gives 'n' twice"):
        pairs("--dim", ["n=1", "n=2"], dim)


def test_lists_of_choices() -> None:
    assert choices("--emit", "obj, header,obj", ("obj", "header")) == ("obj", "header")
    with pytest.raises(CompileError, match=r"does not know 'x\\ny'"):
        choices("--emit", "obj,x\ny", ("obj", "header"))
