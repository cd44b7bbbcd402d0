"""Dividing a file into splits: ranges of bytes, one per task."""

from __future__ import annotations

import io
from dataclasses import dataclass

from metaclip_curate.metadata.wikipedia.bzip2 import ends_whole, read_blocks
from metaclip_curate.metadata.wikipedia.dump_files import DumpFile
from metaclip_curate.metadata.wikipedia.offset_input import open_at, size_of
from metaclip_curate.storage import StorageOptions

_TAIL = 2 << 20  # bytes, more than the last block of a bzip2 file has
_LAST_LINE = b"</mediawiki>"
_CUT_OFF = "is cut off, or isn't a bzip2 file"
_END_BYTES = 16  # more than the end mark of a bzip2 file, its CRC and its padding have


@dataclass(frozen=True)
class FileSplit:
    """A range of bytes of a file. Records that begin in it belong to it, wherever they end.

    Attributes:
        source: The file.
        start: Offset of the first byte.
        end: Offset after the last byte; None for the end of the file.
    """

    source: DumpFile
    start: int = 0
    end: int | None = None


def split_file(source: DumpFile, split_bytes: int, storage: StorageOptions) -> list[FileSplit]:
    """Divides a file into splits of about equal size.

    Args:
        source: The file. It isn't Parquet, which Spark splits itself.
        split_bytes: Largest size of a split, bytes.
        storage: Credentials and limits for reading the file.

    Returns:
        The splits in order; a single one if the file can't be split or its size isn't known.

    Raises:
        InputError: The file can't be opened.
    """
    size = size_of(source.path, storage)
    if size is None or not source.can_be_split or size <= split_bytes:
        return [FileSplit(source)]
    count = -(-size // split_bytes)
    starts = [size * number // count for number in range(count)]
    return [FileSplit(source, start, end) for start, end in zip(starts, [*starts[1:], None], strict=True)]


def fault_of_end(source: DumpFile, storage: StorageOptions) -> str:
    """Checks the last bytes of a file, which needs one small read and no session.

    Args:
        source: The file.
        storage: Credentials and limits for reading the file.

    Returns:
        The fault: the file has no bytes, or lacks the end mark of bzip2. Empty if there is none, or if the last bytes
        don't show it: those of a gzip file are its checksum and size, which say nothing before all of it is read.

    Raises:
        InputError: The file can't be opened.
    """
    size = size_of(source.path, storage)
    if size == 0 and (source.form, source.packing) != ("json", "none"):
        return "is empty"
    if size is None or source.packing != "bz2":
        return ""
    with open_at(source.path, max(0, size - _END_BYTES), storage) as stream:
        return "" if ends_whole(stream.read()) else _CUT_OFF


def find_truncation(source: DumpFile, storage: StorageOptions) -> str:
    """Checks that a dump has its end, which unpacks its last block, before hours are spent on it.

    Args:
        source: The file.
        storage: Credentials and limits for reading the file.

    Returns:
        The fault. Empty if there is none, or if only reading the whole file can show it (gzip, JSON without packing).

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
        return _CUT_OFF
    if source.packing == "bz2":
        tail = b"".join((block.data or b"")[-64:] for block in read_blocks(io.BytesIO(tail), start))
    if source.form == "xml" and not tail.rstrip().endswith(_LAST_LINE):
        return f"lacks its last line, {_LAST_LINE.decode()}"
    return ""
