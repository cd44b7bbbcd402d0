"""Input files to pairs and inputs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from metaclip_curate.extract import InputAccount, ReadOptions, read_pairs
from metaclip_curate.language import LanguageIdentifier
from metaclip_curate.progress import FileReport, Reporter
from metaclip_curate.schemas import PAIRS, ddl
from metaclip_curate.stages.accounts import account_row, table_rows, with_account, write_table
from metaclip_curate.stages.partitioning import place
from metaclip_curate.storage import StorageOptions

# A dictionary of values that hardly repeat is made in vain, and higher levels of zstd cost more than they save.
WRITING = {
    "compression": "zstd",
    "parquet.compression.codec.zstd.level": "1",
    **{f"parquet.enable.dictionary#{name}": "false" for name in ("uid", "image_id", "url", "text")},
}


@dataclass(frozen=True)
class ExtractTask:
    """What a worker needs to read files."""

    lid_model: str
    read: ReadOptions
    storage: StorageOptions
    reports: str = ""  # the file by which the driver learns how far this is, where it is within reach


def extract(spark: SparkSession, paths: list[str], task: ExtractTask) -> DataFrame:
    """Reads input files, one task a file.

    Args:
        spark: The session.
        paths: The files.
        task: How to read them.

    Returns:
        Rows of `schemas.PAIRS` and, marked apart (see `accounts`), one of `schemas.INPUTS` a file.
    """
    numbered = spark.createDataFrame(list(enumerate(paths)), "number int, path string")
    placed = place(numbered, spark, len(paths), "number")
    return placed.mapInArrow(_reader(task), ddl(with_account(PAIRS)))


def write_pairs(spark: SparkSession, paths: list[str], task: ExtractTask, folder: str) -> list[dict[str, Any]]:
    """Reads input files and writes their pairs.

    Args:
        spark: The session.
        paths: The files; their accounts fit into the driver's memory.
        task: How to read them.
        folder: The folder to write, in the place of what is there.

    Returns:
        Rows of `schemas.INPUTS`, one a file, by path.

    Raises:
        RuntimeError: What is written isn't what the accounts say.
    """
    accounts = write_table(extract(spark, paths, task), folder, WRITING)
    written = spark.read.schema(ddl(PAIRS)).parquet(folder).count()  # of the files' footers
    told = sum(account["pairs"] for account in accounts)
    if sorted(account["path"] for account in accounts) != sorted(paths) or written != told:
        raise RuntimeError(
            f"{folder} has {written} pairs, and {len(accounts)} accounts of {len(paths)} files tell of {told}"
        )
    return sorted(accounts, key=lambda account: str(account["path"]))


def _reader(task: ExtractTask) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        reporter = Reporter(task.reports)
        for batch in batches:
            for path in batch.column(0).to_pylist():
                account = InputAccount(path)
                for pairs in read_pairs(path, _identifier(task.lid_model), task.read, task.storage, account):
                    reporter.report(FileReport(path, account.pairs, finished=False))
                    yield table_rows(pairs)
                reporter.report(FileReport(path, account.pairs, finished=True))
                yield account_row(dataclasses.asdict(account), PAIRS)

    return read


@lru_cache(maxsize=1)
def _identifier(model: str) -> LanguageIdentifier:
    """The model, loaded once a worker."""
    return LanguageIdentifier(model or None)
