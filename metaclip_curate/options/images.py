"""The options of `images`."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import check_range, option


@dataclass(frozen=True)
class FingerprintOptions:
    """Which downloaded images are fingerprinted, and where the fingerprints are written."""

    downloaded: str = option("", "folder that img2dataset wrote", metavar="PATH", required=True, changes_output=False)
    output: str = option(
        "", "folder for the fingerprints (default: _fingerprints in --downloaded)", metavar="PATH", changes_output=False
    )
    processes: int = option(
        0, "number of processes, each with a shard at a time; 0: one for each core", metavar="N", changes_output=False
    )

    def __post_init__(self) -> None:
        if not self.downloaded:
            raise UserError("--downloaded is missing: name the folder that img2dataset wrote")
        check_range("processes", self.processes, 0, 4096)
