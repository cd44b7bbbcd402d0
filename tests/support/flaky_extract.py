"""A program that extracts files while the first attempt of every task fails after all of its rows.

    python -m tests.support.flaky_extract OUTPUT FILE...

It prints the accounts as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
from pyspark import TaskContext

from metaclip_curate.extract import ReadOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.spark.session import get_session
from metaclip_curate.stages import extract
from metaclip_curate.stages.extract_task import ExtractTask, InputPart
from metaclip_curate.storage import StorageOptions

Reader = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def flaky(reader: Callable[..., Reader]) -> Callable[..., Reader]:
    """Makes a stage's reader fail once a task, when Spark has had its rows for a while."""

    def of_task(*given: Any) -> Reader:
        read = reader(*given)

        def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            yield from read(batches)
            context = TaskContext.get()
            if context is not None and context.attemptNumber() == 0:
                time.sleep(0.3)
                raise OSError("the first attempt fails")

        return run

    return of_task


def main() -> None:
    """Does what the command line says."""
    output, *paths = sys.argv[1:]
    spark = get_session(RunOptions(master="local[2,2]", driver_memory="1g", verbose=True))
    vars(extract)["_reader"] = flaky(extract._reader)
    task = ExtractTask(ReadOptions(batch_links=100), StorageOptions())
    print(json.dumps(extract.write_pairs(spark, list(map(InputPart, paths)), task, output).inputs))
    spark.stop()


if __name__ == "__main__":
    main()
