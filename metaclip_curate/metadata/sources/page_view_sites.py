"""The sites of all Wikipedias in pageviews files, and the rules by which their views count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from metaclip_curate.metadata.sources.editions import all_editions
from metaclip_curate.options.page_views import ViewRule


@dataclass(frozen=True)
class PageViewSites:
    """The sites of all Wikipedias; arrays have a value for each site.

    Attributes:
        codes: Domain codes, such as de.m.
        wikipedias: Codes of the editions.
        counted: Whether the site's views count.
        rules: Rule by code of the edition.
    """

    codes: pa.Array
    wikipedias: pa.Array
    counted: pa.Array
    rules: Mapping[str, ViewRule]

    def hourly_minima(self) -> tuple[pa.Array, pa.Array]:
        """Returns the Wikipedias whose titles need more than one view within an hour, and how many they need."""
        minima = {code: rule.hourly_minimum for code, rule in self.rules.items() if rule.hourly_minimum > 1}
        return pa.array(list(minima), pa.string()), pa.array(list(minima.values()), pa.int64())


def page_view_sites(rules: Mapping[str, ViewRule]) -> PageViewSites:
    """Returns the sites of all Wikipedias.

    Args:
        rules: Rule by metadata language, or by code of a single edition; those that aren't named have the default.
    """
    codes, wikipedias, counted = [], [], []
    of_editions = {
        edition.code: rules.get(edition.code, rules.get(edition.language, ViewRule())) for edition in all_editions()
    }
    for edition in all_editions():
        for code in edition.page_view_codes:
            codes.append(code)
            wikipedias.append(edition.code)
            counted.append(of_editions[edition.code].sites == "all" or code in edition.desktop_codes)
    return PageViewSites(
        pa.array(codes, pa.string()), pa.array(wikipedias, pa.string()), pa.array(counted, pa.bool_()), of_editions
    )
