"""Checking a multistream dump against its index.

The index has a line `offset:page id:title` per page, where offset is that of the stream with the page, which has 100
pages. Splits are made without the index (see `bzip2`); it is used to check the number of pages.
"""

from __future__ import annotations

import bz2
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.wikipedia.container import read_pieces
from metaclip_curate.metadata.wikipedia.dump_files import DumpFile
from metaclip_curate.metadata.wikipedia.offset_input import open_at, size_of
from metaclip_curate.metadata.wikipedia.records import read_lines
from metaclip_curate.metadata.wikipedia.splits import FileSplit
from metaclip_curate.storage import StorageOptions

_LINE = re.compile(rb"(\d+):(\d+):.*", re.DOTALL)
_FIRST_ID = re.compile(rb"<id>(\d+)</id>")
_LONGEST_LINE = 1 << 16
_STREAMS_TRIED = 16
_BEGINNING = 1 << 16  # bytes of a stream within which its first page has its id


@dataclass(frozen=True)
class _Index:
    pages: int
    first_ids: dict[int, int]  # id of the first page of each stream, by the stream's offset


def check_index(source: DumpFile, storage: StorageOptions) -> int:
    """Checks the offsets of an index, and the first pages of a few streams.

    Args:
        source: A dump with an index.
        storage: Credentials and limits for reading both.

    Returns:
        The number of pages in the index.

    Raises:
        UserError: The index is damaged or belongs to another dump.
        InputError: A file can't be read.
    """
    index = _read_index(source, storage)
    offsets = sorted(index.first_ids)
    size = size_of(source.path, storage)
    if size is not None and offsets[-1] >= size:
        raise _mismatch(source, f"it names the byte {offsets[-1]:,} of a file of {size:,}")
    step = max(1, len(offsets) // _STREAMS_TRIED)
    for offset in [*offsets[::step], offsets[-1]]:
        found = _first_id(source, offset, storage)
        if found != index.first_ids[offset]:
            actual = "no page" if found is None else f"page {found}"
            raise _mismatch(source, f"at byte {offset:,} it has page {index.first_ids[offset]}, the dump {actual}")
    return index.pages


def check_page_count(source: DumpFile, expected: int, found: int) -> None:
    """Compares the number of pages in a dump with that in its index.

    Raises:
        UserError: The numbers differ.
    """
    if expected != found:
        raise _mismatch(source, f"it has {expected:,} pages, the dump {found:,}")


def _mismatch(source: DumpFile, reason: str) -> UserError:
    return UserError(
        f"The index {source.index} doesn't fit {source.path}: {reason}; fetch both of the same date, or remove the "
        "index."
    )


def _read_index(source: DumpFile, storage: StorageOptions) -> _Index:
    pages = 0
    first_ids: dict[int, int] = {}
    for line in _lines(replace(source, path=source.index, index=""), storage):
        match = _LINE.fullmatch(line) if not isinstance(line, str) else None
        if match is None:
            raise UserError(f"The index {source.index} is damaged or isn't an index; fetch it again, or remove it.")
        pages += 1
        first_ids.setdefault(int(match[1]), int(match[2]))
    if not pages:
        raise UserError(f"The index {source.index} is empty; fetch it again, or remove it.")
    return _Index(pages, first_ids)


def _lines(source: DumpFile, storage: StorageOptions) -> Iterator[bytes | str]:
    return read_lines(read_pieces(FileSplit(source), storage), _LONGEST_LINE, is_first=True)


def _first_id(source: DumpFile, offset: int, storage: StorageOptions) -> int | None:
    """Reads the id of the first page of the stream at an offset; None if no stream with a page begins there."""
    unpacker, text = bz2.BZ2Decompressor(), b""
    with open_at(source.path, offset, storage) as stream:
        try:
            while len(text) < _BEGINNING and not unpacker.eof and (piece := stream.read(1 << 16)):
                text += unpacker.decompress(piece)
        except OSError:
            return None
    match = _FIRST_ID.search(text)
    return int(match[1]) if match else None
