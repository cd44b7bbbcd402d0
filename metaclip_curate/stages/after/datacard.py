"""Each language before and after balancing, for the data card."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from metaclip_curate.stages.count import occurrences


def language_totals(
    matched: DataFrame, kept: DataFrame, counts: DataFrame, thresholds: DataFrame
) -> list[dict[str, Any]]:
    """Counts pairs, images and matches of each language before and after the draw.

    Args:
        matched: Rows of `schemas.MATCHED`.
        kept: The rows of `matched` that were drawn.
        counts: Rows of `schemas.COUNTS`.
        thresholds: Rows of `schemas.THRESHOLDS`.

    Returns:
        For each language: t, tail_share, pairs and images in and out, and the matches of head and tail entries before
        and after (a pair counts once for each of its entries).
    """
    after = occurrences(kept).withColumnRenamed("count", "kept")
    limits = thresholds.select("metadata_lang", "t")
    compared = (
        counts.filter(F.col("count") > 0)
        .join(after, ["metadata_lang", "entry_id"], "left")
        .join(F.broadcast(limits), "metadata_lang")
    )
    in_head = F.col("count") >= F.col("t")
    kept_count = F.coalesce("kept", F.lit(0).cast("bigint"))
    zero = F.lit(0).cast("bigint")
    matches = compared.groupBy("metadata_lang").agg(
        F.sum(F.when(in_head, F.col("count")).otherwise(zero)).alias("head_matches_in"),
        F.sum(F.when(in_head, zero).otherwise(F.col("count"))).alias("tail_matches_in"),
        F.sum(F.when(in_head, kept_count).otherwise(zero)).alias("head_matches_out"),
        F.sum(F.when(in_head, zero).otherwise(kept_count)).alias("tail_matches_out"),
    )
    joined = (
        thresholds.select("metadata_lang", "t", "tail_share", "expected_pairs")
        .join(_sizes(matched, "in"), "metadata_lang", "left")
        .join(_sizes(kept, "out"), "metadata_lang", "left")
        .join(matches, "metadata_lang", "left")
        .na.fill(0)
        .sort("metadata_lang")
    )
    return [row.asDict() for row in joined.collect()]


def _sizes(pairs: DataFrame, suffix: str) -> DataFrame:
    images = F.countDistinct("image_id").alias(f"images_{suffix}")
    return pairs.groupBy("metadata_lang").agg(F.count(F.lit(1)).alias(f"pairs_{suffix}"), images)
