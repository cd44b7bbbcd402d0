"""Unpacks gzip member by member (RFC 1952), and finds the next one after damage.

Common Crawl writes each record as a member of its own. Others write a whole file as one member, or a record as several.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import deflate
from isal import isal_zlib

from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.members import MEMBER_BYTES, DamagedMemberError, Unpacked, Vain, kind_of_rubbish
from metaclip_curate.extract.stored_bytes import End, Piece, StoredBytes

GZIP_MAGIC = b"\x1f\x8b\x08"
_find_member = re.compile(GZIP_MAGIC).search  # in half the time of bytes.find
_NOT_ZERO = re.compile(rb"[^\0]")
_RAW_DEFLATE = -15  # zlib's number for "no wrapper, 32 KiB window"
_HEADER_BYTES, _TRAILER_BYTES = 10, 8
_SIZE_BYTES = 4  # at the end of a member: the length of what was packed, modulo 2**32
_HAS_CHECK, _HAS_EXTRA, _HAS_NAME, _HAS_COMMENT, _RESERVED = 0x02, 0x04, 0x08, 0x10, 0xE0
_LONGEST_NAME = 1 << 16
_UNPACKED_AT_ONCE = 1 << 18
# The unpacker is given so many stored bytes at a time. On damage it keeps to itself what the last of them gave.
_WINDOW_BYTES = 1 << 12
_SMALL_WINDOW_BYTES = 1 << 5


def read_members(stored: StoredBytes, stats: InputStats) -> Iterator[Piece]:
    """Unpacks member after member.

    Args:
        stored: The file, at its first byte.
        stats: Damage is noted here.

    Yields:
        What was packed; a member of no more than a few MiB is one piece.
    """
    vain = Vain()
    while stored.fill(1):
        stored.fill(len(GZIP_MAGIC))
        if not stored.starts_with(GZIP_MAGIC):
            # Padding with zeros after the last member is legal (RFC 1952 leaves it open, gzip accepts it).
            rubbish = kind_of_rubbish(stored, stats) or "bytes between gzip members that are no member"
            if _to_next_member(stored) and not stored.broken:
                stats.damaged(rubbish)
                yield Piece(b"", End.DAMAGE)
            continue
        whole = _whole_member(stored)
        if whole is not None:
            yield Piece(whole, End.MEMBER)
            continue
        unpacked = Unpacked(stored)
        try:
            yield from _member(stored, unpacked)
        except DamagedMemberError as error:
            stats.damaged(error.reason)
            yield unpacked.last_piece(error)
            vain.skip(stored, unpacked)
            _to_next_member(stored)
    if stored.broken:
        yield Piece(b"", End.BROKEN)


def _whole_member(stored: StoredBytes) -> bytearray | None:
    """Unpacks the member at hand in one go, in two thirds of the time that it takes piece by piece.

    A member ends with a checksum and its length, and these have to be right.

    Returns:
        What was packed, and the member is consumed; or None where the member isn't small or not whole, or the next
        bytes that look like a member's start are part of it.
    """
    following = _find_member(stored.buffer, stored.at + 1)
    if following is None and not stored.ended:
        stored.more()
        following = _find_member(stored.buffer, stored.at + 1)
    end = following.start() if following else len(stored.buffer)
    if end - stored.at <= _HEADER_BYTES + _TRAILER_BYTES:
        return None
    member = stored.buffer[stored.at : end]
    size = int.from_bytes(member[-_SIZE_BYTES:], "little")
    # Memory is taken for as much as the member says.
    if not 0 < size <= MEMBER_BYTES:
        return None
    try:
        unpacked: bytearray = deflate.gzip_decompress(member)
    except (deflate.DeflateError, ValueError):
        return None
    stored.at = end
    return unpacked


def _member(stored: StoredBytes, unpacked: Unpacked) -> Iterator[Piece]:
    """Unpacks the member at hand step by step, and consumes it once it is found to be whole.

    Raises:
        DamagedMemberError: It isn't. `unpacked` holds what came before the damage.
    """
    unpacked.tried = start = _end_of_header(stored)
    unpacker = isal_zlib.decompressobj(wbits=_RAW_DEFLATE)
    checksum = 0
    window = data = b""
    while not unpacker.eof:
        if not data:
            window = data = unpacked.next_bytes(_WINDOW_BYTES)
        try:
            piece = unpacker.decompress(data, _UNPACKED_AT_ONCE)
        except isal_zlib.IsalError as error:  # type: ignore[misc]  # its stubs know it as no exception
            if not unpacked.streaming:
                packed = stored.window(start, unpacked.tried - start)
                unpacked.replace(_up_to_damage(packed, len(window)))
            raise DamagedMemberError(f"damaged gzip member: {error}") from None
        if not data and not piece:
            # A file that breaks off in a member still has whole records before the break. But the member may also be
            # rubbish that looks like a member's start, so that what follows is searched.
            raise DamagedMemberError("the file breaks off inside a gzip member", cut=True)
        checksum = isal_zlib.crc32(piece, checksum)
        data = unpacker.unconsumed_tail
        yield from unpacked.add(piece)
    end = unpacked.tried - len(unpacker.unused_data)
    if not stored.fill(end + _TRAILER_BYTES):
        raise DamagedMemberError("the file breaks off inside a gzip member", cut=True)
    trailer = stored.window(end, _TRAILER_BYTES)
    if trailer != checksum.to_bytes(4, "little") + (unpacked.size % 2**32).to_bytes(4, "little"):
        raise DamagedMemberError("damaged gzip member: its checksum is wrong")
    yield unpacked.piece(End.MEMBER)
    stored.consume(end + _TRAILER_BYTES)


def _end_of_header(stored: StoredBytes) -> int:
    """Returns how long the header of the member at hand is.

    Raises:
        DamagedMemberError: It is invalid.
    """
    stored.fill(_HEADER_BYTES)
    flags = (stored.window(3, 1) or b"\0")[0]
    end = _HEADER_BYTES
    if flags & _HAS_EXTRA:
        stored.fill(end + 2)
        end += 2 + int.from_bytes(stored.window(end, 2), "little")
    for has_text in (flags & _HAS_NAME, flags & _HAS_COMMENT):
        if has_text:
            stored.fill(end + _LONGEST_NAME)
            start = stored.at + end
            end = stored.buffer.find(b"\0", start, start + _LONGEST_NAME) + 1 - stored.at
            if end <= 0:
                break
    if flags & _RESERVED or end <= 0:
        raise DamagedMemberError("damaged gzip member: its header is invalid")
    return end + (2 if flags & _HAS_CHECK else 0)


def _up_to_damage(packed: bytes, last: int) -> bytes:
    """Unpacks what is damaged in the last `last` bytes once more, and loses little of what comes before the damage."""
    unpacker = isal_zlib.decompressobj(wbits=_RAW_DEFLATE)
    sure = len(packed) - last
    found = [unpacker.decompress(packed[:sure])]
    try:
        for start in range(sure, len(packed), _SMALL_WINDOW_BYTES):
            found.append(unpacker.decompress(packed[start : start + _SMALL_WINDOW_BYTES]))
    except isal_zlib.IsalError:  # type: ignore[misc]  # its stubs know it as no exception
        pass
    return b"".join(found)


def _to_next_member(stored: StoredBytes) -> bool:
    """Consumes bytes up to the next that look like a member's start, or all.

    Returns:
        Whether any of them isn't zero.
    """
    rubbish = False
    while True:
        following = _find_member(stored.buffer, stored.at)
        # The next member's first bytes may be the last that are read.
        kept = 0 if stored.ended else len(GZIP_MAGIC) - 1
        end = following.start() if following else max(stored.at, len(stored.buffer) - kept)
        rubbish = rubbish or _NOT_ZERO.search(stored.buffer, stored.at, end) is not None
        stored.at = end
        if following or stored.ended:
            return rubbish
        stored.more()
