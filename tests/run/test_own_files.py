"""What in the folders of tables is the run's."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.run.own_files import require_named, require_no_file, require_unused
from metaclip_curate.storage import StorageOptions

STORAGE = StorageOptions()
# A part that stays, one that was begun, one that is finished and goes, and of tables without parts a begun one.
KEPT = ["00000"]
REMOVED = {"00001-00000": None, "survivors": {"part-00000.parquet"}}
WHOLE = {"": None}
OURS = [
    "00001-00000/0123456789abcdef0123456789abcdef.parquet",
    "00001-00000/part-00012.parquet",
    "survivors/part-00000.parquet",
    "00000/whatever.csv",  # which is neither replaced nor removed
    "_SUCCESS",
    ".DS_Store",
    "00001-00000/_temporary/0/part-00000.parquet",
]
OURS_IN_WHOLE = [
    "part-00003-0d1bbd3b-96a1-4b1c-8e4d-6d6a8a5d0a31-c000.zstd.parquet",
    ".part-00003-0d1bbd3b-96a1-4b1c-8e4d-6d6a8a5d0a31-c000.zstd.parquet.crc",
    "_temporary/0/part-00000.parquet",
]
THEIRS = [
    "notes.txt",
    "part-00000.parquet",
    "00001/part-00000.parquet",
    "00001-00000/notes.txt",
    "00001-00000/backup/part-00000.parquet",
    "00001-00000 (1)/part-00000.parquet",
    "survivors/part-00001.parquet",
    "_backup/part-00000.parquet",
    ".hidden/part-00000.parquet",
]
THEIRS_IN_WHOLE = ["part-00000 (1).parquet", "train.parquet", "part-00000.parquet.bak", "00000/part-00000.parquet"]


def put(root: Path, name: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"data")


@pytest.mark.parametrize("name", OURS)
def test_files_that_run_json_names(tmp_path: Path, name: str) -> None:
    put(tmp_path, name)
    require_named(str(tmp_path), KEPT, REMOVED, STORAGE)


@pytest.mark.parametrize("name", OURS_IN_WHOLE)
def test_files_of_a_table_without_parts(tmp_path: Path, name: str) -> None:
    put(tmp_path, name)
    require_named(str(tmp_path), (), WHOLE, STORAGE)


@pytest.mark.parametrize(
    ("name", "kept", "removed"),
    [*((name, KEPT, REMOVED) for name in THEIRS), *((name, [], REMOVED) for name in THEIRS)]
    + [(name, [], WHOLE) for name in THEIRS_IN_WHOLE],
)
def test_files_that_run_json_does_not_name(tmp_path: Path, name: str, kept: list[str], removed: object) -> None:
    put(tmp_path, name)
    with pytest.raises(UserError, match=r"isn't named by run\.json .*: move it elsewhere, or delete it if") as caught:
        require_named(str(tmp_path), kept, removed, STORAGE)  # type: ignore[arg-type]
    assert str(caught.value).split(" isn't")[0] in str(tmp_path / name)


def test_an_empty_folder_that_run_json_does_not_name(tmp_path: Path) -> None:
    (tmp_path / "00007").mkdir()
    with pytest.raises(UserError, match="00007 isn't named"):
        require_named(str(tmp_path), (), REMOVED, STORAGE)
    require_named(str(tmp_path / "nothing"), (), {}, STORAGE)


def test_a_folder_where_a_part_is_about_to_be_written(tmp_path: Path) -> None:
    require_unused(str(tmp_path / "00000"), STORAGE)
    put(tmp_path, "00000/part-00000.parquet")
    with pytest.raises(UserError, match="00000 isn't named"):
        require_unused(str(tmp_path / "00000"), STORAGE)


def test_a_file_with_the_name_of_a_folder_of_the_run(tmp_path: Path) -> None:
    for url in (str(tmp_path), str(tmp_path / "new"), "s3://bucket/removed"):
        require_no_file(url)
    put(tmp_path, "removed")
    for check in (require_no_file, lambda folder: require_unused(folder, STORAGE)):
        with pytest.raises(UserError, match=f"^{tmp_path / 'removed'} is a file, where the run has a folder: move it"):
            check(str(tmp_path / "removed"))
