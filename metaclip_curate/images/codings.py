"""Undoing the Content-Encoding of an image that a server compressed without being asked to.

Some servers name a coding that they didn't apply. A file that doesn't begin as its coding requires is returned as it
is, and decoding the image shows whether it is whole.
"""

from __future__ import annotations

import io
import zlib
from email.message import Message

from metaclip_curate.images.connection import Deadline, RefusedImageError

MAX_CODINGS = 3
# Codings that a server may only use if the request accepts them. Words that aren't codings, such as utf-8, are ignored,
# as browsers do.
_UNREQUESTED = frozenset({"br", "zstd", "compress", "x-compress", "dcb", "dcz"})
_GZIP, _ZLIB, _RAW_DEFLATE = 31, 15, -15  # zlib's `wbits` for each format
_GZIP_MAGIC = b"\x1f\x8b"
_PIECE_BYTES = 1 << 16


class DamagedImageError(Exception):
    """A file that is incomplete or damaged; the message is the reason."""


def codings_of(headers: Message) -> list[str]:
    """Returns the codings that have to be undone, in the order in which to undo them.

    Args:
        headers: Headers of the answer.

    Raises:
        RefusedImageError: A coding can't be undone, or there are more than three.
    """
    words = [word.strip().lower() for value in headers.get_all("Content-Encoding", []) for word in value.split(",")]
    if unread := _UNREQUESTED.intersection(words):
        raise RefusedImageError(f"packed as {min(unread)}, which wasn't asked for")
    known = [word.removeprefix("x-") for word in words if word in ("gzip", "x-gzip", "deflate")]
    if len(known) > MAX_CODINGS:
        raise RefusedImageError(f"packed more than {MAX_CODINGS} times")
    return known[::-1]


def unpacked(packed: bytes, coding: str, max_bytes: int, deadline: Deadline) -> bytes:
    """Undoes one coding.

    Args:
        packed: The encoded file.
        coding: gzip or deflate.
        max_bytes: Number of bytes after which to stop; of a larger file, one byte more is returned.
        deadline: The time for it.

    Raises:
        DamagedImageError: The file is incomplete or damaged.
        TimeoutError: The deadline has passed.
    """
    if coding == "gzip":
        return _inflated(packed, _GZIP, max_bytes, deadline) if packed.startswith(_GZIP_MAGIC) else packed
    if _begins_as_zlib(packed):
        return _inflated(packed, _ZLIB, max_bytes, deadline)
    try:
        return _inflated(packed, _RAW_DEFLATE, max_bytes, deadline)
    except DamagedImageError:  # raw deflate has no header that would distinguish it from a file that isn't encoded
        return packed


def _begins_as_zlib(packed: bytes) -> bool:
    return len(packed) > 1 and packed[0] & 15 == 8 and packed[0] >> 4 <= 7 and (packed[0] << 8 | packed[1]) % 31 == 0


def _inflated(packed: bytes, file_format: int, max_bytes: int, deadline: Deadline) -> bytes:
    """Decompresses a file; of gzip, all of its members."""
    out, position, unpacker = io.BytesIO(), 0, zlib.decompressobj(file_format)
    # Piece by piece, since zlib copies what follows a member, and a file may consist of tiny members only.
    while position < len(packed):
        deadline.timeout()
        piece = packed[position : position + _PIECE_BYTES]
        try:
            out.write(unpacker.decompress(piece, max_bytes + 1 - out.tell()))
        except zlib.error:
            raise DamagedImageError("the packed image is damaged") from None
        position += len(piece) - len(unpacker.unused_data)
        if out.tell() > max_bytes:
            return out.getvalue()
        if unpacker.eof:
            if file_format != _GZIP or not packed.startswith(_GZIP_MAGIC, position):
                return out.getvalue()
            unpacker = zlib.decompressobj(file_format)
    raise DamagedImageError("the packed image ends early")
