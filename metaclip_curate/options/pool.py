"""The options about pools: tables and shards of image-text pairs that exist already."""

from __future__ import annotations

import re
from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import option

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class PoolOptions:
    """Which columns of a pool are read."""

    url_column: str = option(
        "", "column with the images' URLs (default: the first of url, URL, image_url)", metavar="NAME"
    )
    text_column: tuple[str, ...] = option(
        (),
        "column with the texts, or lists of them; of several columns each text is a pair (default: the first of text, "
        "TEXT, caption, alt_text, top_caption, and of a tar the .txt files)",
        metavar="NAME",
    )
    id_column: str = option(
        "", "column with the pool's own id of a pair, which becomes the column source_id", metavar="NAME"
    )
    keep_columns: tuple[str, ...] = option((), "columns that all later tables keep", metavar="NAME")
    no_url: str = option(
        "", "name of a pool without URLs: a pair without one gets urn:pool:NAME: and its id or its file", metavar="NAME"
    )
    page_url_column: str = option("", "column with the URLs of the images' pages", metavar="NAME")
    page_lang_column: str = option("", "column with the languages that the pages declare", metavar="NAME")
    license_column: str = option("", "column with the URLs of licences", metavar="NAME")

    def __post_init__(self) -> None:
        if self.no_url and not _NAME.fullmatch(self.no_url):
            raise UserError(
                f"--no-url takes a name of letters, digits, dots, dashes and underscores, not {self.no_url!r}"
            )
        if isinstance(self.keep_columns, str):
            raise UserError(f"--keep-columns must be a list of strings, not {self.keep_columns!r}")
        for name in self.keep_columns:
            if not _COLUMN.fullmatch(name):
                raise UserError(f"--keep-columns takes names of letters, digits and underscores, not {name!r}")
        lower = [name.lower() for name in self.keep_columns]
        twice = next((name for name in lower if lower.count(name) > 1), "")
        if twice:
            raise UserError(f"--keep-columns names {twice} more than once, and tables don't distinguish upper case")
