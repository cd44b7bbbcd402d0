"""The records that begin in a range: pages of XML, lines of JSON.

A record belongs to the range in whose bytes the first byte of its beginning lies. So each is found exactly once,
however a file is cut, be it in the middle of a tag: the range before reads on until its last record ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from metaclip_curate.metadata.wikipedia.container import Piece

# Neither occurs inside a page: MediaWiki writes < as &lt; in texts and titles.
PAGE_BEGIN, PAGE_END = b"<page>", b"</page>"
LINE_BREAK = b"\n"

Lost = Literal["too_long", "cut_off", "damaged"]


def read_pages(pieces: Iterable[Piece], longest: int) -> Iterator[bytes | Lost]:
    """Yields the pages of a dump, `<page>...</page>`, that begin in own bytes, or why one is lost.

    Args:
        pieces: The bytes of a range and those after it.
        longest: Pages of more bytes are lost.
    """
    for record in _Reader(pieces, PAGE_BEGIN, PAGE_END, longest).records():
        yield record if isinstance(record, str) else record + PAGE_END


def read_lines(pieces: Iterable[Piece], longest: int, is_first: bool) -> Iterator[bytes | Lost]:
    """Yields the lines, without their line breaks, that begin in own bytes, or why one is lost.

    Args:
        pieces: The bytes of a range and those after it.
        longest: Lines of more bytes are lost.
        is_first: Whether the range begins the file.
    """
    if is_first:  # a line begins with the line break before it, so that the first needs one
        pieces = _chain(Piece(LINE_BREAK, is_own=True), pieces)
    for record in _Reader(pieces, LINE_BREAK, LINE_BREAK, longest, ends_with_file=True).records():
        if isinstance(record, str):
            yield record
        elif len(record) > 1:
            yield record[1:]


def _chain(first: Piece, rest: Iterable[Piece]) -> Iterator[Piece]:
    yield first
    yield from rest


class _Reader:
    """The records of a sequence of pieces."""

    def __init__(
        self, pieces: Iterable[Piece], begin: bytes, end: bytes, longest: int, ends_with_file: bool = False
    ) -> None:
        self._pieces = iter(pieces)
        self._begin, self._end, self._longest = begin, end, longest
        self._ends_with_file = ends_with_file
        self._data = b""
        self._own = 0  # of the bytes in memory the first ones, as many as these, are the range's own
        self._piece_is_own = True  # the last piece's
        self._damages = 0  # that were met since the last record and belong to the range

    def records(self) -> Iterator[bytes | Lost]:
        """Yields each record from its beginning to before its end."""
        while self._find_begin():
            record = self._read_record()
            yield from self._damage()
            yield record
        yield from self._damage()

    def _damage(self) -> Iterator[Lost]:
        for _ in range(self._damages):
            yield "damaged"
        self._damages = 0

    def _find_begin(self) -> bool:
        """Moves to the next beginning that is the range's own; False when there is none."""
        searched = 0
        while True:
            at = self._data.find(self._begin, searched)
            if at >= 0:
                self._drop(at)
                return self._own > 0
            self._drop(max(0, len(self._data) - len(self._begin) + 1))
            if not self._more() or not (self._own or self._piece_is_own):
                return False

    def _read_record(self) -> bytes | Lost:
        searched, too_long = len(self._begin), False
        while True:
            at = self._data.find(self._end, searched)
            if at >= 0:
                record = self._data[:at]
                self._drop(at)
                return "too_long" if too_long or at > self._longest else record
            searched = max(len(self._begin), len(self._data) - len(self._end) + 1)
            if (
                too_long or len(self._data) - len(self._end) >= self._longest
            ):  # its end is looked for, its bytes aren't kept
                self._drop(len(self._data) - len(self._end) + 1)
                searched, too_long = 0, True
            if not self._more():
                record, self._data = self._data, b""
                if too_long:
                    return "too_long"
                return record if self._ends_with_file else "cut_off"
            if not self._data:
                return "cut_off"

    def _more(self) -> bool:
        """Takes another piece; False at the end. What stands before damage doesn't go on after it: it is dropped."""
        piece = next(self._pieces, None)
        if piece is None:
            return False
        self._piece_is_own = piece.is_own
        if piece.data is None:
            self._damages += piece.is_own
            self._data, self._own = b"", 0
            return True
        if piece.is_own:
            self._own = len(self._data) + len(piece.data)
        self._data += piece.data
        return True

    def _drop(self, count: int) -> None:
        if count > 0:
            self._data, self._own = self._data[count:], max(0, self._own - count)
