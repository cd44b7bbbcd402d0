"""Expected pairs and images of several candidates equal the oracle's and brute force."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from metaclip_curate.options.balance import BalanceOptions
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.schemas import COUNTS, MATCHED, ddl
from metaclip_curate.stages.after import candidates
from metaclip_curate.stages.after.joint_head import JointHead, joint_head, smallest_thresholds
from metaclip_curate.stages.balance import balance
from metaclip_curate.stages.count_histograms import count_histograms
from metaclip_curate.stages.shared.language_values import entries_above
from metaclip_curate.thresholds import CountHistogram, Rule
from tests.support import made_run, oracle

Rows = list[dict[str, Any]]
TS = (1, 7, 30, 100_000)


@pytest.fixture(scope="module")
def pool() -> tuple[Rows, Rows]:
    matched = made_run.matched_rows(images=250, seed=3)
    return matched, oracle.count(matched, made_run.METADATA)


@pytest.fixture(scope="module")
def tables(spark: SparkSession, pool: tuple[Rows, Rows]) -> tuple[DataFrame, DataFrame]:
    made = []
    for rows, schema in zip(pool, (MATCHED, COUNTS), strict=True):
        values = [tuple(row[name] for name in schema.names) for row in rows]
        made.append(spark.createDataFrame(values, ddl(schema)).repartition(3))
    return made[0], made[1]


def head_of(counts: DataFrame, histograms: dict[str, CountHistogram], asked: list[dict[str, int]]) -> JointHead:
    over = entries_above(counts, smallest_thresholds(asked)).select("metadata_lang", "entry_id", "count")
    return joint_head(over.collect(), histograms, asked)


def image_probability(rows: Rows, counts: dict[str, list[int]], thresholds: dict[str, int]) -> Fraction:
    """That at least one of the texts is kept."""
    lost = Fraction(1)
    for row in rows:
        language = row["metadata_lang"]
        lost *= 1 - oracle.exact_keep_probability(row["entry_ids"], counts[language], thresholds[language])
    return 1 - lost


def expected_images(matched: Rows, counts: dict[str, list[int]], thresholds: dict[str, int]) -> float:
    images: dict[str, Rows] = {}
    for row in matched:
        images.setdefault(row["image_id"], []).append(row)
    return float(sum(image_probability(rows, counts, thresholds) for rows in images.values()))


@pytest.mark.parametrize("texts_per_image", ["all", "one"])
@pytest.mark.parametrize("images", [True, False])
def test_expectations_equal_the_oracles(
    spark: SparkSession,
    pool: tuple[Rows, Rows],
    tables: tuple[DataFrame, DataFrame],
    texts_per_image: Any,
    images: bool,
) -> None:
    matched, counts = tables
    draw = DrawOptions(seed=5, texts_per_image=texts_per_image)
    histograms = count_histograms(counts)
    asked = [dict(Rule("en").candidate(histograms, t).thresholds) for t in TS]
    head = head_of(counts, histograms, asked)
    found = candidates.expected_kept(matched, head, draw, images)
    drawing = oracle.one_text_per_image(pool[0], 5) if texts_per_image == "one" else pool[0]
    by_language = oracle.counts_by_language(pool[1])
    assert len({row["image_id"] for row in drawing}) < len(pool[0])
    for thresholds, expected in zip(asked, found, strict=True):
        assert expected.all_pairs == pytest.approx(oracle.expected_pairs(drawing, pool[1], thresholds), rel=1e-12)
        for language in by_language:
            of_language = [row for row in drawing if row["metadata_lang"] == language]
            pairs = oracle.expected_pairs(of_language, pool[1], thresholds)
            assert expected.pairs[language] == pytest.approx(pairs, rel=1e-12)
            if images:
                assert expected.images is not None
                kept = expected_images(of_language, by_language, thresholds)
                assert expected.images[language] == pytest.approx(kept, rel=1e-12)
        if images:
            assert expected.all_images == pytest.approx(expected_images(drawing, by_language, thresholds), rel=1e-12)
        else:
            assert (expected.images, expected.all_images) == (None, None)
    # With t above every count all is kept, exactly.
    assert found[-1].all_pairs == len(drawing)


def test_pairs_are_to_the_last_bit_what_balance_writes(
    spark: SparkSession, tables: tuple[DataFrame, DataFrame]
) -> None:
    matched, counts = tables
    histograms = count_histograms(counts)
    written = balance(matched, counts, BalanceOptions(t=7), DrawOptions()).to_pylist()
    thresholds = dict(Rule("en").candidate(histograms, 7).thresholds)
    assert thresholds == {row["metadata_lang"]: row["t"] for row in written}
    # Other candidates beside it, which widen the head, change nothing.
    head = head_of(counts, histograms, [thresholds, dict.fromkeys(thresholds, 2)])
    for images in (True, False):
        found = candidates.expected_kept(matched, head, DrawOptions(), images)[0]
        assert found.pairs == {row["metadata_lang"]: row["expected_pairs"] for row in written}


def test_without_a_head_all_is_kept(spark: SparkSession, tables: tuple[DataFrame, DataFrame], pool: Any) -> None:
    matched, counts = tables
    histograms = count_histograms(counts)
    head = head_of(counts, histograms, [dict.fromkeys(histograms, 10**9)])
    assert len(head.ids) == 0
    found = candidates.expected_kept(matched, head, DrawOptions(), True)[0]
    assert found.all_pairs == len(pool[0])
    assert found.all_images == len({row["image_id"] for row in pool[0]})
