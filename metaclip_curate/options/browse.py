"""The options of `browse`."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.options.fields import check_range, option


@dataclass(frozen=True)
class BrowseOptions:
    """Pairs to look at."""

    language: str = option("", "the metadata language", changes_output=False)
    entry: str = option("", "only texts that contain this entry (default: any)", changes_output=False)
    number: int = option(20, "how many pairs", changes_output=False)
    dropped: bool = option(
        False, "pairs that were matched and not kept (default: those of the manifest)", changes_output=False
    )
    seed: int = option(0, "another seed shows other pairs", changes_output=False)

    def __post_init__(self) -> None:
        if not self.language:
            raise UserError("--language is missing: name a metadata language of the run")
        check_range("number", self.number, 1)
        DrawOptions(self.seed)  # checks it
