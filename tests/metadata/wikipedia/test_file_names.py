"""Names are parsed to wiki, form, date and part, and names that are made are recognised."""

from __future__ import annotations

import datetime

import pytest

from metaclip_curate.metadata.wikipedia.file_names import (
    DumpName,
    checksums_name,
    dump_of_index,
    index_of_dump,
    is_page_views,
    page_views_name,
    parse_dump_name,
    published_dump,
)

NAMES = {
    "d/dewiki-20250101-pages-articles-multistream.xml.bz2": DumpName("de", "multistream", "20250101", ""),
    "dewiki-latest-pages-articles3.xml-p1p99.bz2": DumpName("de", "articles", "latest", "3"),
    "dewiki-pages-articles.xml": DumpName("de", "articles", "", ""),
    "be_x_oldwiki-20250101-cirrussearch-content.json.gz": DumpName("be_x_old", "cirrussearch", "20250101", ""),
    "dewiki_content-20250101-00003.json.bz2": DumpName("de", "cirrussearch", "20250101", ""),
    "dewiki-20250101.parquet": DumpName("de", "text", "20250101", ""),
    "dewiki.sample.jsonl.gz": DumpName("de", "text", "", ""),
    "s3://b/20231101.zh-yue/train-00000-of-00002.parquet": DumpName("zh_yue", "text", "20231101", ""),
}


@pytest.mark.parametrize("path", NAMES)
def test_a_name_has_wiki_form_date_and_part(path: str) -> None:
    assert parse_dump_name(path) == NAMES[path]


@pytest.mark.parametrize(
    "path",
    [
        "dewiki-20250101-stub-articles.xml.gz",
        "dewiki-20250101-pages-articles-multistream-index.txt.bz2",
        "texts.parquet",
        "dewiki-20250101-pages-articles.xml.bz2.part",
    ],
)
def test_other_names_are_no_dumps(path: str) -> None:
    assert parse_dump_name(path) is None


@pytest.mark.parametrize(("part", "pages"), [("", ""), ("3", "-p1p99")])
def test_a_dump_and_its_index_name_each_other(part: str, pages: str) -> None:
    dump = f"d/dewiki-20250101-pages-articles-multistream{part}.xml{pages}.bz2"
    index = f"d/dewiki-20250101-pages-articles-multistream-index{part}.txt{pages}.bz2"
    assert index_of_dump(dump) == index
    assert dump_of_index(index) == dump
    assert dump_of_index(dump) is None


def test_page_views_of_an_hour() -> None:
    name = page_views_name(datetime.date(2025, 1, 2), 3)
    assert name == "pageviews-20250102-030000.gz"
    assert is_page_views(name)
    assert not is_page_views(f"{name}.part")


def test_checksums() -> None:
    assert checksums_name("dewiki", "20250101", "sha1") == "dewiki-20250101-sha1sums.txt"


def test_parts_are_taken_only_without_a_whole() -> None:
    whole, index = "xwiki-1-pages-articles-multistream.xml.bz2", "xwiki-1-pages-articles-multistream-index.txt.bz2"
    parts = [
        "xwiki-1-pages-articles-multistream-index1.txt-p1p9.bz2",
        "xwiki-1-pages-articles-multistream1.xml-p1p9.bz2",
    ]
    assert published_dump([whole, index, *parts], "multistream") == sorted([whole, index])
    assert published_dump(parts, "articles") == parts
    assert published_dump(["xwiki-1-stub-articles.xml.gz"], "articles") == []
