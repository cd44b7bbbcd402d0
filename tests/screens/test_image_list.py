"""Lists of images: their forms, and lines that are broken."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.screens.image_list import ImageListName, parse_hashes, read_image_list, split_image_list
from metaclip_curate.storage import StorageOptions

PDQ = "0123456789abcdef" * 4
SHA = ImageListName("sha256", 0, "list.txt")


def test_names() -> None:
    assert split_image_list("sha256=a=b.txt") == ImageListName("sha256", 0, "a=b.txt")
    assert split_image_list("md5=s3://b/l.txt") == ImageListName("md5", 0, "s3://b/l.txt")
    assert split_image_list("pdq=l.txt") == ImageListName("pdq", 31, "l.txt")
    assert split_image_list("pdq:0=l.txt") == ImageListName("pdq", 0, "l.txt")


@pytest.mark.parametrize("value", ["list.txt", "sha1=list.txt", "sha256=", "md5:3=list.txt", "=list.txt"])
def test_lists_without_their_kind(value: str) -> None:
    with pytest.raises(UserError, match=r"doesn't say what its hashes are: write sha256=FILE, md5=FILE, pdq=FILE"):
        split_image_list(value)


@pytest.mark.parametrize("distance", ["32", "-1", "x", "", "٣"])
def test_distances_out_of_range(distance: str) -> None:
    with pytest.raises(UserError, match="has a distance that isn't a number from 0 to 31"):
        split_image_list(f"pdq:{distance}=list.txt")


def test_forms_of_lines(tmp_path: Path) -> None:
    data = f'\ufeff# a list\n{PDQ.upper()}\n\n  {PDQ}  image.jpg\r\n"{PDQ}",100\n{PDQ} # known'.encode()
    (tmp_path / "list.txt").write_bytes(data)
    read = read_image_list(ImageListName("pdq", 31, str(tmp_path / "list.txt")), StorageOptions())
    assert read.hashes.to_pylist() == [PDQ] * 4
    assert read.digest == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        (SHA, "cat.jpg", r"list\.txt:2 has 'cat.jpg', which is no sha256 hash: write 64 hex digits at the beginning"),
        (SHA, "ab" * 16, r"list\.txt:2 has '(ab){16}', of 32 characters, which is no sha256 hash"),
        (
            ImageListName("md5", 0, "m"),
            PDQ,
            r"m:2 has '[0-9a-f]{64}', of 64 characters, which is no md5 hash",
        ),
        (SHA, "g" * 64, "which is no sha256 hash"),
        (SHA, "\xff", "list.txt:2 has"),
    ],
)
def test_broken_lines(name: ImageListName, line: str, message: str) -> None:
    first = "0" * (32 if name.kind == "md5" else 64)
    with pytest.raises(UserError, match=message):
        list(parse_hashes(f"{first}\n{line}\n".encode("latin-1"), name))
