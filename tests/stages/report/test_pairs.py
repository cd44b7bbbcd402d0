"""What a table of pairs is made of, against a loop over its rows."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from metaclip_curate.schemas import MATCHED, ddl
from metaclip_curate.stages.report.pairs import SAMPLE, TEXT_CHARACTERS, pair_facts, sampling_cut
from tests.support import made_run

Rows = list[dict[str, Any]]
URLS = {
    "https://images.example/7/{}.jpg": "images.example",
    "http://user:word@other.example:8080/{}": "other.example",
    "https://[::1]:8/{}": "[::1]",
    "https://few.example?{}": "few.example",
}
LICENSES = (
    "https://creativecommons.org/licenses/by/4.0/",
    "http://creativecommons.org/licenses/by/2.0/de/",
    "https://example.org/licence",
)


@pytest.fixture(scope="module")
def rows() -> Rows:
    found = made_run.matched_rows(images=200, seed=5)
    for place, row in enumerate(found):
        template = list(URLS)[min(place % 7, 3)] if place % 50 else "https://few.example?{}"
        row["url"] = template.format(place)
        row["text"] = "x" * (1 + place * 37 % 900)
        row["lang_score"] = place % 21 / 20
        row["text_source"] = "title" if place % 3 else "alt"
        row["license"] = LICENSES[place % 5] if place % 5 < len(LICENSES) else ""
    return found


@pytest.fixture(scope="module")
def table(spark: SparkSession, rows: Rows) -> DataFrame:
    values = [tuple(row[name] for name in MATCHED.names) for row in rows]
    return spark.createDataFrame(values, ddl(MATCHED)).repartition(3)


def host_of(url: str) -> str:
    return next(host for template, host in URLS.items() if url.startswith(template.split("{")[0]))


def test_sums_are_those_of_a_loop(table: DataFrame, rows: Rows) -> None:
    facts, _ = pair_facts(table, "pairs", len(rows))
    assert facts.pairs == len(rows)
    # A score as float32 may lie below the multiple of 0.05 that it is written as.
    assert sum(facts.scores.values()) == len(rows)
    assert facts.scores[19] >= sum(row["lang_score"] == 1 for row in rows)
    assert set(facts.scores) <= set(range(20))
    assert dict(facts.lengths) == Counter(len(row["text"]).bit_length() - 1 for row in rows)
    assert dict(facts.sources) == Counter(row["text_source"] for row in rows)
    assert dict(facts.hosts) == Counter(host_of(row["url"]) for row in rows)
    by = sum(row["license"] in LICENSES[:2] for row in rows)
    assert dict(facts.licenses) == {"by": by, "": len(rows) - by}
    assert facts.all_hosts == len(URLS)
    assert list(facts.hosts) == sorted(facts.hosts, key=lambda each: -each[1])


def test_of_many_hosts_the_largest_and_those_asked_for_leave_the_workers(table: DataFrame, rows: Rows) -> None:
    from pyspark.sql import functions as F

    # Host k of 100 has about k times as many images as the first, and its name doesn't sort by that.
    host = F.concat(F.lit("https://h"), F.floor(F.sqrt(F.pmod(F.xxhash64("uid"), F.lit(10_000)))), F.lit(".example/"))
    many = table.withColumn("url", host)
    exact = Counter(row["url"][len("https://") : -1] for row in many.select("url").collect())
    rare = min(exact, key=lambda name: (exact[name], name))
    facts, _ = pair_facts(many, "pairs", len(rows), [rare])
    assert facts.all_hosts == len(exact)
    by_size = sorted(exact.items(), key=lambda each: (-each[1], each[0]))
    assert list(facts.hosts) == [*by_size[:20], (rare, exact[rare])]


def test_a_sample_depends_on_uids_alone(table: DataFrame, rows: Rows) -> None:
    _, sample = pair_facts(table, "pairs", len(rows))
    assert len({row["uid"] for row in sample}) == SAMPLE
    assert max(len(row["text"]) for row in sample) <= TEXT_CHARACTERS
    assert pair_facts(table.repartition(7), "pairs", len(rows))[1] == sample
    other = pair_facts(table, "matched", len(rows))[1]
    assert {row["uid"] for row in other} != {row["uid"] for row in sample}


def test_the_cut_is_a_share_of_all_hashes() -> None:
    assert sampling_cut(20, 10) == sampling_cut(20, 0) == 2**63 - 1
    assert sampling_cut(20, 120) == 0
    assert sampling_cut(20, 10**12) + 2**63 == round(60 / 10**12 * 2**64)
