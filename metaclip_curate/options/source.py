"""The finished run that a command reads."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import option


@dataclass(frozen=True)
class SourceOptions:
    """The run that a command reads."""

    run: str = option(
        "", "folder of a finished run, which is only read", metavar="PATH", required=True, changes_output=False
    )

    def __post_init__(self) -> None:
        if not self.run:
            raise UserError("--run is missing: name the folder of a finished run")
