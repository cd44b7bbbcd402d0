"""The links of a few hundred pages, gathered so that one call processes all of them at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import repeat
from typing import NamedTuple

import numpy as np

from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.links import ImageLink, texts_of_links
from metaclip_curate.extract.pair_columns import PairColumns
from metaclip_curate.extract.urls import DocumentBase, resolve_urls


class LinkedPage(NamedTuple):
    """A page that has links.

    Attributes:
        base: The page's base.
        language: The language that it declares, as the table `pairs` has it; empty if it declares none.
        license: URL of the licence that it declares; empty if it declares none.
    """

    base: DocumentBase
    language: str = ""
    license: str = ""


@dataclass
class GatheredLinks:
    """Links of several pages. The lists of links have the same length.

    Attributes:
        links: Links, each once for each page, in the order of the pages.
        times: Number of times that each link occurs on its page.
        page_of_link: Index of each link's page.
        pages: What is known of each page.
        longest_base: Largest number of characters of a base and its page's URL together.
    """

    links: list[ImageLink] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    page_of_link: list[int] = field(default_factory=list)
    pages: list[LinkedPage] = field(default_factory=list)
    longest_base: int = 0
    _counted: Counter[ImageLink] = field(default_factory=Counter)  # of one page, reused in half a new one's time

    def add(self, page: LinkedPage, links: Iterable[ImageLink]) -> None:
        """Adds a page's links.

        Args:
            page: The page.
            links: The page's links. A third of them repeat, so each distinct one is processed once.
        """
        counted = self._counted
        counted.clear()
        counted.update(links)
        self.links += counted
        self.times += counted.values()
        self.page_of_link += repeat(len(self.pages), len(counted))
        self.pages.append(page)
        self.longest_base = max(self.longest_base, len(page.base.href) + len(page.base.page_url))

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
        links, times, page_of_link, pages = self.links, self.times, self.page_of_link, self.pages
        self.links, self.times, self.page_of_link, self.pages, self.longest_base = [], [], [], [], 0
        for start in range(0, len(links), step):
            some = slice(start, start + step)
            first, last = page_of_link[start], page_of_link[some][-1]
            of_links = [index - first for index in page_of_link[some]]
            yield _rows(links[some], times[some], of_links, pages[first : last + 1], stats)


def _rows(
    links: list[ImageLink], times: list[int], page_of_link: list[int], pages: list[LinkedPage], stats: InputStats
) -> PairColumns:
    texts, sources, indices = texts_of_links(links)
    link_of_row = np.array(indices, np.int64)
    page_of_row = np.array(page_of_link, np.int64)[link_of_row]
    bases = [page.base for page in pages]
    urls, dropped = resolve_urls(
        [links[index].url for index in indices], [bases[index] for index in page_of_row.tolist()]
    )
    # A link that occurs several times on its page is counted as often.
    numbers = np.array(times)
    row_numbers = numbers[link_of_row]
    firsts = np.diff(link_of_row, prepend=-1) > 0  # a link's first text
    stats.dropped_no_text += int(numbers.sum() - row_numbers[firsts].sum())
    stats.texts += int(row_numbers.sum())
    for row, reason in dropped.items():
        stats.texts -= times[indices[row]]
        if firsts[row]:
            stats.count_drops(reason, times[indices[row]])
    page_urls = [base.page_url for base in bases]
    languages, licenses = [page.language for page in pages], [page.license for page in pages]
    return PairColumns(urls, texts, sources, page_of_row, page_urls, languages, licenses, dropped)
