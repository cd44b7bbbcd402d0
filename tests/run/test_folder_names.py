"""What of a run folder a run may take for its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.run import folder_names
from metaclip_curate.run.stages import TABLES
from metaclip_curate.storage import StorageOptions

STORAGE = StorageOptions()


def put(root: Path, name: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"data")


def test_the_tables_are_those_of_the_stages() -> None:
    assert list(folder_names.TABLES) == [table for tables in TABLES.values() for table in tables]


@pytest.mark.parametrize("name", sorted(folder_names.NAMES))
def test_a_name_that_is_taken(tmp_path: Path, name: str) -> None:
    put(tmp_path, "mine.txt")
    assert folder_names.require_free(str(tmp_path), (), STORAGE) == folder_names.NAMES
    put(tmp_path, f"{name}/mine.txt" if "." not in name else name)
    with pytest.raises(UserError, match="no run made it") as caught:
        folder_names.require_free(str(tmp_path), folder_names.NAMES - {name}, STORAGE)
    assert str(tmp_path / name) in str(caught.value)
    folder_names.require_free(str(tmp_path), folder_names.NAMES, STORAGE)


def test_a_file_where_a_folder_is_needed(tmp_path: Path) -> None:
    put(tmp_path, "file")
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("new", "new/er", "link/new", "link"):
        folder_names.require_folder(str(tmp_path / name))
    for name in ("file", "file/run", "gone", "gone/run", "link/file"):
        with pytest.raises(UserError, match="is a file and not a folder"):
            folder_names.require_folder(str(tmp_path / name))
    folder_names.require_folder("s3://bucket/file")


def test_a_folder_without_the_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may write everywhere.
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path)
    (tmp_path / "open").mkdir()
    folder_names.require_writable_folder(str(tmp_path / "open" / "new"))
    folder_names.require_writable_folder("s3://bucket/new")
    with pytest.raises(UserError, match=f"^{tmp_path} can't be written: change its permissions or name another"):
        folder_names.require_writable_folder(str(tmp_path / "new" / "er"))


def test_names_that_spark_cannot_read(tmp_path: Path) -> None:
    for name in ("a:b", "x[1]", "{a,b}", "100%", "s3://bucket/a:b[1]"):
        folder_names.require_plain_name(name)
    for name in ("a:b[1]", "{a,b}/19:23", "what?/a:b"):
        with pytest.raises(UserError, match="has a colon and one of"):
            folder_names.require_plain_name(name)


def test_inputs_inside_the_run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, "dl/inputs/a.warc.wat.gz")
    put(tmp_path, "dl2/a.warc.wat.gz")
    (tmp_path / "link").symlink_to(tmp_path / "dl")
    for root in ("dl", "./dl/", str(tmp_path / "dl"), (tmp_path / "dl").as_uri(), "link"):
        folder_names.require_outside(root, ["dl2/a.warc.wat.gz", "https://dl/inputs/a.wat"], STORAGE)
        for path in ("dl/inputs/a.warc.wat.gz", str(tmp_path / "link" / "inputs" / "a.warc.wat.gz")):
            with pytest.raises(UserError, match=f"--input {path} lies inside --output {root}"):
                folder_names.require_outside(root, [path], STORAGE)
    folder_names.require_outside("s3://b/dl", ["s3://b/dl2/a.wat", "s3://c/dl/a.wat", "dl/a.wat"], STORAGE)
    with pytest.raises(UserError, match="lies inside"):
        folder_names.require_outside("s3://b/dl/", ["s3a://b/dl/inputs/a.wat"], STORAGE)


def test_metadata_in_the_run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "out")
    for root, lists in (
        ("out", "lists"),
        ("out", "out/lists"),
        ("out/run", "out"),
        ("out", "out2"),
        ("s3://b/out", "s3://b/out2"),
    ):
        folder_names.require_apart(root, lists)
    for root, lists, message in (
        ("out", "out/", "--output out is the metadata folder out/: give another --output"),
        ("link", str(tmp_path / "out"), "--output link is the metadata folder"),
        ("s3://b/out/", "s3a://b/out", "is the metadata folder s3a://b/out"),
        ("out", "link/matched", "--metadata link/matched lies among the tables of --output out"),
    ):
        with pytest.raises(UserError, match=message):
            folder_names.require_apart(root, lists)


def test_a_list_of_rundi_is_no_run_folder(tmp_path: Path) -> None:
    folder_names.require_no_run(str(tmp_path / "new"), STORAGE)
    (tmp_path / "run.json").write_text('["a"]')
    folder_names.require_no_run(str(tmp_path), STORAGE)
    (tmp_path / "run.json").write_text('{"format": 2}')
    with pytest.raises(UserError, match=f"--output {tmp_path} is a run folder: name another one"):
        folder_names.require_no_run(str(tmp_path), STORAGE)
