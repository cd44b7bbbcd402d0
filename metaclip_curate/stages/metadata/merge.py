"""A source's best candidates, found by Spark: the driver gets no more than can become entries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from metaclip_curate.metadata.building.merge import PUNCTUATION, Candidates
from metaclip_curate.options.build_metadata import SourceLimits

if TYPE_CHECKING:
    from pyspark.sql import Column

_OTHER_THAN_PUNCTUATION = "[^" + "".join(rf"\p{{{category}}}" for category in PUNCTUATION) + "]"


@dataclass(frozen=True)
class Ranking:
    """A source's candidates and how they came about.

    Attributes:
        candidates: Those within the limits, best first; more than `most` of them, as some may be repeats.
        rows: How many different strings the source has.
        only_punctuation: How many of them are punctuation only.
        too_long: How many of the others are too long, or have a line break.
        usable: How many are left.
        of_minimum: How many of these have the least score.
        within_share: How many of these are within the share.
        highest: The highest score of a usable one.
    """

    candidates: Candidates
    rows: int
    only_punctuation: int
    too_long: int
    usable: int
    of_minimum: int
    within_share: int
    highest: float | None


def rank(rows: DataFrame, source: str, score: str, limits: SourceLimits, known: int, max_length: int) -> Ranking:
    """Ranks a source's strings: by score, of equal scores by code points.

    Args:
        rows: entry and a score, each entry once.
        source: The source's name.
        score: The score's column.
        limits: The source's limits.
        known: How many entries the list has already; so many of the candidates may be repeats.
        max_length: The most characters of an entry.

    Returns:
        At most `limits.most + known` candidates.
    """
    punctuation, too_long = is_only_punctuation(F.col("entry")), is_too_long(F.col("entry"), max_length)
    marked = rows.select("entry", score, punctuation.alias("punctuation"), (~punctuation & too_long).alias("too_long"))
    usable = ~F.col("punctuation") & ~F.col("too_long")
    enough = usable if limits.minimum is None else usable & (F.col(score) >= F.lit(limits.minimum))
    counts = marked.agg(
        F.count("*").alias("rows"),
        F.count_if(F.col("punctuation")).alias("punctuation"),
        F.count_if(F.col("too_long")).alias("too_long"),
        F.count_if(enough).alias("of_minimum"),
        F.max(F.when(usable, F.col(score))).alias("highest"),
    ).first()
    assert counts is not None  # an aggregate has one row
    of_usable = counts["rows"] - counts["punctuation"] - counts["too_long"]
    within = limits.candidates_within(of_usable, counts["of_minimum"])
    wanted = min(within, limits.most + known) if limits.most else 0
    best = marked.filter(enough).orderBy(F.col(score).desc(), F.col("entry").asc()).limit(wanted)
    found = best.select("entry", score).collect() if wanted else []
    candidates = Candidates(source, [row[0] for row in found], [row[1] for row in found], limits.most)
    return Ranking(
        candidates,
        rows=counts["rows"],
        only_punctuation=counts["punctuation"],
        too_long=counts["too_long"],
        usable=of_usable,
        of_minimum=counts["of_minimum"],
        within_share=within,
        highest=counts["highest"],
    )


def is_only_punctuation(entry: Column) -> Column:
    """As `metadata.merge.is_only_punctuation`."""
    return ~entry.rlike(_OTHER_THAN_PUNCTUATION)


def is_too_long(entry: Column, max_length: int) -> Column:
    """Whether an entry has too many characters, or a line break."""
    return (F.char_length(entry) > max_length) | entry.rlike("[\\n\\r]")
