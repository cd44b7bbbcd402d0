"""Sites of Wikipedias in pageviews files."""

from __future__ import annotations

from metaclip_curate.metadata.sources.page_view_sites import page_view_sites
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
