"""Where things are kept, and that nobody sees half of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from intaglio.errors import CompileError
from intaglio.targets.cache import cache_folder, write_whole


def test_the_folder_is_the_users_choice_or_their_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTAGLIO_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("INTAGLIO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "intaglio"


def test_a_choice_that_cannot_be_had_is_not_replaced_silently(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("INTAGLIO_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(CompileError, match="INTAGLIO_CACHE=DIR"):
        cache_folder()


def test_a_file_is_whole_or_absent(tmp_path: Path) -> None:
    def half(path: Path) -> None:
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(tmp_path / "a", half)
    assert list(tmp_path.iterdir()) == []
    write_whole(tmp_path / "a", lambda path: path.write_text("whole"))
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a", "whole")]
