"""The titles of every language with their views, from pageviews files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from metaclip_curate import storage
from metaclip_curate.metadata.sources.titles import TITLES, PageViewsStats, metadata_languages, read_page_views
from metaclip_curate.schemas import ddl
from metaclip_curate.stages.shared.partitioning import shuffle_to_partitions
from metaclip_curate.storage import StorageOptions

# The language column of the statistics, which go through the same shuffle as the titles. One pass over the files gives
# both, and a repeated task counts once.
_STATS = "account"


def build_titles(
    spark: SparkSession, paths: Sequence[str], folder: str, options: StorageOptions
) -> list[dict[str, Any]]:
    """Adds up the views of each title, for all languages in one pass, with one task per file.

    Args:
        spark: The Spark session.
        paths: Pageviews files.
        folder: Folder for `language=xx/*.parquet` with entry and views, each title once.
        options: Credentials and limits with which the workers read the files.

    Returns:
        The `PageViewsStats` of each file as JSON types, in the order of their paths.
    """
    numbered = spark.createDataFrame(list(enumerate(paths)), "number int, path string")
    placed = shuffle_to_partitions(numbered, spark, len(paths), "number")
    titles = placed.mapInArrow(_reader(metadata_languages(), options), ddl(TITLES))
    summed = titles.groupBy("language", "entry").agg(F.sum("views").alias("views"))
    by_language = summed.repartition("language").write.mode("overwrite").option("compression", "zstd")
    by_language.partitionBy("language").parquet(folder)
    rows = spark.read.schema("entry string").parquet(_of_language(folder, _STATS)).collect()
    return sorted((json.loads(row["entry"]) for row in rows), key=lambda stats: str(stats["path"]))


def read_titles(spark: SparkSession, folder: str, language: str, options: StorageOptions) -> DataFrame | None:
    """Reads entry and views of a language's titles; None if it has no titles."""
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
                stats = PageViewsStats(path)
                yield from read_page_views(path, languages, options, stats)
                columns = [pa.array([_STATS]), pa.array([json.dumps(stats.as_dict())]), pa.array([0], pa.int64())]
                yield pa.RecordBatch.from_arrays(columns, schema=TITLES)

    return read
