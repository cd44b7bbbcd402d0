"""What a table of pairs is made of, against a loop over its rows."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.dataset as pds
import pytest
from pyspark.sql import SparkSession

from metaclip_curate.report.facts import PairFacts
from metaclip_curate.schemas import MATCHED, ddl
from metaclip_curate.stages.report.pairs import pair_facts
from metaclip_curate.stages.report.sampling import SAMPLE, TEXT_CHARACTERS, Sampled, sampling_cut
from metaclip_curate.stages.shared.passes import ArrowPasses, SparkPasses
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


def found(rows: Rows, table: str = "distinct", requested: tuple[str, ...] = ()) -> tuple[PairFacts, list[Sampled]]:
    passes = ArrowPasses(lambda *table: pds.dataset(pa.Table.from_pylist(rows, MATCHED)))
    return pair_facts(passes, ("stage", table, MATCHED), len(rows), requested)


def host_of(url: str) -> str:
    return next(host for template, host in URLS.items() if url.startswith(template.split("{")[0]))


def test_sums_are_those_of_a_loop(rows: Rows) -> None:
    facts, _ = found(rows)
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


def many_hosts(rows: Rows) -> Rows:
    """Host k of 100 has about k times as many images as the first, and its name doesn't sort by that."""
    hosts = [math.isqrt(int(row["uid"][:8], 16) % 10_000) for row in rows]
    return [row | {"url": f"https://h{host}.example/"} for row, host in zip(rows, hosts, strict=True)]


def test_of_many_hosts_the_largest_and_those_asked_for_are_returned(rows: Rows) -> None:
    many = many_hosts(rows)
    exact = Counter(row["url"][len("https://") : -1] for row in many)
    rare = min(exact, key=lambda name: (exact[name], name))
    facts, _ = found(many, requested=(rare,))
    assert facts.all_hosts == len(exact)
    by_size = sorted(exact.items(), key=lambda each: (-each[1], each[0]))
    assert list(facts.hosts) == [*by_size[:20], (rare, exact[rare])]


@pytest.mark.slow
def test_workers_count_the_same(spark: SparkSession, rows: Rows) -> None:
    many = many_hosts(rows)
    frame = spark.createDataFrame([tuple(row[name] for name in MATCHED.names) for row in many], ddl(MATCHED))
    passes = SparkPasses(lambda *table: frame.repartition(3))
    requested = (many[0]["url"][len("https://") : -1],)
    assert pair_facts(passes, ("stage", "distinct", MATCHED), len(rows), requested) == found(
        many, "distinct", requested
    )


def test_a_sample_depends_on_uids_alone(rows: Rows) -> None:
    _, sample = found(rows)
    assert len({row["uid"] for row in sample}) == SAMPLE
    assert max(len(row["text"]) for row in sample) == TEXT_CHARACTERS
    assert found(rows[::-1])[1] == sample
    other = found(rows, "matched")[1]
    assert {row["uid"] for row in other} != {row["uid"] for row in sample}


def test_the_cut_is_a_share_of_all_hashes() -> None:
    assert sampling_cut(20, 10) == sampling_cut(20, 0) == 2**63 - 1
    assert sampling_cut(20, 120) == 2**62
    assert sampling_cut(20, 10**12) == round(60 / 10**12 * 2**63)
