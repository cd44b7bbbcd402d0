"""The plain texts of the articles that begin in a range of a file, and an account of all pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from metaclip_curate.metadata.wikipedia.cleaner import Cleaner
from metaclip_curate.metadata.wikipedia.container import Piece, read_pieces
from metaclip_curate.metadata.wikipedia.json_line import PlainArticle, read_line
from metaclip_curate.metadata.wikipedia.page import Article, read_page
from metaclip_curate.metadata.wikipedia.ranges import ByteRange
from metaclip_curate.metadata.wikipedia.records import read_lines, read_pages
from metaclip_curate.metadata.wikipedia.siteinfo import ENGLISH_HIDDEN
from metaclip_curate.metadata.wikipedia.stats import PageAccount
from metaclip_curate.storage import StorageOptions


@dataclass(frozen=True)
class PageLimits:
    """What a page may be.

    Attributes:
        max_bytes: Bytes of a page as it stands in the file, unpacked.
        seconds: Processor seconds that its markup may take.
    """

    max_bytes: int = 4 << 20
    seconds: float = 20.0


def read_texts(
    part: ByteRange,
    limits: PageLimits,
    storage: StorageOptions,
    account: PageAccount,
    hidden: frozenset[str] = ENGLISH_HIDDEN,
) -> Iterator[str]:
    """Reads the texts of a range.

    Args:
        part: The range, of a file that isn't Parquet.
        limits: What a page may be.
        storage: How to reach the file.
        account: Is told what becomes of each page.
        hidden: Namespaces, in small letters, links to which are no text.

    Yields:
        Plain texts; see `wikitext` for U+FFFC in them.

    Raises:
        InputError: The file can't be read.
    """
    pieces = read_pieces(part, storage)
    if part.source.form == "json":
        yield from _line_texts(pieces, part, limits, account)
        return
    for record in read_pages(pieces, limits.max_bytes):
        if record == "damaged":
            account.damaged_parts += 1
            continue
        page = record if isinstance(record, str) else read_page(record)
        if not isinstance(page, Article):
            account.count(page)
            continue
        text, fate = _cleaner(hidden, limits.seconds).clean(page.wikitext)
        account.count(fate)
        if fate == "used":
            yield text


def _line_texts(pieces: Iterable[Piece], part: ByteRange, limits: PageLimits, account: PageAccount) -> Iterator[str]:
    for record in read_lines(pieces, limits.max_bytes, is_first=part.start == 0):
        if record == "damaged":
            account.damaged_parts += 1
            continue
        page = record if isinstance(record, str) else read_line(record)
        if isinstance(page, PlainArticle):
            account.count("used")
            yield page.text
        elif page is not None:
            account.count(page)


@lru_cache(maxsize=1)
def _cleaner(hidden: frozenset[str], seconds: float) -> Cleaner:
    """One child for all the tasks of a worker, which has one at a time."""
    return Cleaner(hidden, seconds)
