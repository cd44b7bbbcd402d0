"""WARC framing that survives damage: bytes to records.

Common Crawl writes each record as a gzip member of its own. A damaged member costs its record and reading goes on at
the next one; a wrong Content-Length, line ends of LF only or rubbish between records cost nothing or one record. A
member may hold several records, and a record may go on in the next members. A record over the size limit (a gzip bomb,
say) is passed over without being held. WARC: ISO 28500.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from metaclip_curate.extract.file_kinds import LONGEST_START, kind_of
from metaclip_curate.extract.gzip_members import GZIP_MAGIC, read_members
from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.stored_bytes import Bytes, End, Piece, Readable, StoredBytes
from metaclip_curate.extract.zstd_frames import ZSTD_MAGIC, read_frames, starts_as_zstd

__all__ = ["Bytes", "Record", "read_records"]

_MAX_HEADER_BYTES = 1 << 16
_SEEN_AFTER_A_BLOCK = 64  # bytes
_HEADER_END = re.compile(rb"\n\r?\n")  # begins with one character, which re finds fastest
_HEADER_END_BYTES = 3
_RECORD_START = re.compile(rb"WARC/\d")
_RECORD_START_BYTES = len(b"WARC/1")
_RECORD_LINE = re.compile(rb"WARC/\d\.\d+\r?\n")
_FIRST_LINE = re.compile(rb"[\r\n \t\0]*WARC/\d\.\d+\r?\n")
_RECORD_END = b"\r\n\r\n"
_AFTER_A_BLOCK = re.compile(rb"\r\n\r\n(?=WARC/\d\.\d+\r\n)")
_BLANK = b"\r\n \t\0"
_BLANKS = re.compile(rb"[\r\n \t\0]*")
_HEADER_SPACE = " \t\r\n\v\f"
_FOLD = re.compile(r"\r?\n[ \t]+")
_TYPE = "warc-type"
_DAMAGED = (End.CUT, End.BROKEN, End.DAMAGE)


class Record(NamedTuple):
    """A WARC record: its header fields with names in lower case, WARC-Type's value too, and its block."""

    headers: dict[str, str]
    body: Bytes


def read_records(stream: Readable, stats: InputStats, max_record_bytes: int) -> Iterator[Record]:
    """Reads the records of a WARC or WAT file, packed by gzip or zstd or not at all.

    Args:
        stream: The file's bytes as stored.
        stats: `records`, `records_skipped` and damage are noted here.
        max_record_bytes: Records with a longer block are skipped.

    Yields:
        Every record that can be read, in the file's order.

    Raises:
        InputError: The stream raised it; all whole records before that have been yielded.
    """
    stored = StoredBytes(stream)
    yield from _Framing(stats, max_record_bytes).records(_unpacked(stored, stats))
    if stored.broken:
        raise stored.broken
    if not stored.bytes_read:
        stats.damaged("an empty file")


def _unpacked(stored: StoredBytes, stats: InputStats) -> Iterator[Piece]:
    """Unpacks a file by what it begins with; where that is damaged, by the first that is found of a packed file."""
    stored.fill(len(ZSTD_MAGIC))
    start = stored.buffer
    if starts_as_zstd(start):
        return read_frames(stored, stats)
    if start.startswith(GZIP_MAGIC[:2]):
        return read_members(stored, stats)
    if _RECORD_START.match(start, _end_of_blanks(start, 0)):
        return _plain(stored)
    if GZIP_MAGIC in start:
        return read_members(stored, stats)
    return read_frames(stored, stats) if ZSTD_MAGIC in start else _plain(stored)


def _plain(stored: StoredBytes) -> Iterator[Piece]:
    while not stored.ended:
        yield Piece(stored.take_all(), End.NOTHING)
        stored.more()
    yield Piece(stored.take_all(), End.BROKEN if stored.broken else End.FILE)


class _Framing:
    """Cuts the pieces of a file into records.

    Args:
        stats: What is counted in.
        max_record_bytes: Records with a longer block are skipped.
    """

    def __init__(self, stats: InputStats, max_record_bytes: int) -> None:
        self._stats = stats
        self._max_record_bytes = max_record_bytes
        self._pending: Bytes = b""
        self._at = 0  # where the next record starts: beyond what is pending where a record is passed over
        self._held: list[Bytes] = []  # what follows what is pending
        self._held_bytes = 0
        self._wanted = 0
        self._inside = False  # of a member, or of a file that isn't packed
        self._in_rubbish = False
        self._without_header_end = 0  # no header ends before this in what is pending

    def records(self, pieces: Iterator[Piece]) -> Iterator[Record]:
        """Cuts them all."""
        for piece in pieces:
            data, end = piece
            if end is End.MEMBER and not self._is_waiting():
                whole = _whole_record(data, self._max_record_bytes)
                if whole is not None:
                    self._stats.records += 1
                    self._in_rubbish = False
                    yield whole
                    continue
            for record in self._next_piece(data, end):
                self._stats.records += 1
                self._in_rubbish = False
                yield record
        for record in self._settle(End.FILE):
            self._stats.records += 1
            yield record

    def _is_waiting(self) -> bool:
        """Whether the last record may go on."""
        return self._inside or self._at != len(self._pending) or bool(self._held)

    def _next_piece(self, data: Bytes, end: End) -> Iterator[Record]:
        is_new = not self._inside
        if is_new and self._is_waiting() and (end in _DAMAGED or _FIRST_LINE.match(data)):
            yield from self._settle(end)
        self._inside = end is End.NOTHING
        if end in _DAMAGED:
            yield from self._take_damaged(data, end, is_new)
            return
        self._hold(data)
        if end is End.FILE or self._held_bytes >= self._wanted:
            yield from self._cut(end)

    def _settle(self, end: End) -> Iterator[Record]:
        """Takes the record that was waited for as far as it is there.

        Args:
            end: How the next piece ends. In a damaged one the record's block may have been.
        """
        if end is End.BROKEN:
            self._forget()
        for record in self._cut(End.FILE):
            if record.body or end not in _DAMAGED:
                yield record

    def _take_damaged(self, data: Bytes, end: End, is_new: bool) -> Iterator[Record]:
        """Takes the whole records of a piece at whose end something is wrong."""
        if is_new:
            begins = _RECORD_START.match(data, _end_of_blanks(data, 0)) is not None
            if begins:
                self._in_rubbish = False
            # The only record of a damaged member is what is damaged.
            if not begins or (end is End.DAMAGE and not _holds_several(data)):
                self._skip("", counted=end is not End.BROKEN)
                return
        self._hold(data)
        yield from self._cut(end)
        lost = self._at < len(self._pending)
        self._forget()
        if lost:
            self._skip("", counted=end is not End.BROKEN)

    def _hold(self, data: Bytes) -> None:
        self._held.append(data)
        self._held_bytes += len(data)

    def _forget(self) -> None:
        self._pending, self._at, self._wanted = b"", 0, 0
        self._held, self._held_bytes = [], 0

    def _cut(self, end: End) -> Iterator[Record]:
        """Takes the records of what is pending and held, as far as they are complete."""
        self._join()
        pending = self._pending
        if self._at:
            self._at = _end_of_long_block(pending, 0, self._at)
        while self._at < len(pending):
            self._at = _end_of_blanks(pending, self._at)
            framed = self._next_record(self._at, end) if self._at < len(pending) else None
            if framed is None:
                break
            record, self._at = framed
            if record is not None:
                yield record
        # Looked at again only when there is half as much more, a long record costs time in proportion to its length.
        self._wanted = (len(pending) - self._at) // 2
        if end is End.FILE:
            self._forget()

    def _join(self) -> None:
        if self._at < len(self._pending):
            self._held.insert(0, self._pending[self._at :])
            self._at = 0
        else:
            self._at -= len(self._pending)
        self._pending = self._held[0] if len(self._held) == 1 else b"".join(self._held)
        self._held, self._held_bytes = [], 0
        self._without_header_end = 0

    def _next_record(self, start: int, end: End) -> tuple[Record | None, int] | None:
        """Takes the record that starts at `start`.

        Args:
            start: Where in what is pending.
            end: What is pending ends with.

        Returns:
            The record (None where one is skipped) and where it ends, which may be beyond what is pending; or None where
            more bytes are needed.
        """
        pending = self._pending
        is_last = end is End.FILE
        if not _RECORD_START.match(pending, start):
            if not is_last and len(pending) - start < _RECORD_START_BYTES:
                return None
            kind = "" if self._stats.records else kind_of(pending[start : start + LONGEST_START])
            return self._skip_to_next(start, end, kind or "bytes that are no WARC record")
        last_header_byte = start + _MAX_HEADER_BYTES
        header_end = _HEADER_END.search(pending, max(start, self._without_header_end), last_header_byte)
        if header_end is None:
            if not is_last and len(pending) < last_header_byte:
                return None
            self._without_header_end = last_header_byte - _HEADER_END_BYTES
            return self._skip_to_next(start, end, "a record's header doesn't end")
        headers = _headers(pending[start : header_end.start()])
        return self._block(start, header_end.end(), headers, end)

    def _block(
        self, start: int, body_start: int, headers: dict[str, str], end: End
    ) -> tuple[Record | None, int] | None:
        """Takes the record of which the header is known; returns the same as `_next_record`."""
        pending = self._pending
        length = _content_length(headers)
        if length is not None and length > self._max_record_bytes:
            self._stats.records_skipped += 1
            self._stats.damaged(f"a record of {length} bytes is over the limit of {self._max_record_bytes}")
            self._in_rubbish = False
            return None, _end_of_long_block(pending, body_start, body_start + length)
        body_end = body_start + (length or 0)
        if length is not None and len(pending) < body_end + _SEEN_AFTER_A_BLOCK and end is End.NOTHING:
            return None
        if length is not None and _ends_well(pending, body_start, body_end):
            return Record(headers, pending[body_start:body_end]), body_end
        # The Content-Length is wrong or missing: the block goes on to the next record.
        following = _find_record(pending, body_start, len(pending))
        if following is None and self._may_go_on(body_start, length, end):
            return None
        if following is None and len(pending) < body_end:
            self._stats.damaged("a record is shorter than its Content-Length")
        body_end = len(pending) if following is None else following
        if body_end - body_start > self._max_record_bytes:
            return self._skip_to_next(start, end, "a record without end")
        return Record(headers, pending[body_start:body_end].rstrip(b"\r\n")), body_end

    def _may_go_on(self, body_start: int, length: int | None, end: End) -> bool:
        """Whether a block's end, which isn't found, may be beyond what is pending."""
        if end is End.NOTHING:
            return len(self._pending) - body_start <= self._max_record_bytes
        if end is End.MEMBER:
            return length is not None and len(self._pending) < body_start + length
        return end in _DAMAGED

    def _skip_to_next(self, start: int, end: End, reason: str) -> tuple[Record | None, int]:
        self._skip(reason)
        pending = self._pending
        following = _find_record(pending, start + 1, len(pending))
        if following is not None:
            return None, following
        # The next record's first line may begin at the end of what is here.
        begun = len(pending) - len(b"WARC/1.0\r\n") if end is End.NOTHING else len(pending)
        return None, max(start + 1, begun)

    def _skip(self, reason: str, counted: bool = True) -> None:
        """Notes bytes that are no record; all up to the next record are one."""
        if counted and not self._in_rubbish:
            self._stats.records_skipped += 1
        self._in_rubbish = True
        if reason:
            self._stats.damaged(reason)


def _whole_record(piece: Bytes, max_record_bytes: int) -> Record | None:
    """Takes the record that a piece is, and nothing besides, as nearly all gzip members of Common Crawl are.

    It is what `_Framing` would find, in half the time.
    """
    if not piece.endswith(_RECORD_END) or not _RECORD_START.match(piece):
        return None
    header_end = _HEADER_END.search(piece, 0, _MAX_HEADER_BYTES)
    if header_end is None:
        return None
    headers = _headers(piece[: header_end.start()])
    length = _content_length(headers)
    if length is None or length > max_record_bytes or header_end.end() + length + len(_RECORD_END) != len(piece):
        return None
    # The ends of a bytearray are cut off without a copy of what is between.
    body = bytearray(piece) if isinstance(piece, bytes) else piece
    del body[-len(_RECORD_END) :], body[: header_end.end()]
    return Record(headers, body)


def _holds_several(data: Bytes) -> bool:
    """Whether another record begins where the first one ends by its Content-Length."""
    start = _end_of_blanks(data, 0)
    header_end = _HEADER_END.search(data, start, start + _MAX_HEADER_BYTES)
    length = _content_length(_headers(data[start : header_end.start()])) if header_end else None
    if header_end is None or length is None:
        return False
    second = header_end.end() + length
    return second < len(data) and _FIRST_LINE.match(data, second) is not None


def _end_of_blanks(pending: Bytes, start: int) -> int:
    blanks = _BLANKS.match(pending, start)
    return blanks.end() if blanks else start


def _find_record(pending: Bytes, start: int, end: int) -> int | None:
    """Finds what looks like a record's first line; where bytes were lost, a line may begin with it."""
    found = pending.find(b"WARC/", start, end)
    while found >= 0:
        if _RECORD_LINE.match(pending, found, end):
            return found
        found = pending.find(b"WARC/", found + 5, end)
    return None


def _ends_well(pending: Bytes, body_start: int, body_end: int) -> bool:
    """Whether what follows a block is what has to."""
    if body_end > len(pending):
        return False
    after = pending[body_end : body_end + _SEEN_AFTER_A_BLOCK].lstrip(_BLANK)
    if not after or b"WARC/".startswith(after[:5]):
        return True
    # Rubbish may follow a record. Or the block runs over the next record's beginning, whose header ends here.
    return pending.startswith(_RECORD_END, body_end) and _find_record(pending, body_start, body_end) is None


def _end_of_long_block(pending: Bytes, start: int, end: int) -> int:
    """Finds where a block ends that is passed over: at the next record, since a length beyond the limit may be wrong.

    A next record whose first line lies across two pieces isn't found, and then the one after it is.
    """
    following = _AFTER_A_BLOCK.search(pending, start, end)
    return following.end() if following else end


def _headers(block: Bytes) -> dict[str, str]:
    text = block.decode("utf-8", "replace")
    if "\n " in text or "\n\t" in text:
        text = _FOLD.sub(" ", text)
    headers: dict[str, str] = {}
    for line in text.split("\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[_field_name(name)] = value.strip(_HEADER_SPACE)
    if _TYPE in headers:
        headers[_TYPE] = headers[_TYPE].lower()
    return headers


@lru_cache(maxsize=1 << 8)
def _field_name(raw: str) -> str:
    """A header's name in lower case; a file has few, and they are looked up in less time than made."""
    return raw.strip(_HEADER_SPACE).lower()


def _content_length(headers: dict[str, str]) -> int | None:
    value = headers.get("content-length", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None
