"""Passes over the tables of a run: in this process if they are small, else by Spark's workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from metaclip_curate import storage
from metaclip_curate.run.file_list import PartFile, rows_of
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.tables import open_files, open_table
from metaclip_curate.stages.shared.passes import ArrowPasses, Passes, SparkPasses

if TYPE_CHECKING:
    import pyarrow.dataset as pds
    from pyspark.sql import DataFrame, SparkSession

# Rows of all tables together that one core reads in seconds.
MOST_ROWS_HERE = 4_000_000


def passes_over(
    folder: RunFolder,
    tables: Sequence[tuple[str, str]],
    spark: Callable[[], SparkSession],
    manifest: Sequence[PartFile] | None = None,
) -> Passes:
    """Returns what makes passes over tables of finished stages.

    Args:
        folder: The run folder.
        tables: Stage and name of each table.
        spark: Returns the session, which only large tables need.
        manifest: Files of a manifest that isn't recorded yet. Default: the manifest of the run.
    """
    files = [file for stage, table in tables for file in folder.table_files(stage, table)]
    written = [storage.join(folder.table("manifest"), file.name) for file in manifest or ()]

    def is_written(table: str) -> bool:
        return manifest is not None and table == "manifest"

    def open_here(stage: str, table: str, schema: pa.Schema) -> pds.Dataset:
        if is_written(table):
            return open_files(written, schema, folder.options)
        return open_table(folder, stage, table, schema)

    def read_by_spark(stage: str, table: str, schema: pa.Schema) -> DataFrame:
        from metaclip_curate.stages.shared.tables import read_named, read_run_table

        if manifest is not None and is_written(table):
            return read_named(spark(), folder.table("manifest"), manifest, schema)
        return read_run_table(spark(), folder, stage, table, schema)

    small = (rows_of(files) or 0) <= MOST_ROWS_HERE
    return ArrowPasses(open_here) if small else SparkPasses(read_by_spark)
