"""The options of `explain`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import option

_UID = re.compile("[0-9a-fA-F]{1,32}")


@dataclass(frozen=True)
class ExplainOptions:
    """The pair or text that is explained, and where files are that the run folder doesn't hold."""

    uid: str = option(
        "",
        "uid of a pair, 32 hex digits, or as many of its first digits as no other pair has",
        metavar="UID",
        changes_output=False,
    )
    url: str = option(
        "", "URL of an image: explains all its pairs, or with --text that pair", metavar="URL", changes_output=False
    )
    text: str = option(
        "",
        "caption: explains the pairs that have it or, if no pair has it, what the run would do with it",
        metavar="TEXT",
        changes_output=False,
    )
    source_id: str = option(
        "", "id that a pool has of a pair: explains all pairs with it", metavar="ID", changes_output=False
    )
    metadata: str = option(
        "", "metadata folder (default: the folder that the run used)", metavar="PATH", changes_output=False
    )
    language_table: str = option(
        "",
        "CSV from language-ID labels to metadata languages that the run used (default: the one in the package)",
        metavar="PATH",
        changes_output=False,
    )
    lid_model: str = option(
        "",
        "fastText language-ID model that the run used (default: lid.176.ftz of an installed package)",
        metavar="PATH",
        changes_output=False,
    )

    def __post_init__(self) -> None:
        given = [bool(each) for each in (self.uid, self.source_id, self.url or self.text)]
        if given.count(True) != 1:
            raise UserError("give --uid, --url, --text, --source-id, or --url and --text together")
        if self.uid and not _UID.fullmatch(self.uid):
            raise UserError(f"--uid {self.uid} isn't a uid or the beginning of one: a uid has 32 hex digits")
