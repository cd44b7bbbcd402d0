from __future__ import annotations

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.wikipedia.dump_files import DumpFile, dump_files, is_dump_file

FORMS = {
    "d/enwiki-20250101-pages-articles.xml.bz2": ("xml", "bz2", "en"),
    "enwiki-latest-pages-articles1.xml-p1p41242.bz2": ("xml", "bz2", "en"),
    "zh_yuewiki-20250101-pages-articles-multistream.xml.bz2": ("xml", "bz2", "zh_yue"),
    "dewiki-20250101-cirrussearch-content.json.gz": ("json", "gz", "de"),
    "s3://b/be_x_oldwiki_content-20250101-00003.json.bz2": ("json", "bz2", "be_x_old"),
    "dewiki.jsonl": ("json", "none", "de"),
    "data/20231101.zh-yue/train-00000-of-00002.parquet": ("parquet", "none", "zh_yue"),
    "texts.parquet": ("parquet", "none", ""),
    "dump.xml": ("xml", "none", ""),
}


@pytest.mark.parametrize("path", FORMS)
def test_a_name_says_what_a_file_is(path: str) -> None:
    form, packing, wiki = FORMS[path]
    (source,) = dump_files([path])
    assert (source.form, source.packing, source.wiki) == (form, packing, wiki)
    assert is_dump_file(path)


@pytest.mark.parametrize("part", ["", "3"])
def test_an_index_goes_to_its_dump(part: str) -> None:
    span = "-p1p99" if part else ""
    dump = f"d/enwiki-20250101-pages-articles-multistream{part}.xml{span}.bz2"
    index = f"d/enwiki-20250101-pages-articles-multistream-index{part}.txt{span}.bz2"
    assert dump_files([index, dump]) == [DumpFile(dump, "xml", "bz2", index, "en")]
    with pytest.raises(UserError, match="is the index of"):
        dump_files([index])


def test_other_files_are_refused() -> None:
    assert not is_dump_file("d/pageviews-20250101-000000.gz")
    with pytest.raises(UserError, match=r"notes\.txt is no file of Wikipedia text"):
        dump_files(["notes.txt"])
    with pytest.raises(UserError, match="No file of Wikipedia text"):
        dump_files([])
