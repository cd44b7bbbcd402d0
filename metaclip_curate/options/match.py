"""The options of the stage match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metaclip_curate.options.fields import check_range, option

EntrySpacing = Literal["metaclip2", "metaclip1", "symmetric"]
# Each pass reads all pairs again, and its number has five digits in the names of parts.
_MOST_PASSES = 10_000


@dataclass(frozen=True)
class MatchOptions:
    """From pairs to matched pairs."""

    metadata: str = option("", "the metadata folder: <lang>.json or <lang>.txt[.zst]", changes_output=False)
    language_table: str = option(
        "", "a CSV from labels to metadata languages (default: the one that ships)", changes_output=False
    )
    languages: tuple[str, ...] = option((), "only these metadata languages, with commas between (default: all)")
    entry_spacing: EntrySpacing = option("metaclip2", "how entries are spaced before they are searched")
    dedup_passes: int = option(
        1, "deduplicate in this many passes, each with its share of shuffle disk", changes_output=False
    )
    pairs_per_task: int = option(500_000, "pairs that one matching task takes", changes_output=False)

    def __post_init__(self) -> None:
        check_range("dedup_passes", self.dedup_passes, 1, _MOST_PASSES)
        check_range("pairs_per_task", self.pairs_per_task, 1)
