"""WARC framing that survives damage: bytes to records, gzip member by gzip member.

Common Crawl writes each record as a gzip member of its own. A damaged member costs its record and reading goes on at
the next one; a wrong Content-Length, line ends of LF only or rubbish between records cost nothing or one record. A
record over the size limit (a gzip bomb, say) is passed over without being held. WARC: ISO 28500; gzip: RFC 1952.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from functools import lru_cache
from typing import NamedTuple, Protocol, TypeAlias

import deflate
from isal import isal_zlib

from metaclip_curate.extract.account import InputAccount

_GZIP_MAGIC = b"\x1f\x8b\x08"
_find_member = re.compile(_GZIP_MAGIC).search  # in half the time of bytes.find
_GZIP_SIZE_BYTES = 4  # at the end of a member: the length of what was packed, modulo 2**32
_GZIP_WINDOW = 31  # zlib's number for "gzip wrapper, 32 KiB window"
_READ_BYTES = 1 << 18
# Of them the unpacker is given so many at a time: about a member of Common Crawl.
_WINDOW_BYTES = 1 << 14
# How much of a member is unpacked before its record is looked at. A member that ends within it is taken only whole
# and with its checksum right; a larger one (a whole file in one member) is passed on piece by piece.
_MEMBER_BYTES = 1 << 22
_MAX_HEADER_BYTES = 1 << 16
_SEEN_AFTER_A_BLOCK = 64  # bytes
_HEADER_END = re.compile(rb"\n\r?\n")  # begins with one character, which re finds fastest
_RECORD_START = re.compile(rb"WARC/\d")
_RECORD_LINE = re.compile(rb"WARC/\d\.\d+\r?\n")
_RECORD_END = b"\r\n\r\n"
_AFTER_A_BLOCK = re.compile(rb"\r\n\r\n(?=WARC/\d\.\d+\r\n)")
_BLANK = b"\r\n \t\0"
_BLANKS = re.compile(rb"[\r\n \t\0]*")
_HEADER_SPACE = " \t\r\n\v\f"

# What is unpacked is passed on without a copy.
Bytes: TypeAlias = bytes | bytearray


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Returns up to `size` bytes, none at the end."""


class Record(NamedTuple):
    """A WARC record: its header fields with names in lower case, and its block."""

    headers: dict[str, str]
    body: Bytes


class _Piece(NamedTuple):
    data: Bytes
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
    pieces = _gunzip(source, account) if _is_gzip(source.buffer) else _plain(source)
    yield from _frame(pieces, account, max_record_bytes)


def _is_gzip(start: bytes) -> bool:
    """Whether a file is packed, by its first bytes; where they are damaged, by whether a member starts later on."""
    if start.startswith(_GZIP_MAGIC[:2]):
        return True
    return not _RECORD_START.match(start, _end_of_blanks(start, 0)) and _GZIP_MAGIC in start


class _Source:
    """The stored bytes that have been read; those before `at` are consumed."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.buffer = b""
        self.at = 0
        self.ended = False

    def fill(self, size: int) -> None:
        """Reads until `size` bytes are ahead or the stream ends."""
        while len(self.buffer) - self.at < size and not self.ended:
            self.more()

    def more(self) -> None:
        """Reads one piece and forgets what is consumed."""
        data = self._stream.read(_READ_BYTES)
        self.ended = not data
        self.buffer = self.buffer[self.at :] + data
        self.at = 0

    def starts_with(self, start: bytes) -> bool:
        """Whether the bytes ahead, as far as they are read, start so."""
        return self.buffer.startswith(start, self.at)

    def window(self, offset: int) -> bytes:
        """Returns some of the bytes that are read, from `offset` bytes ahead on."""
        start = self.at + offset
        return self.buffer[start : start + _WINDOW_BYTES]

    def take_all(self) -> bytes:
        """Consumes all that is read."""
        data = self.buffer[self.at :]
        self.buffer, self.at = b"", 0
        return data


def _plain(source: _Source) -> Iterator[_Piece]:
    while not source.ended:
        yield _Piece(source.take_all(), last=False)
        source.more()
    yield _Piece(source.take_all(), last=True)


def _gunzip(source: _Source, account: InputAccount) -> Iterator[_Piece]:
    """Unpacks member after member; what can't be unpacked is counted as one skipped record each."""
    in_damage = False
    while True:
        source.fill(len(_GZIP_MAGIC))
        if source.at == len(source.buffer):
            return
        if not source.starts_with(_GZIP_MAGIC):
            # Padding with zeros after the last member is legal (RFC 1952 leaves it open, gzip accepts it).
            if source.buffer[source.at :].strip(b"\0") and not in_damage:
                account.records_skipped += 1
                account.damaged("bytes between gzip members that are no member")
                in_damage = True
            _to_next_member(source)
            continue
        unpacked = _whole_member(source)
        if unpacked is not None:
            in_damage = False
            yield _Piece(unpacked, last=True)
            continue
        error = yield from _member(source)
        in_damage = bool(error)
        if error:
            account.records_skipped += 1
            account.damaged(error)
            source.at = min(source.at + 1, len(source.buffer))
            _to_next_member(source)


def _whole_member(source: _Source) -> bytearray | None:
    """Unpacks the member at the source's position in one go, in two thirds of the time that it takes piece by piece.

    A member ends with a checksum and its length, and these have to be right.

    Returns:
        What was packed, and the source is left at the byte after the member; or None where the member isn't small or
        not whole, or the next bytes that look like a member's start are part of it.
    """
    following = _find_member(source.buffer, source.at + 1)
    if following is None and not source.ended:
        source.more()
        following = _find_member(source.buffer, source.at + 1)
    end = following.start() if following else len(source.buffer)
    member = source.buffer[source.at : end]
    size = int.from_bytes(member[-_GZIP_SIZE_BYTES:], "little")
    # Memory is taken for as much as the member says.
    if not 0 < size <= _MEMBER_BYTES:
        return None
    try:
        unpacked: bytearray = deflate.gzip_decompress(member)
    except (deflate.DeflateError, ValueError):  # the second where it is shorter than any member
        return None
    source.at = end
    return unpacked


def _member(source: _Source) -> Generator[_Piece, None, str]:
    """Unpacks the member at the source's position; returns what was wrong with it, or an empty string.

    On success the source is left at the byte after the member; on damage it still stands at the member as far as it
    is held, so that the next one is searched from there.
    """
    unpacker = isal_zlib.decompressobj(wbits=_GZIP_WINDOW)
    unpacked: list[bytes] = []
    size = 0
    streaming = False
    ahead = 0  # bytes of the member that the unpacker has been given
    data = b""
    while True:
        if not data:
            # The unpacker hands back what follows the member, so it isn't given much more than a member at a time.
            data = source.window(ahead)
            if not data:
                if streaming:
                    source.take_all()  # too large to be searched again from its start
                    ahead = 0
                source.more()
                data = source.window(ahead)
            ahead += len(data)
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
            source.at += ahead - len(unpacker.unused_data)
            return ""
        if not data and not piece:
            # A file that breaks off in a large member still has whole records before the break. A small one may be
            # none, but rubbish that looks like a member's start, so that what follows is searched.
            if streaming:
                yield _Piece(b"".join(unpacked), last=True)
            return "the file breaks off inside a gzip member"
        data = unpacker.unconsumed_tail


def _to_next_member(source: _Source) -> None:
    """Consumes bytes up to the next that look like a member's start."""
    while True:
        following = _find_member(source.buffer, source.at)
        if following:
            source.at = following.start()
            return
        # The next member's first bytes may be the last that are read.
        source.at = max(source.at, len(source.buffer) - len(_GZIP_MAGIC) + 1)
        source.more()
        if source.ended:
            source.take_all()
            return


def _frame(pieces: Iterator[_Piece], account: InputAccount, max_record_bytes: int) -> Iterator[Record]:
    """Cuts pieces into records."""
    pending: Bytes = b""
    at = 0  # where the next record starts: beyond what is pending where a record is passed over
    held: list[Bytes] = []
    wanted = 0
    for piece, last in pieces:
        if last and not pending and not at and not held:
            whole = _whole_record(piece, max_record_bytes)
            if whole is not None:
                account.records += 1
                yield whole
                continue
        held.append(piece)
        if sum(map(len, held)) < wanted and not last:
            continue
        if at < len(pending):
            held.insert(0, pending[at:])
            at = 0
        else:
            at -= len(pending)
        pending = held[0] if len(held) == 1 else b"".join(held)
        held.clear()
        if at:
            at = _end_of_long_block(pending, 0, at)
        while at < len(pending):
            at = _end_of_blanks(pending, at)
            framed = _next_record(pending, at, last, account, max_record_bytes) if at < len(pending) else None
            if framed is None:
                break
            record, at = framed
            if record is not None:
                account.records += 1
                yield record
        if last:
            pending, at = b"", 0
        # Looked at again only when there is half as much more, a long record costs time in proportion to its length.
        wanted = (len(pending) - at) // 2


def _whole_record(piece: Bytes, max_record_bytes: int) -> Record | None:
    """Takes the record that a piece is, and nothing besides, as nearly all gzip members of Common Crawl are.

    It is what `_next_record` would find, in half the time.
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


def _next_record(
    pending: Bytes, start: int, last: bool, account: InputAccount, max_record_bytes: int
) -> tuple[Record | None, int] | None:
    """Takes the record that starts at `start`.

    Returns:
        The record (None where one is skipped) and where it ends, which may be beyond what is pending; or None where
        more bytes are needed.
    """
    if not _RECORD_START.match(pending, start):
        if not last and len(pending) - start < len(b"WARC/1"):
            return None
        return _skip_to_next(pending, start, last, account, "bytes that are no WARC record")
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
        return None, _end_of_long_block(pending, body_start, body_start + length)
    body_end = body_start + (length or 0)
    if length is not None and len(pending) < body_end + _SEEN_AFTER_A_BLOCK and not last:
        return None
    if length is None or not _ends_well(pending, body_start, body_end):
        # The Content-Length is wrong or missing: the block goes on to the next record.
        following = _find_record(pending, body_start)
        if following is None and not last and len(pending) - body_start <= max_record_bytes:
            return None
        body_end = len(pending) if following is None else following
        if following is None and body_end - body_start < (length or 0):
            account.damaged("a record is shorter than its Content-Length")
        if body_end - body_start > max_record_bytes:
            return _skip_to_next(pending, start, last, account, "a record without end")
        return Record(headers, pending[body_start:body_end].rstrip(b"\r\n")), body_end
    return Record(headers, pending[body_start:body_end]), body_end


def _end_of_blanks(pending: Bytes, start: int) -> int:
    blanks = _BLANKS.match(pending, start)
    return blanks.end() if blanks else start


def _find_record(pending: Bytes, start: int) -> int | None:
    """Finds what looks like a record's first line from `start` on; where bytes were lost, a line may begin with it."""
    found = pending.find(b"WARC/", start)
    while found >= 0:
        if _RECORD_LINE.match(pending, found):
            return found
        found = pending.find(b"WARC/", found + 5)
    return None


def _ends_well(pending: Bytes, body_start: int, body_end: int) -> bool:
    """Whether what follows a block is what has to."""
    if body_end > len(pending):
        return False
    after = pending[body_end : body_end + _SEEN_AFTER_A_BLOCK].lstrip(_BLANK)
    if not after or b"WARC/".startswith(after[:5]):
        return True
    # Rubbish may follow a record. Or the block runs over the next record's beginning, whose header ends here.
    return pending.startswith(_RECORD_END, body_end) and _find_record(pending[:body_end], body_start) is None


def _end_of_long_block(pending: Bytes, start: int, end: int) -> int:
    """Finds where a block ends that is passed over: at the next record, since a length beyond the limit may be wrong.

    A next record whose first line lies across two pieces isn't found, and then the one after it is.
    """
    following = _AFTER_A_BLOCK.search(pending, start, end)
    return following.end() if following else end


def _skip_to_next(
    pending: Bytes, start: int, last: bool, account: InputAccount, reason: str
) -> tuple[Record | None, int]:
    account.records_skipped += 1
    account.damaged(reason)
    following = _find_record(pending, start + 1)
    if following is not None:
        return None, following
    # The next record's first line may begin at the end of what is here.
    return None, len(pending) if last else max(start + 1, len(pending) - len(b"WARC/1.0\r\n"))


def _headers(block: Bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in block.decode("utf-8", "replace").split("\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[_field_name(name)] = value.strip(_HEADER_SPACE)
    return headers


@lru_cache(maxsize=1 << 8)
def _field_name(raw: str) -> str:
    """A header's name in lower case; a file has few, and they are looked up in less time than made."""
    return raw.strip(_HEADER_SPACE).lower()


def _content_length(headers: dict[str, str]) -> int | None:
    value = headers.get("content-length", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None
