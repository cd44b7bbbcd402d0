"""The options of the stage match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metaclip_curate.options.fields import check_range, option

EntrySpacing = Literal["metaclip2", "metaclip1", "symmetric", "kana"]
Normalization = Literal["nfc", "none"]
# Each pass reads all pairs again, and its number has five digits in the names of parts.
_MOST_PASSES = 10_000


@dataclass(frozen=True)
class MatchOptions:
    """Which entries are searched for in the texts, and how."""

    metadata: str = option(
        "",
        "metadata folder with a list for each language, LANG.json or LANG.txt[.zst]",
        metavar="PATH",
        required=True,
        changes_output=False,
    )
    language_table: str = option(
        "",
        "CSV from language-ID labels to metadata languages (default: the one in the package)",
        metavar="PATH",
        changes_output=False,
    )
    languages: tuple[str, ...] = option((), "use only these metadata languages (default: all)", metavar="LANG")
    entry_spacing: EntrySpacing = option(
        "metaclip2",
        "how entries are padded with spaces before the search; symmetric also finds entries with marks, such as "
        "St. Louis, and kana also finds Japanese words inside a sentence",
    )
    normalize: Normalization = option(
        "nfc",
        "how texts and entries are compared: in Unicode NFC, with one kind of space and without invisible characters; "
        "or none, as they are",
        older="none",
    )
    dedup_passes: int = option(
        1,
        "number of passes of deduplication; each needs that part of the shuffle disk",
        metavar="N",
        changes_output=False,
    )
    pairs_per_task: int = option(500_000, "number of pairs in a matching task", metavar="N", changes_output=False)

    def __post_init__(self) -> None:
        check_range("dedup_passes", self.dedup_passes, 1, _MOST_PASSES)
        check_range("pairs_per_task", self.pairs_per_task, 1)
