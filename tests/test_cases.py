"""All textual cases (`*.mlir`) of the test tree."""

from __future__ import annotations

from pathlib import Path

import pytest

import intaglio.passes.pipelines  # noqa: F401 - registers every pass
from cases import Case, cases_in, run_case

CASES = [case for path in sorted(Path(__file__).parent.rglob("*.mlir")) for case in cases_in(path)]


@pytest.mark.parametrize("case", CASES, ids=[f"{case.path.parent.name}-{case.name}" for case in CASES])
def test_case(case: Case) -> None:
    run_case(case)
