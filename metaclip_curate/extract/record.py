"""A WARC record, and how to find where one begins and ends (ISO 28500)."""

from __future__ import annotations

import re
from typing import NamedTuple

from metaclip_curate.extract.record_headers import content_length, parse_headers
from metaclip_curate.extract.stored_bytes import Bytes

MAX_HEADER_BYTES = 1 << 16
HEADER_END = re.compile(rb"\n\r?\n")  # begins with one character, which re finds fastest
HEADER_END_BYTES = 3
RECORD_START = re.compile(rb"WARC/\d")
RECORD_START_BYTES = len(b"WARC/1")
FIRST_LINE_BYTES = len(b"WARC/1.0\r\n")
BYTES_AFTER_A_BLOCK = 64  # that are examined to verify the block's end
_RECORD_END = b"\r\n\r\n"
_RECORD_LINE = re.compile(rb"WARC/\d\.\d+\r?\n")
_FIRST_LINE = re.compile(rb"[\r\n \t\0]*WARC/\d\.\d+\r?\n")
_AFTER_A_BLOCK = re.compile(rb"\r\n\r\n(?=WARC/\d\.\d+\r\n)")
_BLANK = b"\r\n \t\0"
_BLANKS = re.compile(rb"[\r\n \t\0]*")


class Record(NamedTuple):
    """A WARC record.

    Attributes:
        headers: Value by field name. The names, and the value of WARC-Type, are in lower case.
        body: The record's block.
    """

    headers: dict[str, str]
    body: Bytes


def whole_record(piece: Bytes, max_record_bytes: int) -> Record | None:
    """Returns the record that a piece consists of, as nearly all gzip members of Common Crawl do; else None.

    `Framing` would cut the same record in twice the time.
    """
    if not piece.endswith(_RECORD_END) or not RECORD_START.match(piece):
        return None
    header_end = HEADER_END.search(piece, 0, MAX_HEADER_BYTES)
    if header_end is None:
        return None
    headers = parse_headers(piece[: header_end.start()])
    length = content_length(headers)
    if length is None or length > max_record_bytes or header_end.end() + length + len(_RECORD_END) != len(piece):
        return None
    # The ends of a bytearray are cut off without copying the rest.
    body = bytearray(piece) if isinstance(piece, bytes) else piece
    del body[-len(_RECORD_END) :], body[: header_end.end()]
    return Record(headers, body)


def skip_blanks(data: Bytes, start: int) -> int:
    """Returns the index of the first byte from `start` on that is neither white space nor zero."""
    blanks = _BLANKS.match(data, start)
    return blanks.end() if blanks else start


def starts_record(data: Bytes, start: int = 0) -> bool:
    """Returns whether a whole first line is at an index, perhaps after blanks."""
    return _FIRST_LINE.match(data, start) is not None


def find_record(data: Bytes, start: int, end: int) -> int | None:
    """Returns the index of the next first line of a record, which may be in the middle of a line if bytes were lost."""
    found = data.find(b"WARC/", start, end)
    while found >= 0:
        if _RECORD_LINE.match(data, found, end):
            return found
        found = data.find(b"WARC/", found + 5, end)
    return None


def holds_several(data: Bytes) -> bool:
    """Returns whether another record begins where the first one ends by its Content-Length."""
    start = skip_blanks(data, 0)
    header_end = HEADER_END.search(data, start, start + MAX_HEADER_BYTES)
    length = content_length(parse_headers(data[start : header_end.start()])) if header_end else None
    if header_end is None or length is None:
        return False
    second = header_end.end() + length
    return second < len(data) and starts_record(data, second)


def ends_well(pending: Bytes, body_start: int, body_end: int) -> bool:
    """Returns whether a block is followed by what must follow it."""
    if body_end > len(pending):
        return False
    after = pending[body_end : body_end + BYTES_AFTER_A_BLOCK].lstrip(_BLANK)
    if not after or b"WARC/".startswith(after[:5]):
        return True
    # Garbage may follow a record. Or the block runs into the next record, and what ends here is that one's header.
    return pending.startswith(_RECORD_END, body_end) and find_record(pending, body_start, body_end) is None


def end_of_skipped_block(pending: Bytes, start: int, end: int) -> int:
    """Returns the index of the end of a block that is skipped.

    That is the next record, since a length over the limit may be wrong. A next record whose first line is divided
    between two pieces isn't found; then the one after it is.
    """
    following = _AFTER_A_BLOCK.search(pending, start, end)
    return following.end() if following else end
