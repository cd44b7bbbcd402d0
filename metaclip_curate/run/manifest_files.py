"""The manifest's files: part-NNNNN.parquet in a flat folder, and the data card beside them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from metaclip_curate import storage
from metaclip_curate.run.file_list import PartFile, describe
from metaclip_curate.storage import StorageOptions

# Row groups of a fixed size make a file's bytes independent of how the rows arrived.
_ROW_GROUP = 10_000


def part_name(number: int) -> str:
    """Returns the name of a table's file, of which workers write several."""
    return f"part-{number:05d}.parquet"


def part_number(name: str) -> int:
    """Returns the number of a file from its name, which `part_name` gave it."""
    return int(name.removeprefix("part-").removesuffix(".parquet"))


def write_part(folder: str, number: int, rows: pa.Table, options: StorageOptions) -> PartFile:
    """Writes one file of the manifest, which appears whole or not at all. A repeated task writes the same bytes.

    Args:
        folder: Path or URL of the manifest's folder.
        number: Number of the file, from 0.
        rows: Rows of `schemas.MANIFEST` in their order, with the kept columns of a pool.
        options: Credentials and limits for the folder.

    Returns:
        The file, for the list of the manifest's files.
    """
    table = rows.combine_chunks()
    name = part_name(number)
    with storage.staged_upload(lambda: storage.join(folder, name), options) as local:
        pq.write_table(table, local, compression="zstd", row_group_size=_ROW_GROUP, write_page_checksum=True)
        written = describe(local, name, table.num_rows)
    return written
