"""Cuts of sorted batches, without Spark: the first row of equal ones, and the rows of each language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc


def first_of_each_run(batches: Iterator[pa.RecordBatch], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Keeps the first of neighbouring rows with equal values.

    Args:
        batches: Rows sorted by the columns.
        columns: Names of string columns without nulls.

    Yields:
        The batches without repeated rows, and without batches that become empty.
    """
    last: tuple[str, ...] | None = None
    for batch in batches:
        if not batch.num_rows:
            continue
        values = [batch.column(batch.schema.get_field_index(name)) for name in columns]
        current = tuple(column[0].as_py() for column in values)
        changes = pa.nulls(batch.num_rows - 1, pa.bool_()).fill_null(False)
        for column in values:
            changes = pc.or_(changes, pc.not_equal(column[1:], column[:-1]))
        keep = pa.concat_arrays([pa.array([current != last]), changes])
        last = tuple(column[-1].as_py() for column in values)
        kept = batch.filter(keep)
        if kept.num_rows:
            yield kept


def by_language(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Yields the slices of a batch between changes of its column metadata_lang, with their language."""
    yield from runs_of(batch, "metadata_lang")


def each_language(batch: pa.RecordBatch) -> list[tuple[str, pa.RecordBatch]]:
    """Returns the rows of each language, of rows in any order."""
    runs = list(by_language(batch))
    if len(runs) > len({name for name, _ in runs}):  # for example sorted by image
        runs = list(by_language(batch.take(pc.sort_indices(batch.column("metadata_lang")))))
    return runs


def runs_of(batch: pa.RecordBatch, name: str) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Yields the slices of a batch between changes of a string column, with their value."""
    if not batch.num_rows:
        return
    encoded = pc.run_end_encode(batch.column(batch.schema.get_field_index(name)))
    start = 0
    for end, value in zip(encoded.run_ends.to_pylist(), encoded.values.to_pylist(), strict=True):
        yield value, batch.slice(start, end - start)
        start = end
