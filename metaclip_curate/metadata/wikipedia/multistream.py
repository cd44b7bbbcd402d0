"""A multistream dump and its index.

The index has a line `offset:page id:title` per page; offset is the byte at which the stream with the page begins, and a
stream has 100 pages. Ranges are cut without it (see `bzip2`); it says how many pages there must be.
"""

from __future__ import annotations

import bz2
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.wikipedia.byte_ranges import open_at, size_of
from metaclip_curate.metadata.wikipedia.container import read_pieces
from metaclip_curate.metadata.wikipedia.ranges import ByteRange
from metaclip_curate.metadata.wikipedia.records import read_lines
from metaclip_curate.metadata.wikipedia.sources import Source
from metaclip_curate.storage import StorageOptions

_LINE = re.compile(rb"(\d+):(\d+):.*", re.DOTALL)
_FIRST_ID = re.compile(rb"<id>(\d+)</id>")
_LONGEST_LINE = 1 << 16
_STREAMS_TRIED = 16
_BEGINNING = 1 << 16  # bytes of a stream in which its first page's id stands


@dataclass(frozen=True)
class _Index:
    pages: int
    first_ids: dict[int, int]  # offset of a stream: id of the page that its first line names


def check_index(source: Source, storage: StorageOptions) -> int:
    """Holds a dump against its index: the offsets, and the first pages of a few streams.

    Args:
        source: A dump with an index.
        storage: How to reach them.

    Returns:
        The number of pages that the dump must have.

    Raises:
        UserError: The index is damaged or is another dump's.
        InputError: One of them can't be read.
    """
    index = _read_index(source, storage)
    offsets = sorted(index.first_ids)
    size = size_of(source.path, storage)
    if size is not None and offsets[-1] >= size:
        raise _unfit(source, f"it names the byte {offsets[-1]:,} of a file of {size:,}")
    step = max(1, len(offsets) // _STREAMS_TRIED)
    for offset in [*offsets[::step], offsets[-1]]:
        found = _first_id(source, offset, storage)
        if found != index.first_ids[offset]:
            there = "no page" if found is None else f"page {found}"
            raise _unfit(source, f"at byte {offset:,} it has page {index.first_ids[offset]}, the dump {there}")
    return index.pages


def check_page_count(source: Source, expected: int, found: int) -> None:
    """Compares the number of pages read with that of the index.

    Raises:
        UserError: They differ.
    """
    if expected != found:
        raise _unfit(source, f"it has {expected:,} pages, the dump {found:,}")


def _unfit(source: Source, why: str) -> UserError:
    return UserError(
        f"The index {source.index} doesn't fit {source.path}: {why}; fetch both of the same date, or remove the index."
    )


def _read_index(source: Source, storage: StorageOptions) -> _Index:
    pages = 0
    first_ids: dict[int, int] = {}
    for line in _lines(replace(source, path=source.index, index=""), storage):
        match = _LINE.fullmatch(line) if not isinstance(line, str) else None
        if match is None:
            raise UserError(f"The index {source.index} is damaged or no index; fetch it again, or remove it.")
        pages += 1
        first_ids.setdefault(int(match[1]), int(match[2]))
    if not pages:
        raise UserError(f"The index {source.index} is empty; fetch it again, or remove it.")
    return _Index(pages, first_ids)


def _lines(source: Source, storage: StorageOptions) -> Iterator[bytes | str]:
    return read_lines(read_pieces(ByteRange(source), storage), _LONGEST_LINE, is_first=True)


def _first_id(source: Source, offset: int, storage: StorageOptions) -> int | None:
    """The id of the first page of the stream that begins at a byte; None when no stream with a page does."""
    unpacker, text = bz2.BZ2Decompressor(), b""
    with open_at(source.path, offset, storage) as stream:
        try:
            while len(text) < _BEGINNING and not unpacker.eof and (piece := stream.read(1 << 16)):
                text += unpacker.decompress(piece)
        except OSError:
            return None
    match = _FIRST_ID.search(text)
    return int(match[1]) if match else None
