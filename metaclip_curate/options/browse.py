"""The options of `browse`."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.options.fields import check_range, option


@dataclass(frozen=True)
class BrowseOptions:
    """Which pairs are shown."""

    language: str = option(
        "", "metadata language of the pairs (default: any language)", metavar="LANG", changes_output=False
    )
    entry: str = option(
        "",
        "show only texts that contain this entry of --language (default: any text)",
        metavar="TEXT",
        changes_output=False,
    )
    number: int = option(20, "number of pairs", metavar="N", changes_output=False)
    dropped: bool = option(
        False, "show pairs that matched and weren't kept (default: pairs of the manifest)", changes_output=False
    )
    seed: int = option(
        0,
        "seed of the random choice, from 0 to 2^64 - 1; another seed shows other pairs",
        metavar="N",
        changes_output=False,
    )

    def __post_init__(self) -> None:
        if self.entry and not self.language:
            raise UserError(f"--entry {self.entry} needs --language: name the metadata language whose entry it is")
        check_range("number", self.number, 1)
        DrawOptions(self.seed)  # checks the seed
