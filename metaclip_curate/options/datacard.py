"""The options of `datacard`."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.options.fields import option


@dataclass(frozen=True)
class DatacardOptions:
    """How the README describes the data set."""

    name: str = option(
        "", "name of the data set (default: name of the run folder)", metavar="NAME", changes_output=False
    )
