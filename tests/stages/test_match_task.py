"""What one matching task does."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_curate.language import LabelRule
from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.run.record import MatchCounts
from metaclip_curate.schemas import DISTINCT, MATCHED
from metaclip_curate.screens.removed import Removal
from metaclip_curate.screens.screens import ScreenLists
from metaclip_curate.stages import match_task
from metaclip_curate.stages.list_matcher import ListMatcher
from metaclip_curate.stages.match_task import NO_METADATA, MatchStats, MatchTask, ScreenRules, match_file
from metaclip_curate.storage import StorageOptions

LANGUAGES = {"de": "de", "en": "en", "sv": "de", "xx": NO_METADATA}


def write(path: Path, *labels: str, score: float = 0.9, page_lang: str = "") -> str:
    """Writes a file of `distinct` with a row group of three rows for each label."""
    with pq.ParquetWriter(path, DISTINCT) as writer:
        for number, label in enumerate(labels):
            rows: list[dict[str, Any]] = [
                {field.name: "" for field in DISTINCT}
                | {"uid": f"{3 * number + each:032x}", "text": f"a {label} b" if each else "nothing"}
                | {"lang": label, "lang_score": score, "page_lang": page_lang}
                for each in range(3)
            ]
            writer.write_table(pa.Table.from_pylist(rows, schema=DISTINCT))
    return str(path)


def task_of(folder: Path, files: list[str], rule: LabelRule | None = None) -> MatchTask:
    lists = folder / "lists"
    lists.mkdir()
    (lists / "de.txt").write_text("de\nsv\n", encoding="utf-8")
    (lists / "en.txt").write_text("en\n", encoding="utf-8")
    digests = MetadataFolder.open(lists).digests()
    return MatchTask(files, rule or LabelRule(), LANGUAGES, str(lists), digests, "metaclip2", StorageOptions())


def match(task: MatchTask, number: int) -> tuple[list[dict[str, Any]], list[tuple[Any, ...]]]:
    stats = MatchStats()
    batches = list(match_file(task, number, stats))
    assert all(batch.schema == MATCHED for batch in batches)
    rows = [row for batch in batches for row in batch.to_pylist()]
    counts = stats.counts().items()
    return rows, [(name, each.distinct, each.matched, each.occurrences) for name, each in counts]


def test_a_file_is_matched_one_language_after_another(tmp_path: Path) -> None:
    task = task_of(tmp_path, [write(tmp_path / "a.parquet", "de", "en", "sv", "xx")])
    rows, stats = match(task, 0)
    assert [(row["lang"], row["metadata_lang"], row["entry_ids"]) for row in rows] == [
        *[("de", "de", [0])] * 2,
        *[("sv", "de", [1])] * 2,
        *[("en", "en", [0])] * 2,
    ]
    assert sorted(stats) == [(NO_METADATA, 3, 0, 0), ("de", 6, 4, 4), ("en", 3, 2, 2)]


def test_the_page_can_decide_about_the_language(tmp_path: Path) -> None:
    files = [write(tmp_path / f"{score}.parquet", "xx", score=score, page_lang="en-us") for score in (0.4, 0.6)]
    task = task_of(tmp_path, files, LabelRule(0.5))
    assert match(task, 0)[1] == [("en", 3, 0, 0)]
    assert match(task, 1)[1] == [(NO_METADATA, 3, 0, 0)]


def test_pairs_are_screened_before_their_language_is_decided(tmp_path: Path) -> None:
    task = task_of(tmp_path, [write(tmp_path / "a.parquet", "de", "en", "xx")])
    lists = ScreenLists(
        words=(("de", ("DE",)), ("en", ("nothing",)), ("xx", ("nothing",))),
        removed=(Removal("uid", f"{4:032x}"),),
    )
    codes = {"de": "de", "en": "en", "xx": "xx"}
    task = dataclasses.replace(task, screens=ScreenRules(lists=lists, codes=codes))
    stats = MatchStats()
    rows = [row for batch in match_file(task, 0, stats) for row in batch.to_pylist()]
    assert [row["uid"] for row in rows] == [f"{5:032x}"]
    counts = stats.counts()
    assert counts["de"] == MatchCounts(distinct=3, matched=0, occurrences=0, screened={"words": 2})
    assert counts["en"] == MatchCounts(distinct=3, matched=1, occurrences=1, screened={"removed": 1, "words": 1})
    assert counts[NO_METADATA] == MatchCounts(distinct=3, matched=0, screened={"words": 1})
    assert sorted(tuple(row.values()) for batch in stats.screened for row in batch.to_pylist()) == [
        (f"{1:032x}", "de", "words"),
        (f"{2:032x}", "de", "words"),
        (f"{3:032x}", "en", "words"),
        (f"{4:032x}", "en", "removed"),
        (f"{6:032x}", "", "words"),
    ]


def test_an_automaton_is_built_once_a_worker_and_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not once a batch, and not again for the next task of the same language; and no two are held at a time."""
    files = [write(tmp_path / "a.parquet", "de", "en", "sv"), write(tmp_path / "b.parquet", "en", "en")]
    task = task_of(tmp_path, files)
    built: list[list[str]] = []

    def build(entries: list[str], *rest: Any) -> ListMatcher:
        assert match_task._language_matcher.cache_info().currsize == 0
        built.append(entries)
        return ListMatcher(entries, *rest)

    monkeypatch.setattr(match_task, "ListMatcher", build)
    match_task._language_matcher.cache_clear()
    for number in (0, 1):
        match(task, number)
    match_task._language_matcher.cache_clear()
    assert built == [["de", "sv"], ["en"]]
