"""Cuts the decompressed pieces of a file into WARC records, as far as damage allows."""

from __future__ import annotations

from collections.abc import Iterator

from metaclip_curate.extract.file_kinds import LONGEST_START, file_kind
from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.record import (
    BYTES_AFTER_A_BLOCK,
    FIRST_LINE_BYTES,
    HEADER_END,
    HEADER_END_BYTES,
    MAX_HEADER_BYTES,
    RECORD_START,
    RECORD_START_BYTES,
    Record,
    end_of_skipped_block,
    ends_well,
    find_record,
    holds_several,
    skip_blanks,
    starts_record,
    whole_record,
)
from metaclip_curate.extract.record_headers import content_length, parse_headers
from metaclip_curate.extract.stored_bytes import Bytes, End, Piece

_DAMAGED = (End.CUT, End.BROKEN, End.DAMAGE)


class Framing:
    """Cuts the pieces of a file into records.

    Args:
        stats: `records`, `records_skipped` and damage are recorded here.
        max_record_bytes: Upper bound of a record's block; records with a longer one are skipped.
    """

    def __init__(self, stats: InputStats, max_record_bytes: int) -> None:
        self._stats = stats
        self._max_record_bytes = max_record_bytes
        self._pending: Bytes = b""
        self._next = 0  # index of the next record in `_pending`; beyond its end while a record is skipped
        self._held: list[Bytes] = []  # bytes that follow `_pending`
        self._held_bytes = 0
        self._needed = 0  # held bytes at which cutting is worth another attempt
        self._inside = False  # whether the last piece's member, or uncompressed file, continues
        self._in_garbage = False
        self._no_header_end_before = 0  # index in `_pending` up to which no header ends

    def records(self, pieces: Iterator[Piece]) -> Iterator[Record]:
        """Yields the records of all pieces."""
        for piece in pieces:
            data, end = piece
            if end is End.MEMBER and not self._is_waiting():
                whole = whole_record(data, self._max_record_bytes)
                if whole is not None:
                    self._stats.records += 1
                    self._in_garbage = False
                    yield whole
                    continue
            for record in self._next_piece(data, end):
                self._stats.records += 1
                self._in_garbage = False
                yield record
        for record in self._settle(End.FILE):
            self._stats.records += 1
            yield record

    def _is_waiting(self) -> bool:
        """Returns whether the last record may continue in the next piece."""
        return self._inside or self._next != len(self._pending) or bool(self._held)

    def _next_piece(self, data: Bytes, end: End) -> Iterator[Record]:
        is_new = not self._inside
        if is_new and self._is_waiting() and (end in _DAMAGED or starts_record(data)):
            yield from self._settle(end)
        self._inside = end is End.NOTHING
        if end in _DAMAGED:
            yield from self._take_damaged(data, end, is_new)
            return
        self._hold(data)
        if end is End.FILE or self._held_bytes >= self._needed:
            yield from self._cut(end)

    def _settle(self, end: End) -> Iterator[Record]:
        """Yields the incomplete last record, since the next piece doesn't continue it.

        Args:
            end: End of the next piece. If that piece is damaged, it may have contained the record's block.
        """
        if end is End.BROKEN:
            self._forget()
        for record in self._cut(End.FILE):
            if record.body or end not in _DAMAGED:
                yield record

    def _take_damaged(self, data: Bytes, end: End, is_new: bool) -> Iterator[Record]:
        """Yields the whole records of a piece that ends in damage."""
        if is_new:
            begins = RECORD_START.match(data, skip_blanks(data, 0)) is not None
            if begins:
                self._in_garbage = False
            # If a damaged member has only one record, that is the damaged one.
            if not begins or (end is End.DAMAGE and not holds_several(data)):
                self._skip("", counted=end is not End.BROKEN)
                return
        self._hold(data)
        yield from self._cut(end)
        lost = self._next < len(self._pending)
        self._forget()
        if lost:
            self._skip("", counted=end is not End.BROKEN)

    def _hold(self, data: Bytes) -> None:
        self._held.append(data)
        self._held_bytes += len(data)

    def _forget(self) -> None:
        self._pending, self._next, self._needed = b"", 0, 0
        self._held, self._held_bytes = [], 0

    def _cut(self, end: End) -> Iterator[Record]:
        """Yields the complete records among the bytes that were read: the pending ones and those held since."""
        self._join()
        pending = self._pending
        if self._next:
            self._next = end_of_skipped_block(pending, 0, self._next)
        while self._next < len(pending):
            self._next = skip_blanks(pending, self._next)
            framed = self._next_record(self._next, end) if self._next < len(pending) else None
            if framed is None:
                break
            record, self._next = framed
            if record is not None:
                yield record
        # With another attempt only after half as many bytes more, a long record takes time proportional to its length.
        self._needed = (len(pending) - self._next) // 2
        if end is End.FILE:
            self._forget()

    def _join(self) -> None:
        if self._next < len(self._pending):
            self._held.insert(0, self._pending[self._next :])
            self._next = 0
        else:
            self._next -= len(self._pending)
        self._pending = self._held[0] if len(self._held) == 1 else b"".join(self._held)
        self._held, self._held_bytes = [], 0
        self._no_header_end_before = 0

    def _next_record(self, start: int, end: End) -> tuple[Record | None, int] | None:
        """Cuts the record at an index of the pending bytes.

        Args:
            start: Index of the record's first byte.
            end: How the pending bytes end: the file, a member, or damage.

        Returns:
            The record (None if it is skipped) and the index of its end, which may be beyond the pending bytes; None if
            more bytes are needed.
        """
        pending = self._pending
        is_last = end is End.FILE
        if not RECORD_START.match(pending, start):
            if not is_last and len(pending) - start < RECORD_START_BYTES:
                return None
            kind = "" if self._stats.records else file_kind(pending[start : start + LONGEST_START])
            return self._skip_to_next(start, end, kind or "bytes that are no WARC record")
        last_header_byte = start + MAX_HEADER_BYTES
        header_end = HEADER_END.search(pending, max(start, self._no_header_end_before), last_header_byte)
        if header_end is None:
            if not is_last and len(pending) < last_header_byte:
                return None
            self._no_header_end_before = last_header_byte - HEADER_END_BYTES
            return self._skip_to_next(start, end, "a record's header doesn't end")
        headers = parse_headers(pending[start : header_end.start()])
        return self._cut_block(start, header_end.end(), headers, end)

    def _cut_block(
        self, start: int, body_start: int, headers: dict[str, str], end: End
    ) -> tuple[Record | None, int] | None:
        """Cuts the record whose header is known; returns the same as `_next_record`."""
        pending = self._pending
        length = content_length(headers)
        if length is not None and length > self._max_record_bytes:
            self._stats.records_skipped += 1
            self._stats.mark_damaged(f"a record of {length} bytes is over the limit of {self._max_record_bytes}")
            self._in_garbage = False
            return None, end_of_skipped_block(pending, body_start, body_start + length)
        body_end = body_start + (length or 0)
        if length is not None and len(pending) < body_end + BYTES_AFTER_A_BLOCK and end is End.NOTHING:
            return None
        if length is not None and ends_well(pending, body_start, body_end):
            return Record(headers, pending[body_start:body_end]), body_end
        # The Content-Length is wrong or missing: the block continues up to the next record.
        following = find_record(pending, body_start, len(pending))
        if following is None and self._may_continue(body_start, length, end):
            return None
        if following is None and len(pending) < body_end:
            self._stats.mark_damaged("a record is shorter than its Content-Length")
        body_end = len(pending) if following is None else following
        if body_end - body_start > self._max_record_bytes:
            return self._skip_to_next(start, end, "a record without end")
        return Record(headers, pending[body_start:body_end].rstrip(b"\r\n")), body_end

    def _may_continue(self, body_start: int, length: int | None, end: End) -> bool:
        """Returns whether the end of a block, which wasn't found, may be beyond the pending bytes."""
        if end is End.NOTHING:
            return len(self._pending) - body_start <= self._max_record_bytes
        if end is End.MEMBER:
            return length is not None and len(self._pending) < body_start + length
        return end in _DAMAGED

    def _skip_to_next(self, start: int, end: End, reason: str) -> tuple[Record | None, int]:
        self._skip(reason)
        pending = self._pending
        following = find_record(pending, start + 1, len(pending))
        if following is not None:
            return None, following
        # The next record's first line may begin at the end of the pending bytes.
        begun = len(pending) - FIRST_LINE_BYTES if end is End.NOTHING else len(pending)
        return None, max(start + 1, begun)

    def _skip(self, reason: str, counted: bool = True) -> None:
        """Counts a stretch of bytes without a record, up to the next record, as one skipped record."""
        if counted and not self._in_garbage:
            self._stats.records_skipped += 1
        self._in_garbage = True
        if reason:
            self._stats.mark_damaged(reason)
