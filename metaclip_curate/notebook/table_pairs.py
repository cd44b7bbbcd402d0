"""Rows of a table with URLs and texts to rows of pairs, without Spark, by the rules for the files of pools."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from metaclip_curate.errors import UserError
from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.pools.columns import ColumnError, Columns, find_columns
from metaclip_curate.extract.pools.pool_pairs import PoolFile, PoolPairs
from metaclip_curate.extract.pools.raw_rows import BATCH_ROWS, RawRows
from metaclip_curate.options.pool import PoolOptions
from metaclip_curate.run.summaries import ExtractSummary
from metaclip_curate.schemas import POOL_URN, Kept, kept_columns, kept_type

_SUMMED = ("records", "records_skipped", "image_links", "texts", "pairs")
_DROPPED = ("dropped_no_text", "dropped_bad_url", "dropped_not_http")


@dataclass(frozen=True)
class TablePairs:
    """What becomes of a table's rows.

    Attributes:
        columns: What the table's columns hold.
        kept: The kept columns.
        no_url: Name of a pool without URLs; empty if rows without one are dropped.
    """

    columns: Columns
    kept: Kept = ()
    no_url: str = ""

    @classmethod
    def of(cls, named: Sequence[tuple[str, pa.DataType | None]], options: PoolOptions) -> TablePairs:
        """Finds the columns of a table.

        Args:
            named: Names and types of the table's columns; None as the type of one that isn't kept.
            options: Which columns are read.

        Raises:
            UserError: A column is missing or can't be kept, or rows without a URL have no id to be named by.
        """
        types = dict(named)
        try:
            columns = find_columns([name for name, _ in named], options)
        except ColumnError as error:
            raise UserError(f"the table can't be read as pairs: {error} (options are fields of PoolOptions)") from error
        if options.no_url and not options.id_column:
            raise UserError(
                "no_url needs id_column: a table's rows have no file and no number to be named by, so name the column "
                "of PoolOptions that has an id of each row"
            )
        for name in options.keep_columns:
            if name not in types:
                raise UserError(f"keep_columns names {name}, and the table has no such column: name one that it has")
        kept_types = [kept_type(types[name], f"the column {name}") for name in options.keep_columns]
        return cls(columns, kept_columns(options.keep_columns, kept_types), options.no_url)

    def read(self, batches: Iterable[pa.RecordBatch], stats: InputStats, unique: bool) -> Iterator[pa.RecordBatch]:
        """Reads pairs.

        Args:
            batches: Rows with at least the columns that are read.
            stats: Rows, dropped rows, texts and pairs are counted here.
            unique: Whether of equal pairs only the first is yielded.

        Yields:
            Batches of `schemas.PAIRS` with the kept columns.

        Raises:
            UserError: A column has a type that can't be used.
        """
        yield from self._pairs(self._raw(batches, stats), stats, None if unique else 0)

    def check(self, types: Mapping[str, pa.DataType]) -> None:
        """Checks the types of the columns that are read, before a worker sees the first row.

        Args:
            types: Types of the table's columns.

        Raises:
            UserError: A column has a type that can't be used.
        """
        names = self.columns.read
        no_rows = pa.RecordBatch.from_arrays([pa.nulls(0, types[name]) for name in names], names=list(names))
        for _ in self._pairs(iter([RawRows(no_rows, self.columns, 0)]), InputStats(""), 0):
            pass

    def _pairs(self, rows: Iterator[RawRows], stats: InputStats, remembered: int | None) -> Iterator[pa.RecordBatch]:
        file = PoolFile("", f"{POOL_URN}{self.no_url}:" if self.no_url else "", ids_are_unique=True, kept=self.kept)
        try:
            yield from PoolPairs(file, stats, remembered).batches(rows)
        except ColumnError as error:
            raise UserError(f"the table can't be read as pairs: {error}") from error

    def _raw(self, batches: Iterable[pa.RecordBatch], stats: InputStats) -> Iterator[RawRows]:
        for batch in batches:
            for start in range(0, batch.num_rows, BATCH_ROWS):
                rows = batch.select(self.columns.read).slice(start, BATCH_ROWS)
                yield RawRows(rows, self.columns, stats.records)
                stats.records += rows.num_rows


def table_summary(stats: Iterable[Mapping[str, int]], distinct: int) -> ExtractSummary:
    """Adds up what was read of a table, as if it were one file.

    Args:
        stats: Fields of `InputStats` of each task.
        distinct: Number of distinct pairs.
    """
    sums = dict.fromkeys((*_SUMMED, *_DROPPED), 0)
    for of_task in stats:
        for name in sums:
            sums[name] += of_task[name]
    sums["pairs"] = distinct
    return ExtractSummary(files=1, ok=1, duplicate_texts=sums["texts"] - distinct, **sums)
