"""Pageviews files to every language's titles by views."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from metaclip_curate import storage
from metaclip_curate.metadata.sources.titles import TITLES, PageViewsAccount, metadata_languages, read_page_views
from metaclip_curate.schemas import ddl
from metaclip_curate.stages.shared.partitioning import shuffle_to_partitions
from metaclip_curate.storage import StorageOptions

# Stands in the language column of the accounts, which go through the same shuffle as the titles: one pass over the
# files gives both, and a task that is repeated counts once.
_ACCOUNT = "account"


def build_titles(
    spark: SparkSession, paths: Sequence[str], folder: str, options: StorageOptions
) -> list[dict[str, Any]]:
    """Adds up the views of each title, all languages in one pass, one task a file.

    Args:
        spark: The session.
        paths: Pageviews files.
        folder: Where to write `language=xx/*.parquet` with entry and views, a title once.
        options: How workers reach the files.

    Returns:
        What became of each file, in the order of their paths (see `PageViewsAccount`).
    """
    numbered = spark.createDataFrame(list(enumerate(paths)), "number int, path string")
    rows = shuffle_to_partitions(numbered, spark, len(paths), "number").mapInArrow(
        _reader(metadata_languages(), options), ddl(TITLES)
    )
    summed = rows.groupBy("language", "entry").agg(F.sum("views").alias("views"))
    by_language = summed.repartition("language").write.mode("overwrite").option("compression", "zstd")
    by_language.partitionBy("language").parquet(folder)
    accounts = spark.read.schema("entry string").parquet(_of_language(folder, _ACCOUNT)).collect()
    return sorted((json.loads(row["entry"]) for row in accounts), key=lambda account: str(account["path"]))


def read_titles(spark: SparkSession, folder: str, language: str, options: StorageOptions) -> DataFrame | None:
    """Reads back a language's entry and views; None where it has no title."""
    of_language = _of_language(folder, language)
    if not storage.exists(of_language, options):
        return None
    return spark.read.schema("entry string, views bigint").parquet(of_language)


def _of_language(folder: str, language: str) -> str:
    return storage.join(folder, f"language={language}")


def _reader(
    languages: Mapping[str, str], options: StorageOptions
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for path in batch.column(0).to_pylist():
                account = PageViewsAccount(path)
                yield from read_page_views(path, languages, options, account)
                columns = [pa.array([_ACCOUNT]), pa.array([json.dumps(account.as_dict())]), pa.array([0], pa.int64())]
                yield pa.RecordBatch.from_arrays(columns, schema=TITLES)

    return read
