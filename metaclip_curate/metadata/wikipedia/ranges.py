"""Cutting a file into ranges of bytes, one a task."""

from __future__ import annotations

import io
from dataclasses import dataclass

from metaclip_curate.metadata.wikipedia.byte_ranges import open_at, size_of
from metaclip_curate.metadata.wikipedia.bzip2 import ends_whole, read_blocks
from metaclip_curate.metadata.wikipedia.sources import Source
from metaclip_curate.storage import StorageOptions

_TAIL = 2 << 20  # bytes, more than the last blocks of a bzip2 file have
_LAST_LINE = b"</mediawiki>"


@dataclass(frozen=True)
class ByteRange:
    """A part of a file: what begins in it belongs to its task, wherever that ends.

    Attributes:
        source: The file.
        start: Its first byte.
        end: The byte after its last; None is the file's end.
    """

    source: Source
    start: int = 0
    end: int | None = None


def byte_ranges(source: Source, split_bytes: int, storage: StorageOptions) -> list[ByteRange]:
    """Cuts a file into ranges of about equal size.

    Args:
        source: The file, no Parquet, of which Spark takes care.
        split_bytes: The most bytes of a range.
        storage: How to reach it.

    Returns:
        The ranges, in order; one where the file can't be split or its size isn't known.

    Raises:
        InputError: The file can't be opened.
    """
    size = size_of(source.path, storage)
    if size is None or not source.can_be_split or size <= split_bytes:
        return [ByteRange(source)]
    count = -(-size // split_bytes)
    starts = [size * number // count for number in range(count)]
    return [ByteRange(source, start, end) for start, end in zip(starts, [*starts[1:], None], strict=True)]


def end_fault(source: Source, storage: StorageOptions) -> str:
    """Looks whether a dump has its end, which takes a moment, before hours are spent on it.

    Args:
        source: The file.
        storage: How to reach it.

    Returns:
        What is wrong; empty when nothing is, or when only reading it all can tell (gzip, JSON without packing).

    Raises:
        InputError: The file can't be opened.
    """
    size = size_of(source.path, storage)
    if size is None or source.packing == "gz":
        return ""
    start = max(0, size - _TAIL)
    with open_at(source.path, start, storage) as stream:
        tail = stream.read()
    if source.packing == "bz2" and not ends_whole(tail):
        return "is cut off, or no bzip2 file"
    if source.packing == "bz2":
        tail = b"".join((block.data or b"")[-64:] for block in read_blocks(io.BytesIO(tail), start))
    if source.form == "xml" and not tail.rstrip().endswith(_LAST_LINE):
        return f"lacks its last line, {_LAST_LINE.decode()}"
    return ""
