from __future__ import annotations

import bz2
import io
import random
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from examples.dump_writer import WikiPage, write_dump, write_multistream
from metaclip_curate.metadata.wikipedia import bzip2
from metaclip_curate.metadata.wikipedia.bzip2 import Block, ends_whole, read_blocks
from metaclip_curate.metadata.wikipedia.container import read_pieces
from metaclip_curate.metadata.wikipedia.dump_files import DumpFile
from metaclip_curate.metadata.wikipedia.page import Article, read_page
from metaclip_curate.metadata.wikipedia.records import read_pages
from metaclip_curate.metadata.wikipedia.splits import FileSplit, split_file
from metaclip_curate.storage import StorageOptions

STORAGE = StorageOptions()


def noise(size: int, seed: int) -> bytes:
    """Bytes that compress by about half."""
    return bytes(random.Random(seed).choices(b"abcdefghijklmnop", k=size))


def made_pages(count: int) -> list[WikiPage]:
    generator = random.Random(7)
    sizes = [generator.choice((10, 3_000, 20_000)) for _ in range(count)]
    return [WikiPage(f"Page {number}", noise(size, number).decode()) for number, size in enumerate(sizes)]


def plainly_read(path: Path) -> list[tuple[str, str]]:
    """Titles and texts by the standard library's own means."""
    found = []
    with bz2.open(path) as file:
        for _, element in ElementTree.iterparse(file):
            if element.tag.endswith("}page"):
                by_name = {child.tag.partition("}")[2]: child.text or "" for child in element.iter()}
                found.append((by_name["title"], by_name["text"]))
    return found


def read_in_ranges(source: DumpFile, cuts: list[int]) -> Iterator[tuple[str, str]]:
    borders = sorted({0, *cuts})
    for start, end in zip(borders, [*borders[1:], None], strict=True):
        for record in read_pages(read_pieces(FileSplit(source, start, end), STORAGE), 1 << 30):
            assert isinstance(record, bytes)
            element = ElementTree.fromstring(record)
            yield element.findtext("title") or "", element.findtext("revision/text") or ""


@pytest.fixture(scope="module")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Of the same pages: small blocks, one block and a bit, streams of one page and of many."""
    folder, pages = tmp_path_factory.mktemp("dumps"), made_pages(70)
    paths = {
        name: folder / f"{name}-multistream.xml.bz2"
        for name in ("small_blocks", "large_blocks", "multistream", "one_a_stream")
    }
    write_dump(paths["small_blocks"], pages, "en", level=1)
    write_dump(paths["large_blocks"], pages, "en", level=9)
    write_multistream(paths["multistream"], pages, "en", pages_per_stream=20)
    write_multistream(paths["one_a_stream"], pages, "en", pages_per_stream=1)
    return paths


@pytest.mark.parametrize("name", ["small_blocks", "large_blocks", "multistream", "one_a_stream"])
@pytest.mark.parametrize("seed", range(2))
def test_every_page_is_found_exactly_once_wherever_a_dump_is_cut(dumps: dict[str, Path], name: str, seed: int) -> None:
    path = dumps[name]
    expected = plainly_read(path)
    cuts = random.Random(seed).sample(range(path.stat().st_size), 10)
    assert list(read_in_ranges(DumpFile(str(path), "xml", "bz2"), cuts)) == expected
    assert len(expected) == 70


def test_cuts_at_and_around_the_bytes_at_which_streams_begin(dumps: dict[str, Path]) -> None:
    path = dumps["one_a_stream"]
    data, starts = path.read_bytes(), []
    at = data.find(b"BZh9")
    while at >= 0:
        starts.append(at)
        at = data.find(b"BZh9", at + 1)
    assert len(starts) > 70
    cuts = [start + shift for start in starts[:6] for shift in (-1, 0, 1, 4, 5)]
    assert list(read_in_ranges(DumpFile(str(path), "xml", "bz2"), [cut for cut in cuts if cut > 0])) == plainly_read(
        path
    )


@pytest.mark.parametrize("wiki", ["enwiki-pages", "ltgwiki", "dewiki", "jawiki", "thwiki", "mywiki"])
def test_real_dumps_are_read_exactly_once(real_data: Path, wiki: str) -> None:
    dumps = sorted(real_data.glob(f"wiki/{wiki}*.bz2"))
    assert dumps
    for path in dumps:
        expected = plainly_read(path)
        cuts = random.Random(3).sample(range(path.stat().st_size), 3)
        assert list(read_in_ranges(DumpFile(str(path), "xml", "bz2"), cuts)) == expected


def test_the_blocks_are_the_contents() -> None:
    data = noise(350_000, 1)
    blocks = list(read_blocks(io.BytesIO(bz2.compress(data, 1)), 0))
    assert len(blocks) == 4
    assert b"".join(block.data or b"" for block in blocks) == data


def test_a_mark_that_arose_by_chance_doesnt_end_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    data = noise(350_000, 2)
    packed = bz2.compress(data, 1)
    expected = list(read_blocks(io.BytesIO(packed), 0))
    find = bzip2._find_marks
    false_marks = [bzip2._Mark(8 * block.position + 2_001, True) for block in expected[:2]]

    def with_false_marks(window: bytes, searched: int, first_bit: int) -> list[bzip2._Mark]:
        last = first_bit + 8 * len(window)
        added = [mark for mark in false_marks if first_bit + 8 * searched <= mark.bit < last]
        return sorted([*find(window, searched, first_bit), *added], key=lambda mark: mark.bit)

    monkeypatch.setattr(bzip2, "_find_marks", with_false_marks)
    assert list(read_blocks(io.BytesIO(packed), 0)) == expected


def test_a_damaged_block_is_one_and_the_others_are_read() -> None:
    data = noise(450_000, 3)
    packed = bytearray(bz2.compress(data, 1))
    whole = list(read_blocks(io.BytesIO(bytes(packed)), 0))
    packed[whole[2].position + 5_000] ^= 1
    damaged = list(read_blocks(io.BytesIO(bytes(packed)), 0))
    assert damaged == [*whole[:2], Block(whole[2].position, None), *whole[3:]]


def test_a_block_that_is_cut_off_is_damaged() -> None:
    packed = bz2.compress(noise(250_000, 4), 1)
    whole = list(read_blocks(io.BytesIO(packed), 0))
    cut = list(read_blocks(io.BytesIO(packed[:-40]), 0))
    assert cut == [*whole[:-1], Block(whole[-1].position, None)]


def test_no_bzip2_file_has_no_blocks() -> None:
    assert list(read_blocks(io.BytesIO(bytes(range(256)) * 9_000), 0)) == []


@pytest.mark.parametrize("size", [0, 1, 2, 3, 5, 8, 13, 1000, 1001, 1002, 1003])
def test_a_files_end_is_recognised(size: int) -> None:
    packed = bz2.compress(noise(size, size))
    assert ends_whole(packed[-16:])
    assert not ends_whole(packed[:-1][-16:])
    assert not ends_whole(packed[:-12][-16:])


def test_ranges_cover_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.xml.bz2"
    path.write_bytes(bytes(1000))
    ranges = split_file(DumpFile(str(path), "xml", "bz2"), 300, STORAGE)
    assert [(part.start, part.end) for part in ranges] == [(0, 250), (250, 500), (500, 750), (750, None)]
    assert len(split_file(DumpFile(str(path), "json", "gz"), 300, STORAGE)) == 1


def test_the_page_of_the_writer_is_read_back() -> None:
    record = b"<page><title>A &amp; B</title><ns>0</ns><revision><text>x &lt;b&gt;</text></revision></page>"
    assert read_page(record) == Article("A & B", "x <b>")
