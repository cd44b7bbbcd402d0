"""Matched pairs to entry counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from metaclip_curate.schemas import COUNTS
from metaclip_curate.stages.shared.parquet_files import Layout
from metaclip_curate.thresholds import CountHistogram

# Rows are sorted by language and id, so that a reader of one of them needs few row groups.
LAYOUT = Layout(COUNTS, repeating=("metadata_lang", "count"), statistics=("metadata_lang", "entry_id"))


def occurrences(matched: DataFrame) -> DataFrame:
    """Counts the texts that contain each entry.

    Each task adds up what it has of an entry before anything is shuffled.

    Args:
        matched: Rows with metadata_lang and entry_ids.

    Returns:
        metadata_lang, entry_id and count (bigint) of each entry that occurs.
    """
    each = matched.select("metadata_lang", F.explode("entry_ids").alias("entry_id"))
    return each.groupBy("metadata_lang", "entry_id").agg(F.count(F.lit(1)).alias("count"))


def entries_of(counts: DataFrame, languages: Sequence[str]) -> DataFrame:
    """Returns the entries of some languages.

    Args:
        counts: Rows of `schemas.COUNTS`.
        languages: Metadata languages.

    Returns:
        metadata_lang, entry_id and entry.
    """
    return counts.filter(F.col("metadata_lang").isin(list(languages))).drop("count")


def sum_of_counts(counts: DataFrame) -> int:
    """Adds up all counts.

    Args:
        counts: Rows of `schemas.COUNTS`.
    """
    return int(counts.agg(F.sum("count")).collect()[0][0] or 0)


def count(matched: DataFrame, entries: DataFrame) -> DataFrame:
    """Counts the texts that contain each entry, for all entries.

    Args:
        matched: Rows of `schemas.MATCHED`.
        entries: metadata_lang, entry_id and entry of every language with a matched text.

    Returns:
        Rows of `schemas.COUNTS`, with those of count 0, sorted by language and id.
    """
    joined = entries.join(occurrences(matched), ["metadata_lang", "entry_id"], "left")
    filled = F.coalesce("count", F.lit(0).cast("bigint")).alias("count")
    return joined.select("metadata_lang", "entry_id", "entry", filled).sort("metadata_lang", "entry_id")


def count_histograms(counts: DataFrame) -> dict[str, CountHistogram]:
    """Counts how many entries have each count. The histograms of all languages fit into the driver's memory.

    Args:
        counts: Rows of `schemas.COUNTS`.

    Returns:
        Histogram by language.
    """
    found: dict[str, list[tuple[int, int]]] = {}
    for language, count, entries in counts.groupBy("metadata_lang", "count").agg(F.count(F.lit(1))).collect():
        found.setdefault(language, []).append((count, entries))
    histograms = {}
    for language in sorted(found):
        values, entries = np.array(sorted(found[language]), dtype=np.int64).T
        histograms[language] = CountHistogram(values, entries)
    return histograms
