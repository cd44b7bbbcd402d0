"""WARC framing that survives damage: bytes to records, gzip member by gzip member.

Common Crawl writes each record as a gzip member of its own. A damaged member costs its record and reading goes on at
the next one; a wrong Content-Length, line ends of LF only or rubbish between records cost nothing or one record. A
record over the size limit (a gzip bomb, say) is passed over without being held. WARC: ISO 28500; gzip: RFC 1952.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import NamedTuple, Protocol

from isal import isal_zlib

from metaclip_curate.extract.account import InputAccount

_GZIP_MAGIC = b"\x1f\x8b\x08"
_GZIP_WINDOW = 31  # zlib's number for "gzip wrapper, 32 KiB window"
_READ_BYTES = 1 << 18
# How much of a member is unpacked before its record is looked at. A member that ends within it is taken only whole
# and with its checksum right; a larger one (a whole file in one member) is passed on piece by piece.
_MEMBER_BYTES = 1 << 22
_MAX_HEADER_BYTES = 1 << 16
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_RECORD_START = re.compile(rb"(?:^|(?<=\n))WARC/\d")
_BLANK = b"\r\n \t\0"


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Returns up to `size` bytes, none at the end."""


class Record(NamedTuple):
    """A WARC record: its header fields with names in lower case, and its block."""

    headers: dict[str, str]
    body: bytes


class _Piece(NamedTuple):
    data: bytes
    last: bool  # a record can't go on beyond this piece


def read_records(stream: Readable, account: InputAccount, max_record_bytes: int) -> Iterator[Record]:
    """Reads the records of a WARC or WAT file, gzipped or not.

    Args:
        stream: The file's bytes as stored.
        account: `records`, `records_skipped` and damage are noted here.
        max_record_bytes: Records with a longer block are skipped.

    Yields:
        Every record that can be read, in the file's order.
    """
    source = _Source(stream)
    source.fill(len(_GZIP_MAGIC))
    gzipped = source.buffer.startswith(_GZIP_MAGIC[:2])
    pieces = _gunzip(source, account) if gzipped else _plain(source)
    yield from _frame(pieces, account, max_record_bytes)


class _Source:
    """The stored bytes that have been read and not yet consumed."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.buffer = b""
        self.ended = False

    def fill(self, size: int) -> None:
        """Reads until the buffer holds `size` bytes or the stream ends."""
        while len(self.buffer) < size and not self.ended:
            self.more()

    def more(self) -> bytes:
        """Reads one piece, adds it to the buffer and returns it."""
        data = self._stream.read(_READ_BYTES)
        self.ended = not data
        self.buffer = self.buffer + data if self.buffer else data
        return data


def _plain(source: _Source) -> Iterator[_Piece]:
    while source.buffer or not source.ended:
        yield _Piece(source.buffer, last=False)
        source.buffer = b""
        source.more()
    yield _Piece(b"", last=True)


def _gunzip(source: _Source, account: InputAccount) -> Iterator[_Piece]:
    """Unpacks member after member; what can't be unpacked is counted as one skipped record each."""
    in_damage = False
    while True:
        source.fill(len(_GZIP_MAGIC))
        if not source.buffer:
            return
        if not source.buffer.startswith(_GZIP_MAGIC):
            # Padding with zeros after the last member is legal (RFC 1952 leaves it open, gzip accepts it).
            if source.buffer.strip(b"\0") and not in_damage:
                account.records_skipped += 1
                account.damaged("bytes between gzip members that are no member")
                in_damage = True
            _to_next_member(source, 0)
            continue
        error = yield from _member(source)
        in_damage = bool(error)
        if error:
            account.records_skipped += 1
            account.damaged(error)
            _to_next_member(source, 1)


def _member(source: _Source) -> Generator[_Piece, None, str]:
    """Unpacks the member at the start of the buffer; returns what was wrong with it, or an empty string.

    On success the buffer is left at the byte after the member; on damage it still starts at the member as far as it
    is held, so that the next one is searched from there.
    """
    unpacker = isal_zlib.decompressobj(wbits=_GZIP_WINDOW)
    unpacked: list[bytes] = []
    size = 0
    streaming = False
    data = source.buffer
    while True:
        try:
            piece = unpacker.decompress(data, _READ_BYTES)
        except isal_zlib.IsalError as error:  # type: ignore[misc]  # its stubs know it as no exception
            if streaming:
                yield _Piece(b"", last=True)
            return f"damaged gzip member: {error}"
        if piece:
            unpacked.append(piece)
            size += len(piece)
        if size > _MEMBER_BYTES:
            yield _Piece(b"".join(unpacked), last=False)
            unpacked, size, streaming = [], 0, True
        if unpacker.eof:
            yield _Piece(b"".join(unpacked), last=True)
            source.buffer = unpacker.unused_data
            return ""
        data = unpacker.unconsumed_tail
        if not data:
            if streaming:
                source.buffer = b""  # too large to be searched again from its start
            data = source.more()
            if not data and not piece:
                source.buffer = b""
                # A file that breaks off in a large member still has whole records before the break.
                yield _Piece(b"".join(unpacked) if streaming else b"", last=True)
                return "the file breaks off inside a gzip member"


def _to_next_member(source: _Source, start: int) -> None:
    """Drops bytes up to the next that look like a member's start."""
    while True:
        at = source.buffer.find(_GZIP_MAGIC, start)
        if at >= 0:
            source.buffer = source.buffer[at:]
            return
        source.buffer = source.buffer[-(len(_GZIP_MAGIC) - 1) :] if len(source.buffer) > start else b""
        start = 0
        if not source.more():
            source.buffer = b""
            return


def _frame(pieces: Iterator[_Piece], account: InputAccount, max_record_bytes: int) -> Iterator[Record]:
    """Cuts pieces into records."""
    pending = b""
    to_skip = 0
    for piece, last in pieces:
        data = piece[to_skip:]
        to_skip -= len(piece) - len(data)
        pending = pending + data if pending else data
        while pending:
            framed = _next_record(pending, last, account, max_record_bytes)
            if framed is None:
                break
            record, used = framed
            if record is not None:
                account.records += 1
                yield record
            to_skip = max(0, used - len(pending))
            pending = pending[used:]
        if last:
            pending, to_skip = b"", 0


def _next_record(
    pending: bytes, last: bool, account: InputAccount, max_record_bytes: int
) -> tuple[Record | None, int] | None:
    """Takes a record from the start of `pending`.

    Returns:
        The record (None where one is skipped) and how many bytes it took, which may be more than there are; or None
        where more bytes are needed.
    """
    start = len(pending) - len(pending.lstrip(_BLANK))
    if not _RECORD_START.match(pending, start):
        return _resync(pending, start, last, account)
    header_end = _HEADER_END.search(pending, start, start + _MAX_HEADER_BYTES)
    if header_end is None:
        if not last and len(pending) - start < _MAX_HEADER_BYTES:
            return None
        return _skip_to_next(pending, start, last, account, "a record's header doesn't end")
    headers = _headers(pending[start : header_end.start()])
    body_start = header_end.end()
    length = _content_length(headers)
    if length is not None and length > max_record_bytes:
        account.records_skipped += 1
        account.damaged(f"a record of {length} bytes is over the limit of {max_record_bytes}")
        return None, body_start + length
    body_end = body_start + (length or 0)
    if length is not None and len(pending) < body_end and not last:
        return None
    if length is None or not _ends_well(pending, body_end):
        # The Content-Length is wrong or missing: the block goes on to the next record.
        following = _RECORD_START.search(pending, body_start)
        if following is None and not last and len(pending) - body_start <= max_record_bytes:
            return None
        body_end = following.start() if following else len(pending)
        if following is None and body_end - body_start < (length or 0):
            account.damaged("a record is shorter than its Content-Length")
        if body_end - body_start > max_record_bytes:
            return _skip_to_next(pending, start, last, account, "a record without end")
        return Record(headers, pending[body_start:body_end].rstrip(b"\r\n")), body_end
    return Record(headers, pending[body_start:body_end]), body_end


def _ends_well(pending: bytes, body_end: int) -> bool:
    """Whether after a block come line ends and then a record or nothing."""
    if body_end > len(pending):
        return False
    after = pending[body_end : body_end + 64].lstrip(_BLANK)
    return not after or b"WARC/".startswith(after[:5]) or after.startswith(b"WARC/")


def _resync(pending: bytes, start: int, last: bool, account: InputAccount) -> tuple[Record | None, int] | None:
    if start == len(pending):
        return None, len(pending)
    if not last and len(pending) - start < len(b"WARC/1"):
        return None
    return _skip_to_next(pending, start, last, account, "bytes that are no WARC record")


def _skip_to_next(
    pending: bytes, start: int, last: bool, account: InputAccount, reason: str
) -> tuple[Record | None, int]:
    account.records_skipped += 1
    account.damaged(reason)
    following = _RECORD_START.search(pending, start + 1)
    if following:
        return None, following.start()
    # The next record's first bytes may stand at the end of what is here.
    return None, len(pending) if last else max(start + 1, len(pending) - len(b"\nWARC/1"))


def _headers(block: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in block.split(b"\n")[1:]:
        name, colon, value = line.partition(b":")
        if colon:
            headers[name.strip().lower().decode("ascii", "replace")] = value.strip().decode("utf-8", "replace")
    return headers


def _content_length(headers: dict[str, str]) -> int | None:
    value = headers.get("content-length", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None
