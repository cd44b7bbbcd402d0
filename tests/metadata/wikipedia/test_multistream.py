from __future__ import annotations

import bz2
from pathlib import Path

import pytest

from examples.dump_writer import WikiPage, write_multistream
from metaclip_curate.errors import UserError
from metaclip_curate.metadata.wikipedia.dump_files import DumpFile, dump_files
from metaclip_curate.metadata.wikipedia.multistream import check_index, check_page_count
from metaclip_curate.storage import StorageOptions

STORAGE = StorageOptions()
NAME = "enwiki-20250101-pages-articles-multistream.xml.bz2"


@pytest.fixture
def dump(tmp_path: Path) -> DumpFile:
    pages = [WikiPage(f"Page {number}", f"text {number}") for number in range(90)]
    index = write_multistream(tmp_path / NAME, pages, "en", pages_per_stream=4)
    (source,) = dump_files([str(tmp_path / NAME), str(index)])
    return source


def test_an_index_that_fits(dump: DumpFile) -> None:
    assert check_index(dump, STORAGE) == 90
    check_page_count(dump, 90, 90)


def change_index(dump: DumpFile, change: object) -> None:
    path = Path(dump.index)
    lines = bz2.decompress(path.read_bytes()).decode().splitlines(keepends=True)
    assert callable(change)
    path.write_bytes(bz2.compress("".join(change(lines)).encode()))


def test_an_index_of_a_longer_dump(dump: DumpFile) -> None:
    change_index(dump, lambda lines: [*lines, "999999999:1234:Page\n"])
    with pytest.raises(UserError, match=r"doesn't fit .*names the byte 999,999,999 of a file"):
        check_index(dump, STORAGE)


def test_an_index_of_another_dump(dump: DumpFile) -> None:
    change_index(dump, lambda lines: [f"{int(line.split(':')[0]) + 1}:{line.split(':', 1)[1]}" for line in lines])
    with pytest.raises(UserError, match=r"doesn't fit .*it has page 1, the dump no page; fetch both"):
        check_index(dump, STORAGE)


def test_an_index_with_other_pages(dump: DumpFile) -> None:
    change_index(dump, lambda lines: [line.replace(":1:", ":77:") for line in lines])
    with pytest.raises(UserError, match=r"it has page 77, the dump page 1"):
        check_index(dump, STORAGE)


def test_an_index_with_more_pages(dump: DumpFile) -> None:
    with pytest.raises(UserError, match=r"it has 91 pages, the dump 90"):
        check_page_count(dump, 91, 90)


def test_a_damaged_index(dump: DumpFile) -> None:
    change_index(dump, lambda lines: [*lines, "no index\n"])
    with pytest.raises(UserError, match="is damaged or isn't an index"):
        check_index(dump, STORAGE)
    Path(dump.index).write_bytes(b"nothing")
    with pytest.raises(UserError, match="is empty"):
        check_index(dump, STORAGE)
