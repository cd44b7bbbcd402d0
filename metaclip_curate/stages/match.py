"""Pairs to matched pairs: one shuffle both deduplicates them and brings the pairs of a language together.

A uid determines the text and so its language, which lets one partitioning serve both. A language is split over as many
partitions as its pairs need, small languages share one, and rows of a partition are sorted by language, so that a task
(see `match_task`) holds one automaton at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from metaclip_curate import storage
from metaclip_curate.run.file_list import PartFile
from metaclip_curate.schemas import MATCHED, PAIRS, ddl
from metaclip_curate.stages.match_task import (
    KNOWN,
    MATCH_STATS,
    NO_METADATA,
    MatchStats,
    MatchTask,
    match_batches,
)
from metaclip_curate.stages.shared.parquet_files import Layout, write_file
from metaclip_curate.stages.shared.partitioning import shuffle_to_partitions
from metaclip_curate.stages.shared.tables import PART_FILE

__all__ = [
    "LAYOUT",
    "NO_METADATA",
    "MatchTask",
    "count_labels",
    "count_matches",
    "pairs_of_pass",
    "plan_partitions",
    "shuffle_by_language",
    "write_matched",
]

# Rows are sorted by language and uid, so that a reader of one of them needs few row groups.
LAYOUT = Layout(
    MATCHED,
    repeating=("text_source", "lang", "crawl", "source_file", "metadata_lang"),
    statistics=("uid", "metadata_lang"),
)
_WRITTEN = pa.schema([*MATCH_STATS, *PART_FILE])
# Of rows with the same uid, the first in this order stays.
_ORDER = ("uid", "crawl", "source_file", "page_url")
_DECIDING = ("lang", *_ORDER)


@dataclass(frozen=True)
class Share:
    """The partitions that a language's pairs are spread over: `splits` of them, from `first`."""

    first: int
    splits: int


def plan_partitions(pairs: Mapping[str, int], pairs_per_task: int) -> tuple[dict[str, Share], int]:
    """Divides languages over partitions of about equal size.

    Args:
        pairs: Number of pairs of each metadata language.
        pairs_per_task: Number of pairs to aim at in a partition.

    Returns:
        Each language's share, and the number of partitions. A language of more than `pairs_per_task` pairs has
        partitions of its own; the others fill partitions in the order of their names.
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


def count_labels(pairs: DataFrame, known: DataFrame) -> dict[str, int]:
    """Counts pairs by language label.

    Args:
        pairs: Rows of `schemas.PAIRS`.
        known: More such rows.
    """
    return dict(pairs.unionAll(known).groupBy("lang").count().collect())


def pairs_of_pass(pairs: DataFrame, number: int, passes: int) -> DataFrame:
    """Leaves the pairs of a dedup pass, which takes a share of the uids by their hash.

    Args:
        pairs: Rows of `schemas.PAIRS`.
        number: Number of the pass, from 0.
        passes: Number of passes. All pairs are of the only one, without hashing.
    """
    return pairs if passes == 1 else pairs.filter(F.pmod(F.xxhash64("uid"), F.lit(passes)) == number)


def shuffle_by_language(
    spark: SparkSession,
    pairs: DataFrame,
    known: DataFrame | None,
    metadata_languages: Mapping[str, str],
    sizes: Mapping[str, int],
    pairs_per_task: int,
) -> DataFrame:
    """Shuffles pairs so that equal uids and the pairs of a language are together. Each partition is a task.

    Args:
        spark: The session.
        pairs: Rows of `schemas.PAIRS`.
        known: Rows of `schemas.PAIRS` that were matched before, whose uids are left out; None if there are none.
        metadata_languages: Metadata language, or NO_METADATA, by language label.
        sizes: Number of pairs by metadata language, with known pairs and duplicates.
        pairs_per_task: Number of pairs to aim at in a partition.

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
        # Known pairs need only the columns that decide which of several rows of a uid stays.
        columns = [name if name in _DECIDING else F.lit(None).cast(kind).alias(name) for name, kind in pairs.dtypes]
        rows = rows.unionByName(known.select(*columns, F.lit(True).alias(KNOWN)))
    spread = rows.join(F.broadcast(table), "lang").withColumn(
        "partition", (F.col("first") + F.pmod(F.hash("uid"), F.col("splits"))).cast("int")
    )
    shuffled = shuffle_to_partitions(
        spread.select(*PAIRS.names, "metadata_lang", KNOWN, "partition"), partitions, "partition"
    )
    return shuffled.sortWithinPartitions("metadata_lang", *_ORDER)


def write_matched(
    shuffled: DataFrame, spark: SparkSession, task: MatchTask, folder: str
) -> tuple[dict[str, dict[str, int]], list[PartFile]]:
    """Keeps each uid once, finds the entries in its text, and writes the pairs that have some.

    Args:
        shuffled: Pairs from `shuffle_by_language`.
        spark: The session.
        task: The metadata, and how its entries are spaced.
        folder: Folder to write, whose content is replaced.

    Returns:
        Counts of `match_task.MATCH_STATS` by language, and the files that were written, by name.

    Raises:
        RuntimeError: The files aren't those that the tasks reported.
    """
    storage.delete_folder(folder, task.storage)
    rows = shuffled.mapInArrow(_matcher(task, folder), ddl(_WRITTEN)).collect()  # a few rows a task
    totals: dict[str, dict[str, int]] = {}
    for row in rows:
        sums = totals.setdefault(row["metadata_lang"], dict.fromkeys(MATCH_STATS.names[1:], 0))
        for name in sums:
            sums[name] += row[name]
    if not rows:  # no pair at all
        return totals, [write_file(iter(()), LAYOUT, folder, lambda: "part-00000.parquet", task.storage)]
    files = sorted({PartFile(*row[len(MATCH_STATS) :]) for row in rows})
    written = storage.list_parquet(folder, task.storage)
    if [file.name for file in files] != written:
        raise RuntimeError(f"{folder} has {written}, and the tasks reported {files}")
    return totals, files


def count_matches(matched: DataFrame) -> dict[str, tuple[int, int]]:
    """Counts matched pairs, and the entries in their texts.

    Args:
        matched: Rows of `schemas.MATCHED`.

    Returns:
        Number of pairs and of entries by language, sorted; an entry counts once per text.
    """
    pairs, occurrences = F.count(F.lit(1)), F.sum(F.size("entry_ids"))
    rows = matched.groupBy("metadata_lang").agg(pairs, occurrences).collect()
    return {language: (size, found) for language, size, found in sorted(rows)}


def _matcher(task: MatchTask, folder: str) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def match(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        context = TaskContext.get()
        # A partition has the same rows each time it is computed.
        name = f"part-{context.partitionId() if context else 0:05d}.parquet"
        stats = MatchStats()
        file = write_file(match_batches(batches, task, stats), LAYOUT, folder, lambda: name, task.storage)
        counted = stats.rows()
        if file.rows != sum(counted.column("matched").to_pylist()):
            raise RuntimeError(f"{file} was written, but the counts are {counted.to_pylist()}")
        columns = [
            pa.repeat(value, counted.num_rows).cast(kind) for value, kind in zip(file, PART_FILE.types, strict=True)
        ]
        yield pa.RecordBatch.from_arrays([*counted.columns, *columns], schema=_WRITTEN)

    return match
