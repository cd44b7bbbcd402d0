"""Each language before and after balancing, for the data card."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from metaclip_curate.run.summaries import LanguageThreshold, LanguageTotals
from metaclip_curate.stages.shared.language_values import language_value


def language_totals(
    matched: DataFrame, kept: DataFrame, counts: DataFrame, thresholds: Sequence[LanguageThreshold]
) -> list[LanguageTotals]:
    """Counts pairs, images and matches of each language before and after the draw.

    Args:
        matched: Rows of `schemas.MATCHED`.
        kept: The rows of `matched` that were drawn.
        counts: Rows of `schemas.COUNTS`.
        thresholds: The languages.

    Returns:
        An item for each language.
    """
    sizes = _sizes(matched, kept)
    matches = _matches(kept, counts, {row.metadata_lang: row.t for row in thresholds})
    return [
        LanguageTotals(
            row.metadata_lang,
            row.t,
            row.tail_share,
            row.expected_pairs,
            *sizes.get((row.metadata_lang, True), (0, 0)),
            *sizes.get((row.metadata_lang, False), (0, 0)),
            *matches.get(row.metadata_lang, (0, 0, 0, 0)),
        )
        for row in thresholds
    ]


def _sizes(matched: DataFrame, kept: DataFrame) -> dict[tuple[str, bool], tuple[int, int]]:
    """Returns the numbers of pairs and of images, by language and whether they are those before the draw."""
    before, after = (
        rows.select("metadata_lang", F.lit(before).alias("before"), "image_id")
        for rows, before in ((matched, True), (kept, False))
    )
    sums = before.unionAll(after).groupBy("metadata_lang", "before")
    rows = sums.agg(F.count(F.lit(1)), F.countDistinct("image_id")).collect()
    return {(language, of_before): (pairs, images) for language, of_before, pairs, images in rows}


def _matches(kept: DataFrame, counts: DataFrame, thresholds: dict[str, int]) -> dict[str, tuple[int, int, int, int]]:
    """Returns the matches of head and tail entries before the draw, and of both after it, by language."""
    none, one = F.lit(0).cast("bigint"), F.lit(1).cast("bigint")
    before = counts.filter(F.col("count") > 0).select("metadata_lang", "entry_id", "count", none.alias("kept"))
    entry_id = F.explode("entry_ids").alias("entry_id")
    after = kept.select("metadata_lang", entry_id, none.alias("count"), one.alias("kept"))
    # One shuffle brings an entry's count and its kept texts together.
    entries = before.unionAll(after).groupBy("metadata_lang", "entry_id")
    sums = entries.agg(F.sum("count").alias("count"), F.sum("kept").alias("kept"))
    in_head = F.col("count") >= language_value(thresholds)
    columns = [
        F.sum(F.when(is_of, F.col(name)).otherwise(none)) for name in ("count", "kept") for is_of in (in_head, ~in_head)
    ]
    rows = sums.groupBy("metadata_lang").agg(*columns).collect()
    return {language: tuple(of_language) for language, *of_language in rows}
