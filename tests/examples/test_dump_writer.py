from __future__ import annotations

import bz2
from pathlib import Path
from xml.etree import ElementTree

import pytest

from examples.dump_writer import WikiPage, languages, read_pages, write_dump, write_multistream

PAGES = [
    WikiPage("A & B", "'''x''' <ref>y</ref>"),
    WikiPage("C", "#REDIRECT [[A & B]]"),
    WikiPage("D", "z", model="json"),
]


def test_a_dump_is_xml_that_has_its_pages(tmp_path: Path) -> None:
    path = tmp_path / "a.xml.bz2"
    write_dump(path, PAGES, "de")
    root = ElementTree.fromstring(bz2.decompress(path.read_bytes()))
    name = root.tag.removesuffix("mediawiki")
    pages = root.findall(f"{name}page")
    assert [page.findtext(f"{name}title") for page in pages] == [page.title for page in PAGES]
    assert [page.findtext(f"{name}revision/{name}text") for page in pages] == [page.text for page in PAGES]
    redirects = [page.find(f"{name}redirect") for page in pages]
    assert [None if redirect is None else redirect.get("title") for redirect in redirects] == [None, "A & B", None]


def test_a_multistream_dump_is_the_same_and_its_index_fits(tmp_path: Path) -> None:
    write_dump(tmp_path / "plain.xml.bz2", PAGES, "de")
    path = tmp_path / "de-multistream.xml.bz2"
    index = write_multistream(path, PAGES, "de", pages_per_stream=2)
    data = path.read_bytes()
    assert bz2.decompress(data) == bz2.decompress((tmp_path / "plain.xml.bz2").read_bytes())
    lines = bz2.decompress(index.read_bytes()).decode().splitlines()
    offsets = [int(line.split(":")[0]) for line in lines]
    assert [line.split(":", 2)[2] for line in lines] == ["A & B", "C", "D"]
    assert offsets[0] == offsets[1] < offsets[2]
    assert b"<title>D</title>" in bz2.BZ2Decompressor().decompress(data[offsets[2] :])
    with pytest.raises(ValueError, match="must be named"):
        write_multistream(tmp_path / "x.xml.bz2", PAGES, "de")


def test_small_dumps_of_several_languages_ship() -> None:
    assert {"ar", "de", "en", "es", "fr", "ja", "th"} <= set(languages())
    for language in languages():
        pages = read_pages(language)
        assert sum(page.namespace == 0 for page in pages) >= 2
        assert {page.namespace for page in pages} == {0, 10}
