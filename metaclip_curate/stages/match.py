"""Pairs to matched pairs: one shuffle that both deduplicates and brings a language's pairs together.

A uid fixes the text and so its language, which lets the same partitioning serve both. A language is split over as
many partitions as its pairs need, small languages share one, and inside a partition rows are sorted by language: a
task (see `match_task`) holds one automaton at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from metaclip_curate.schemas import MATCHED, PAIRS, ddl
from metaclip_curate.stages.accounts import with_account, write_table
from metaclip_curate.stages.match_task import KNOWN, NO_METADATA, MatchTask, match_batches
from metaclip_curate.stages.partitioning import place

__all__ = ["NO_METADATA", "MatchTask", "match", "place_by_language", "plan_partitions", "write_matched"]

# A dictionary of values that hardly repeat is made in vain, and higher levels of zstd cost more than they save.
_WRITING = {
    "compression": "zstd",
    "parquet.compression.codec.zstd.level": "1",
    **{f"parquet.enable.dictionary#{name}": "false" for name in ("uid", "image_id", "url", "text", "page_url")},
}
# Of equal uids the row that is first in this order stays.
_ORDER = ("uid", "crawl", "source_file", "page_url")
_DECIDING = ("lang", *_ORDER)


@dataclass(frozen=True)
class Share:
    """The partitions that a language's pairs are spread over."""

    first: int
    splits: int


def plan_partitions(pairs: Mapping[str, int], pairs_per_task: int) -> tuple[dict[str, Share], int]:
    """Divides languages over partitions of about equal size.

    Args:
        pairs: Pairs of each metadata language.
        pairs_per_task: The size to aim at.

    Returns:
        Each language's share, and the number of partitions. A language of more than `pairs_per_task` pairs has
        partitions of its own; the others are put together, in the order of their names, until one is full.
    """
    shares: dict[str, Share] = {}
    partitions = 0
    for language, count in sorted(pairs.items()):
        if count > pairs_per_task:
            shares[language] = Share(partitions, -(-count // pairs_per_task))
            partitions += shares[language].splits
    filled = pairs_per_task + 1  # as if the one before the first were full
    for language, count in sorted(pairs.items()):
        if language in shares:
            continue
        if filled + count > pairs_per_task:
            partitions, filled = partitions + 1, 0
        shares[language] = Share(partitions - 1, 1)
        filled += count
    return shares, partitions


def match(
    spark: SparkSession,
    pairs: DataFrame,
    known: DataFrame | None,
    metadata_languages: Mapping[str, str],
    sizes: Mapping[str, int],
    task: MatchTask,
) -> DataFrame:
    """Keeps each uid once and finds the entries in its text.

    Args:
        spark: The session.
        pairs: Rows of `schemas.PAIRS`.
        known: Rows of `schemas.PAIRS` that were matched before; their uids are left out.
        metadata_languages: Language label to the metadata language whose entries are searched, or to NO_METADATA.
        sizes: Pairs of each of those metadata languages, known ones and duplicates included.
        task: The metadata, and how its entries are spaced.

    Returns:
        Rows of `schemas.MATCHED` and, marked apart (see `accounts`), of `match_task.MATCH_ACCOUNT`.
    """
    placed = place_by_language(spark, pairs, known, metadata_languages, sizes, task.pairs_per_task)
    return placed.mapInArrow(_matcher(task), ddl(with_account(MATCHED)))


def place_by_language(
    spark: SparkSession,
    pairs: DataFrame,
    known: DataFrame | None,
    metadata_languages: Mapping[str, str],
    sizes: Mapping[str, int],
    pairs_per_task: int,
) -> DataFrame:
    """Brings equal uids, and the pairs of a language, together, each partition a task.

    Args:
        spark: The session.
        pairs: As in `match`.
        known: As in `match`.
        metadata_languages: As in `match`.
        sizes: As in `match`.
        pairs_per_task: The size of a partition to aim at.

    Returns:
        The pairs with the columns metadata_lang and KNOWN, as `match_batches` takes them.
    """
    shares, partitions = plan_partitions(sizes, pairs_per_task)
    labels = [
        (label, language, shares[language].first, shares[language].splits)
        for label, language in sorted(metadata_languages.items())
    ]
    table = spark.createDataFrame(labels, "lang string, metadata_lang string, first int, splits int")
    rows = pairs.withColumn(KNOWN, F.lit(False))
    if known is not None:
        # Of a known pair only what decides which row of equal uids stays.
        columns = [name if name in _DECIDING else F.lit(None).cast(kind).alias(name) for name, kind in pairs.dtypes]
        rows = rows.unionByName(known.select(*columns, F.lit(True).alias(KNOWN)))
    spread = rows.join(F.broadcast(table), "lang").withColumn(
        "partition", (F.col("first") + F.pmod(F.hash("uid"), F.col("splits"))).cast("int")
    )
    placed = place(spread.select(*PAIRS.names, "metadata_lang", KNOWN, "partition"), spark, partitions, "partition")
    return placed.sortWithinPartitions("metadata_lang", *_ORDER)


def write_matched(rows: DataFrame, spark: SparkSession, folder: str) -> dict[str, dict[str, int]]:
    """Writes matched pairs, and sums up the account of them.

    Args:
        rows: From `match`.
        spark: The session.
        folder: The folder to write, in the place of what is there.

    Returns:
        Each language's row of `match_task.MATCH_ACCOUNT`.

    Raises:
        RuntimeError: What is written isn't what the account says.
    """
    totals: dict[str, dict[str, int]] = {}
    for account in write_table(rows, folder, _WRITING):  # a few rows a task, whatever the number of pairs
        sums = totals.setdefault(account.pop("metadata_lang"), dict.fromkeys(account, 0))
        for name, value in account.items():
            sums[name] += value
    written = spark.read.schema(ddl(MATCHED)).parquet(folder).count()  # of the files' footers
    told = sum(sums["matched"] for sums in totals.values())
    if written != told:
        raise RuntimeError(f"{folder} has {written} matched pairs, and the account tells of {told}")
    return totals


def _matcher(task: MatchTask) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    return lambda batches: match_batches(batches, task)
