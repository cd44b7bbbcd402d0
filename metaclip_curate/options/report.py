"""Options of the report; their help texts are the command line."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.options.fields import option


@dataclass(frozen=True)
class ReportOptions:
    """Whether and of what a report is written."""

    no_report: bool = option(False, "end without report.html and figures/", changes_output=False)
    figure_languages: tuple[str, ...] = option(
        (), "languages whose curves are written to figures/ as well, with commas between", changes_output=False
    )
