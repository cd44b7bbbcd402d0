"""What two manifests have in common, and what only one of them has."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_SIDE = "side"
_BOTH = 3


def compare_manifests(before: DataFrame, after: DataFrame, samples: int) -> tuple[list[dict[str, Any]], list[Any]]:
    """Counts the pairs that two manifests share, and those that only one has.

    Args:
        before: Rows of `schemas.MANIFEST`.
        after: Rows of the other manifest.
        samples: Number of pairs to return of those that only one manifest has, for each of the two.

    Returns:
        For each language, sorted by name, the numbers of pairs in both manifests, of lost pairs (only in `before`), of
        gained pairs (only in `after`), and of pairs with different keep probabilities; a pair counts for its language
        in `after`, or in `before` if it is lost. Then the lost and gained pairs with the smallest uids.
    """
    columns = ["uid", "metadata_lang", "text", "keep_probability"]
    union = before.select(*columns, F.lit(1).alias(_SIDE)).union(after.select(*columns, F.lit(2).alias(_SIDE)))
    after_last = F.struct(_SIDE, "metadata_lang", "text", "keep_probability")
    pairs = union.groupBy("uid").agg(
        F.sum(_SIDE).alias(_SIDE),
        F.max(after_last).alias("last"),
        F.min("keep_probability").alias("low"),
        F.max("keep_probability").alias("high"),
    )
    both = F.col(_SIDE) == _BOTH
    by_language = pairs.groupBy(F.col("last.metadata_lang").alias("metadata_lang")).agg(
        _count(both).alias("both"),
        _count(F.col(_SIDE) == 1).alias("lost"),
        _count(F.col(_SIDE) == 2).alias("gained"),
        _count(both & (F.col("low") != F.col("high"))).alias("other_probability"),
    )
    rows = [row.asDict() for row in by_language.sort("metadata_lang").collect()]
    shown = []
    for side in (1, 2):
        only = pairs.filter(F.col(_SIDE) == side).select(_SIDE, "uid", "last.metadata_lang", "last.text")
        shown += [row.asDict() for row in only.sort("uid").limit(samples).collect()]
    return rows, shown


def _count(condition: Any) -> Any:
    return F.sum(F.when(condition, F.lit(1)).otherwise(F.lit(0)).cast("bigint"))
