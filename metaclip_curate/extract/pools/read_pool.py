"""From one file of a pool to batches of pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa

from metaclip_curate import storage
from metaclip_curate.extract.input_file import InputFile
from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.pools.columns import ColumnError, Columns, find_columns
from metaclip_curate.extract.pools.csv_rows import read_csv
from metaclip_curate.extract.pools.forms import Form
from metaclip_curate.extract.pools.json_lines import read_json_lines
from metaclip_curate.extract.pools.lines import NotTextError
from metaclip_curate.extract.pools.parquet_rows import RowGroups, UnreadableError, open_parquet_pool, read_parquet
from metaclip_curate.extract.pools.pool_pairs import PoolFile, PoolPairs
from metaclip_curate.extract.pools.raw_rows import RawRows
from metaclip_curate.extract.pools.tar_samples import read_samples
from metaclip_curate.options.pool import PoolOptions
from metaclip_curate.schemas import POOL_URN, Kept

# Why a file, or the rest of it, can't be used.
_WRONG = (ColumnError, NotTextError, UnreadableError)


@dataclass(frozen=True)
class PoolReadOptions:
    """How pools are read.

    Attributes:
        columns: Which columns are read.
        kept: The kept columns, in the order of `columns.keep_columns`.
        max_record_bytes: Upper bound of a line, and of a file in a tar.
    """

    columns: PoolOptions = PoolOptions()
    kept: Kept = ()
    max_record_bytes: int = 32 << 20


class FilePart(NamedTuple):
    """Which rows of a file are read, and how those without a URL are named.

    Attributes:
        row_groups: Row groups of a Parquet file; None for all rows.
        below: Path of the file below the folder that the command names; empty for the last part of its name.
    """

    row_groups: RowGroups | None = None
    below: str = ""


def read_pool(
    input_file: InputFile, form: Form, options: PoolReadOptions, part: FilePart, stats: InputStats
) -> Iterator[pa.RecordBatch]:
    """Reads the pairs of a pool's file. Everything readable is yielded, and `stats` records what was lost.

    Args:
        input_file: The file.
        form: Its form.
        options: Which columns are read.
        part: Which rows are read.
        stats: Filled while reading.

    Yields:
        Batches with the schema `schemas.PAIRS` and the kept columns, with each (url, text) once among half a
        million.

    Raises:
        InputError: The file can't be opened, or reading was given up.
    """
    columns = options.columns
    file = PoolFile(
        source_file=stats.path,
        urn=f"{POOL_URN}{columns.no_url}:" if columns.no_url else "",
        path=part.below or stats.path.rpartition("/")[2],
        ids_are_unique=bool(columns.id_column),
        kept=options.kept,
    )
    try:
        raw = _read(input_file, form, options, part, stats)
        yield from PoolPairs(file, stats).batches(raw)
    except _WRONG as error:
        stats.records_skipped = stats.records - stats.image_links
        if stats.image_links:
            stats.mark_damaged(str(error))
        else:
            stats.mark_failed(str(error))
        return
    # Of a Parquet file without rows, no bytes are counted.
    is_empty = not stats.bytes_read and form is not Form.PARQUET
    if not stats.records and (stats.status != "ok" or is_empty):
        stats.mark_failed(stats.error or "it is empty")


def _read(
    file: InputFile, form: Form, options: PoolReadOptions, part: FilePart, stats: InputStats
) -> Iterator[RawRows]:
    def find(names: Sequence[str]) -> Columns:
        return find_columns(names, options.columns)

    types = _types(options)
    if form is Form.PARQUET:
        with closing(file.open_seekable()) as seekable, open_parquet_pool(seekable) as parquet:
            yield from read_parquet(parquet, find, part.row_groups, stats)
        return
    if form is Form.TAR and storage.is_local(file.path):
        with closing(file.open_seekable()) as seekable:
            yield from read_samples(seekable, find, types, stats, options.max_record_bytes)
        return
    with file.open() as stream:
        try:
            yield from _read_stream(stream, form, find, types, stats, options.max_record_bytes)
        finally:
            stats.bytes_read = stream.bytes_read


def _read_stream(
    stream: Any, form: Form, find: Any, types: Mapping[str, pa.DataType], stats: InputStats, most_bytes: int
) -> Iterator[RawRows]:
    if form is Form.TAR:
        return read_samples(stream, find, types, stats, most_bytes)
    if form is Form.JSON_LINES:
        return read_json_lines(stream, find, types, stats, most_bytes)
    return read_csv(stream, "\t" if form is Form.TSV else ",", find, types, stats, most_bytes)


def _types(options: PoolReadOptions) -> dict[str, pa.DataType]:
    names = options.columns.keep_columns
    return {name: field.type for name, field in zip(names, options.kept, strict=True)}
