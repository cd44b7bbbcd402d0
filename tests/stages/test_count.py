"""Entry counts of small tables."""

from __future__ import annotations

from pyspark.sql import SparkSession

from metaclip_curate.schemas import COUNTS, ddl
from metaclip_curate.stages.count import count, count_histograms, sum_of_counts


def test_entries_without_a_text_have_a_row(spark: SparkSession) -> None:
    matched = spark.createDataFrame(
        [("en", [0, 2]), ("en", [2]), ("de", [1])], "metadata_lang string, entry_ids array<int>"
    )
    names = [("de", 0, "der"), ("de", 1, "die"), ("en", 0, "a"), ("en", 1, "b"), ("en", 2, "c")]
    entries = spark.createDataFrame(names, "metadata_lang string, entry_id int, entry string")
    counts = count(matched, entries)
    assert [tuple(row) for row in counts.collect()] == [
        (*name, number) for name, number in zip(names, [0, 1, 1, 0, 2], strict=True)
    ]
    assert sum_of_counts(counts) == 4


def test_histograms_are_in_the_order_of_counts(spark: SparkSession) -> None:
    rows = [("en", number, f"e{number}", number * 7 % 5) for number in range(12)] + [("de", 0, "der", 3)]
    histograms = count_histograms(spark.createDataFrame(rows, ddl(COUNTS)))
    assert list(histograms) == ["de", "en"]
    assert histograms["en"].counts.tolist() == [0, 1, 2, 3, 4]
    assert histograms["en"].entries.tolist() == [3, 2, 3, 2, 2]
    assert (histograms["de"].counts.tolist(), histograms["de"].entries.tolist()) == ([3], [1])
    assert count_histograms(spark.createDataFrame([], ddl(COUNTS))) == {}
