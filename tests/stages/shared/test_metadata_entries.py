"""Lists that workers read, divided over tasks."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest

from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.stages.shared import metadata_entries
from metaclip_curate.stages.shared.metadata_entries import language_groups
from metaclip_curate.storage import StorageOptions

NAMES = [f"a{letter}" for letter in "abcdefg"]


def test_small_neighbours_share_a_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata_entries, "_BYTES_PER_TASK", 10)
    for name, size in zip(NAMES, (4, 4, 4, 1, 30, 2, 0), strict=True):
        (tmp_path / f"{name}.txt").write_bytes(b"x" * size)
    groups = language_groups(MetadataFolder.open(tmp_path), NAMES)
    assert groups == [("aa", "ab", "ac"), ("ad", "ae"), ("af", "ag")]


def test_lists_in_a_bucket_are_divided_evenly() -> None:
    names = [f"{first}{second}" for first in "abcdefghij" for second in "abcdefghijklmno"]
    folder = MetadataFolder("s3://bucket/lists", {name: f"{name}.txt" for name in names}, StorageOptions())
    groups = language_groups(folder, names)
    assert list(chain.from_iterable(groups)) == names
    assert len(groups) == 50
    assert {len(group) for group in groups} == {3}
    assert language_groups(folder, names[:5]) == [(name,) for name in names[:5]]
