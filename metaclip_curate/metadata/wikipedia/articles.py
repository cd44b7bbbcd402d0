"""The plain texts of the articles that begin in a split of a file, and statistics of all its pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from metaclip_curate.metadata.wikipedia.cleaner import Cleaner
from metaclip_curate.metadata.wikipedia.container import Piece, read_pieces
from metaclip_curate.metadata.wikipedia.json_line import PlainArticle, read_line
from metaclip_curate.metadata.wikipedia.page import Article, read_page
from metaclip_curate.metadata.wikipedia.records import read_lines, read_pages
from metaclip_curate.metadata.wikipedia.siteinfo import ENGLISH_HIDDEN
from metaclip_curate.metadata.wikipedia.splits import FileSplit
from metaclip_curate.metadata.wikipedia.stats import PageStats
from metaclip_curate.storage import StorageOptions


@dataclass(frozen=True)
class PageLimits:
    """Limits of a page.

    Attributes:
        max_bytes: Largest size of a page in the unpacked file, bytes.
        seconds: Longest processor time for its markup, seconds.
    """

    max_bytes: int = 4 << 20
    seconds: float = 20.0


def read_texts(
    split: FileSplit,
    limits: PageLimits,
    storage: StorageOptions,
    stats: PageStats,
    hidden: frozenset[str] = ENGLISH_HIDDEN,
) -> Iterator[str]:
    """Reads the texts of a split.

    Args:
        split: The split, of a file that isn't Parquet.
        limits: Limits of a page.
        storage: Credentials and limits for reading the file.
        stats: Statistics to which each page is added.
        hidden: Namespaces in lower case, links to which aren't text.

    Yields:
        Plain texts, in which U+FFFC marks content that was left out (see `wikitext`).

    Raises:
        InputError: The file can't be read.
    """
    pieces = read_pieces(split, storage)
    if split.source.form == "json":
        yield from _line_texts(pieces, split, limits, stats)
        return
    for record in read_pages(pieces, limits.max_bytes):
        if record == "damaged":
            stats.damaged_parts += 1
            continue
        page = record if isinstance(record, str) else read_page(record)
        if not isinstance(page, Article):
            stats.count(page)
            continue
        text, fate = _cleaner(hidden, limits.seconds).clean(page.wikitext)
        stats.count(fate)
        if fate == "used":
            yield text


def _line_texts(pieces: Iterable[Piece], split: FileSplit, limits: PageLimits, stats: PageStats) -> Iterator[str]:
    for record in read_lines(pieces, limits.max_bytes, is_first=split.start == 0):
        if record == "damaged":
            stats.damaged_parts += 1
            continue
        page = record if isinstance(record, str) else read_line(record)
        if isinstance(page, PlainArticle):
            stats.count("used")
            yield page.text
        elif page is not None:
            stats.count(page)


@lru_cache(maxsize=1)
def _cleaner(hidden: frozenset[str], seconds: float) -> Cleaner:
    """Returns the cleaner of this worker, which all its tasks use, one at a time."""
    return Cleaner(hidden, seconds)
