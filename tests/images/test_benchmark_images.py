"""Folders of evaluation images, some of which can't be decoded."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.images.benchmark_images import BenchmarkImages, benchmark_digest, read_benchmark
from metaclip_curate.images.fingerprint import picture_hash
from metaclip_curate.storage import StorageOptions
from tests.support.pictures import encoded, picture


def read(folder: Path, lines: list[str]) -> BenchmarkImages:
    return read_benchmark(str(folder), StorageOptions(), lines.append)


def test_images_of_all_folders_are_hashed(tmp_path: Path) -> None:
    (tmp_path / "val" / "n01").mkdir(parents=True)
    (tmp_path / "val" / "n01" / "a.JPEG").write_bytes(encoded(picture(1)))
    (tmp_path / "val" / "b.png").write_bytes(encoded(picture(2), "PNG"))
    (tmp_path / "val" / "labels.txt").write_text("n01")
    lines: list[str] = []
    found = read(tmp_path / "val", lines)
    assert found.names == ("val/b.png", "val/n01/a.JPEG")
    assert found.hashes[1] == picture_hash(encoded(picture(1))).pdq
    assert lines == []
    before = benchmark_digest(str(tmp_path / "val"), StorageOptions())
    (tmp_path / "val" / "c.jpg").write_bytes(b"")
    assert benchmark_digest(str(tmp_path / "val"), StorageOptions()) != before
    assert read(tmp_path / "val", lines) == found
    assert lines == [
        f"rebalance: 1 of 3 images in --benchmark {tmp_path / 'val'} can't be decoded, such as c.jpg (empty file), and "
        "aren't looked for"
    ]


def test_folders_without_images(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone has no images \(\.jpg, .*\): name the folder of an evaluation's images"):
        read(tmp_path / "gone", [])
    (tmp_path / "a.jpg").write_bytes(b"<html>")
    with pytest.raises(UserError, match=r"no image that can be decoded, such as a\.jpg \(no image format that Pillow"):
        read(tmp_path, [])
