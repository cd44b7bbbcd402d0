"""Some columns of a Parquet file in a store, which are requested without the others."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow.parquet as pq

from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage.byte_ranges import ByteRange
from metaclip_curate.storage.ranged_file import RangedFile


@contextmanager
def open_columns(
    url: str, options: StorageOptions, columns: Collection[str], repeating: Collection[str] = ()
) -> Iterator[pq.ParquetFile]:
    """Opens a file, and requests some of its columns. What the block reads of them takes no other request.

    Args:
        url: Path or URL.
        options: Credentials, time-outs and number of attempts.
        columns: Names of the columns; the file may lack some of them, and none needs only the footer.
        repeating: Columns that are read as dictionaries.

    Raises:
        InputError: The file can't be read.
        pyarrow.ArrowException: It is damaged.
        OSError: It is damaged.
    """
    with RangedFile(url, options) as file:
        parquet = pq.ParquetFile(file, read_dictionary=list(repeating), page_checksum_verification=True)
        file.fetch(
            [
                chunk_range(parquet.metadata, group, number)
                for group in range(parquet.metadata.num_row_groups)
                for number in range(parquet.metadata.num_columns)
                if parquet.metadata.schema.column(number).path.partition(".")[0] in columns
            ]
        )
        yield parquet


def chunk_range(metadata: Any, group: int, column: int) -> ByteRange:
    """Returns the bytes of a column in a row group.

    Args:
        metadata: The file's `pyarrow.parquet.FileMetaData`.
        group: Number of the row group.
        column: Number of the column among those that have no parts.
    """
    chunk = metadata.row_group(group).column(column)
    start = chunk.data_page_offset
    if chunk.has_dictionary_page and chunk.dictionary_page_offset:
        start = min(start, chunk.dictionary_page_offset)
    return ByteRange(start, chunk.total_compressed_size)
