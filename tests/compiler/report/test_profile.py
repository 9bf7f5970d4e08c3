"""Profiles as JSON, against the schema, and as tables."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.compiler.artefact import Artefact, Layer, Manifest
from intaglio.compiler.driver import Run
from intaglio.compiler.report.profile import profile_record, write_profile
from intaglio.compiler.report.tables import print_profile
from intaglio.compiler.report.terminal import bytes_text, json_safe
from sources import ROOT

SCHEMA = json.loads((ROOT / "compiler" / "report" / "profile.schema.json").read_text())
TYPES: dict[str, Any] = {
    "object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None)
}  # fmt: skip

LAYERS = (
    Layer("m_kernel_0", (("c1", "Conv"), ("r1", "Relu")), 1000, 400),
    Layer("m_kernel_1", (("c2", "Conv"), ("r2", "Relu")), 3000, 500),
    Layer("m_kernel_2", (("odd\x1b[2J", "Softmax"),), 0, 40),
)
MANIFEST = Manifest("m", "host", (), (), layers=LAYERS)


def faults(value: Any, schema: dict[str, Any], where: str = "$") -> list[str]:
    """What `value` breaks, for the words that our schema uses."""
    wanted = schema.get("type", [])
    kinds = [wanted] if isinstance(wanted, str) else wanted
    if kinds and not any(isinstance(value, TYPES[kind]) for kind in kinds):
        return [f"{where} is no {kinds}"]
    found = [f"{where} lacks {key}" for key in schema.get("required", ()) if key not in value]
    if value != schema.get("const", value) or value not in schema.get("enum", [value]):
        found.append(f"{where} is {value!r}")
    if isinstance(value, int | float) and value < schema.get("minimum", value):
        found.append(f"{where} is below its minimum")
    for key, inner in schema.get("properties", {}).items():
        found += faults(value[key], inner, f"{where}.{key}") if key in value else []
    for number, each in enumerate(value if "items" in schema else ()):
        found += faults(each, schema["items"], f"{where}[{number}]")
    return found


@given(st.lists(st.integers(0, 10**12), min_size=3, max_size=3), st.booleans())
def test_every_profile_fits_the_schema(amounts: list[int], chip: bool) -> None:
    artefact = Artefact(MANIFEST)
    run = Run({}, artefact, None if chip else 1.5, sum(amounts) + 7 if chip else None, by_layer=tuple(amounts))
    record = profile_record(run)
    assert faults(json.loads(json.dumps(json_safe(record))), SCHEMA) == []
    quantity = record["quantity"]
    assert sum(layer[quantity] for layer in record["layers"]) + record["between"] == pytest.approx(record["total"])
    assert sum(entry[quantity] for entry in record["operators"]) == pytest.approx(sum(layer[quantity] for layer in record["layers"]))
    assert sum(entry["macs"] for entry in record["operators"]) == 4000


def test_ticks_become_shares_of_the_time() -> None:
    record = profile_record(Run({}, Artefact(MANIFEST), 2.0, by_layer=(100, 300, 0)))
    assert [layer["time_us"] for layer in record["layers"]] == [500, 1500, 0]
    assert record["layers"][0]["gflop_per_s"] == pytest.approx(2 * 1000 / 500e-6 / 1e9)
    assert record["layers"][2]["gflop_per_s"] is None
    assert [(entry["op_type"], entry["count"], entry["time_us"]) for entry in record["operators"]] == [
        ("Conv+Relu", 2, 2000),
        ("Softmax", 1, 0),
    ]


def test_a_model_without_layers_has_a_profile() -> None:
    record = profile_record(Run({}, Artefact(replace(MANIFEST, layers=())), 0.0))
    assert faults(record, SCHEMA) == []
    print_profile(record)


def test_tables_are_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    print_profile(profile_record(Run({}, Artefact(MANIFEST), None, 1000, by_layer=(100, 300, 50))))
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "odd\\x1b[2J" in out
    assert "(between the layers)" in out
    assert "55.0 %" in out


def test_a_profile_is_written_whole(tmp_path: Path) -> None:
    record = profile_record(Run({}, Artefact(MANIFEST), 2.0, by_layer=(1, 1, 1)))
    assert json.loads(write_profile(record, tmp_path).read_text()) == record
    assert [path.name for path in tmp_path.iterdir()] == ["m.profile.json"]


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, "-"), (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KB"), (1536, "1.5 KB"), (3 << 20, "3.0 MB"), (1 << 41, "2048.0 GB")],
)
def test_sizes_as_people_read_them(count: int | None, text: str) -> None:
    assert bytes_text(count) == text


def test_json_says_what_json_cannot() -> None:
    assert json_safe({"a": (float("nan"), float("inf"), 1 + 2j), "b": [True, None]}) == {"a": ["nan", "inf", [1.0, 2.0]], "b": [True, None]}
