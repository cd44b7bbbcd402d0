"""The lists a run uses, read here or by workers."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.options.match import MatchOptions
from metaclip_curate.pipelines import run_metadata
from metaclip_curate.pipelines.run_metadata import RunMetadata
from metaclip_curate.storage import StorageOptions


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    folder = tmp_path / "metadata"
    folder.mkdir()
    for language, entries in {"en": "sun\nmoon\n", "de": "Sonne\n", "fr": "soleil\n", "th": ""}.items():
        (folder / f"{language}.txt").write_text(entries)
    return folder


def no_session() -> SparkSession:
    raise AssertionError("small lists need no session")


def in_workers(lists: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch, *languages: str) -> RunMetadata:
    for limit in ("_MOST_BYTES_PARSED_HERE", "_MOST_BYTES_HERE"):
        monkeypatch.setattr(run_metadata, limit, 0)
    return RunMetadata(MatchOptions(metadata=str(lists), languages=languages), StorageOptions(), lambda: spark)


def test_workers_find_the_digests_that_the_driver_does(
    lists: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = RunMetadata(MatchOptions(metadata=str(lists)), StorageOptions(), no_session).digests
    assert here == MetadataFolder.open(lists).digests()
    there = in_workers(lists, spark, monkeypatch)
    monkeypatch.setattr(MetadataFolder, "read", None)  # in the driver
    assert there.digests == here
    assert list(there.digests) == ["de", "en", "fr", "th"]
    assert in_workers(lists, spark, monkeypatch, "fr", "de").digests == {name: here[name] for name in ("fr", "de")}


def test_what_is_wrong_with_a_list_is_said_by_workers_too(
    lists: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    (lists / "fr.txt").write_bytes(b"caf\xe9\n")
    metadata = in_workers(lists, spark, monkeypatch)
    with pytest.raises(UserError, match=r"fr\.txt is not UTF-8 at line 1"):
        _ = metadata.digests
    with pytest.raises(UserError, match="--languages names xx"):
        _ = in_workers(lists, spark, monkeypatch, "xx").digests


@pytest.mark.parametrize("where", ["here", "in workers"])
def test_lists_are_held_to_what_was_recorded(
    lists: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    recorded = MetadataFolder.open(lists).digests()
    if where == "in workers":
        metadata = in_workers(lists, spark, monkeypatch)
    else:
        metadata = RunMetadata(MatchOptions(), StorageOptions(), no_session)
    metadata.check_unchanged(str(lists), recorded, "OUT")
    (lists / "en.txt").unlink()
    metadata.check_unchanged(str(lists), recorded, "OUT")
    metadata.check_unchanged(str(lists / "gone"), recorded, "OUT")
    (lists / "de.txt").write_bytes(b"caf\xe9\n")  # not even a list
    with pytest.raises(UserError, match=r"the digest of de was [0-9a-f]{64} and is now [0-9a-f]{64}"):
        metadata.check_unchanged(str(lists), recorded, "OUT")
