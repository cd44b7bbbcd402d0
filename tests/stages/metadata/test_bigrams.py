"""The candidates of one Wikipedia among the counts of several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_curate.metadata.building.ngrams import pmi
from metaclip_curate.schemas import ddl
from metaclip_curate.stages.metadata.bigrams import bigrams_of, unigrams_of
from metaclip_curate.stages.metadata.wikipedia import COUNTS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_words_and_pairs_of_one_wikipedia(spark: SparkSession) -> None:
    rows = [
        ("zh", "ab", "", None, 6),
        ("zh", "a", "", None, 5),
        ("zh", "b", "", None, 9),
        ("zh", "c", "", None, 4),
        ("zh", "bc", "", None, 4),
        ("zh", "rare", "", None, 1),
        ("zh", "ab", "", "c", 2),  # the same string as a and bc, of a lower PMI
        ("zh", "a", "", "bc", 3),
        ("zh", "c", "", "b", 2),
        ("zh", "a", "", "rare", 1),
        ("gan", "a", "", None, 50),
        ("gan", "a", "", "b", 40),
        ("zh", "{}", None, None, 1),  # statistics
    ]
    counts = spark.createDataFrame(rows, ddl(COUNTS)).repartition(2)
    words = {row["entry"]: row["count"] for row in unigrams_of(counts, "zh").collect()}
    assert words == {"ab": 6, "a": 5, "b": 9, "c": 4, "bc": 4, "rare": 1}
    found = {row["entry"]: (row["count"], row["pmi"]) for row in bigrams_of(counts, "zh", 100, 2).collect()}
    assert found == {"abc": (3, pmi(3, 5, 4, 100)), "cb": (2, pmi(2, 4, 9, 100))}
    assert pmi(2, 6, 4, 100) < pmi(3, 5, 4, 100)
