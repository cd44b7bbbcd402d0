"""Sites of Wikipedias in pageviews files."""

from __future__ import annotations

from metaclip_curate.metadata.sources.page_view_sites import no_page_views, page_view_sites
from metaclip_curate.options.page_views import ViewRule


def test_a_rule_of_a_language_is_one_of_each_of_its_wikipedias() -> None:
    sites = page_view_sites({"zh": ViewRule("desktop", 5)})
    counted = dict(zip(sites.codes.to_pylist(), sites.counted.to_pylist(), strict=True))
    assert {code: counted[code] for code in ("zh", "zh.m", "zh-yue", "zh-yue.m", "de.m", "de.zero")} == {
        "zh": True,
        "zh.m": False,
        "zh-yue": True,
        "zh-yue.m": False,
        "de.m": True,
        "de.zero": True,
    }
    wikipedias, minima = sites.hourly_minima()
    assert {"zh", "zh_yue"} <= set(wikipedias.to_pylist()) and set(minima.to_pylist()) == {5}
    assert len(page_view_sites({}).hourly_minima()[0]) == 0


def test_a_language_without_page_views_is_reported() -> None:
    assert no_page_views("zh", {"zh_yue": 3}) == ""
    assert no_page_views("de", {"fr": 1200, "zh": 34}) == (
        "titles: none of the 1,234 lines of page views that count has a code of de (de, de.m, de.zero)"
    )
    assert "zh-yue" not in no_page_views("zh", {}) and " more)" in no_page_views("zh", {})
