"""Parquet files of other programs, read with the column types that are needed here.

A writer that infers types from a file's values gives an empty column the type null or double, and others write strings
as dictionaries or with 64-bit offsets. The next file of the same folder may differ.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Collection, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.storage import InputError, StorageOptions
from metaclip_curate.storage.parquet_columns import open_columns
from metaclip_curate.storage.retry import MissingError

# By name, since not every release of pyarrow has all of them.
_TEXT = {"string", "large_string", "string_view", "binary", "large_binary", "binary_view"}


@contextlib.contextmanager
def open_parquet(
    url: str, options: StorageOptions, remedy: str, columns: Collection[str] | None = None
) -> Iterator[pq.ParquetFile]:
    """Opens a Parquet file, and names it in the error if it can't be read.

    Args:
        url: Path or URL of the file.
        options: Credentials and limits for reading it.
        remedy: What the user should do about a file that is missing or damaged.
        columns: Names of the columns that are read, without which a file in a store is read whole; none for its
            metadata alone. Default: all.

    Raises:
        UserError: The file can't be read, now or while it is open.
    """
    try:
        with _opened(url, options, columns) as file:
            yield file
    except FileNotFoundError as error:
        raise UserError(f"{url} is missing: {remedy}") from error
    except InputError as error:
        if isinstance(error.__cause__, MissingError):
            raise UserError(f"{url} is missing: {remedy}") from error
        raise UserError(f"{url} can't be read ({error.reason}): give the same command again") from error
    except (pa.ArrowException, OSError) as error:
        # Arrow raises an OSError for a damaged file too, but without an errno.
        if isinstance(error, OSError) and error.errno is not None:
            raise UserError(f"{url} can't be read ({error.strerror}): make it readable") from error
        raise UserError(f"{url} is damaged or no Parquet file: {remedy}") from error


def _opened(
    url: str, options: StorageOptions, columns: Collection[str] | None
) -> contextlib.AbstractContextManager[pq.ParquetFile]:
    if columns is not None and not storage.is_local(url):
        return open_columns(url, options, columns)
    source: Any = url if storage.is_local(url) else io.BytesIO(storage.read_bytes(url, options))
    return pq.ParquetFile(source, page_checksum_verification=True)  # type: ignore[no-any-return]


def cast_table(table: pa.Table, schema: pa.Schema, url: str) -> pa.Table:
    """Casts a table's columns to a schema.

    Args:
        table: Table as it was read.
        schema: Columns of the result; those that the table lacks are null.
        url: Name of the file, for the message.

    Raises:
        UserError: A column can't be cast.
    """
    columns = [
        cast_column(table[field.name], field.type, f"the column {field.name} of {url}")
        if field.name in table.column_names
        else pa.chunked_array([pa.nulls(len(table), field.type)])
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def cast_column(column: pa.ChunkedArray, kind: pa.DataType, name: str) -> pa.ChunkedArray:
    """Casts a column to a type.

    Args:
        column: Column as it was read. If all of it is null, its type doesn't matter.
        kind: Type of the result.
        name: Name of the column, for the message.

    Raises:
        UserError: The column can't be cast.
    """
    if column.type == kind:
        return column
    if column.null_count == len(column):
        return pa.chunked_array([pa.nulls(len(column), kind)])
    # A number isn't cast to a string, since its leading zeros are lost already.
    if not pa.types.is_string(kind) or _holds_text(column.type):
        try:
            return column.cast(kind)
        except pa.ArrowException:
            pass
    raise UserError(f"{name} has the type {column.type}, and {kind} is needed: write the file with that type")


def _holds_text(kind: pa.DataType) -> bool:
    return str(kind.value_type if pa.types.is_dictionary(kind) else kind) in _TEXT
