"""Parquet files that workers write themselves, so that the rows don't pass through the JVM.

A file gets its name when it is complete, and the name depends only on its content and partition. A task that runs
twice, by a retry or beside an attempt that was given up for lost, writes the same file under the same name, and only
the list of names needs to be committed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.parquet as pq

from metaclip_curate import storage
from metaclip_curate.run.file_list import PartFile, describe
from metaclip_curate.schemas import Kept, with_kept
from metaclip_curate.storage import StorageOptions

# Largest number of rows, and of bytes in memory, of a row group.
_GROUP_ROWS, _GROUP_BYTES = 1 << 17, 1 << 26


@dataclass(frozen=True)
class Layout:
    """How a table's files are written.

    Attributes:
        schema: Schema of the table.
        repeating: Columns whose values repeat, which are dictionary-encoded.
        statistics: Columns by whose smallest and largest values a reader may skip row groups.
        whole_batches: Whether each batch that is written becomes a row group of its own.
    """

    schema: pa.Schema
    repeating: Sequence[str]
    statistics: Sequence[str] = ()
    whole_batches: bool = False

    def keeping(self, kept: Kept) -> Layout:
        """Returns the layout with the kept columns of a pool."""
        return replace(self, schema=with_kept(self.schema, kept)) if kept else self


def write_file(
    batches: Iterator[pa.RecordBatch], layout: Layout, folder: str, name: Callable[[], str], options: StorageOptions
) -> PartFile:
    """Writes a file, which appears whole or not at all.

    Args:
        batches: Rows of the file.
        layout: Schema and encoding.
        folder: Path or URL of the folder.
        name: Returns the file's name once all rows were read.
        options: Credentials and limits for the folder.

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
            for group in _groups(batches, layout):
                rows += group.num_rows
                writer.write_table(group, row_group_size=max(1, group.num_rows))
        written = describe(local, name(), rows)
    return written


def _groups(batches: Iterator[pa.RecordBatch], layout: Layout) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= _GROUP_ROWS or size >= _GROUP_BYTES or (rows and layout.whole_batches):
            yield pa.Table.from_batches(held, layout.schema)
            held, rows, size = [], 0, 0
    if rows:
        yield pa.Table.from_batches(held, layout.schema)
