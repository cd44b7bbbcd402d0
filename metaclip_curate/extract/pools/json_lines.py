"""Rows of JSON lines: an object in each line."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pyarrow as pa

from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.links import replace_surrogates
from metaclip_curate.extract.pools.columns import Columns
from metaclip_curate.extract.pools.lines import read_lines
from metaclip_curate.extract.pools.raw_rows import BATCH_BYTES, BATCH_ROWS, RawRows, numbered_rows, rows_of_values
from metaclip_curate.extract.stored_bytes import Readable

Find = Callable[[Sequence[str]], Columns]
Types = Mapping[str, pa.DataType]
_SHOWN_BYTES = 60


def read_json_lines(
    stream: Readable, find: Find, types: Types, stats: InputStats, most_bytes: int
) -> Iterator[RawRows]:
    """Reads rows. Lines that aren't a JSON object are counted and left out.

    Args:
        stream: The file's bytes as stored.
        find: Finds the columns among the names in the first rows.
        types: Types of the kept columns by their names in the file.
        stats: Rows and damage are recorded here.
        most_bytes: Largest number of bytes of a line.

    Raises:
        InputError: The stream raised it.
        ColumnError: A column is missing, or a kept one has another type.
        NotTextError: The text is in UTF-16.
    """
    return batches_of_objects(json_objects(stream, stats, most_bytes), find, types)


def batches_of_objects(objects: Iterator[tuple[dict[str, Any], int]], find: Find, types: Types) -> Iterator[RawRows]:
    """Gathers decoded objects to batches.

    Args:
        objects: Each object, and the number of bytes that it takes.
        find: Finds the columns among the names in the first rows.
        types: Types of the kept columns by their names in the file.

    Raises:
        ColumnError: A column is missing, or a kept one has another type.
    """
    batches = iter(lambda: _batch(objects), [])
    first = next(batches, None)
    if first is None:
        return
    # A kept column may begin after the first batch, since objects leave out names without a value.
    columns = replace(find(list(dict.fromkeys(itertools.chain.from_iterable(first)))), kept=tuple(types))

    def batch_of(held: list[dict[str, Any]]) -> pa.RecordBatch:
        values = {name: [row.get(name) for row in held] for name in columns.read}
        return rows_of_values(values, columns, types)

    yield from numbered_rows(map(batch_of, itertools.chain([first], batches)), columns)


def _batch(objects: Iterator[tuple[dict[str, Any], int]]) -> list[dict[str, Any]]:
    held = []
    size = 0
    for row, row_bytes in objects:
        held.append(row)
        size += row_bytes
        if len(held) >= BATCH_ROWS or size >= BATCH_BYTES:
            break
    return held


def json_objects(stream: Readable, stats: InputStats, most_bytes: int) -> Iterator[tuple[dict[str, Any], int]]:
    """Yields the object of each line, and the line's number of bytes."""
    for lines in read_lines(stream, stats, most_bytes):
        for line in lines:
            if not line or line.isspace():
                continue
            stats.records += 1
            row = decoded_object(line)
            if row is not None:
                yield row, len(line)
            else:
                stats.records_skipped += 1
                shown = line[:_SHOWN_BYTES].decode("utf-8", "replace")
                stats.mark_damaged(f"a line isn't a JSON object: {shown!r}")


def decoded_object(data: bytes) -> dict[str, Any] | None:
    """Returns a JSON object; None if it isn't one.

    Bytes that aren't UTF-8 and lone surrogates become U+FFFD. NaN and Infinity, which JSON doesn't have but Python's
    own encoder writes, become null.
    """
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = _decoded_by_python(data)
    return value if isinstance(value, dict) else None


def _decoded_by_python(data: bytes) -> Any:
    try:
        value = json.loads(data.decode("utf-8", "replace"), parse_constant=lambda name: None)
        return json.loads(replace_surrogates(json.dumps(value, ensure_ascii=False)))
    except (ValueError, RecursionError):
        return None
