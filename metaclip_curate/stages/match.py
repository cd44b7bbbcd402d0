"""Pairs to matched pairs: one shuffle that both deduplicates and brings a language's pairs together.

A uid fixes the text and so its language, which lets the same partitioning serve both. A language is split over as
many partitions as its pairs need, small languages share one, and inside a partition rows are sorted by language: a
task holds one automaton at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, groupby

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from metaclip_curate.matching import EntrySpacing, Matcher
from metaclip_curate.schemas import MATCHED, PAIRS, ddl
from metaclip_curate.stages.accounts import account_row, table_rows, with_account
from metaclip_curate.stages.metadata_entries import expected_entries
from metaclip_curate.stages.partitioning import by_language, first_of_each_run, place

# Where texts go whose language has no metadata; not a language code.
NO_METADATA = "-"
MATCH_ACCOUNT = pa.schema(
    [
        pa.field("metadata_lang", pa.string()),  # NO_METADATA for texts that no entries are searched in
        pa.field("distinct", pa.int64()),  # pairs after dedup
        pa.field("matched", pa.int64()),  # of those, with at least one entry
    ]
)


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
    filled = pairs_per_task
    for language, count in sorted(pairs.items()):
        if language in shares:
            continue
        if filled + count > pairs_per_task:
            partitions, filled = partitions + 1, 0
        shares[language] = Share(partitions - 1, 1)
        filled += count
    return shares, partitions


@dataclass(frozen=True)
class MatchTask:
    """What a worker needs to match."""

    metadata: str
    digests: Mapping[str, str]
    entry_spacing: EntrySpacing


def match(
    spark: SparkSession,
    pairs: DataFrame,
    metadata_languages: Mapping[str, str],
    sizes: Mapping[str, int],
    task: MatchTask,
    pairs_per_task: int,
) -> DataFrame:
    """Keeps each uid once and finds the entries in its text.

    Args:
        spark: The session.
        pairs: Rows of `schemas.PAIRS`, of all inputs.
        metadata_languages: Language label to the metadata language whose entries are searched, or to NO_METADATA.
        sizes: Pairs of each of those metadata languages, duplicates included.
        task: The metadata, and how its entries are spaced.
        pairs_per_task: The size of a task to aim at.

    Returns:
        Rows of `schemas.MATCHED` and, marked apart (see `accounts`), of MATCH_ACCOUNT.
    """
    shares, partitions = plan_partitions(sizes, pairs_per_task)
    labels = [
        (label, language, shares[language].first, shares[language].splits)
        for label, language in sorted(metadata_languages.items())
    ]
    table = spark.createDataFrame(labels, "lang string, metadata_lang string, first int, splits int")
    spread = pairs.join(F.broadcast(table), "lang").withColumn(
        "partition", (F.col("first") + F.pmod(F.hash("uid"), F.col("splits"))).cast("int")
    )
    columns = [*PAIRS.names, "metadata_lang", "partition"]
    placed = place(spread.select(*columns), spark, partitions, "partition")
    # The row that stays of equal uids is the first by these columns.
    ordered = placed.sortWithinPartitions("metadata_lang", "uid", "crawl", "source_file", "page_url")
    return ordered.mapInArrow(_matcher(task), ddl(with_account(MATCHED)))


def _matcher(task: MatchTask) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        distinct = chain.from_iterable(map(by_language, first_of_each_run(batches, ["uid"])))
        for language, of_language in groupby(distinct, key=lambda item: item[0]):
            total = matched = 0
            for _, batch in of_language:
                total += batch.num_rows
                if language == NO_METADATA:
                    continue
                matcher = _language_matcher(task.metadata, language, task.digests[language], task.entry_spacing)
                entry_ids = matcher.match(batch.column(batch.schema.get_field_index("text")))
                rows = pa.RecordBatch.from_arrays([*batch.columns, entry_ids], schema=MATCHED)
                rows = rows.filter(pc.greater(pc.list_value_length(entry_ids), 0))
                matched += rows.num_rows
                yield table_rows(rows)
            yield account_row({"metadata_lang": language, "distinct": total, "matched": matched}, MATCHED)

    return run


@lru_cache(maxsize=1)
def _language_matcher(metadata: str, language: str, digest: str, spacing: EntrySpacing) -> Matcher:
    """The one automaton that a worker holds, kept for the next task if that is of the same language."""
    return Matcher(expected_entries(metadata, language, digest), spacing)
