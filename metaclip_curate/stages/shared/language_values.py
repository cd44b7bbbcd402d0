"""Numbers of each metadata language as a column, and entries above the t of their language."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def language_value(values: Mapping[str, int]) -> Column:
    """Returns a number that depends on the column metadata_lang; null for a language without one.

    A literal is part of the plan, where a table would have to be sent to the workers first, by a job of its own.

    Args:
        values: Number of each language.
    """
    return F.element_at(F.from_json(F.lit(json.dumps(dict(values))), "map<string,bigint>"), F.col("metadata_lang"))


def entries_above(counts: DataFrame, thresholds: Mapping[str, int]) -> DataFrame:
    """Returns the entries whose count is above the t of their language.

    Args:
        counts: Rows of `schemas.COUNTS`.
        thresholds: The t of each language.
    """
    # Finding a language's t takes longer than comparing with the smallest, above which few entries are.
    smallest = min(thresholds.values(), default=0)
    return counts.filter((F.col("count") > smallest) & (F.col("count") > language_value(thresholds)))
