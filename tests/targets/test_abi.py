"""The agreement between generated code and its callers."""

from __future__ import annotations

import pytest

from intaglio.errors import CompileError
from intaglio.targets import abi
from intaglio.targets.load import load_target, target_names


def test_statuses_are_zero_or_negative_and_each_has_a_meaning() -> None:
    assert int(abi.Status.OK) == 0
    assert all(status < 0 for status in abi.Status if status is not abi.Status.OK)
    assert len({status.meaning for status in abi.Status}) == len(abi.Status)


def test_names_in_c_begin_with_the_models_name() -> None:
    assert abi.entry_symbol("kws") == "kws_run"
    assert abi.status_macro("kws", abi.Status.E_ARENA_TOO_SMALL) == "KWS_E_ARENA_TOO_SMALL"
    assert abi.weights_section("kws") == ".rodata.kws_weights"
    assert abi.text_section("kws", "conv_1") == ".text.kws_conv_1"


@pytest.mark.parametrize("name", ["", "1a", "a-b", "_a", "a\n", "é", "a" * 64])
def test_what_is_no_c_identifier_is_refused(name: str) -> None:
    with pytest.raises(CompileError, match="cannot name a model's C functions"):
        abi.check_name(name)
    assert abi.check_name("a_1") == "a_1"


def test_the_arena_is_aligned_for_every_vector() -> None:
    for name in target_names():
        target = load_target(name)
        assert abi.arena_alignment(target) * 8 >= max(target.vector_bits, 64)
