"""Rows that tasks compute, and the counts that each has when it ends, as one DataFrame.

Spark Connect has no accumulators. The counts of a task are one more row, in a column of their own, so that a task that
is repeated counts once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from metaclip_curate.errors import UserError
from metaclip_curate.schemas import ddl

_STATS = "_stats"
_MISSING_MODULE = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")

Batches = Iterator[pa.RecordBatch]
Counts = Sequence[dict[str, Any]]
# Takes a task's batches, and returns those that it computes and a function for the counts when these are at their end.
Task = Callable[[Batches], tuple[Batches, Callable[[], Counts]]]


def rows_and_stats(table: DataFrame, task: Task, schema: pa.Schema) -> DataFrame:
    """Lets each task compute rows and counts.

    Args:
        table: Rows that tasks read.
        task: Computes rows and counts.
        schema: Columns of the rows.

    Returns:
        Rows from which `rows_of` and `stats_of` take what they are named for.
    """
    both = schema.append(pa.field(_STATS, pa.string()))

    def run(batches: Batches) -> Batches:
        computed, counts = task(batches)
        for batch in computed:
            yield pa.RecordBatch.from_arrays([*batch.columns, pa.nulls(batch.num_rows, pa.string())], schema=both)
        yield pa.RecordBatch.from_pylist([{_STATS: json.dumps(counts())}], schema=both)

    return table.mapInArrow(run, ddl(both))


def rows_of(both: DataFrame) -> DataFrame:
    """Returns the rows."""
    return both.filter(F.col(_STATS).isNull()).drop(_STATS)


def stats_of(both: DataFrame) -> list[dict[str, Any]]:
    """Returns the counts of all tasks. It computes all rows, which are therefore best persisted before.

    Raises:
        UserError: The workers' Python lacks a module.
    """
    try:
        found = both.filter(F.col(_STATS).isNotNull()).select(_STATS).collect()
    except PySparkException as error:
        check_modules(error)
        raise
    return [counts for row in found for counts in json.loads(row[0])]


def check_modules(error: PySparkException) -> None:
    """Explains a failure of the workers' Python to import a module.

    A notebook's Python often isn't the one that the PATH leads to, which local workers start.

    Args:
        error: What Spark raised.

    Raises:
        UserError: A module is missing.
    """
    missing = _MISSING_MODULE.search(str(error))
    if missing is not None:
        raise UserError(
            f"the Python of Spark's workers has no module {missing[1]}: for a local session, set "
            "os.environ['PYSPARK_PYTHON'] = sys.executable before it starts; on a cluster, install the package where "
            "the workers run"
        ) from error
