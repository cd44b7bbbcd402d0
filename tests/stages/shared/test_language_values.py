"""Numbers of each language in plans."""

from __future__ import annotations

from pyspark.sql import SparkSession

from metaclip_curate.schemas import COUNTS, ddl
from metaclip_curate.stages.shared.language_values import entries_above, language_value

LARGE = 2**62


def test_a_language_has_its_number_or_none(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("en",), ("de",), ("be_x_old",)], "metadata_lang string")
    values = language_value({"en": -1, "be_x_old": LARGE})
    assert dict(rows.select("metadata_lang", values).collect()) == {"en": -1, "de": None, "be_x_old": LARGE}
    assert dict(rows.select("metadata_lang", language_value({})).collect()) == {
        "en": None,
        "de": None,
        "be_x_old": None,
    }


def test_entries_above_the_t_of_their_language(spark: SparkSession) -> None:
    rows = [("en", 0, "a", 5), ("en", 1, "b", 6), ("de", 0, "c", 6), ("de", 1, "d", 3), ("th", 0, "e", 9)]
    counts = spark.createDataFrame(rows, ddl(COUNTS))
    found = [tuple(row) for row in entries_above(counts, {"en": 5, "de": 2}).collect()]
    assert sorted(found) == [rows[2], rows[3], rows[1]]
    assert entries_above(counts, {}).collect() == []
