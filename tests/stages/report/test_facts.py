"""The facts of a run's report, against the run's rows."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from metaclip_curate.report.facts import Curation, Facts
from metaclip_curate.run.finished import finished_stages
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.tables import open_table
from metaclip_curate.stages.report.facts import Gatherer
from metaclip_curate.stages.shared.passes import ArrowPasses, Passes, SparkPasses
from metaclip_curate.stages.shared.tables import read_run_table
from tests.support import made_run, oracle

Rows = list[dict[str, Any]]
T = 15


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Rows]]:
    root = tmp_path_factory.mktemp("report") / "run"
    return root, made_run.write_run(root, made_run.matched_rows(images=400, seed=2), t=T, texts_per_image="one")


def here(folder: RunFolder) -> Passes:
    return ArrowPasses(partial(open_table, folder))


@pytest.fixture(scope="module")
def facts(made: tuple[Path, dict[str, Rows]]) -> Facts:
    folder = RunFolder(str(made[0]))
    return Gatherer(folder, finished_stages(folder), here(folder)).facts()


@pytest.fixture(scope="module")
def curation(facts: Facts) -> Curation:
    assert facts.curation
    return facts.curation


def kept_counts(rows: dict[str, Rows]) -> Counter[tuple[str, int]]:
    return Counter((row["metadata_lang"], entry) for row in rows["manifest"] for entry in row["entry_ids"])


def test_histograms_hold_every_entry_and_what_was_kept(curation: Curation, made: tuple[Path, dict[str, Rows]]) -> None:
    kept = kept_counts(made[1])
    for name, histogram in curation.histograms.items():
        counts = [row for row in made[1]["counts"] if row["metadata_lang"] == name]
        assert dict(zip(histogram.counts, histogram.entries, strict=True)) == Counter(row["count"] for row in counts)
        for count, sum_ in zip(histogram.counts, histogram.kept, strict=True):
            assert sum_ == sum(kept[name, row["entry_id"]] for row in counts if row["count"] == count)


def test_expectations_are_the_oracles(curation: Curation, made: tuple[Path, dict[str, Rows]]) -> None:
    rows = made[1]
    drawing = oracle.one_text_per_image(rows["matched"], 0)
    assert [each.position for each in curation.tried if each.chosen] == [T]
    assert curation.chosen.thresholds == {row["metadata_lang"]: row["t"] for row in rows["thresholds"]}
    for tried in curation.tried:
        exact = oracle.expected_pairs(drawing, rows["counts"], dict(tried.thresholds))
        assert sum(tried.expected.values()) == pytest.approx(exact, rel=1e-12)
    assert [each.position for each in curation.limits] == [T // 4, T, 4 * T]


def test_entries_are_what_their_lists_say(curation: Curation, made: tuple[Path, dict[str, Rows]]) -> None:
    kept = kept_counts(made[1])
    counts = {(row["metadata_lang"], row["entry_id"]): row for row in made[1]["counts"]}
    thresholds = {row["metadata_lang"]: row["t"] for row in made[1]["thresholds"]}
    lost = {key: row["count"] - kept[key] for key, row in counts.items() if row["count"] >= thresholds[key[0]]}
    for name, lists in curation.entries.items():
        for entry in (*lists.thinned, *lists.whole, *lists.unmatched):
            row = counts[entry.lang, entry.entry_id]
            known = (row["entry"], row["count"], kept[entry.lang, entry.entry_id])
            assert (entry.entry, entry.count, entry.kept) == known
            assert name in ("", entry.lang)
        most = sorted((number for (lang, _), number in lost.items() if name in ("", lang) and number), reverse=True)
        assert [entry.count - entry.kept for entry in lists.thinned] == most[:8]
        assert all(entry.count == entry.kept < thresholds[entry.lang] for entry in lists.whole)
        zeros = [key for key, row in counts.items() if not row["count"] and name in ("", key[0])]
        assert len(lists.unmatched) == min(8, len(zeros))


def test_texts_are_of_their_entry_and_their_side(curation: Curation, made: tuple[Path, dict[str, Rows]]) -> None:
    in_manifest = {row["uid"] for row in made[1]["manifest"]}
    assert len(curation.texts) == 30
    for each in curation.texts:
        of_entry = [
            row
            for row in made[1]["matched"]
            if row["metadata_lang"] == each.entry.lang and each.entry.entry_id in row["entry_ids"]
        ]
        assert len(of_entry) == each.entry.count
        for texts, is_kept in ((each.kept, True), (each.dropped, False)):
            there = [row["text"] for row in of_entry if (row["uid"] in in_manifest) == is_kept]
            assert not Counter(texts) - Counter(there)
            assert len(texts) == min(20, len(there))


def test_fates(facts: Facts, curation: Curation, made: tuple[Path, dict[str, Rows]]) -> None:
    in_manifest = {row["uid"] for row in made[1]["manifest"]}
    assert len(curation.matched) == len(curation.kept.sample) == 20
    for pair in curation.matched:
        assert pair.fate == ("kept" if pair.uid in in_manifest else "not drawn")
    assert {pair.fate for pair in curation.matched} == {"kept", "not drawn"}
    assert all(pair.uid in in_manifest for pair in curation.kept.sample)
    assert facts.pairs is None
    assert "no table of distinct pairs" in facts.missing[0]


def test_the_most_frequent_entries_of_a_language(curation: Curation, made: tuple[Path, dict[str, Rows]]) -> None:
    for name, lists in curation.entries.items():
        counts = [row for row in made[1]["counts"] if row["metadata_lang"] == name and row["count"]]
        expected = sorted((-row["count"], row["entry_id"]) for row in counts)
        assert [(-entry.count, entry.entry_id) for entry in lists.frequent] == expected


def test_nothing_is_left_in_the_run_folder(facts: Facts, made: tuple[Path, dict[str, Rows]]) -> None:
    assert [path.name for path in made[0].glob("_*")] == ["_files"]


def plain(facts: Facts) -> str:
    return json.dumps(dataclasses.asdict(facts), default=lambda array: array.tolist())


@pytest.mark.slow
def test_workers_gather_the_same(
    spark: SparkSession, facts: Facts, made: tuple[Path, dict[str, Rows]], tmp_path: Path
) -> None:
    """With one text per image, and without a match."""
    made_run.write_run(tmp_path / "none", [], t=T)
    for root, expected in ((made[0], facts), (tmp_path / "none", None)):
        folder = RunFolder(str(root))
        finished = finished_stages(folder)
        of_workers = Gatherer(folder, finished, SparkPasses(partial(read_run_table, spark, folder))).facts()
        assert plain(of_workers) == plain(expected or Gatherer(folder, finished, here(folder)).facts())


def test_a_run_in_which_nothing_matched(tmp_path: Path) -> None:
    made_run.write_run(tmp_path / "run", [], t=T)
    folder = RunFolder(str(tmp_path / "run"))
    found = Gatherer(folder, finished_stages(folder), here(folder)).facts()
    assert found.curation
    assert found.curation.kept.pairs == 0
    assert found.funnel.steps[-1].value == 0
