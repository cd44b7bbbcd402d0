"""The options of the report."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.options.fields import option


@dataclass(frozen=True)
class ReportOptions:
    """Whether a report is written, and with which charts."""

    no_report: bool = option(False, "don't write report.html and figures/", changes_output=False)
    safe: bool = option(
        False, "show no texts of pairs that a screen rejected, not even on a click", changes_output=False
    )
    figure_languages: tuple[str, ...] = option(
        (), "languages whose curves are also written to figures/", metavar="LANG", changes_output=False
    )


@dataclass(frozen=True)
class ThumbnailOptions:
    """Pictures in the report."""

    thumbnails: str = option(
        "",
        "folder of the run's download, of which the report shows up to 200 small pictures, blurred until they are "
        "selected",
        metavar="DIR",
        changes_output=False,
    )
