"""Fingerprinting a made download: forms, digests, damage, and going on after an interruption."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.images import fingerprint_download as module
from metaclip_curate.images.fingerprint import picture_hash
from metaclip_curate.images.fingerprint_download import FingerprintSummary, fingerprint_download
from metaclip_curate.images.stored_images import Shard
from metaclip_curate.options.images import FingerprintOptions
from metaclip_curate.schemas import FINGERPRINTS
from metaclip_curate.storage import StorageOptions
from tests.support import made_run
from tests.support.pictures import encoded, picture, write_download

ROWS = made_run.matched_rows(images=8, seed=1)[:8]
FILES = [encoded(picture(number)) for number in range(6)]
# A failed download, an image twice, and two that aren't whole.
DATA = [FILES[0], None, FILES[1], FILES[1], FILES[2][:2000], b"no image", FILES[3], FILES[4]]


def fingerprint(
    folder: Path, output: Path | str = "", processes: int = 1, log: list[str] | None = None
) -> FingerprintSummary:
    options = FingerprintOptions(str(folder), str(output), processes)
    return fingerprint_download(options, StorageOptions(), (log if log is not None else []).append)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    tables = [pq.read_table(path) for path in sorted(folder.glob("*.parquet"))]
    assert all(table.schema.equals(FINGERPRINTS) for table in tables)
    return [row for table in tables for row in table.to_pylist()]


@pytest.mark.parametrize("form", ["tar", "jpg"])
def test_each_image_that_was_fetched(tmp_path: Path, form: str) -> None:
    write_download(tmp_path, list(zip(ROWS, DATA, strict=True)), a_shard=3, form=form)
    done = fingerprint(tmp_path)
    broken = {"cut off or damaged": 1, "no image format that Pillow knows": 1}
    assert done == FingerprintSummary(str(tmp_path / "_fingerprints"), 3, 7, broken, 0)
    fetched = [(row, data) for row, data in zip(ROWS, DATA, strict=True) if data is not None]
    found = rows_of(tmp_path / "_fingerprints")
    assert [row["uid"] for row in found] == [row["uid"] for row, _ in fetched]
    for row, (_, data) in zip(found, fetched, strict=True):
        assert row["sha256"] == hashlib.sha256(data).hexdigest()
        assert row["md5"] == hashlib.md5(data).hexdigest()
        assert {name: row[name] for name in picture_hash(data)._fields} == picture_hash(data)._asdict()
    assert [row["shard"] for row in found] == ["00000"] * 2 + ["00001"] * 3 + ["00002"] * 2


def test_digests_and_sizes_are_those_of_the_files_as_they_were_fetched(tmp_path: Path) -> None:
    write_download(tmp_path, [(ROWS[0], FILES[0])])
    table = pq.read_table(tmp_path / "00000.parquet")

    def with_columns(**columns: Any) -> dict[str, Any]:
        changed = table
        for name, value in columns.items():
            if name in changed.column_names:
                changed = changed.drop_columns([name])
            changed = changed.append_column(name, pa.array([value]))
        pq.write_table(changed, tmp_path / "00000.parquet")
        fingerprint(tmp_path)
        return rows_of(tmp_path / "_fingerprints")[0]

    stored, original = hashlib.md5(FILES[0]).hexdigest(), "ab" * 16
    found = with_columns(sha256="0" * 64, original_width=1000, original_height=800)
    assert (found["sha256"], found["md5"], found["width"], found["height"]) == ("0" * 64, None, 1000, 800)
    # A download with --compute_hash md5: the stored file isn't the one that was fetched, or it is.
    found = with_columns(sha256=None, md5=original)
    assert (found["sha256"], found["md5"]) == (None, original)
    found = with_columns(sha256=None, md5=stored)
    assert (found["sha256"], found["md5"]) == (hashlib.sha256(FILES[0]).hexdigest(), stored)


def test_it_goes_on_with_shards_that_are_missing_or_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [(row, data) for row, data in zip(ROWS, DATA, strict=True) if data is not None]
    write_download(tmp_path, whole, a_shard=2)
    first = fingerprint(tmp_path, processes=2)
    content = rows_of(tmp_path / "_fingerprints")
    read: list[str] = []
    write = module.write_fingerprints

    def record(shard: Shard, **given: Any) -> Any:
        read.append(shard.name)
        return write(shard, **given)

    monkeypatch.setattr(module, "write_fingerprints", record)
    assert fingerprint(tmp_path) == FingerprintSummary(first.output, 4, 7, first.broken, 4)
    (tmp_path / "_fingerprints" / "00001.parquet").unlink()
    write_download(tmp_path / "other", [(ROWS[0], FILES[5])])
    for name in ("00003.parquet", "00003.tar", "00003_stats.json"):
        (tmp_path / name).write_bytes((tmp_path / "other" / name.replace("3", "0")).read_bytes())
    assert fingerprint(tmp_path).done_before == 2
    assert read == ["00001", "00003"]
    assert rows_of(tmp_path / "_fingerprints")[:6] == content[:6]
    assert rows_of(tmp_path / "_fingerprints")[6]["sha256"] == hashlib.sha256(FILES[5]).hexdigest()


@pytest.mark.parametrize("name", ["00000.parquet", "00000.tar"])
def test_a_shard_of_the_same_size_that_was_written_again_is_read_again(tmp_path: Path, name: str) -> None:
    write_download(tmp_path, [(ROWS[0], FILES[0])])
    fingerprint(tmp_path)
    assert fingerprint(tmp_path).done_before == 1
    changed = tmp_path / name
    changed.write_bytes(changed.read_bytes())
    assert fingerprint(tmp_path).done_before == 0


def test_a_tar_that_was_cut_off(tmp_path: Path) -> None:
    write_download(tmp_path, list(zip(ROWS[:2], FILES[:2], strict=True)))
    tar = tmp_path / "00000.tar"
    tar.write_bytes(tar.read_bytes()[: 512 + len(FILES[0]) // 512 * 512 + 512 + 700])
    reason = "missing, as the tar of its shard is cut off or damaged"
    for _ in range(2):  # the second time, its fingerprints are there
        log: list[str] = []
        done = fingerprint(tmp_path, log=log)
        assert (done.images, done.broken) == (2, {reason: 1})
        warning = f"1 of 1 shards have a tar that is cut off or damaged, such as {tar}: remove their files and download"
        assert sum(warning in line for line in log) == 1
    assert [row["error"] for row in rows_of(tmp_path / "_fingerprints")] == ["", reason]


def test_images_and_tables_that_are_missing(tmp_path: Path) -> None:
    write_download(tmp_path, list(zip(ROWS[:2], FILES[:2], strict=True)), a_shard=1)
    tarfile.open(tmp_path / "00000.tar", "w").close()  # whole, with no image
    (tmp_path / "00001.parquet").unlink()
    log: list[str] = []
    assert fingerprint(tmp_path, log=log).broken == {"missing from its shard": 1}
    assert any("1 of 2 tars have no table and are passed over, such as 00001.tar" in line for line in log)


def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="gone has no Parquet files: name the folder that img2dataset wrote"):
        fingerprint(tmp_path / "gone")
    images = tmp_path / "images"
    write_download(images, [(ROWS[0], FILES[0])])
    with pytest.raises(UserError, match="is the downloaded folder, whose tables would be replaced"):
        fingerprint(images, output=images)
    (tmp_path / "mine").mkdir()
    pq.write_table(pa.table({"a": [1]}), tmp_path / "mine" / "a.parquet")
    with pytest.raises(UserError, match="has files of something else"):
        fingerprint(images, output=tmp_path / "mine")
    (images / "00000.tar").unlink()
    with pytest.raises(UserError, match=r"00000\.tar is missing, and .* has no column jpg or jpeg or png or webp"):
        fingerprint(images)
    pq.write_table(pa.table({"a": [1]}), images / "00000.parquet")
    with pytest.raises(UserError, match=r"00000\.parquet has no column key"):
        fingerprint(images)


def test_a_package_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_download(tmp_path, [(ROWS[0], FILES[0])])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pdqhash is missing: run `pip install --editable '\.\[images\]'`"):
        fingerprint(tmp_path)
