"""The links of a few hundred pages, gathered until they are rows.

What can be done for all of them at once, a call for many instead of one for each, is done when they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np

from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.links import ImageLink, texts_of_links
from metaclip_curate.extract.pair_columns import PairColumns
from metaclip_curate.extract.urls import DocumentBase, resolve_urls


@dataclass
class GatheredLinks:
    """Links by page; all lists have the same length.

    Attributes:
        links: The links, each once a page.
        times: How often each stands on its page.
        bases: The base of its page.
        longest_base: Characters of the longest base and its page's address together.
    """

    links: list[ImageLink] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    bases: list[DocumentBase] = field(default_factory=list)
    longest_base: int = 0
    _counted: Counter[ImageLink] = field(default_factory=Counter)  # of one page; costs half of what a new one does

    def add(self, base: DocumentBase, links: Iterable[ImageLink]) -> None:
        """Adds a page's links.

        Args:
            base: The page's base.
            links: Its links. A third of them repeat: each different one is looked at once.
        """
        counted = self._counted
        counted.clear()
        counted.update(links)
        self.links += counted
        self.times += counted.values()
        self.bases += repeat(base, len(counted))
        self.longest_base = max(self.longest_base, len(base.href) + len(base.page_url))

    def take(self, stats: InputStats, most_characters: int) -> Iterator[PairColumns]:
        """Makes rows of all links and forgets them.

        Args:
            stats: What is dropped is counted there, and the texts.
            most_characters: Links are taken so many at a time that their pages' addresses and bases don't sum up to
                more: a long base makes many long URLs of short ones.

        Yields:
            The rows.
        """
        step = max(1, most_characters // (self.longest_base + 1))
        links, times, bases = self.links, self.times, self.bases
        self.links, self.times, self.bases, self.longest_base = [], [], [], 0
        for start in range(0, len(links), step):
            some = slice(start, start + step)
            yield _rows(links[some], times[some], bases[some], stats)


def _rows(links: list[ImageLink], times: list[int], bases: list[DocumentBase], stats: InputStats) -> PairColumns:
    texts, sources, places = texts_of_links(links)
    urls, dropped = resolve_urls([links[place].url for place in places], [bases[place] for place in places])
    # A link that stands on its page several times counts as often.
    numbers, link_of_row = np.array(times), np.array(places, np.int64)
    row_numbers = numbers[link_of_row]
    firsts = np.diff(link_of_row, prepend=-1) > 0  # a link's first text
    stats.dropped_no_text += int(numbers.sum() - row_numbers[firsts].sum())
    stats.texts += int(row_numbers.sum())
    for row, reason in dropped.items():
        stats.texts -= times[places[row]]
        if firsts[row]:
            stats.count_drops(reason, times[places[row]])
    return PairColumns(urls, texts, sources, [bases[place].page_url for place in places], dropped)
