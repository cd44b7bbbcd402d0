"""The options of the stage match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metaclip_curate.options.fields import option

EntrySpacing = Literal["metaclip2", "metaclip1", "symmetric", "kana"]
Normalization = Literal["nfc", "none"]


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
    )
