"""Two manifests beside each other."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_SIDE = "side"
_BOTH = 3


def compare_manifests(before: DataFrame, after: DataFrame, samples: int) -> tuple[list[dict[str, Any]], list[Any]]:
    """Counts what two manifests share and what only one has.

    Args:
        before: Rows of `schemas.MANIFEST`.
        after: The other's rows.
        samples: Pairs to show of those that only one has, for each of the two.

    Returns:
        For each language, in the order of their names, the pairs of both, those lost (only in `before`), those gained
        (only in `after`) and those that stayed with another keep probability; a pair counts for its language in
        `after`, or in `before` where it is lost. And the lost and gained pairs with the smallest uids.
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
