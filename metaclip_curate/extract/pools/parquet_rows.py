"""Rows of a Parquet file, row group by row group. Only the columns that are needed are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.pools.columns import Columns
from metaclip_curate.extract.pools.raw_rows import BATCH_BYTES, BATCH_ROWS, RawRows

# Of each column, so much is read at a time, so that a large row group needs little memory.
_BUFFER_BYTES = 1 << 23
# Rows of a part of a file that one task reads.
PART_ROWS = 1_000_000


class RowGroups(NamedTuple):
    """Neighbouring row groups of a file.

    Attributes:
        first: Number of the first.
        end: Number after the last.
    """

    first: int
    end: int


class UnreadableError(ValueError):
    """A file that can't be read as Parquet; the message doesn't name it."""


def open_parquet_pool(file: BinaryIO) -> pq.ParquetFile:
    """Opens a Parquet file.

    Raises:
        UnreadableError: It isn't one, or ends early.
    """
    try:
        return pq.ParquetFile(file, buffer_size=_BUFFER_BYTES, pre_buffer=False, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise UnreadableError(
            "it isn't a Parquet file, or ends early, so that the list of its columns at its end is missing"
        ) from error


def split_by_rows(rows: Sequence[int], most: int = PART_ROWS) -> list[RowGroups]:
    """Divides a file over tasks.

    Args:
        rows: Number of rows of each row group.
        most: Number of rows at which a part ends, if there are further row groups.
    """
    parts = []
    first = filled = 0
    for number, size in enumerate(rows):
        if filled and filled + size > most:
            parts.append(RowGroups(first, number))
            first, filled = number, 0
        filled += size
    parts.append(RowGroups(first, len(rows)))
    return parts


def read_parquet(
    file: pq.ParquetFile,
    find: Callable[[Sequence[str]], Columns],
    groups: RowGroups | None,
    stats: InputStats,
) -> Iterator[RawRows]:
    """Reads rows. A damaged row group costs those of its rows that follow the damage.

    Args:
        file: The file.
        find: Finds the columns among their names.
        groups: The row groups to read; None for all.
        stats: Rows, bytes and damage are recorded here.

    Raises:
        ColumnError: A column is missing.
    """
    columns = find(file.schema_arrow.names)
    read = columns.read
    metadata = file.metadata
    groups = groups or RowGroups(0, metadata.num_row_groups)
    first = sum(metadata.row_group(number).num_rows for number in range(groups.first))
    for number in range(groups.first, groups.end):
        group = metadata.row_group(number)
        stored, size = _bytes_of(group, read)
        stats.bytes_read += stored
        stats.records += group.num_rows
        batch_rows = max(1, min(BATCH_ROWS, BATCH_BYTES * group.num_rows // max(1, size)))
        done = 0
        try:
            for batch in file.iter_batches(batch_rows, [number], read, use_threads=False):
                yield RawRows(batch.select(read), columns, first + done)
                done += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            stats.records_skipped += group.num_rows - done
            stats.mark_damaged(f"row group {number} can't be read: {error}")
        first += group.num_rows


def _bytes_of(group: Any, columns: Sequence[str]) -> tuple[int, int]:
    """Returns the bytes of columns in a row group, as stored and unpacked."""
    stored = size = 0
    for number in range(group.num_columns):
        column = group.column(number)
        if column.path_in_schema.partition(".")[0] in columns:
            stored += column.total_compressed_size
            size += column.total_uncompressed_size
    return stored, size
