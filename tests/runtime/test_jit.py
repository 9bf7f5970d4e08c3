"""Objects in the process: addresses, imports, life and death."""

from __future__ import annotations

import ctypes
import gc

import pytest

from intaglio.codegen.llvm.text import Module, constant
from intaglio.codegen.object import emit_object
from intaglio.errors import InternalError
from intaglio.runtime.jit import load_object
from machines import host

COUNT = 1 << 20


def sample_object() -> bytes:
    """pick(i) reads a large constant; through(x) calls the outside; copy(p) takes memcpy."""
    module = Module()
    table = module.data("table", bytes(range(256)) * (COUNT // 256), 64, section=".rodata.table")
    pick = module.function("pick", "i32", [("i64", "")])
    pick.ret(pick.cast("zext", pick.load("i8", pick.gep(table, pick.parameters[0]), 1), "i32"))
    outside = module.declare("a name, of the user's", "double", ["double"])
    through = module.function("through", "double", [("double", "")])
    through.ret(through.binary("fadd", through.call(outside, "double", through.parameters), constant("double", 1.0)))
    copy = module.function("copy", "void", [("ptr", "")])
    copy.module.declare("llvm.memcpy.p0.p0.i64", "void", ["ptr", "ptr", "i64", "i1"])
    copy.do(f"call void @llvm.memcpy.p0.p0.i64(ptr {copy.parameters[0].name}, ptr {table.name}, i64 {COUNT}, i1 false)")
    copy.ret()
    return emit_object(str(module), host())


def triple(x: float) -> float:
    return 3 * x


TRIPLE = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(triple)
SYMBOLS = {"a name, of the user's": ctypes.cast(TRIPLE, ctypes.c_void_p).value or 0}


def test_code_constants_and_imports() -> None:
    with load_object(sample_object(), SYMBOLS) as loaded:
        gc.collect()
        pick = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64)(loaded.address("pick"))
        through = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(loaded.address("through"))
        copy = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(loaded.address("copy"))
        assert [pick(i) for i in (0, 5, 255, COUNT - 1)] == [0, 5, 255, 255]
        assert through(2.0) == 7.0
        target = ctypes.create_string_buffer(COUNT)
        copy(ctypes.addressof(target))
        assert target.raw == bytes(range(256)) * (COUNT // 256)
        assert ctypes.string_at(loaded.address("table"), 4) == b"\0\1\2\3"
        assert loaded.address("table") % 64 == 0


def test_objects_are_apart_and_can_be_closed_in_any_order() -> None:
    data = sample_object()
    first, second = load_object(data, SYMBOLS), load_object(data, SYMBOLS)
    assert first.address("pick") != second.address("pick")
    first.close()
    first.close()
    assert ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64)(second.address("pick"))(9) == 9
    del second
    gc.collect()


def test_a_missing_symbol_is_told_with_those_that_were_given() -> None:
    with load_object(sample_object(), {"something else": 16}) as loaded, pytest.raises(InternalError, match=r"'pick' .*'something else'"):
        loaded.address("pick")


def test_an_unknown_name_and_a_closed_object_are_told() -> None:
    loaded = load_object(sample_object(), SYMBOLS)
    with pytest.raises(InternalError, match="nothing"):
        loaded.address("nothing")
    loaded.close()
    with pytest.raises(InternalError, match="closed"):
        loaded.address("pick")


def test_what_is_no_object_is_refused() -> None:
    for data in (b"", b"no object", sample_object()[:200]):
        with pytest.raises(InternalError, match="linked"):
            load_object(data)
