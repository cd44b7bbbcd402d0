"""The size of the metadata that a plan is made for."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaclip_curate.cluster.metadata_size import longest_list
from metaclip_curate.errors import UserError
from metaclip_curate.storage import StorageOptions


def test_the_longest_list_counts(tmp_path: Path) -> None:
    (tmp_path / "en.txt").write_text("a\nb\nc\n")
    (tmp_path / "de.txt").write_text("a\n")
    assert longest_list(str(tmp_path), StorageOptions()) == 3


def test_without_a_folder_there_is_no_list(tmp_path: Path) -> None:
    assert longest_list("", StorageOptions()) == 0
    with pytest.raises(UserError, match="gone"):
        longest_list(str(tmp_path / "gone"), StorageOptions())
