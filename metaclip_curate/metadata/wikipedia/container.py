"""The unpacked bytes of a split, and those after it that its last record may need."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from metaclip_curate.metadata.wikipedia.bzip2 import read_blocks
from metaclip_curate.metadata.wikipedia.offset_input import open_at
from metaclip_curate.metadata.wikipedia.splits import FileSplit
from metaclip_curate.storage import InputStream, StorageOptions

_PIECE = 1 << 20


@dataclass(frozen=True)
class Piece:
    """Some unpacked bytes.

    Attributes:
        data: The bytes; None for a damaged split.
        is_own: Whether records that begin in the bytes belong to the split.
    """

    data: bytes | None
    is_own: bool


def read_pieces(split: FileSplit, storage: StorageOptions) -> Iterator[Piece]:
    """Unpacks a split, and then the bytes after it for as long as the caller iterates.

    Args:
        split: The split.
        storage: Credentials and limits for reading the file.

    Yields:
        Pieces in order: those of the split, then others to the end of the file.

    Raises:
        InputError: The file can't be read.
    """
    with open_at(split.source.path, split.start, storage) as stream:
        if split.source.packing == "bz2":
            for block in read_blocks(stream, split.start):
                yield Piece(block.data, split.end is None or block.position < split.end)
        elif split.source.packing == "gz":
            yield from _gzip_pieces(stream)
        else:
            yield from _plain_pieces(stream, split)


def _gzip_pieces(stream: InputStream) -> Iterator[Piece]:
    file = gzip.GzipFile(fileobj=stream)
    while True:
        try:
            data = file.read1(_PIECE)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            # The rest of a gzip stream can't be read without the damaged split.
            yield Piece(None, is_own=True)
            return
        if not data:
            return
        yield Piece(data, is_own=True)


def _plain_pieces(stream: InputStream, split: FileSplit) -> Iterator[Piece]:
    position = split.start
    while True:
        own = None if split.end is None else split.end - position
        is_own = own is None or own > 0
        data = stream.read(_PIECE if own is None or own <= 0 else min(_PIECE, own))
        if not data:
            return
        position += len(data)
        yield Piece(data, is_own)
