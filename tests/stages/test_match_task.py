"""What one matching task does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.schemas import PAIRS
from metaclip_curate.stages import match_task
from metaclip_curate.stages.list_matcher import ListMatcher
from metaclip_curate.stages.match_task import KNOWN, MatchStats, MatchTask, match_batches
from metaclip_curate.storage import StorageOptions

SCHEMA = PAIRS.append(pa.field("metadata_lang", pa.string())).append(pa.field(KNOWN, pa.bool_()))


def batch(language: str, first: int) -> pa.RecordBatch:
    rows: list[dict[str, Any]] = [
        {field.name: "" for field in SCHEMA}
        | {"uid": f"{number:032x}", "text": f"a {language} b", "lang_score": 0.5, KNOWN: False}
        | {"metadata_lang": language}
        for number in range(first, first + 3)
    ]
    return pa.RecordBatch.from_pylist(rows, schema=SCHEMA)


def test_an_automaton_is_built_once_a_worker_and_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not once a batch, and not again for the next task of the same language; and no two are held at a time."""
    for language in ("de", "en"):
        (tmp_path / f"{language}.txt").write_text(f"{language}\n", encoding="utf-8")
    task = MatchTask(str(tmp_path), MetadataFolder.open(tmp_path).digests(), "metaclip2", StorageOptions())
    built: list[list[str]] = []

    def build(entries: list[str], *rest: Any) -> ListMatcher:
        assert match_task._language_matcher.cache_info().currsize == 0
        built.append(entries)
        return ListMatcher(entries, *rest)

    monkeypatch.setattr(match_task, "ListMatcher", build)
    match_task._language_matcher.cache_clear()
    found: list[dict[str, Any]] = []
    accounts: list[dict[str, Any]] = []
    for batches in ([batch("de", 0), batch("de", 3), batch("en", 6)], [batch("en", 9), batch("en", 12)]):
        account = MatchStats()
        found += [row for piece in match_batches(iter(batches), task, account) for row in piece.to_pylist()]
        accounts += account.rows().to_pylist()
    match_task._language_matcher.cache_clear()
    assert built == [["de"], ["en"]]
    assert [(row["metadata_lang"], row["distinct"], row["matched"]) for row in accounts] == [
        ("de", 6, 6),
        ("en", 3, 3),
        ("en", 6, 6),
    ]
    assert all(row["entry_ids"] == [0] for row in found)
