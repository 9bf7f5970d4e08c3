"""Linking: what a shared library exports, and what is said when nothing can link."""

from __future__ import annotations

import ctypes
import shutil
import sys
from pathlib import Path

import llvmlite.binding as llvm
import pytest

from intaglio.errors import CompileError
from intaglio.targets import linker
from intaglio.targets.host import detect_host

TEXT = """
define i32 @shown(i32 %x) {
  %y = call i32 @hidden(i32 %x)
  ret i32 %y
}
define i32 @hidden(i32 %x) noinline {
  %y = mul i32 %x, 3
  ret i32 %y
}
"""


def host_object() -> bytes:
    target = detect_host()
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu, features=target.feature_string, reloc=target.relocation, codemodel=target.code_model, opt=2
    )
    return bytes(machine.emit_object(llvm.parse_assembly(TEXT)))


@pytest.mark.skipif(sys.platform != "linux", reason="shared libraries are linked on Linux only")
@pytest.mark.parametrize("with_package", [True, False])
def test_a_shared_library_exports_what_it_is_told_and_nothing_else(
    with_package: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if with_package:
        pytest.importorskip("ziglang", reason="the linker is not installed (extra mcu)")
    else:
        monkeypatch.setattr(linker, "find_spec", lambda _name: None)
        if not (shutil.which("ld.lld") or shutil.which("ld")):
            pytest.skip("this system has no linker")
    output = tmp_path / "a.so"
    linker.link_shared([host_object()], ["shown"], output)
    library = ctypes.CDLL(str(output))
    assert library.shown(14) == 42
    with pytest.raises(AttributeError):
        _ = library.hidden
    assert [path.name for path in tmp_path.iterdir()] == ["a.so"]


def test_without_a_linker_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linker, "find_spec", lambda _name: None)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(CompileError, match=r"pip install intaglio\[mcu\]"):
        linker.link_shared([b""], ["f"], tmp_path / "a.so")
    assert list(tmp_path.iterdir()) == []


def test_what_the_linker_refuses_is_shown_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match=r"ended with status \d"):
        linker.link_shared([b"no object"], ["f"], tmp_path / "a.so")
    assert list(tmp_path.iterdir()) == []
