"""Entries before and after the draw, for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from metaclip_curate.report.facts import EntryFact, EntryLists
from metaclip_curate.report.histograms import KeptHistogram
from metaclip_curate.schemas import COUNTS, ddl
from metaclip_curate.stages.count import occurrences
from metaclip_curate.stages.report.pairs import sampling_cut
from metaclip_curate.stages.shared.language_values import language_value

# `schemas.COUNTS` with the number of kept texts and the language's threshold.
HIT_ENTRIES = f"{ddl(COUNTS)}, kept bigint, t bigint"
_OF_LANGUAGE = 8
_OF_ALL = 30


def hit_entries(counts: DataFrame, kept: DataFrame, thresholds: Mapping[str, int]) -> DataFrame:
    """Joins counts, kept texts and thresholds of the entries with a text, which are the smaller part of the metadata.

    Args:
        counts: Rows of `schemas.COUNTS`.
        kept: Rows of `schemas.MANIFEST`.
        thresholds: The t of each language.

    Returns:
        Rows of HIT_ENTRIES.
    """
    after = occurrences(kept).withColumnRenamed("count", "kept")
    hit = counts.filter(F.col("count") > 0).join(after, ["metadata_lang", "entry_id"], "left")
    filled = F.coalesce("kept", F.lit(0).cast("bigint")).alias("kept")
    return hit.select("metadata_lang", "entry_id", "entry", "count", filled, language_value(thresholds).alias("t"))


def kept_histograms(entries: DataFrame, unmatched: Mapping[str, int]) -> dict[str, KeptHistogram]:
    """Counts the entries with each count, and their kept texts.

    Args:
        entries: Rows from `hit_entries`.
        unmatched: Number of entries without a text of each language.

    Returns:
        Histograms by language.
    """
    found = {language: [(0, number, 0)] if number else [] for language, number in sorted(unmatched.items())}
    sums = entries.groupBy("metadata_lang", "count").agg(F.count(F.lit(1)), F.sum("kept")).collect()
    for language, count, number, kept in sums:
        found[language].append((count, number, kept))
    return {
        language: KeptHistogram(*np.array(sorted(rows), dtype=np.int64).reshape(-1, 3).T)
        for language, rows in found.items()
    }


def entry_lists(
    entries: DataFrame, unmatched: Mapping[str, Sequence[EntryFact]]
) -> tuple[dict[str, EntryLists], tuple[EntryFact, ...]]:
    """Samples entries of each kind and language.

    Args:
        entries: Rows from `hit_entries`.
        unmatched: Entries from `unmatched_entries`.

    Returns:
        Samples by language, and under "" of all languages; and a longer list of the most thinned entries of all.
    """
    lost = F.col("count") - F.col("kept")
    kind = F.when((F.col("count") >= F.col("t")) & (lost > 0), "thinned").when(
        (F.col("count") < F.col("t")) & (lost == 0), "whole"
    )
    order = F.when(F.col("kind") == "thinned", -lost).otherwise(_at_random())
    ordered = entries.withColumn("kind", kind).filter(F.col("kind").isNotNull()).withColumn("order", order)
    rank = F.row_number().over(Window.partitionBy("metadata_lang", "kind").orderBy("order", "entry_id"))
    # By the first comparison, with a literal, Spark drops rows before they are shuffled.
    limit = F.when(F.col("kind") == "thinned", _OF_ALL).otherwise(_OF_LANGUAGE)
    first = ordered.withColumn("rank", rank).filter((F.col("rank") <= _OF_ALL) & (F.col("rank") <= limit))
    found: dict[tuple[str, str], list[tuple[int, EntryFact]]] = {}
    columns = ("kind", "order", "metadata_lang", "entry_id", "entry", "count", "kept")
    for row_kind, row_order, language, *row in first.select(*columns).collect():
        for scope in (language, ""):
            found.setdefault((scope, row_kind), []).append((row_order, EntryFact(language, *row)))
    lists = {
        scope: EntryLists(
            _first(found.get((scope, "thinned"), ()), _OF_LANGUAGE),
            _first(found.get((scope, "whole"), ()), _OF_LANGUAGE),
            tuple(unmatched.get(scope, ())),
        )
        for scope in sorted({"", *unmatched, *(scope for scope, _ in found)})
    }
    return lists, _first(found.get(("", "thinned"), ()), _OF_ALL)


def frequent_entries(entries: DataFrame, cuts: Mapping[str, int]) -> dict[str, tuple[EntryFact, ...]]:
    """Reads the most frequent entries.

    Args:
        entries: Rows from `hit_entries`.
        cuts: The count from which on an entry of each language is one of them.

    Returns:
        Entries by language, those with the most texts first.
    """
    most = entries.filter(F.col("count") >= language_value(cuts))
    found: dict[str, list[EntryFact]] = {}
    for row in most.select("metadata_lang", "entry_id", "entry", "count", "kept").collect():
        found.setdefault(row[0], []).append(EntryFact(*row))
    return {name: tuple(sorted(of, key=lambda each: (-each.count, each.entry_id))) for name, of in found.items()}


def unmatched_entries(counts: DataFrame, unmatched: Mapping[str, int]) -> dict[str, list[EntryFact]]:
    """Samples entries without a text by a hash.

    Args:
        counts: Rows of `schemas.COUNTS`.
        unmatched: Number of such entries of each language.

    Returns:
        Entries by language, and under "" of all languages.
    """
    cuts = {language: sampling_cut(_OF_LANGUAGE, number) for language, number in unmatched.items()}
    rows = counts.filter(F.col("count") == 0).withColumn("hash", _at_random())
    # Above the largest cut are most entries, whose languages' cuts needn't be found.
    possible = rows.filter(F.col("hash") <= max(cuts.values(), default=0))
    taken = possible.filter(F.col("hash") <= language_value(cuts)).select("hash", "metadata_lang", "entry_id", "entry")
    found: dict[str, list[EntryFact]] = {}
    for _, language, entry_id, entry in sorted(taken.collect()):
        for scope in (language, ""):
            if len(found.setdefault(scope, [])) < _OF_LANGUAGE:
                found[scope].append(EntryFact(language, entry_id, entry, 0, 0))
    return found


def _at_random() -> Column:
    return F.xxhash64(F.lit("entries"), "metadata_lang", "entry_id")


def _first(ordered: Sequence[tuple[int, EntryFact]], number: int) -> tuple[EntryFact, ...]:
    return tuple(entry for _, entry in sorted(ordered)[:number])
