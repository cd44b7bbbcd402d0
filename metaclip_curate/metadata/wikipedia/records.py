"""The records that begin in a split: pages of XML, lines of JSON.

A record belongs to the split that has its first byte. Each record is therefore found exactly once, however a file is
split, even in the middle of a tag: the split before reads on until its last record ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from metaclip_curate.metadata.wikipedia.container import Piece

# Neither occurs inside of a page, since MediaWiki writes < as &lt; in texts and titles.
PAGE_BEGIN, PAGE_END = b"<page>", b"</page>"
LINE_BREAK = b"\n"

Lost = Literal["too_long", "cut_off", "damaged"]


def read_pages(pieces: Iterable[Piece], longest: int) -> Iterator[bytes | Lost]:
    """Yields the pages of a dump, `<page>...</page>`, that begin in a split, or the reason why a page is lost.

    Args:
        pieces: The bytes of the split and those after it.
        longest: Largest size of a page, bytes; larger pages are lost.
    """
    for record in _Reader(pieces, PAGE_BEGIN, PAGE_END, longest).records():
        yield record if isinstance(record, str) else record + PAGE_END


def read_lines(pieces: Iterable[Piece], longest: int, is_first: bool) -> Iterator[bytes | Lost]:
    """Yields the lines that begin in a split, without their line breaks, or the reason why a line is lost.

    Args:
        pieces: The bytes of the split and those after it.
        longest: Largest size of a line, bytes; longer lines are lost.
        is_first: Whether the split is the first of the file.
    """
    if is_first:  # a line begins with the line break before it, so the first line needs one
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
        self._own = 0  # number of bytes at the start of those in memory that belong to the split
        self._piece_is_own = True  # of the last piece
        self._damages = 0  # damaged parts of the split since the last record

    def records(self) -> Iterator[bytes | Lost]:
        """Yields each record from its begin mark to before its end mark."""
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
        """Moves to the next record that begins in the split; False if there is none."""
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
            # Of a record that is too long only the end is searched; its bytes aren\'t kept.
            if too_long or len(self._data) - len(self._end) >= self._longest:
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
        """Appends another piece; False at the end. A damaged piece drops the bytes before it, as no record spans it."""
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
