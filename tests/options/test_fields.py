"""The checks that all options share."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.options.fields import (
    LARGEST_WHOLE,
    check_above_zero,
    check_range,
    check_share,
    flag,
    option,
    table_options,
)
from metaclip_curate.options.pool import PoolOptions


@dataclass(frozen=True)
class _Options:
    words: tuple[str, ...] = option(("a",), "words", metavar="TEXT")
    speed: int = option(1, "speed", metavar="N", changes_output=False)


def test_only_what_changes_the_output_is_recorded() -> None:
    assert table_options(_Options()) == {"words": ["a"]}


def test_a_range() -> None:
    check_range("a_b", 1, 1, 2)
    with pytest.raises(UserError, match=r"^--a-b must be at least 1, not 0$"):
        check_range("a_b", 0, 1)
    with pytest.raises(UserError, match=r"^--a-b must be at most 2, not 3$"):
        check_range("a_b", 3, 1, 2)
    with pytest.raises(UserError, match=r"at most 2\^63 - 1"):
        check_range("a_b", LARGEST_WHOLE + 1, 1)


def test_values_that_python_sets() -> None:
    with pytest.raises(UserError, match="--seed must be a number, not 'a'"):
        DrawOptions(seed="a")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="--keep-columns must be a list of strings, not 'text'"):
        PoolOptions(keep_columns="text")  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_share(value: float) -> None:
    check_share("a", 0)
    check_share("a", 1)
    with pytest.raises(UserError, match=r"^--a must be a share from 0 to 1, not "):
        check_share("a", value)


@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_above_zero(value: float) -> None:
    check_above_zero("a", 0.1)
    with pytest.raises(UserError, match=r"^--a must be above 0, not "):
        check_above_zero("a", value)


def test_a_flag() -> None:
    assert flag("max_failed_inputs") == "--max-failed-inputs"
