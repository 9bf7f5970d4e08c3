"""Artefacts as bytes."""

from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.compiler.artefact import Artefact, Layer, Manifest, Port, decode, encode

names = st.text(max_size=5)
sizes = st.integers(0, 2**50)
ports = st.builds(Port, names, st.lists(st.none() | sizes, max_size=3).map(tuple), st.sampled_from(["f32", "i8"]))
layers = st.builds(Layer, names, st.lists(st.tuples(names, names), max_size=2).map(tuple), sizes, sizes)
manifests = st.builds(
    Manifest,
    name=names,
    target=names,
    inputs=st.lists(ports, max_size=2).map(tuple),
    outputs=st.lists(ports, max_size=2).map(tuple),
    stack_bytes=st.none() | sizes,
    kernels=st.lists(names, max_size=2).map(tuple),
    layers=st.lists(layers, max_size=2).map(tuple),
    external=st.lists(st.tuples(names, names), max_size=2).map(tuple),
)


@given(st.builds(Artefact, manifests, st.binary(), names, names))
def test_decode_is_the_inverse_of_encode(artefact: Artefact) -> None:
    assert decode(encode(artefact), artefact.object) == artefact


@given(st.binary(max_size=64))
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises((ValueError, KeyError, struct.error)):
        decode(data, b"")


def test_sizes_are_sums() -> None:
    manifest = Manifest("m", "host", (), (), arena_bytes=10, text_bytes=1, constant_bytes=2, weights_bytes=4, stack_bytes=5)
    record = json.loads(json.dumps(manifest.record()))
    assert (record["flash_bytes"], record["ram_bytes"]) == (7, 15)
