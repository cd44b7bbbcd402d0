from __future__ import annotations

import bz2
import gzip
import json
from pathlib import Path

import pytest

from examples.dump_writer import WikiPage, write_dump, write_multistream
from metaclip_curate.metadata.wikipedia.articles import PageLimits, read_texts
from metaclip_curate.metadata.wikipedia.dump_files import DumpFile, dump_files
from metaclip_curate.metadata.wikipedia.siteinfo import hidden_namespaces
from metaclip_curate.metadata.wikipedia.splits import fault_of_end, find_truncation, split_file
from metaclip_curate.metadata.wikipedia.stats import PageStats, total
from metaclip_curate.storage import InputError, StorageOptions

STORAGE = StorageOptions()
LIMITS = PageLimits(max_bytes=100_000, seconds=0.5)


def read(path: Path, split_bytes: int = 1 << 30) -> tuple[list[str], PageStats]:
    (source,) = dump_files([str(path)])
    texts: list[str] = []
    all_stats = []
    for part in split_file(source, split_bytes, STORAGE):
        stats = PageStats()
        texts += read_texts(part, LIMITS, STORAGE, stats)
        all_stats.append(stats)
    return texts, total(all_stats)


@pytest.mark.slow
def test_every_page_of_a_dump_is_accounted_for(tmp_path: Path) -> None:
    pages = [
        WikiPage("A", "'''one'''"),
        WikiPage("B", "#REDIRECT [[A]]"),
        WikiPage("Template:C", "x", namespace=10),
        WikiPage("D", "{}", model="json"),
        WikiPage("E", " "),
        WikiPage("F", "x" * 200_000),
        WikiPage("G", "{{a|" * 24_000),
        WikiPage("H", "two <!-- & --> & three"),
    ]
    path = tmp_path / "enwiki-20250101-pages-articles.xml.bz2"
    write_dump(path, pages, "en")
    texts, stats = read(path)
    assert texts == ["one", "two  & three"]
    assert stats == PageStats(
        pages=8, used=2, redirect=1, other_namespace=1, other_content=1, no_text=1, too_long=1, timeout=1
    )
    assert stats.is_whole


@pytest.mark.parametrize("packing", ["", ".gz", ".bz2"])
def test_cirrussearch_lines(tmp_path: Path, packing: str) -> None:
    documents = [{"title": f"T{number}", "namespace": 0, "text": f"text {number}" * 50} for number in range(300)]
    documents[3] = {"title": "Talk:T", "namespace": 1, "text": "x"}
    documents[4] = {"title": "Empty", "namespace": 0, "text": ""}
    documents[5] = {"title": "Long", "namespace": 0, "text": "x" * 200_000}
    lines = [line for number, document in enumerate(documents) for line in ({"index": {"_id": number}}, document)]
    data = "".join(json.dumps(line) + "\n" for line in lines).encode() + b'{"broken\n'
    path = tmp_path / f"enwiki-20250101-cirrussearch-content.json{packing}"
    packed = {"": data, ".gz": gzip.compress(data), ".bz2": bz2.compress(data, 1)}
    path.write_bytes(packed[packing])
    texts, stats = read(path, split_bytes=2_000)
    assert texts == [document["text"] for number, document in enumerate(documents) if number not in (3, 4, 5)]
    assert stats == PageStats(pages=301, used=297, other_namespace=1, no_text=1, too_long=1, broken_record=1)


def test_a_gzip_file_that_is_cut_off_says_so(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"text": f"text {number}"}) + "\n" for number in range(50_000))
    path = tmp_path / "enwiki-20250101-cirrussearch-content.json.gz"
    path.write_bytes(gzip.compress(lines.encode())[:-1000])
    texts, stats = read(path)
    assert 0 < len(texts) < 50_000
    assert stats.damaged_parts == 1
    assert not stats.is_whole


def test_a_dump_that_is_cut_off_says_so(tmp_path: Path) -> None:
    path = tmp_path / "enwiki-20250101-pages-articles.xml.bz2"
    write_dump(path, [WikiPage(str(number), f"text {number} " * 500) for number in range(200)], "en", level=1)
    source = DumpFile(str(path), "xml", "bz2")
    assert find_truncation(source, STORAGE) == fault_of_end(source, STORAGE) == ""
    path.write_bytes(path.read_bytes()[:-100])
    assert find_truncation(source, STORAGE) == fault_of_end(source, STORAGE) == "is cut off, or isn't a bzip2 file"
    texts, stats = read(path)
    assert 0 < len(texts) < 200
    assert (stats.damaged_parts, stats.cut_off) == (1, 1)
    assert not stats.is_whole


def test_an_empty_file_says_so_and_a_short_one_that_is_whole_does_not(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    sources = DumpFile(str(path), "xml", "bz2"), DumpFile(str(path), "json", "gz"), DumpFile(str(path), "parquet")
    assert [fault_of_end(source, STORAGE) for source in sources] == ["is empty"] * 3
    assert fault_of_end(DumpFile(str(path), "json"), STORAGE) == ""
    path.write_bytes(bz2.compress(b""))
    assert fault_of_end(DumpFile(str(path), "xml", "bz2"), STORAGE) == ""


def test_a_dump_whose_last_stream_is_missing_says_so(tmp_path: Path) -> None:
    path = tmp_path / "enwiki-20250101-pages-articles.xml.bz2"
    path.write_bytes(bz2.compress(b"<mediawiki>\n<page><title>A</title><revision><text>a</text></revision></page>\n"))
    assert find_truncation(DumpFile(str(path), "xml", "bz2"), STORAGE) == "lacks its last line, </mediawiki>"
    assert read(path)[0] == ["a"]


@pytest.mark.parametrize("pages_per_stream", [1, 100])
def test_a_whole_dump_has_its_end(tmp_path: Path, pages_per_stream: int) -> None:
    path = tmp_path / "enwiki-20250101-pages-articles-multistream.xml.bz2"
    write_multistream(path, [WikiPage(str(number), "text") for number in range(9)], "en", pages_per_stream)
    assert find_truncation(DumpFile(str(path), "xml", "bz2"), STORAGE) == ""
    texts, stats = read(path, split_bytes=200)
    assert texts == ["text"] * 9
    assert stats.is_whole
    plain = tmp_path / "dump.xml"
    plain.write_bytes(bz2.decompress(path.read_bytes()))
    assert find_truncation(DumpFile(str(plain), "xml"), STORAGE) == ""
    assert read(plain, split_bytes=200)[0] == texts


def test_the_headers_names_of_namespaces(tmp_path: Path) -> None:
    path = tmp_path / "dewiki-20250101-pages-articles.xml.bz2"
    write_dump(path, [], "de")
    hidden = hidden_namespaces(DumpFile(str(path), "xml", "bz2"), STORAGE)
    assert hidden == {"file", "image", "media", "category", "datei", "kategorie"}


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        split_file(DumpFile(str(tmp_path / "x.xml.bz2"), "xml", "bz2"), 1000, STORAGE)
