"""The unpacked bytes that begin in a range of a file, and those after it that a last record may need."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from metaclip_curate.metadata.wikipedia.byte_ranges import open_at
from metaclip_curate.metadata.wikipedia.bzip2 import read_blocks
from metaclip_curate.metadata.wikipedia.ranges import ByteRange
from metaclip_curate.storage import InputStream, StorageOptions

_PIECE = 1 << 20


@dataclass(frozen=True)
class Piece:
    """Some unpacked bytes.

    Attributes:
        data: The bytes; None stands for a part that is damaged.
        is_own: Whether what begins in them belongs to the range.
    """

    data: bytes | None
    is_own: bool


def read_pieces(part: ByteRange, storage: StorageOptions) -> Iterator[Piece]:
    """Unpacks a range, then the bytes after it for as long as the caller asks.

    Args:
        part: The range.
        storage: How to reach the file.

    Yields:
        Pieces in order: the range's own, then others to the file's end.

    Raises:
        InputError: The file can't be read.
    """
    with open_at(part.source.path, part.start, storage) as stream:
        if part.source.packing == "bz2":
            for block in read_blocks(stream, part.start):
                yield Piece(block.data, part.end is None or block.position < part.end)
        elif part.source.packing == "gz":
            yield from _gzip_pieces(stream)
        else:
            yield from _plain_pieces(stream, part)


def _gzip_pieces(stream: InputStream) -> Iterator[Piece]:
    file = gzip.GzipFile(fileobj=stream)
    while True:
        try:
            data = file.read1(_PIECE)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            # What follows in a gzip stream can't be read without what is damaged.
            yield Piece(None, is_own=True)
            return
        if not data:
            return
        yield Piece(data, is_own=True)


def _plain_pieces(stream: InputStream, part: ByteRange) -> Iterator[Piece]:
    position = part.start
    while True:
        own = None if part.end is None else part.end - position
        is_own = own is None or own > 0
        data = stream.read(_PIECE if own is None or own <= 0 else min(_PIECE, own))
        if not data:
            return
        position += len(data)
        yield Piece(data, is_own)
