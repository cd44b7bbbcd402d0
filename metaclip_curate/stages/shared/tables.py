"""A run's tables as Spark reads them and its workers write them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import DataFrame, SparkSession

from metaclip_curate import storage
from metaclip_curate.console.unreadable_file import unreadable_file
from metaclip_curate.run.file_list import PartFile, TableFile
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.folder_names import PATTERN
from metaclip_curate.run.manifest_files import part_name
from metaclip_curate.schemas import ddl
from metaclip_curate.stages.shared.parquet_files import Layout, write_file
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.urls import local_path

# The row that a task returns of a file that it wrote.
PART_FILE = pa.schema(
    [
        pa.field("name", pa.string()),
        pa.field("rows", pa.int64()),
        pa.field("size", pa.int64()),
        pa.field("footer", pa.int64()),
        pa.field("crc", pa.int64()),
    ]
)
_DAMAGE = re.compile(r"checksum|not a Parquet file|footer|corrupt|magic number|EOFException", re.IGNORECASE)


def read_table(spark: SparkSession, files: Sequence[TableFile], schema: pa.Schema) -> DataFrame:
    """Reads Parquet files, and verifies the checksum of each page.

    Args:
        spark: The session.
        files: Files from `RunFolder.table_files`.
        schema: Schema of the files.
    """
    if not files:
        return spark.createDataFrame([], ddl(schema))
    return read_files(spark, [file.url for file in files], ddl(schema))


def read_run_table(
    spark: SparkSession,
    folder: RunFolder,
    stage: str,
    table: str,
    schema: pa.Schema,
    parts: Sequence[str] | None = None,
) -> DataFrame:
    """Reads a table of a run.

    Args:
        spark: The session.
        folder: The run folder.
        stage: The stage that writes the table.
        table: The table's name.
        schema: The table's schema.
        parts: Finished parts to read. Default: all, of a stage that must be finished.

    Raises:
        UserError: The stage isn't finished, or a file isn't what was written.
    """
    return read_table(spark, folder.table_files(stage, table, parts), schema)


def read_named(spark: SparkSession, folder: str, files: Sequence[PartFile], schema: pa.Schema) -> DataFrame:
    """Reads files that were written to a folder and aren't committed yet."""
    return read_table(spark, [TableFile(storage.join(folder, file.name), file.rows) for file in files], schema)


def read_files(spark: SparkSession, urls: Iterable[str], columns: str) -> DataFrame:
    """Reads Parquet files or folders of them, and verifies the checksum of each page.

    Args:
        spark: The session.
        urls: Paths or URLs; at least one.
        columns: Schema as DDL.
    """
    reader = spark.read.schema(columns).option("parquet.page.verify-checksum.enabled", "true")
    return reader.parquet(*map(literal, urls))


def literal(url: str) -> str:
    """Escapes the name of a file or folder, which Spark's readers take for a pattern.

    Args:
        url: Path or URL.

    Returns:
        The escaped name; of a local path with its scheme, so that it is local on clusters too.
    """
    named = f"file://{os.path.abspath(local_path(url))}" if storage.is_local(url) else url  # noqa: PTH100 (no "..")
    return PATTERN.sub(r"\\\g<0>", named)


def damaged_file(error: Exception) -> str:
    """Returns the Parquet file that an error of Spark's calls damaged; empty if it is about something else."""
    text = str(error)
    return unreadable_file(text) if _DAMAGE.search(text) else ""


def write_table(rows: DataFrame, layout: Layout, folder: str, options: StorageOptions) -> list[PartFile]:
    """Writes a file for each partition with rows, and at least one.

    Args:
        rows: Rows with the columns of the layout's schema.
        layout: Schema and encoding of the files.
        folder: Path or URL of a folder without files.
        options: Credentials and limits for the folder.

    Returns:
        The files, in the order of their names.
    """
    columns = rows.select(*layout.schema.names)
    written = files_of(columns.mapInArrow(_writer(layout, folder, options), ddl(PART_FILE)))
    return written or [write_file(iter(()), layout, folder, lambda: part_name(0), options)]


def write_temporary(rows: DataFrame, folder: str) -> DataFrame:
    """Writes rows that are needed more than once, and returns them as they are read from there.

    Args:
        rows: The rows.
        folder: The folder to write; what is in it is replaced.
    """
    rows.write.mode("overwrite").option("compression", "zstd").parquet(folder)
    columns = ", ".join(f"{name} {kind}" for name, kind in rows.dtypes)
    return read_files(rows.sparkSession, [folder], columns)


def row_of(file: PartFile) -> pa.RecordBatch:
    """Returns a file as a row of PART_FILE."""
    return pa.RecordBatch.from_pylist([file._asdict()], schema=PART_FILE)


def files_of(rows: DataFrame) -> list[PartFile]:
    """Collects rows of PART_FILE, in the order of the files' names."""
    return sorted(PartFile(*row) for row in rows.collect())


def _writer(
    layout: Layout, folder: str, options: StorageOptions
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        context = TaskContext.get()
        # A partition gives its file the same name each time it is computed.
        name = part_name(context.partitionId() if context else 0)
        first = next((batch for batch in batches if batch.num_rows), None)
        if first is None:
            return
        filled = (_cast(batch, layout.schema) for batch in _with(first, batches))
        yield row_of(write_file(filled, layout, folder, lambda: name, options))

    return write


def _cast(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Casts columns to the types of a schema, since Spark names the items of lists differently."""
    columns = [column.cast(field.type) for column, field in zip(batch.columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _with(first: pa.RecordBatch, others: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from others
