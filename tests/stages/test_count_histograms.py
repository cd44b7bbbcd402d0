"""Histograms of entry counts."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from metaclip_curate.schemas import COUNTS, ddl
from metaclip_curate.stages.count_histograms import count_histograms


@pytest.mark.parametrize("tasks", [1, 3])
def test_histograms_are_in_the_order_of_counts(spark: SparkSession, tasks: int) -> None:
    rows = [("en", number, f"e{number}", number * 7 % 5) for number in range(12)] + [("de", 0, "der", 3)]
    histograms = count_histograms(spark.createDataFrame(rows, ddl(COUNTS)).repartition(tasks))
    assert list(histograms) == ["de", "en"]
    assert histograms["en"].counts.tolist() == [0, 1, 2, 3, 4]
    assert histograms["en"].entries.tolist() == [3, 2, 3, 2, 2]
    assert (histograms["de"].counts.tolist(), histograms["de"].entries.tolist()) == ([3], [1])


def test_histograms_of_no_counts(spark: SparkSession) -> None:
    assert count_histograms(spark.createDataFrame([], ddl(COUNTS))) == {}
