"""Which page views count."""

from __future__ import annotations

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.options.page_views import PageViewOptions, ViewRule


def test_the_preset_decides_what_is_not_given() -> None:
    assert PageViewOptions().rule("metaclip1") == ViewRule("desktop", 50)
    assert PageViewOptions().rule("metaclip2") == ViewRule("all", 1)
    assert PageViewOptions(titles_sites="all").rule("metaclip1") == ViewRule("all", 50)
    assert PageViewOptions(titles_min_hourly_views=1).rule("metaclip1") == ViewRule("desktop", 1)
    assert PageViewOptions("desktop", 7).rule("metaclip2") == ViewRule("desktop", 7)


def test_a_minimum_of_no_views() -> None:
    with pytest.raises(UserError, match="--titles-min-hourly-views must be at least 1, not 0"):
        PageViewOptions(titles_min_hourly_views=0)
