"""What became of every page of a file."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Fate = Literal[
    "used",
    "redirect",
    "other_namespace",
    "other_content",
    "no_text",
    "too_long",
    "timeout",
    "crashed",
    "broken_markup",
    "broken_record",
    "cut_off",
]


@dataclass
class PageAccount:
    """Pages (lines of JSON, rows of Parquet) of a file or a part of it, by what became of them.

    Attributes:
        pages: All of them: the sum of those below, from `used` to `cut_off`.
        used: Articles whose text was counted.
        redirect: Redirects.
        other_namespace: Pages that aren't articles: discussions, templates, categories, help.
        other_content: Pages that aren't wikitext: JSON, CSS, Lua.
        no_text: Without a text, or with an empty one.
        too_long: Longer than the limit.
        timeout: Took the wikitext parser longer than the limit.
        crashed: Ended the parser's process, by the memory they took for example.
        broken_markup: The parser refused them.
        broken_record: No XML or JSON of the form expected.
        cut_off: Begun, and ended by the file's end or by a damaged part.
        ends_early: 1 for a dump that lacks its end (see `ranges.end_fault`), which is seen before it is read.
        damaged_parts: Parts of the file that couldn't be read or unpacked; how many pages they held isn't known.
        tokens: Tokens of the texts used.
        plain_bytes: Bytes of plain text of the texts used, UTF-8.
    """

    pages: int = 0
    used: int = 0
    redirect: int = 0
    other_namespace: int = 0
    other_content: int = 0
    no_text: int = 0
    too_long: int = 0
    timeout: int = 0
    crashed: int = 0
    broken_markup: int = 0
    broken_record: int = 0
    cut_off: int = 0
    ends_early: int = 0
    damaged_parts: int = 0
    tokens: int = 0
    plain_bytes: int = 0

    def count(self, fate: Fate) -> None:
        """Adds a page."""
        self.pages += 1
        setattr(self, fate, getattr(self, fate) + 1)

    @property
    def is_whole(self) -> bool:
        """Whether all of the file could be read."""
        return not (self.damaged_parts or self.cut_off or self.ends_early)


def total(accounts: Iterable[PageAccount]) -> PageAccount:
    """Adds accounts up."""
    result = PageAccount()
    for account in accounts:
        for item in dataclasses.fields(PageAccount):
            setattr(result, item.name, getattr(result, item.name) + getattr(account, item.name))
    return result
