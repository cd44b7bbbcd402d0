"""The totals of each language, against a loop over the rows."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.dataset as pds
import pytest
from pyspark.sql import SparkSession

from metaclip_curate.run.summaries import LanguageThreshold, LanguageTotals
from metaclip_curate.schemas import COUNTS, MANIFEST, MATCHED, ddl
from metaclip_curate.stages.after.datacard import language_totals
from metaclip_curate.stages.shared.passes import ArrowPasses, SparkPasses
from tests.support import made_run, oracle

T = 9
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    matched = made_run.matched_rows(images=250, seed=6)
    kept = [row | {"keep_probability": 0.5, "draw": 0.25} for row in matched if row["uid"][0] in "13579bdf"]
    return {
        "matched": pa.Table.from_pylist(matched, MATCHED),
        "manifest": pa.Table.from_pylist(kept, MANIFEST),
        "counts": pa.Table.from_pylist(oracle.count(matched, made_run.METADATA), COUNTS),
    }


@pytest.fixture(scope="module")
def thresholds(tables: dict[str, pa.Table]) -> list[LanguageThreshold]:
    languages = sorted(set(tables["counts"]["metadata_lang"].to_pylist()))
    found = [LanguageThreshold(name, T + place, 0.5, 0, 0, 0, 0, 3.5) for place, name in enumerate(languages)]
    return [*found, LanguageThreshold("xx", 1, 0.0, 0, 0, 0, 0, 0.0)]


def expected(tables: dict[str, pa.Table], of: LanguageThreshold) -> LanguageTotals:
    matched, manifest, counts = (
        [row for row in tables[name].to_pylist() if row["metadata_lang"] == of.metadata_lang]
        for name in ("matched", "manifest", "counts")
    )
    sizes = [number for rows in (matched, manifest) for number in (len(rows), len({row["image_id"] for row in rows}))]
    head = {row["entry_id"] for row in counts if row["count"] >= of.t}
    matches = [
        sum((entry in head) == in_head for row in rows for entry in row["entry_ids"])
        for rows in (matched, manifest)
        for in_head in (True, False)
    ]
    return LanguageTotals(of.metadata_lang, of.t, of.tail_share, of.expected_pairs, *sizes, *matches)


def test_totals_are_those_of_a_loop(tables: dict[str, pa.Table], thresholds: list[LanguageThreshold]) -> None:
    found = language_totals(ArrowPasses(lambda stage, name, schema: pds.dataset(tables[name])), thresholds)
    assert found == [expected(tables, of) for of in thresholds]
    assert any(row.images_in < row.pairs_in and row.head_matches_out and row.tail_matches_out for row in found)


@pytest.mark.slow
def test_workers_count_the_same(
    spark: SparkSession, tables: dict[str, pa.Table], thresholds: list[LanguageThreshold]
) -> None:
    frames = {
        name: spark.createDataFrame([tuple(row.values()) for row in tables[name].to_pylist()], ddl(schema))
        for name, schema in (("matched", MATCHED), ("manifest", MANIFEST), ("counts", COUNTS))
    }
    passes = SparkPasses(lambda stage, name, schema: frames[name].repartition(3))
    assert language_totals(passes, thresholds) == [expected(tables, of) for of in thresholds]
