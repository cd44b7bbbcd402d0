"""Passes over a run's tables, in this process or by Spark's workers, which gather the same.

What is gathered of a table is a function from batches of rows to few rows. Of a small run the driver calls it itself:
Spark would take seconds to plan what takes milliseconds, and a command would start Java for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.schemas import ddl
from metaclip_curate.stages.draw_rows import drawing_rows

if TYPE_CHECKING:
    import pyarrow.dataset as pds
    from pyspark.sql import DataFrame

_ROWS_PER_BATCH = 1 << 16

Batches = Iterator[pa.RecordBatch]
# A stage, its table and the table's schema.
Table = tuple[str, str, pa.Schema]


@dataclass(frozen=True)
class Pass:
    """A pass over a table.

    Attributes:
        table: The table.
        columns: Names of the columns that are read.
        gather: Returns what is gathered of the table's rows, or of some of them.
        schema: Schema of what is gathered.
        draw: How the texts that draw are selected if only these are read; None for all rows.
    """

    table: Table
    columns: Sequence[str]
    gather: Callable[[Batches], Batches]
    schema: pa.Schema
    draw: DrawOptions | None = None


@dataclass(frozen=True)
class Summing:
    """How gathered rows are added up.

    Attributes:
        keys: Columns whose values rows that are added up have in common.
        sums: Integer columns that are added up.
        finish: Selects from sums, or from a part of them; None to keep all. An argument has each key once.
        schema: Schema of the result.
        largest: Columns of which the largest value is taken.
    """

    keys: Sequence[str]
    sums: Sequence[str]
    schema: pa.Schema
    finish: Callable[[Batches], Batches] | None = None
    largest: Sequence[str] = ()


class Passes(Protocol):
    """Makes passes over the tables of a run."""

    def gather(self, each: Pass) -> pa.Table:
        """Makes a pass, and returns what was gathered in any order."""

    def add_up(self, passes: Sequence[Pass], summing: Summing) -> pa.Table:
        """Makes passes whose rows have the same schema, and adds their rows up."""


class ArrowPasses:
    """Makes passes in this process.

    Args:
        open_table: Opens a table of the run, given its stage, name and schema.
    """

    def __init__(self, open_table: Callable[[str, str, pa.Schema], pds.Dataset]) -> None:
        self._open_table = open_table

    def gather(self, each: Pass) -> pa.Table:
        """Makes a pass, and returns what was gathered in any order."""
        return pa.Table.from_batches(each.gather(self._rows(each)), each.schema)

    def add_up(self, passes: Sequence[Pass], summing: Summing) -> pa.Table:
        """Makes passes whose rows have the same schema, and adds their rows up."""
        rows = pa.concat_tables(map(self.gather, passes))
        aggregates = [*((name, "sum") for name in summing.sums), *((name, "max") for name in summing.largest)]
        grouped = rows.group_by(list(summing.keys)).aggregate(aggregates)
        named = grouped.select([*summing.keys, *("_".join(aggregate) for aggregate in aggregates)]).rename_columns(
            [*summing.keys, *(name for name, _ in aggregates)]
        )
        if summing.finish is None:
            return named.cast(summing.schema)
        return pa.Table.from_batches(summing.finish(iter(named.to_batches())), summing.schema)

    def _rows(self, each: Pass) -> Batches:
        table = self._open_table(*each.table)
        if each.draw is None or each.draw.texts_per_image == "all":
            yield from table.to_batches(columns=list(each.columns), batch_size=_ROWS_PER_BATCH)
            return
        columns = dict.fromkeys(("image_id", "uid", *each.columns))
        for batch in drawing_rows(table.to_table(columns=list(columns)), each.draw):
            yield batch.select(list(each.columns))


class SparkPasses:
    """Makes passes by Spark's workers.

    Args:
        read_table: Reads a table of the run, given its stage, name and schema.
    """

    def __init__(self, read_table: Callable[[str, str, pa.Schema], DataFrame]) -> None:
        self._read_table = read_table

    def gather(self, each: Pass) -> pa.Table:
        """Makes a pass, and returns what was gathered in any order."""
        return _collected(self._gathered(each), each.schema)

    def add_up(self, passes: Sequence[Pass], summing: Summing) -> pa.Table:
        """Makes passes whose rows have the same schema, and adds their rows up."""
        from pyspark.sql import functions as F

        rows = reduce(lambda one, other: one.unionAll(other), map(self._gathered, passes))
        sums = rows.groupBy(*summing.keys).agg(
            *(F.sum(name).alias(name) for name in summing.sums), *(F.max(name).alias(name) for name in summing.largest)
        )
        if summing.finish is not None:
            sums = sums.mapInArrow(summing.finish, ddl(summing.schema))
        return _collected(sums, summing.schema)

    def _gathered(self, each: Pass) -> DataFrame:
        from metaclip_curate.stages.sample import drawing_texts

        rows = self._read_table(*each.table)
        if each.draw is not None and each.draw.texts_per_image == "one":
            columns = dict.fromkeys(("image_id", "uid", *each.columns))
            rows = drawing_texts(rows.select(*columns), each.draw)
        return rows.select(*each.columns).mapInArrow(each.gather, ddl(each.schema))


def _collected(rows: DataFrame, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([row.asDict() for row in rows.collect()], schema)
