"""The options of `fates`."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.options.fields import option


@dataclass(frozen=True)
class FatesOptions:
    """What is written about each pair, and where."""

    output: str = option(
        "", "new folder for the table (default: only the numbers are printed)", metavar="PATH", changes_output=False
    )
    entries: bool = option(False, "add the column entries, the entry ids as strings", changes_output=False)
    language_table: str = option(
        "",
        "CSV from language-ID labels to metadata languages that the run used (default: the one in the package)",
        metavar="PATH",
        changes_output=False,
    )
