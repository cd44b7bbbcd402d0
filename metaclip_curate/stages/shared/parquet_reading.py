"""Parquet files of a run that workers read themselves, so that the rows don't pass through the JVM."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from metaclip_curate import storage
from metaclip_curate.storage import InputError, StorageOptions
from metaclip_curate.storage.parquet_columns import open_columns

# Not in the line that raises the error, since a worker's traceback has that line before the message.
_DAMAGE = "corrupt data while reading file"


class DamagedFileError(Exception):
    """A file of the run isn't what was written; `tables.damaged_file` finds its name in the message."""


@contextmanager
def open_table_file(
    url: str, options: StorageOptions, repeating: Sequence[str] = (), columns: Sequence[str] | None = None
) -> Iterator[pq.ParquetFile]:
    """Opens a Parquet file, and verifies the checksum of each page that is read.

    Args:
        url: Path or URL.
        options: Credentials and limits for the file.
        repeating: Columns that are read as dictionaries.
        columns: Names of the columns that are read, without which a file in a store is read whole. Default: all.

    Raises:
        DamagedFileError: The file can't be read, now or while it is open.
    """
    try:
        if columns is not None and not storage.is_local(url):
            with open_columns(url, options, columns, repeating) as file:
                yield file
            return
        source = url if storage.is_local(url) else pa.BufferReader(storage.read_bytes(url, options))
        with pq.ParquetFile(
            source, read_dictionary=list(repeating), memory_map=True, page_checksum_verification=True
        ) as file:
            yield file
    except (pa.ArrowException, OSError, InputError) as error:
        raise DamagedFileError(f"{_DAMAGE} {quote(url, safe='/:')} ({error})") from error
