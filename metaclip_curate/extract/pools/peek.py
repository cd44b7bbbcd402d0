"""The first rows of a pool's file, for the columns and the types of those that are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from itertools import chain, islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate import storage
from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.pools.columns import ColumnError, find_columns
from metaclip_curate.extract.pools.csv_rows import csv_objects
from metaclip_curate.extract.pools.forms import Form
from metaclip_curate.extract.pools.json_lines import json_objects
from metaclip_curate.extract.pools.parquet_rows import UnreadableError, open_parquet_pool
from metaclip_curate.extract.pools.tar_samples import sample_objects
from metaclip_curate.options.pool import PoolOptions
from metaclip_curate.schemas import kept_type
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.ranged_file import open_seekable

_ROWS = 1000
_MOST_BYTES = 32 << 20
# A sign or zeros at the beginning that a number doesn't keep, hex digits, and more digits than a double has.
_CHANGED_AS_NUMBER = r"^([+]|-?0[0-9xX]|-?[0-9]{16})"


def peek(path: str, form: Form, options: PoolOptions, storage_options: StorageOptions) -> dict[str, str]:
    """Checks that a file has the columns, and returns the types of those that are kept.

    Args:
        path: Path or URL of the file.
        form: Its form.
        options: Which columns are read.
        storage_options: Credentials and limits for reading it.

    Returns:
        Names of types, from `schemas.kept_type`, by column; columns that the file lacks, or that have only nulls by
        their type, are missing.

    Raises:
        ColumnError: A column is missing.
        UserError: A column can't be kept.
        InputError: The file can't be read.
        NotTextError: The text is in UTF-16.
        UnreadableError: It isn't a Parquet file, or has no rows from which the columns could be known.
    """
    name = storage.public_name(path)
    if form is Form.PARQUET:
        with closing(open_seekable(path, storage_options)) as file, open_parquet_pool(file) as parquet:
            schema = parquet.schema_arrow
        find_columns(schema.names, options)
        types = {column: schema.field(column).type for column in options.keep_columns if column in schema.names}
    else:
        rows = _first_rows(path, form, storage_options)
        if not rows:
            raise UnreadableError("it has no rows")
        find_columns(list(dict.fromkeys(chain.from_iterable(rows))), options)
        types = {
            column: _type_of(column, [row.get(column) for row in rows], is_text=form in (Form.CSV, Form.TSV))
            for column in options.keep_columns
            if any(row.get(column) is not None for row in rows)
        }
    return {
        column: kept_type(kind, f"the column {column} of {name}")
        for column, kind in types.items()
        if not _is_of_nulls(kind)
    }


def _is_of_nulls(kind: pa.DataType) -> bool:
    """Returns whether a column has no values but nulls and empty lists, as pandas writes a column without values."""
    return pa.types.is_null(kind) or (pa.types.is_list(kind) and _is_of_nulls(kind.value_type))


def _first_rows(path: str, form: Form, storage_options: StorageOptions) -> list[dict[str, Any]]:
    stats = InputStats(storage.public_name(path))
    if form is Form.TAR and storage.is_local(path):
        with closing(open_seekable(path, storage_options)) as file:
            return [row for row, _ in islice(sample_objects(file, stats, _MOST_BYTES), _ROWS)]
    with storage.open_input(path, storage_options) as stream:
        objects: Iterator[tuple[dict[str, Any], int]]
        if form is Form.TAR:
            objects = sample_objects(stream, stats, _MOST_BYTES)
        elif form is Form.JSON_LINES:
            objects = json_objects(stream, stats, _MOST_BYTES)
        else:
            objects = csv_objects(stream, "\t" if form is Form.TSV else ",", stats, _MOST_BYTES)
        return [row for row, _ in islice(objects, _ROWS)]


def _type_of(column: str, values: Sequence[Any], is_text: bool) -> pa.DataType:
    """Returns the type of a column of JSON, or of a table of text, whose numbers are recognised."""
    if is_text:
        return _type_of_fields(pa.array([value or None for value in values], pa.string()))
    try:
        return pa.array(values).type
    except (pa.ArrowException, TypeError, OverflowError) as error:
        raise ColumnError(
            f"its column {column}, which --keep-columns names, has values of several types or too large ones "
            f"({error}): leave it out, or write them with one type"
        ) from error


def _type_of_fields(fields: pa.StringArray) -> pa.DataType:
    """Returns the type of a column of a table of text. What only looks like a number, such as 007, is a string."""
    with suppress(pa.ArrowInvalid):
        if fields.cast(pa.int64()).cast(pa.string()) == fields:
            return pa.int64()
    if not pc.any(pc.match_substring_regex(fields, _CHANGED_AS_NUMBER)).as_py():
        with suppress(pa.ArrowInvalid):
            fields.cast(pa.float64())
            return pa.float64()
    return pa.string()
