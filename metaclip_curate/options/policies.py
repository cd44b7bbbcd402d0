"""The options of `policies build`."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import check_range, option

# RFC 9309 calls them user agents, robots.txt product tokens.
AGENTS = ("CCBot", "GPTBot", "Google-Extended", "img2dataset")


@dataclass(frozen=True)
class PoliciesOptions:
    """Whose robots.txt is read, for which agents, and where the hosts that forbid are written."""

    input: tuple[str, ...] = option(
        (),
        "WARCs with robots.txt and ai.txt, or cc-robots:CRAWL for a crawl's archive of them, cc-robots:CRAWL:N for its "
        "first N files",
        metavar="PATH",
        required=True,
        changes_output=False,
    )
    output: str = option("", "folder to write", metavar="PATH", required=True, changes_output=False)
    agents: tuple[str, ...] = option(
        AGENTS,
        "agents of which each may forbid for its host",
        metavar="NAME",
        changes_output=False,
    )
    processes: int = option(4, "number of files that are read at a time", metavar="N", changes_output=False)

    def __post_init__(self) -> None:
        check_range("processes", self.processes, 1)
        if not self.input:
            raise UserError("--input is missing: name WARCs with robots.txt, or cc-robots:CC-MAIN-2025-30")
        if not self.output:
            raise UserError("--output is missing: name the folder to write")
