"""A DataFrame, a table in memory and a run folder give the same pairs."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession

from metaclip_curate import CurateOptions, curate, curate_small
from metaclip_curate.errors import UserError
from metaclip_curate.notebook import stages
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.options.match import MatchOptions
from metaclip_curate.options.pool import PoolOptions
from metaclip_curate.options.screens import ScreenOptions
from metaclip_curate.schemas import COUNTS, MANIFEST, PAIRS, with_kept
from tests.support import pools, runs

GIVEN: dict[str, Any] = {"seed": 3, "texts_per_image": "one"}


def rows_of(frame: DataFrame) -> list[dict[str, Any]]:
    rows = [row.asDict() for row in frame.collect()]
    return sorted(rows, key=lambda row: [row[name] for name in ("uid", "metadata_lang", "entry_id") if name in row])


@pytest.mark.slow
def test_a_frame_a_table_and_a_run_give_the_same(tmp_path: Path, spark: SparkSession, mini_wats: list[Path]) -> None:
    lists, pool = tmp_path / "lists", tmp_path / "pool.parquet"
    metadata = runs.write_metadata_for(mini_wats[:1], lists, languages=runs.FEW_LANGUAGES)
    rows = pools.pool_rows(mini_wats[:1])
    pq.write_table(pa.Table.from_pylist(rows), pool)
    hosts, words = tmp_path / "hosts", tmp_path / "words"
    hosts.write_text("h1.pool.example\n")
    words.write_text("The\n")
    screens: dict[str, Any] = {"host_list": (str(hosts),), "word_list": (f"en={words}",)}
    rules: dict[str, Any] = {"host_list": ["h1.pool.example"], "word_list": {"en": ["The"]}}
    options = CurateOptions(
        pool=PoolOptions(**pools.OPTIONS), screens=ScreenOptions(**screens), draw=DrawOptions(**GIVEN)
    )
    # A frame has no order: of equal pairs the smallest row stays, which is the first in the file.
    shuffled = spark.read.parquet(str(pool)).repartition(3, "caption")

    found = curate(spark, shuffled, lists, 20, options)
    small = curate_small(pq.read_table(pool), lists, 20, options)
    runs.run(tmp_path / "run", [pool], lists, **pools.OPTIONS, **screens, **GIVEN)

    kept = rows_of(found.kept)
    assert found.kept.columns == with_kept(MANIFEST, kept_fields()).names
    assert kept == sorted(small.kept.to_pylist(), key=lambda row: row["uid"])
    assert kept == [row | {"source_file": ""} for row in runs.table(tmp_path / "run", "manifest")]
    assert kept == pools.expected_tables(rows, metadata, screens=rules, **GIVEN)["manifest"]
    assert found.counts.columns == COUNTS.names
    assert rows_of(found.counts) == small.counts.to_pylist() == runs.table(tmp_path / "run", "counts")
    assert found.thresholds.to_pylist() == small.thresholds.to_pylist() == runs.table(tmp_path / "run", "thresholds")
    assert found.funnel == small.funnel
    steps = {step.key: step.value for step in found.funnel.steps}
    assert steps["screened_host"] > 0 < steps["screened_words"]
    assert found.matched.count() == sum(found.thresholds.column("pairs").to_pylist())
    found.unpersist()
    assert not any(each.storageLevel.useMemory for each in found.persisted)

    # Stage by stage, from the table `pairs` of the run.
    by_hand = options.given(lists, 20)
    distinct = stages.dedup(spark.read.parquet(str(tmp_path / "run" / "pairs" / "*")))
    matched = stages.match(distinct, by_hand)
    counts = stages.count(matched, by_hand)
    thresholds = stages.balance(matched, counts, by_hand)
    assert rows_of(stages.sample(matched, counts, thresholds, by_hand).drop("source_file")) == [
        {key: value for key, value in row.items() if key != "source_file"} for row in kept
    ]


def kept_fields() -> tuple[pa.Field, ...]:
    return (pa.field("score", pa.float64()), pa.field("tags", pa.list_(pa.string())))


def test_of_equal_pairs_the_smallest_row_stays(spark: SparkSession) -> None:
    url = "https://a.example/"
    columns = "url string, text string, id string, `a b` int"
    table = spark.createDataFrame([(url, "A dog", name, 0) for name in ("b", "c", "a")], columns)
    pairs = stages.pairs(table, CurateOptions(pool=PoolOptions(id_column="id")))
    assert pairs.columns == PAIRS.names
    assert pairs.count() == 3
    assert [row["source_id"] for row in stages.dedup(pairs).collect()] == ["a"]


def test_types_and_names_that_only_frames_have(spark: SparkSession) -> None:
    row = (bytearray(b"https://a.example/"), ["A dog", None], Decimal(7), None)
    table = spark.createDataFrame([row], "url binary, `te.xt` array<string>, id decimal(38, 0), page string")
    names = PoolOptions(text_column=("te.xt",), id_column="id", page_url_column="page")
    found = stages.pairs(table, CurateOptions(pool=names)).collect()
    assert [(each["url"], each["text"], each["text_source"], each["source_id"]) for each in found] == [
        ("https://a.example/", "A dog", "te.xt", "7")
    ]


def test_mistakes(spark: SparkSession, tmp_path: Path) -> None:
    table = spark.createDataFrame([("https://a.example/", "A dog")], "link string, text string")
    with pytest.raises(UserError, match="it has no column of URLs among link, text: name it with --url-column"):
        stages.pairs(table)
    with pytest.raises(UserError, match="the column when has the type timestamp, which can't be kept"):
        stages.pairs(
            table.selectExpr("link AS url", "text", "current_timestamp() AS when"),
            CurateOptions(pool=PoolOptions(keep_columns=("when",))),
        )
    for kind in ("int", "array<int>", "struct<a: string>", "array<map<string, string>>", "timestamp"):
        with pytest.raises(UserError, match=r"its column text has the type .*, and strings are needed"):
            stages.pairs(table.selectExpr("link AS url", f"CAST(NULL AS {kind}) AS text"))
    with pytest.raises(UserError, match="the DataFrame has no column uid: give this function what"):
        stages.count(table, CurateOptions())
    with pytest.raises(UserError, match="a DataFrame of Spark is needed, not <class 'dict'>"):
        stages.pairs({})  # type: ignore[arg-type]
    with pytest.raises(UserError, match="the DataFrame has no column uid"):
        stages.dedup(table)
    with pytest.raises(UserError, match="does not exist"):
        stages.match(table, CurateOptions(match=MatchOptions(metadata=str(tmp_path / "none"))))
