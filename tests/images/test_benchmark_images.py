"""Folders of evaluation images, some of which can't be decoded, and the hashes that are kept of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.images import benchmark_images as module
from metaclip_curate.images.benchmark_hashes import BenchmarkHashes
from metaclip_curate.images.benchmark_images import BenchmarkFolder
from metaclip_curate.images.fingerprint import PictureHash, picture_hash
from metaclip_curate.storage import StorageOptions
from tests.support.pictures import encoded, picture

STORAGE = StorageOptions()


def read(folder: Path, lines: list[str], kept: Path | None = None) -> dict[str, str]:
    """Reads a folder; the hashes are kept beside it."""
    hashes = BenchmarkHashes(str(kept or folder.parent / "fingerprints"), str(folder), STORAGE)
    found = BenchmarkFolder(str(folder), STORAGE).read(hashes, lines.append, processes=1)
    return dict(zip(found.names.to_pylist(), found.hashes.to_pylist(), strict=True))


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are hashed."""
    names: list[str] = []

    def record(url: str, **given: Any) -> PictureHash:
        names.append(Path(url).name)
        return picture_hash(Path(url).read_bytes())

    monkeypatch.setattr(module, "_hash", record)
    return names


def write_pictures(folder: Path, number: int) -> None:
    folder.mkdir(parents=True)
    for seed in range(number):
        (folder / f"{seed}.png").write_bytes(encoded(picture(seed), "PNG"))


def digest(folder: Path) -> str:
    return BenchmarkFolder(str(folder), STORAGE).digest


def test_images_of_all_folders_are_hashed(tmp_path: Path) -> None:
    (tmp_path / "val" / "n01").mkdir(parents=True)
    (tmp_path / "val" / "n01" / "a.JPEG").write_bytes(encoded(picture(1)))
    (tmp_path / "val" / "b.png").write_bytes(encoded(picture(2), "PNG"))
    (tmp_path / "val" / "labels.txt").write_text("n01")
    found = read(tmp_path / "val", [])
    assert found == {
        "val/b.png": picture_hash(encoded(picture(2), "PNG")).pdq,
        "val/n01/a.JPEG": picture_hash(encoded(picture(1))).pdq,
    }
    before = digest(tmp_path / "val")
    (tmp_path / "val" / "c.jpg").write_bytes(b"")
    assert digest(tmp_path / "val") != before
    lines: list[str] = []
    assert read(tmp_path / "val", lines) == found
    assert lines[-1] == (
        f"rebalance: 1 of 3 images in --benchmark {tmp_path / 'val'} can't be decoded, such as c.jpg (empty file), and "
        "aren't looked for"
    )


def test_only_new_and_changed_images_are_hashed_again(tmp_path: Path, hashed: list[str]) -> None:
    folder = tmp_path / "val"
    write_pictures(folder, 4)
    (folder / "broken.jpg").write_bytes(b"<html>")
    first = read(folder, [])
    assert sorted(hashed) == ["0.png", "1.png", "2.png", "3.png", "broken.jpg"]
    hashed.clear()
    lines: list[str] = []
    assert read(folder, lines) == first
    assert hashed == []
    assert f"rebalance: the hashes of 5 images in --benchmark {folder} were kept before" in lines
    assert any("1 of 5 images" in line and "can't be decoded" in line for line in lines)

    (folder / "0.png").unlink()
    (folder / "1.png").write_bytes(encoded(picture(9), "PNG"))
    (folder / "new.png").write_bytes(encoded(picture(10), "PNG"))
    same_size = (folder / "2.png").stat()
    (folder / "2.png").write_bytes(b"\0" * same_size.st_size)
    os.utime(folder / "2.png", ns=(same_size.st_atime_ns, same_size.st_mtime_ns + 1))
    expected = {"val/3.png": first["val/3.png"]} | {
        f"val/{name}.png": picture_hash(encoded(picture(seed), "PNG")).pdq for name, seed in (("1", 9), ("new", 10))
    }
    assert read(folder, []) == expected
    assert sorted(hashed) == ["1.png", "2.png", "new.png"]

    # Another folder of the same names, and another download, have hashes of their own.
    write_pictures(tmp_path / "other" / "val", 1)
    assert read(tmp_path / "other" / "val", [], tmp_path / "fingerprints") == {"val/0.png": first["val/0.png"]}
    hashed.clear()
    assert read(folder, [], tmp_path / "next") == expected
    assert sorted(hashed) == ["1.png", "2.png", "3.png", "broken.jpg", "new.png"]


def test_it_goes_on_after_an_interruption(tmp_path: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "val"
    write_pictures(folder, 5)
    monkeypatch.setattr(module, "_PIECE", 2)
    record = module._hash

    def stop(url: str, **given: Any) -> PictureHash:
        if url.endswith("3.png"):
            raise KeyboardInterrupt
        return record(url, **given)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(module, "_hash", stop)
        read(folder, [])
    hashed.clear()
    lines: list[str] = []
    found = read(folder, lines)
    assert hashed == ["2.png", "3.png", "4.png"]
    assert found == {f"val/{seed}.png": picture_hash(encoded(picture(seed), "PNG")).pdq for seed in range(5)}
    assert "rebalance: 2 of 3 images hashed" in lines


def test_hashes_that_cannot_be_kept(tmp_path: Path) -> None:
    write_pictures(tmp_path / "val", 1)
    (tmp_path / "file").write_text("")
    lines: list[str] = []
    assert len(read(tmp_path / "val", lines, tmp_path / "file")) == 1
    assert any("the hashes can't be kept for another time: " in line for line in lines)


def test_a_table_of_hashes_that_is_damaged(tmp_path: Path) -> None:
    write_pictures(tmp_path / "val", 1)
    read(tmp_path / "val", [])
    [table] = (tmp_path / "fingerprints").rglob("*.parquet")
    table.write_bytes(table.read_bytes()[:-20])
    with pytest.raises(UserError, match=rf"{table.name} is damaged .*: remove it, and its images are hashed again"):
        read(tmp_path / "val", [])


def test_folders_without_images(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone has no images \(\.jpg, .*\): name the folder of an evaluation's images"):
        read(tmp_path / "gone", [])
    (tmp_path / "a.jpg").write_bytes(b"<html>")
    with pytest.raises(UserError, match=r"no image that can be decoded, such as a\.jpg \(no image format that Pillow"):
        read(tmp_path, [], tmp_path / "kept")
