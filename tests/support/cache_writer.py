"""One of several processes that share an object cache. A module of its own, because a process that is spawned must find it by name."""

from __future__ import annotations

from intaglio.codegen.cache import Cache, key


def write_and_read_back(directory: str) -> bool:
    """Whether every entry that was read was whole, or not there."""
    cache = Cache(directory, limit_bytes=200_000)
    seen = []
    for i in range(60):
        name = key(str(i % 7))
        cache.put(name, str(i % 7).encode() * 5000)
        seen.append(cache.get(name))
    return all(data in (None, str(i % 7).encode() * 5000) for i, data in enumerate(seen))
