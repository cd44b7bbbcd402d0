"""The titles of every Wikipedia with their views, from pageviews files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from metaclip_curate import storage
from metaclip_curate.metadata.sources.page_view_sites import page_view_sites
from metaclip_curate.metadata.sources.titles import TITLES, PageViewsStats, read_page_views
from metaclip_curate.options.page_views import ViewRule
from metaclip_curate.schemas import ddl
from metaclip_curate.stages.shared.partitioning import shuffle_to_partitions
from metaclip_curate.storage import StorageOptions

# Stands for a Wikipedia in the rows of the statistics, which go through the same shuffle as the titles. One pass over
# the files gives both, and a repeated task counts once.
_STATS = "stats"


def build_titles(
    spark: SparkSession, paths: Sequence[str], folder: str, rules: Mapping[str, ViewRule], options: StorageOptions
) -> list[dict[str, Any]]:
    """Adds up the views of each title of each Wikipedia, for all languages in one pass, with one task per file.

    Args:
        spark: The Spark session.
        paths: Pageviews files, one per hour.
        folder: Folder for `wikipedia=xx/*.parquet` with entry and views, each title once.
        rules: Which views count, by metadata language or code of a Wikipedia; those that aren't named have the default.
        options: Credentials and limits with which the workers read the files.

    Returns:
        The `PageViewsStats` of each file as JSON types, in the order of their paths.
    """
    numbered = spark.createDataFrame(list(enumerate(paths)), "number int, path string")
    placed = shuffle_to_partitions(numbered, len(paths), "number")
    titles = placed.mapInArrow(_reader(rules, options), ddl(TITLES))
    summed = titles.groupBy("wikipedia", "entry").agg(F.sum("views").alias("views"))
    by_wikipedia = summed.repartition("wikipedia").write.mode("overwrite").option("compression", "zstd")
    by_wikipedia.partitionBy("wikipedia").parquet(folder)
    rows = spark.read.schema("entry string").parquet(storage.join(folder, _part(_STATS))).collect()
    return sorted((json.loads(row["entry"]) for row in rows), key=lambda stats: str(stats["path"]))


def read_titles(spark: SparkSession, folder: str, codes: Sequence[str], options: StorageOptions) -> DataFrame | None:
    """Reads wikipedia, entry and views of the titles of some Wikipedias; None if they have no titles.

    A title of several Wikipedias has a row of each.
    """
    # One request instead of one for each of the many Wikipedias of `other`.
    found = set(storage.list_folder(folder, options))
    paths = [storage.join(folder, _part(code)) for code in codes if f"{_part(code)}/" in found]
    if not paths:
        return None
    read = spark.read.option("basePath", folder).schema("entry string, views bigint, wikipedia string")
    return read.parquet(*paths).select("wikipedia", "entry", "views")


def _part(wikipedia: str) -> str:
    return f"wikipedia={wikipedia}"


def _reader(
    rules: Mapping[str, ViewRule], options: StorageOptions
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        sites = page_view_sites(rules)
        for batch in batches:
            for path in batch.column(0).to_pylist():
                stats = PageViewsStats(path)
                yield from read_page_views(path, sites, options, stats)
                columns = [pa.array([_STATS]), pa.array([json.dumps(stats.as_dict())]), pa.array([0], pa.int64())]
                yield pa.RecordBatch.from_arrays(columns, schema=TITLES)

    return read
