"""Statistics of the pages of a file: how many were used, or not, and why."""

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
class PageStats:
    """Numbers of pages (lines of JSON, rows of Parquet) of a file or a split, by outcome.

    Attributes:
        pages: All pages, the sum of `used` to `cut_off`.
        used: Articles whose text was counted.
        redirect: Redirects.
        other_namespace: Pages that aren't articles: discussions, templates, categories, help.
        other_content: Pages that aren't wikitext: JSON, CSS, Lua.
        no_text: Pages without a text, or with an empty one.
        too_long: Pages longer than the limit.
        timeout: Pages that took the wikitext parser longer than the limit.
        crashed: Pages that ended the parser's process, for example by the memory they took.
        broken_markup: Pages that the parser refused.
        broken_record: Pages that aren't XML or JSON of the expected form.
        cut_off: Pages that end with the file or at a damaged part.
        ends_early: 1 for a dump that lacks its end (see `splits.find_truncation`), which is checked before it is read.
        damaged_parts: Parts of the file that couldn't be read or unpacked; the number of their pages isn't known.
        tokens: Tokens in the used texts.
        plain_bytes: Size of the used texts in UTF-8, bytes.
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
        """Whether the whole file could be read."""
        return not (self.damaged_parts or self.cut_off or self.ends_early)


def total(parts: Iterable[PageStats]) -> PageStats:
    """Adds up the statistics of several parts."""
    result = PageStats()
    for part in parts:
        for item in dataclasses.fields(PageStats):
            setattr(result, item.name, getattr(result, item.name) + getattr(part, item.name))
    return result
