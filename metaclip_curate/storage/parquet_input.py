"""Parquet files that other programs wrote, read in the types that are wanted here.

A writer that goes by a file's values gives a column of which nothing is known the type null, or double, and others
write strings as dictionaries or with 64-bit offsets; the next file of the same folder may differ.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.storage import StorageOptions

# By name, since not every release of pyarrow has all of them.
_TEXT = {"string", "large_string", "string_view", "binary", "large_binary", "binary_view"}


@contextlib.contextmanager
def open_parquet(url: str, options: StorageOptions, remedy: str) -> Iterator[pq.ParquetFile]:
    """Opens a Parquet file, and says of one that can't be read which it is.

    Args:
        url: Where it is.
        options: How to reach it.
        remedy: What the user should do about a file that is missing or damaged.

    Raises:
        UserError: It can't be read, here or while it is open.
    """
    try:
        place: Any = url if storage.is_local(url) else io.BytesIO(storage.read_bytes(url, options))
        with pq.ParquetFile(place, page_checksum_verification=True) as file:
            yield file
    except FileNotFoundError as error:
        raise UserError(f"{url} is missing: {remedy}") from error
    except (pa.ArrowException, OSError) as error:
        # What Arrow makes of damage in a file is an OSError too, without a number.
        if isinstance(error, OSError) and error.errno is not None:
            raise UserError(f"{url} can't be read ({error.strerror}): make it readable") from error
        raise UserError(f"{url} is damaged or no Parquet file: {remedy}") from error


def cast_table(table: pa.Table, schema: pa.Schema, url: str) -> pa.Table:
    """Brings columns to the types of a schema.

    Args:
        table: What was read.
        schema: The columns that are wanted; those that the table doesn't have are null.
        url: The file's name, for the message.

    Raises:
        UserError: A column holds something else.
    """
    columns = [
        cast_column(table[field.name], field.type, f"the column {field.name} of {url}")
        if field.name in table.column_names
        else pa.chunked_array([pa.nulls(len(table), field.type)])
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def cast_column(column: pa.ChunkedArray, kind: pa.DataType, name: str) -> pa.ChunkedArray:
    """Brings a column to a type.

    Args:
        column: What was read. If all of it is null, its type doesn't matter.
        kind: The type.
        name: The column's, for the message.

    Raises:
        UserError: It holds something else.
    """
    if column.type == kind:
        return column
    if column.null_count == len(column):
        return pa.chunked_array([pa.nulls(len(column), kind)])
    # A number isn't taken for a text: its leading zeros are lost.
    if not pa.types.is_string(kind) or _holds_text(column.type):
        try:
            return column.cast(kind)
        except pa.ArrowException:
            pass
    raise UserError(f"{name} has the type {column.type}, and {kind} is needed: write the file with that type")


def _holds_text(kind: pa.DataType) -> bool:
    return str(kind.value_type if pa.types.is_dictionary(kind) else kind) in _TEXT
