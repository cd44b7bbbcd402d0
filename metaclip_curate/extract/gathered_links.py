"""The links of a few hundred pages, gathered so that one call processes all of them at once."""

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
    """Links of several pages. All lists have the same length.

    Attributes:
        links: Links, each once for each page.
        times: Number of times that each link occurs on its page.
        bases: Base of each link's page.
        longest_base: Largest number of characters of a base and its page's URL together.
    """

    links: list[ImageLink] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    bases: list[DocumentBase] = field(default_factory=list)
    longest_base: int = 0
    _counted: Counter[ImageLink] = field(default_factory=Counter)  # of one page, reused in half a new one's time

    def add(self, base: DocumentBase, links: Iterable[ImageLink]) -> None:
        """Adds a page's links.

        Args:
            base: The page's base.
            links: The page's links. A third of them repeat, so each distinct one is processed once.
        """
        counted = self._counted
        counted.clear()
        counted.update(links)
        self.links += counted
        self.times += counted.values()
        self.bases += repeat(base, len(counted))
        self.longest_base = max(self.longest_base, len(base.href) + len(base.page_url))

    def take(self, stats: InputStats, most_characters: int) -> Iterator[PairColumns]:
        """Converts all links to rows and forgets them.

        Args:
            stats: Texts and dropped links are counted here.
            most_characters: Upper bound of the characters of all bases and page URLs that are processed together,
                since a long base turns many short URLs into long ones.

        Yields:
            Rows.
        """
        step = max(1, most_characters // (self.longest_base + 1))
        links, times, bases = self.links, self.times, self.bases
        self.links, self.times, self.bases, self.longest_base = [], [], [], 0
        for start in range(0, len(links), step):
            some = slice(start, start + step)
            yield _rows(links[some], times[some], bases[some], stats)


def _rows(links: list[ImageLink], times: list[int], bases: list[DocumentBase], stats: InputStats) -> PairColumns:
    texts, sources, indices = texts_of_links(links)
    urls, dropped = resolve_urls([links[index].url for index in indices], [bases[index] for index in indices])
    # A link that occurs several times on its page is counted as often.
    numbers, link_of_row = np.array(times), np.array(indices, np.int64)
    row_numbers = numbers[link_of_row]
    firsts = np.diff(link_of_row, prepend=-1) > 0  # a link's first text
    stats.dropped_no_text += int(numbers.sum() - row_numbers[firsts].sum())
    stats.texts += int(row_numbers.sum())
    for row, reason in dropped.items():
        stats.texts -= times[indices[row]]
        if firsts[row]:
            stats.count_drops(reason, times[indices[row]])
    return PairColumns(urls, texts, sources, [bases[index].page_url for index in indices], dropped)
