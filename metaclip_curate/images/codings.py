"""Undoing the Content-Encoding of an image that a server packed though it wasn't asked to.

Some call a file packed that isn't: what doesn't begin as its coding does is taken as it is, and decoding it tells.
"""

from __future__ import annotations

import io
import zlib
from email.message import Message

from metaclip_curate.images.connection import Clock, RefusedImageError

MOST_CODINGS = 3
# Those that only clients get who say that they can read them. Words that are no coding, such as utf-8, are passed over,
# as browsers do.
_NOT_ASKED_FOR = frozenset({"br", "zstd", "compress", "x-compress", "dcb", "dcz"})
_GZIP, _ZLIB, _RAW_DEFLATE = 31, 15, -15  # zlib's numbers of the formats
_GZIP_MAGIC = b"\x1f\x8b"
_PIECE = 1 << 16


class DamagedImageError(Exception):
    """A file that didn't come whole; the message is the reason."""


def codings_of(headers: Message) -> list[str]:
    """Names what has to be undone, in the order in which it is.

    Args:
        headers: Of the answer.

    Raises:
        RefusedImageError: It can't be undone.
    """
    words = [word.strip().lower() for value in headers.get_all("Content-Encoding", []) for word in value.split(",")]
    if unread := _NOT_ASKED_FOR.intersection(words):
        raise RefusedImageError(f"packed as {min(unread)}, which wasn't asked for")
    known = [word.removeprefix("x-") for word in words if word in ("gzip", "x-gzip", "deflate")]
    if len(known) > MOST_CODINGS:
        raise RefusedImageError(f"packed more than {MOST_CODINGS} times")
    return known[::-1]


def unpacked(packed: bytes, coding: str, most_bytes: int, clock: Clock) -> bytes:
    """Undoes one coding.

    Args:
        packed: The file.
        coding: gzip or deflate.
        most_bytes: Number of bytes after which to stop; one more is returned where there are more.
        clock: The time there is.

    Raises:
        DamagedImageError: It isn't whole.
        TimeoutError: Time is up.
    """
    if coding == "gzip":
        return _inflated(packed, _GZIP, most_bytes, clock) if packed.startswith(_GZIP_MAGIC) else packed
    if _begins_as_zlib(packed):
        return _inflated(packed, _ZLIB, most_bytes, clock)
    try:
        return _inflated(packed, _RAW_DEFLATE, most_bytes, clock)
    except DamagedImageError:  # it has no beginning by which to tell it from a file that isn't packed
        return packed


def _begins_as_zlib(packed: bytes) -> bool:
    return len(packed) > 1 and packed[0] & 15 == 8 and packed[0] >> 4 <= 7 and (packed[0] << 8 | packed[1]) % 31 == 0


def _inflated(packed: bytes, file_format: int, most_bytes: int, clock: Clock) -> bytes:
    """Unpacks a file; of gzip, all the members that stand one after the other."""
    out, place, unpacker = io.BytesIO(), 0, zlib.decompressobj(file_format)
    # Piece by piece: what is left after a member is copied, and a file may be nothing but tiny members.
    while place < len(packed):
        clock.seconds()
        piece = packed[place : place + _PIECE]
        try:
            out.write(unpacker.decompress(piece, most_bytes + 1 - out.tell()))
        except zlib.error:
            raise DamagedImageError("the packed image is damaged") from None
        place += len(piece) - len(unpacker.unused_data)
        if out.tell() > most_bytes:
            return out.getvalue()
        if unpacker.eof:
            if file_format != _GZIP or not packed.startswith(_GZIP_MAGIC, place):
                return out.getvalue()
            unpacker = zlib.decompressobj(file_format)
    raise DamagedImageError("the packed image ends early")
