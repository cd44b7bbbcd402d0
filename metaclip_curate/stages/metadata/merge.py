"""Ranking the candidates of a source in Spark, so that the driver only gets those that can become entries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyspark
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from metaclip_curate.metadata.building.merge import PUNCTUATION
from metaclip_curate.options.merge_metadata import SourceLimits

if TYPE_CHECKING:
    from pyspark.sql import Column

_OTHER_THAN_PUNCTUATION = "[^" + "".join(rf"\p{{{category}}}" for category in PUNCTUATION) + "]"


@dataclass(frozen=True)
class Ranking:
    """The candidates of a source, and how many strings each limit left.

    Attributes:
        entries: The candidates, best first. There are more than `limit`, as some may be repeats.
        scores: Score of each.
        limit: Largest number of entries that the source adds.
        rows: Number of distinct strings of the source.
        only_punctuation: Number of strings that are only punctuation.
        too_long: Number of the other strings that are too long or have a line break.
        usable: Number of the remaining strings.
        candidates: Number of usable strings with at least the minimum score.
        highest: Highest score of a usable string; None without one.
    """

    entries: list[str]
    scores: list[float]
    limit: int
    rows: int
    only_punctuation: int
    too_long: int
    usable: int
    candidates: int
    highest: float | None


def rank(rows: DataFrame, score: str, limits: SourceLimits, known: int, max_length: int) -> Ranking:
    """Ranks the strings of a source by score, and by code points if scores are equal.

    Args:
        rows: Rows of entry and score, each entry once.
        score: Column of the score.
        limits: Limits of the source.
        known: Number of entries that are already in the list, and may be repeated by as many candidates.
        max_length: Largest number of characters of an entry.

    Returns:
        At most `known` candidates more than the source can add.
    """
    punctuation, too_long = is_only_punctuation(F.col("entry")), is_too_long(F.col("entry"), max_length)
    marked = rows.select("entry", score, punctuation.alias("punctuation"), (~punctuation & too_long).alias("too_long"))
    usable = ~F.col("punctuation") & ~F.col("too_long")
    enough = usable if limits.minimum is None else usable & (F.col(score) >= F.lit(limits.minimum))
    counts = marked.agg(
        F.count("*").alias("rows"),
        F.count_if(F.col("punctuation")).alias("punctuation"),
        F.count_if(F.col("too_long")).alias("too_long"),
        F.count_if(enough).alias("candidates"),
        F.max(F.when(usable, F.col(score))).alias("highest"),
    ).first()
    assert counts is not None  # an aggregate has one row
    of_usable = counts["rows"] - counts["punctuation"] - counts["too_long"]
    limit = limits.most_of(of_usable)
    most = min(counts["candidates"], limit + known) if limit else 0
    best = marked.filter(enough).orderBy(F.col(score).desc(), F.col("entry").asc()).limit(most)
    found = best.select("entry", score).collect() if most else []
    return Ranking(
        entries=[row[0] for row in found],
        scores=[row[1] for row in found],
        limit=limit,
        rows=counts["rows"],
        only_punctuation=counts["punctuation"],
        too_long=counts["too_long"],
        usable=of_usable,
        candidates=counts["candidates"],
        highest=counts["highest"],
    )


def is_only_punctuation(entry: Column) -> Column:
    """Computes `building.merge.is_only_punctuation` of a column."""
    return ~entry.rlike(_OTHER_THAN_PUNCTUATION)


def is_too_long(entry: Column, max_length: int) -> Column:
    """Computes whether an entry has too many characters, or a line break."""
    return (F.char_length(entry) > max_length) | entry.rlike("[\\n\\r]")


def pyspark_version() -> str:
    """Returns the version of PySpark, for the record of a build."""
    return pyspark.__version__
