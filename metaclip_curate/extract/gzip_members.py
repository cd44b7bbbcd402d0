"""gzip files (RFC 1952), decompressed member by member.

Common Crawl writes each record as a member of its own. Others write a whole file as one member, or one record as
several.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import deflate
from isal import isal_zlib

from metaclip_curate.extract.partial_member import MEMBER_BYTES, DamagedMemberError, PartialMember
from metaclip_curate.extract.stored_bytes import End, Piece, StoredBytes

GZIP_MAGIC = b"\x1f\x8b\x08"
_MEMBER = re.compile(GZIP_MAGIC)  # whose search takes half the time of bytes.find
_NOT_ZERO = re.compile(rb"[^\0]")
_RAW_DEFLATE = -15  # zlib's number for "no wrapper, 32 KiB window"
_HEADER_BYTES, _TRAILER_BYTES = 10, 8
_SIZE_BYTES = 4  # at the end of a member: its decompressed size, modulo 2**32
_HAS_CHECK, _HAS_EXTRA, _HAS_NAME, _HAS_COMMENT, _RESERVED = 0x02, 0x04, 0x08, 0x10, 0xE0
_LONGEST_NAME = 1 << 16
_DECOMPRESSED_AT_ONCE = 1 << 18
# The decompressor is given this many stored bytes at a time. On damage it loses the output of the last ones.
_WINDOW_BYTES = 1 << 12
_SMALL_WINDOW_BYTES = 1 << 5


class GzipFormat:
    """The `MemberFormat` of gzip."""

    magic = GZIP_MAGIC
    pattern = _MEMBER
    garbage = "bytes between gzip members that are no member"

    def skip_filler(self, stored: StoredBytes) -> bool:
        """Consumes zeros, which gzip accepts as padding (RFC 1952 leaves it open)."""
        if not stored.starts_with(b"\0"):
            return False
        while True:
            found = _NOT_ZERO.search(stored.buffer, stored.position)
            stored.position = found.start() if found else len(stored.buffer)
            if found or stored.ended:
                return True
            stored.more()

    def whole_member(self, stored: StoredBytes) -> bytearray | None:
        """Decompresses the member at the position at once, in two thirds of the time that it takes step by step.

        Returns:
            The decompressed bytes, whose checksum and size are verified; None if the member is large or cut, or if the
            next bytes that look like a member's start are part of it.
        """
        following = _MEMBER.search(stored.buffer, stored.position + 1)
        if following is None and not stored.ended:
            stored.more()
            following = _MEMBER.search(stored.buffer, stored.position + 1)
        end = following.start() if following else len(stored.buffer)
        if end - stored.position <= _HEADER_BYTES + _TRAILER_BYTES:
            return None
        member = stored.buffer[stored.position : end]
        size = int.from_bytes(member[-_SIZE_BYTES:], "little")
        # The decompressor allocates as much memory as the member claims.
        if not 0 < size <= MEMBER_BYTES:
            return None
        try:
            data: bytearray = deflate.gzip_decompress(member)
        except (deflate.DeflateError, ValueError):
            return None
        stored.position = end
        return data

    def decompress(self, stored: StoredBytes, member: PartialMember) -> Iterator[Piece]:
        """Decompresses the member at the position step by step, as `MemberFormat.decompress` does."""
        return _decompress(stored, member)


def _decompress(stored: StoredBytes, member: PartialMember) -> Iterator[Piece]:
    member.consumed = start = _end_of_header(stored)
    decompressor = isal_zlib.decompressobj(wbits=_RAW_DEFLATE)
    checksum = 0
    window = data = b""
    while not decompressor.eof:
        if not data:
            window = data = member.next_bytes(_WINDOW_BYTES)
        try:
            piece = decompressor.decompress(data, _DECOMPRESSED_AT_ONCE)
        except isal_zlib.IsalError as error:  # type: ignore[misc]  # not an exception in its stubs
            if not member.streaming:
                packed = stored.window(start, member.consumed - start)
                member.replace(_up_to_damage(packed, len(window)))
            raise DamagedMemberError(f"damaged gzip member: {error}") from None
        if not data and not piece:
            # There may be whole records before the break. But this may also be garbage that looks like a member's
            # start, so that the bytes after it are searched for members.
            raise DamagedMemberError("the file breaks off inside a gzip member", cut=True)
        checksum = isal_zlib.crc32(piece, checksum)
        data = decompressor.unconsumed_tail
        yield from member.add(piece)
    end = member.consumed - len(decompressor.unused_data)
    if not stored.fill(end + _TRAILER_BYTES):
        raise DamagedMemberError("the file breaks off inside a gzip member", cut=True)
    trailer = stored.window(end, _TRAILER_BYTES)
    if trailer != checksum.to_bytes(4, "little") + (member.size % 2**32).to_bytes(4, "little"):
        raise DamagedMemberError("damaged gzip member: its checksum is wrong")
    yield member.piece(End.MEMBER)
    stored.consume(end + _TRAILER_BYTES)


def _end_of_header(stored: StoredBytes) -> int:
    """Returns the number of bytes of the header of the member at the position.

    Raises:
        DamagedMemberError: The header is invalid.
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
            start = stored.position + end
            end = stored.buffer.find(b"\0", start, start + _LONGEST_NAME) + 1 - stored.position
            if end <= 0:
                break
    if flags & _RESERVED or end <= 0:
        raise DamagedMemberError("damaged gzip member: its header is invalid")
    return end + (2 if flags & _HAS_CHECK else 0)


def _up_to_damage(packed: bytes, last: int) -> bytes:
    """Decompresses a member with damage in its last `last` bytes again, in small steps that lose little before it."""
    decompressor = isal_zlib.decompressobj(wbits=_RAW_DEFLATE)
    sure = len(packed) - last
    found = [decompressor.decompress(packed[:sure])]
    try:
        for start in range(sure, len(packed), _SMALL_WINDOW_BYTES):
            found.append(decompressor.decompress(packed[start : start + _SMALL_WINDOW_BYTES]))
    except isal_zlib.IsalError:  # type: ignore[misc]  # not an exception in its stubs
        pass
    return b"".join(found)
