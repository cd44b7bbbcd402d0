"""Files that name what is taken down."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.screens.removal_list import read_removals
from metaclip_curate.screens.removed import Kind, Removal
from metaclip_curate.storage import StorageOptions


def test_a_file_that_is_no_text_is_refused_without_its_content(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(b"# a comment\n\x89PNG\x00\xff")
    with pytest.raises(UserError, match=r"list:2 isn't UTF-8 text: save the list as UTF-8, one value a line$"):
        read_removals("uid", str(tmp_path / "list"), StorageOptions())


def read(path: Path, kind: Kind, text: str) -> list[Removal]:
    path.write_text(text)
    return read_removals(kind, str(path), StorageOptions())


def test_values_are_brought_into_the_form_of_the_tables(tmp_path: Path) -> None:
    path = tmp_path / "list"
    assert read(path, "uid", f"{'AB' * 16}\n\n# why\n{'ab' * 16}\n") == [Removal("uid", "ab" * 16)]
    assert read(path, "image_id", "0" * 24) == [Removal("image_id", "0" * 24)]
    assert read(path, "url", "HTTP://Example.ORG/ä.jpg#x\r\nurn:pool:mine:1") == [
        Removal("url", "http://example.org/%C3%A4.jpg"),
        Removal("url", "urn:pool:mine:1"),
    ]
    assert read(path, "host", "0.0.0.0 Example.org\n*.b.org") == [
        Removal("host", "example.org"),
        Removal("host", "b.org"),
    ]


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("uid", f"{'0' * 32}\n{'0' * 31}\n", "list:2 has '0{31}': a uid has 32 hex digits"),
        ("image_id", "xyz", "list:1 has 'xyz': an image id has 24 hex digits"),
        ("url", "example.org/a.jpg", r"list:1 has 'example.org/a.jpg': a URL begins with http"),
        ("host", "https://example.org/", "list:1 has 'https://example.org/', which is no host"),
        ("uid", "# nothing\n", "list names nothing to remove: write what --uid removes, one a line"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, kind: Kind, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(tmp_path / "list", kind, text)
