"""Days of page views."""

from __future__ import annotations

import datetime
from collections import Counter
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.sources.fetch_plan import FetchPlan
from metaclip_curate.metadata.sources.page_view_days import pick_days
from metaclip_curate.options.fetch_metadata import FIRST_PAGE_VIEWS, FetchOptions

DUMP = datetime.date(2025, 1, 1)


@given(st.dates(datetime.date(2016, 1, 1), datetime.date(2040, 1, 1)), st.integers(0, 100), st.integers(0, 2**63 - 1))
def test_days_are_before_the_dump_and_never_follow_each_other(before: datetime.date, number: int, seed: int) -> None:
    days = pick_days(before, number, seed)
    assert len(days) == number
    assert all(FIRST_PAGE_VIEWS <= day < before for day in days)
    assert all((later - day).days > 1 for day, later in pairwise(days))


def test_days_are_spread_over_years_and_weekdays() -> None:
    days = pick_days(DUMP, 40, 0)
    assert Counter(day.year for day in days) == dict.fromkeys(range(2020, 2025), 8)
    assert {day.weekday() for day in days} == set(range(7))


def test_the_same_seed_picks_the_same_days() -> None:
    assert [f"{day:%Y%m%d}" for day in pick_days(DUMP, 3, 0)] == ["20210511", "20220909", "20241007"]
    assert pick_days(DUMP, 26, 0) == pick_days(DUMP, 26, 0) != pick_days(DUMP, 26, 1)


def test_too_many_days() -> None:
    assert len(pick_days(DUMP, 913, 3)) == 913
    with pytest.raises(UserError, match=r"--pageviews-days 914 is too many: of the 1,826 days"):
        pick_days(DUMP, 914, 3)
    with pytest.raises(UserError, match="--pageviews-days 1 is too many"):
        pick_days(FIRST_PAGE_VIEWS, 1, 0)


def test_the_papers_numbers_of_days() -> None:
    def days_of(*languages: str, days: int | None = None) -> int:
        return FetchOptions(languages, "20250101", "x", pageviews_days=days).days_to_pick()

    assert days_of("en") == 26
    assert days_of("de") == days_of("en", "de") == 40
    assert (days_of("en", days=3), days_of("de", days=0)) == (3, 0)


def test_days_before_the_first_are_refused_without_a_request() -> None:
    with pytest.raises(UserError, match="is too many"):
        pick_days(datetime.date(1, 1, 1), 1, 0)
    for date in ("20150501", "\uff12\uff10\uff12\uff1420101"):
        with pytest.raises(UserError, match=r"is too early|isn't a date"):
            FetchOptions(languages=("de",), date="20250101", output="x", pageviews_dates=(date,))
    options = FetchOptions(languages=("de",), date="20250101", output="x", pageviews_days=99_999)

    class NoClient:
        def __getattr__(self, name: str) -> None:
            raise AssertionError("no request is made")

    plan = FetchPlan(["de"], options, cast("Any", NoClient()), print)
    with pytest.raises(UserError, match="is too many"):
        plan.downloads()
