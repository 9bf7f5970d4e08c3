"""The object cache: what was put comes back or nothing does."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cache_writer import write_and_read_back
from intaglio.codegen.cache import Cache, key


def files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


def test_keys_know_where_parts_end_and_what_they_are() -> None:
    keys = [key("ab", "c"), key("a", "bc"), key("abc"), key("ab", "c", ""), key(b"ab", "c"), key()]
    assert len(set(keys)) == len(keys)
    assert key("ab", "c") == keys[0]
    assert all(len(k) == 64 and k.isalnum() for k in keys)


def test_what_was_put_comes_back(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "made" / "on demand")
    assert cache.get(key("x")) is None
    for data in (b"", b"object", bytes(100_000)):
        cache.put(key("x"), data)
        assert cache.get(key("x")) == data
    assert cache.get(key("y")) is None
    assert len(files(tmp_path)) == 1


DAMAGES: list[Callable[[bytes], bytes]] = [
    lambda b: b[:-1],
    lambda b: b"",
    lambda b: b[:10],
    lambda b: b + b"x",
    lambda b: b[:60] + b"?" + b[61:],
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_a_miss_and_the_file_goes(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    cache = Cache(tmp_path)
    cache.put(key("x"), b"some object code, long enough")
    (path,) = files(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    assert cache.get(key("x")) is None
    assert files(tmp_path) == []


def test_a_file_under_another_name_is_not_believed(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put(key("x"), b"object")
    (path,) = files(tmp_path)
    other = key("y")
    target = tmp_path / other[:2] / (other + path.suffix)
    target.parent.mkdir(exist_ok=True)
    path.rename(target)
    assert cache.get(other) is None


def test_the_oldest_go_when_the_limit_is_passed(tmp_path: Path) -> None:
    cache = Cache(tmp_path, limit_bytes=10_000)
    for i in range(8):
        cache.put(key(str(i)), bytes(1000))
        os.utime(next(p for p in files(tmp_path) if p.stem == key(str(i))), ns=(i, i))
    assert len(files(tmp_path)) == 8
    for i in range(8, 12):
        cache.put(key(str(i)), bytes(1000))
    assert sum(path.stat().st_size for path in files(tmp_path)) <= 10_000
    assert cache.get(key("0")) is None
    assert cache.get(key("11")) == bytes(1000)


def test_a_directory_that_cannot_be_used_is_no_cache(tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("not a directory")
    cache = Cache(blocked)
    cache.put(key("x"), b"object")
    assert cache.get(key("x")) is None


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    cache = Cache(tmp_path)
    monkeypatch.setattr(Path, "replace", full)
    cache.put(key("x"), b"object")
    assert cache.get(key("x")) is None
    assert files(tmp_path) == []


def test_writers_do_not_disturb_each_other(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        assert all(pool.map(write_and_read_back, [str(tmp_path)] * 2))
    assert not [path for path in files(tmp_path) if path.name.startswith(".writing-")]
