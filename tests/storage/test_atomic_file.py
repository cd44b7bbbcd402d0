"""Files that appear complete or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.storage.atomic_file import atomic_write, unfinished_file


def test_the_old_content_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "file"
    with atomic_write(path) as file:
        file.write(b"old")
    with atomic_write(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_the_old_content_and_no_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), atomic_write(path) as file:
        file.write(b"ne")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_set_on_the_open_file_stay(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "script") as file:
        os.fchmod(file.fileno(), 0o755)
    assert stat.S_IMODE((tmp_path / "script").stat().st_mode) == 0o755


def test_two_writers_of_one_file_do_not_share_a_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with unfinished_file(path) as (first, first_path), unfinished_file(path) as (second, second_path):
        first.write(b"1")
        second.write(b"2")
        assert first_path != second_path
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["folder", "file/below"])
def test_a_path_that_cannot_be_written_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match=f"{name} cannot be written"), atomic_write(tmp_path / name) as file:
        file.write(b"data")
