"""Parquet files that workers write themselves, without a way for the rows through the JVM.

A file takes its name when it is complete, and its name depends on nothing but what is in it and where it belongs. So a
task that is done twice, by a retry or beside an attempt that was given up for lost, writes the same file in the same
place, and there is nothing to commit but the list of names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from metaclip_curate import storage
from metaclip_curate.run.file_list import PartFile, describe
from metaclip_curate.storage import StorageOptions

# Rows, or bytes in memory, of a row group; what comes first.
_GROUP_ROWS, _GROUP_BYTES = 1 << 17, 1 << 26


@dataclass(frozen=True)
class Layout:
    """How a table's files are written.

    Attributes:
        schema: The table's.
        repeating: Columns whose values repeat, so that a dictionary of them pays; for others it is made in vain.
        statistics: Columns by whose smallest and largest values a reader may pass over row groups.
    """

    schema: pa.Schema
    repeating: Sequence[str]
    statistics: Sequence[str] = ()


def write_file(
    batches: Iterator[pa.RecordBatch], layout: Layout, folder: str, name: Callable[[], str], options: StorageOptions
) -> PartFile:
    """Writes a file; it appears whole or not at all.

    Args:
        batches: Its rows.
        layout: How to write them.
        folder: Where to.
        name: Tells the file's name when all rows were taken.
        options: How to reach the folder.

    Returns:
        The file, for the list of its part.
    """
    rows = 0
    with storage.staged_upload(lambda: storage.join(folder, name()), options) as local:
        with pq.ParquetWriter(
            local,
            layout.schema,
            compression="zstd",
            use_dictionary=list(layout.repeating),
            write_statistics=list(layout.statistics) or False,
            write_page_checksum=True,
        ) as writer:
            for group in _groups(batches, layout.schema):
                rows += group.num_rows
                writer.write_table(group, row_group_size=max(1, group.num_rows))
        written = describe(local, name(), rows)
    return written


def _groups(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= _GROUP_ROWS or size >= _GROUP_BYTES:
            yield pa.Table.from_batches(held, schema)
            held, rows, size = [], 0, 0
    if rows:
        yield pa.Table.from_batches(held, schema)
