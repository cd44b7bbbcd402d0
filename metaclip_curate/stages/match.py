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

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from metaclip_curate.matching import EntrySpacing, Matcher
from metaclip_curate.schemas import MATCHED, PAIRS, ddl
from metaclip_curate.stages.accounts import account_row, table_rows, with_account
from metaclip_curate.stages.metadata_entries import expected_entries
from metaclip_curate.stages.partitioning import by_language, place
from metaclip_curate.storage import StorageOptions

# Where texts go whose language has no metadata; not a language code.
NO_METADATA = "-"
MATCH_ACCOUNT = pa.schema(
    [
        pa.field("metadata_lang", pa.string()),  # NO_METADATA for texts that no entries are searched in
        pa.field("distinct", pa.int64()),  # pairs after dedup
        pa.field("matched", pa.int64()),  # of those, with at least one entry
        pa.field("superseding", pa.int64()),  # of the distinct, those that come before the known row of their uid
    ]
)
KNOWN, SUPERSEDING = "known", "superseding"
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


@dataclass(frozen=True)
class MatchTask:
    """The metadata, how its entries are spaced, the size of a task to aim at, and how to reach the metadata."""

    metadata: str
    digests: Mapping[str, str]
    entry_spacing: EntrySpacing
    pairs_per_task: int
    storage: StorageOptions


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
        Rows of `schemas.MATCHED` and, marked apart (see `accounts`), of MATCH_ACCOUNT.
    """
    shares, partitions = plan_partitions(sizes, task.pairs_per_task)
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
    ordered = placed.sortWithinPartitions("metadata_lang", *_ORDER)
    return ordered.mapInArrow(_matcher(task), ddl(with_account(MATCHED)))


def _matcher(task: MatchTask) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    return lambda batches: match_batches(batches, task)


def match_batches(batches: Iterator[pa.RecordBatch], task: MatchTask) -> Iterator[pa.RecordBatch]:
    """Does what one matching task does, without Spark.

    Args:
        batches: Rows of `schemas.PAIRS` with the columns metadata_lang and KNOWN, sorted by metadata_lang, uid and
            what decides among equal uids.
        task: What to match with.

    Yields:
        Rows of `schemas.MATCHED` and, after each language, a row of MATCH_ACCOUNT, marked apart.
    """
    distinct = chain.from_iterable(map(by_language, first_of_each_uid(batches)))
    for language, of_language in groupby(distinct, key=lambda item: item[0]):
        account = {"metadata_lang": language, "distinct": 0, "matched": 0, "superseding": 0}
        for _, batch in of_language:
            account["distinct"] += batch.num_rows
            account["superseding"] += pc.sum(batch.column(SUPERSEDING)).as_py()
            if language == NO_METADATA:
                continue
            matcher = _language_matcher(
                task.metadata, language, task.digests[language], task.entry_spacing, task.storage
            )
            entry_ids = matcher.match(batch.column("text"))
            columns = [batch.column(name) for name in MATCHED.names if name != "entry_ids"]
            rows = pa.RecordBatch.from_arrays([*columns, entry_ids], schema=MATCHED)
            rows = rows.filter(pc.greater(pc.list_value_length(entry_ids), 0))
            account["matched"] += rows.num_rows
            yield table_rows(rows)
        yield account_row(account, MATCHED)


def first_of_each_uid(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Takes of the rows of a uid the first, and leaves it out where that is known.

    Args:
        batches: Sorted by uid and then by what decides; with the column KNOWN.

    Yields:
        The first rows, with the column SUPERSEDING in KNOWN's place: whether a known row of the uid comes later, whose
        place this one takes.
    """
    held: pa.RecordBatch | None = None  # the first row of the last uid, which may go on in the next batch
    for batch in batches:
        if not batch.num_rows:
            continue
        rows, seen = _join(held, batch)
        uids, known = rows.column("uid"), rows.column(KNOWN).to_numpy(zero_copy_only=False)
        starts = np.flatnonzero(
            np.concatenate([[True], pc.not_equal(uids[1:], uids[:-1]).to_numpy(zero_copy_only=False)])
        )
        known_at_all = np.logical_or.reduceat(known, starts)
        known_at_all[0] |= seen
        firsts = rows.take(pa.array(starts)).append_column(SUPERSEDING, pa.array(known_at_all))
        held = firsts.slice(len(starts) - 1)
        yield from _new(firsts.slice(0, len(starts) - 1))
    if held is not None:
        yield from _new(held)


def _join(held: pa.RecordBatch | None, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, bool]:
    """Puts a held row before a batch; says too whether a known row of its uid was seen."""
    if held is None:
        return batch, False
    seen = held.column(SUPERSEDING)[0].as_py()
    rows = pa.Table.from_batches([held.drop_columns([SUPERSEDING]), batch]).combine_chunks().to_batches()
    return rows[0], bool(seen)


def _new(firsts: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    new = firsts.filter(pc.invert(firsts.column(KNOWN))).drop_columns([KNOWN])
    if new.num_rows:
        yield new


@lru_cache(maxsize=1)
def _language_matcher(
    metadata: str, language: str, digest: str, spacing: EntrySpacing, options: StorageOptions
) -> Matcher:
    """The one automaton that a worker holds, kept for the next task if that is of the same language."""
    return Matcher(expected_entries(metadata, language, digest, options), spacing)
