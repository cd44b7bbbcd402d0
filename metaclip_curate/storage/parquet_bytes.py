"""Small Parquet files that are read whole, from bytes."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq


def read_parquet(data: bytes, columns: Sequence[str] | None = None) -> pa.Table:
    """Reads a small Parquet file, and verifies the checksum of each page that has one.

    It is read in the calling thread. A thread of Arrow's pool, in which `pyarrow.parquet.read_table` scans, may release
    the bytes after the result was returned. If Python ends at that moment, the process is aborted (SIGABRT, "terminate
    called without an active exception"), as happened to commands that end soon after.

    Args:
        data: Content of the file.
        columns: Names of columns. Default: all.

    Raises:
        pyarrow.ArrowException: It is damaged.
        OSError: It is damaged.
    """
    with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as file:
        return file.read(None if columns is None else list(columns), use_threads=False)
