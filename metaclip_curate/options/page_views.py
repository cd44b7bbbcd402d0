"""The options of `metadata build` that decide which page views of a title count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metaclip_curate.options.fields import check_range, option
from metaclip_curate.options.merge_metadata import Preset

ViewedSites = Literal["all", "desktop"]


@dataclass(frozen=True)
class ViewRule:
    """Which views of a Wikipedia's titles count.

    Attributes:
        sites: Whether views of all its sites count, or only those of the desktop site.
        hourly_minimum: Lowest number of views that a title needs within an hour for these views to count.
    """

    sites: ViewedSites = "all"
    hourly_minimum: int = 1


@dataclass(frozen=True)
class PageViewOptions:
    """Which views count. The preset of a language decides what isn't given."""

    titles_sites: ViewedSites | None = option(
        None, "sites of a Wikipedia whose page views count (default: all; with metaclip1 desktop)"
    )
    titles_min_hourly_views: int | None = option(
        None,
        "count a title's views of an hour only if there are at least this many (default: 1; with metaclip1 50)",
        metavar="N",
    )

    def __post_init__(self) -> None:
        if self.titles_min_hourly_views is not None:
            check_range("titles_min_hourly_views", self.titles_min_hourly_views, 1)

    def rule(self, preset: Preset) -> ViewRule:
        """Returns the rule of a language: the given options, and the preset's values for the rest.

        Args:
            preset: Preset of the language.
        """
        # MetaCLIP 1, "Demystifying CLIP Data", counts English titles of hours with 50 views or more.
        of_preset = ViewRule("desktop", 50) if preset == "metaclip1" else ViewRule()
        return ViewRule(self.titles_sites or of_preset.sites, self.titles_min_hourly_views or of_preset.hourly_minimum)
